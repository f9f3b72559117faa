"""A value that does not fit its column is kept beside it, and holds back no row and no file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from polster.model.record import RunRecord

if TYPE_CHECKING:
    from tests.conftest import Pipeline

FILES = """
from polster.sources import files

@bronze(load="{load}"{options})
def orders():
    return files("landing/*.{kind}")
"""


def land_from(pipeline: Pipeline, kind: str, load: str = "append", options: str = "") -> None:
    pipeline.asset("bronze.orders", FILES.format(kind=kind, load=load, options=options))
    (pipeline.root / "landing").mkdir(exist_ok=True)


def put(pipeline: Pipeline, name: str, values: Sequence[Any], dtype: Any = None) -> Path:
    path = pipeline.root / "landing" / name
    if path.suffix == ".parquet":
        pl.DataFrame({"v": pl.Series(values, dtype=dtype)}).write_parquet(path)
    else:
        path.write_text("".join(f"{json.dumps({'v': value})}\n" for value in values))
    return path


def rows(pipeline: Pipeline, *columns: str) -> list[tuple[Any, ...]]:
    table = pl.read_delta(str(pipeline.data / "bronze" / "orders"))
    return table.sort("_ingested_at", maintain_order=True).select(columns).rows()


def warnings(record: RunRecord) -> list[tuple[str, str]]:
    return [(each.code, each.message) for each in record.standing]


@pytest.mark.sentence(39)
def test_a_value_that_does_not_fit_is_kept_and_its_row_and_the_other_files_land(
    pipeline: Pipeline,
) -> None:
    land_from(pipeline, "jsonl")
    put(pipeline, "a.jsonl", [1, 2])
    pipeline.landed()
    put(pipeline, "b.jsonl", [3, "n/a", 5])
    put(pipeline, "c.jsonl", [6])

    record = pipeline.landed()

    assert (record.status.value, record.rows_published, record.notes) == ("published", 4, ())
    assert rows(pipeline, "v", "_rescued", "_source", "_row") == [
        (1, None, "landing/a.jsonl", 1),
        (2, None, "landing/a.jsonl", 2),
        (3, None, "landing/b.jsonl", 1),
        (None, '{"v":"n/a"}', "landing/b.jsonl", 2),
        (5, None, "landing/b.jsonl", 3),
        (6, None, "landing/c.jsonl", 1),
    ]


BIG = 2**53
NAIVE = datetime(2024, 1, 1)  # noqa: DTZ001
KINDS: dict[str, tuple[Sequence[Any], Any, Sequence[Any], Any, Sequence[Any], str]] = {
    "text among numbers": ([1], pl.Int64, ["7", "n/a"], pl.String, [7, None], "n/a"),
    "leading zeros": ([1], pl.Int64, ["7", "007"], pl.String, [7, None], "007"),
    "an integer too large": ([1], pl.Int64, ["7", str(2**63)], pl.String, [7, None], str(2**63)),
    "a fraction beside large integers": (
        [BIG + 1], pl.Int64, [3.0, 3.5], pl.Float64, [3, None], "3.5"
    ),
    "a date among numbers": (
        [1], pl.Int64, [None, date(2024, 1, 2)], pl.Date, [None, None], "2024-01-02"
    ),
    "text among dates": (
        [date(2024, 1, 1)], pl.Date, ["2024-01-02", "soon"], pl.String,
        [date(2024, 1, 2), None], "soon"
    ),
    "a moment with a zone": (
        [NAIVE], pl.Datetime("us"), [None, NAIVE], pl.Datetime("us", "UTC"),
        [None, None], "2024-01-01 00:00:00.000000+00:00"
    ),
    "decimals beyond the scale": (
        [Decimal("1.50")], pl.Decimal(10, 2), ["2.5", "2.505"], pl.String,
        [Decimal("2.50"), None], "2.505"
    ),
    "decimals of more than 38 digits": (
        [Decimal(10) ** 20], pl.Decimal(38, 0), [Decimal(3), Decimal("0.5")], pl.Decimal(38, 30),
        [Decimal(3), None], "0.500000000000000000000000000000"
    ),
    "a float among money": (
        [Decimal("1.10")], pl.Decimal(10, 2), [None, 1.1], pl.Float64, [None, None], "1.1"
    ),
    "more digits than a float has": (
        [0.5], pl.Float64, ["0.30000000000000004", "0.1234567890123456789"], pl.String,
        [0.1 + 0.2, None], "0.1234567890123456789"
    ),
    "a list": ([1], pl.Int64, [[], [1, 2]], pl.List(pl.Int64), [None, None], "[1,2]"),
    "a field of a struct": (
        [{"a": 1}], pl.Struct({"a": pl.Int64}), [{"a": None}, {"a": "x"}],
        pl.Struct({"a": pl.String}), [{"a": None}, None], '{"a":"x"}'
    ),
    "an item of a list": (
        [[1]], pl.List(pl.Int64), [[], ["x"]], pl.List(pl.String), [[], None], '["x"]'
    ),
    "a length of time": (
        [5], pl.Int64, [None, timedelta(seconds=5)], pl.Duration("us"), [None, None], "5000000"
    ),
    "bytes": (["x"], pl.String, [None, b"\xff"], pl.Binary, [None, None], "ff"),
    "bytes in a list": (
        [1], pl.Int64, [None, [b"\xff"]], pl.List(pl.Binary), [None, None], '["ff"]'
    ),
    "a truth": ([True], pl.Boolean, ["false", "no"], pl.String, [False, None], "no"),
    "nanoseconds": (
        [1], pl.Int64, [None, NAIVE], pl.Datetime("ns"),
        [None, None], "2024-01-01T00:00:00.000000000"
    ),
}  # fmt: skip


@pytest.mark.sentence(39)
@pytest.mark.parametrize("kind", KINDS)
def test_what_no_type_holds_is_kept_as_it_was_written(pipeline: Pipeline, kind: str) -> None:
    first, before, second, arriving, fitted, kept = KINDS[kind]
    land_from(pipeline, "parquet")
    put(pipeline, "a.parquet", first, before)
    pipeline.landed()
    put(pipeline, "b.parquet", second, arriving)

    pipeline.landed()

    table = pl.read_delta(str(pipeline.data / "bronze" / "orders"))
    assert table.schema["v"] == before
    new = rows(pipeline, "v", "_rescued", "_source")[len(first) :]
    assert [value for value, _, _ in new] == list(fitted)
    texts = [json.loads(text)["v"] for _, text, _ in new if text is not None]
    assert texts[-1] == kept
    assert len(texts) == sum(
        each is not None and value is None for each, value in zip(second, fitted, strict=True)
    )


@pytest.mark.sentence(39)
def test_files_of_several_types_land_together_in_the_type_of_the_table(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    put(pipeline, "a.jsonl", [0.5])
    pipeline.landed()
    put(pipeline, "b.jsonl", [1])
    put(pipeline, "c.jsonl", [2.5])
    put(pipeline, "d.jsonl", [{"amount": 1.50}, 7])
    put(pipeline, "e.jsonl", [[1, 2]])

    pipeline.landed()

    assert rows(pipeline, "v", "_rescued") == [
        (0.5, None),
        (1.0, None),
        (2.5, None),
        (None, '{"v":"{\\"amount\\": 1.5}"}'),
        (7.0, None),
        (None, '{"v":"[1,2]"}'),
    ]


def test_what_a_wider_type_holds_is_not_rescued(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    for name, value in {"a": 1, "b": 2.5, "c": 3}.items():
        put(pipeline, f"{name}.jsonl", [value])
        pipeline.landed()

    assert rows(pipeline, "v") == [(1.0,), (2.5,), (3.0,)]
    assert "_rescued" not in pipeline.table("bronze.orders").columns


@pytest.mark.sentence(39)
def test_a_column_of_text_takes_everything_as_text(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    put(pipeline, "a.jsonl", [1, {"x": 1.50}])
    put(pipeline, "a_.jsonl", [{"x": 1}, None])
    put(pipeline, "b.jsonl", [2])
    pipeline.landed()
    later: dict[str, Any] = {"c": 3, "d": {"y": "ä"}, "e": [1, 2]}
    for name, value in later.items():
        put(pipeline, f"{name}.jsonl", [value])
        pipeline.landed()

    values = [value for (value,) in rows(pipeline, "v")]
    assert values == ["1", '{"x": 1.5}', '{"x":1}', None, "2", "3", '{"y":"ä"}', "[1,2]"]
    assert "_rescued" not in pipeline.table("bronze.orders").columns


@pytest.mark.sentence(39)
def test_a_struct_without_fields_holds_back_nothing(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    put(pipeline, "a.jsonl", [{"x": 1}])
    pipeline.landed()
    put(pipeline, "b.jsonl", [{}, None])
    put(pipeline, "c.jsonl", [{"x": 2}])

    pipeline.landed()

    assert rows(pipeline, "v", "_rescued") == [
        ({"x": 1}, None),
        (None, '{"v":"{}"}'),
        (None, None),
        ({"x": 2}, None),
    ]


@pytest.mark.sentence(39)
def test_a_large_file_is_rescued_a_piece_at_a_time(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.sources.file_rows.LARGE_BYTES", 10)
    land_from(pipeline, "jsonl")
    put(pipeline, "a.jsonl", [1])
    pipeline.landed()
    put(pipeline, "b.jsonl", [*range(3000), "n/a"])

    record = pipeline.landed()

    assert record.rows_published == 3001
    assert rows(pipeline, "v", "_rescued")[-2:] == [(2999, None), (None, '{"v":"n/a"}')]


@pytest.mark.sentence(39)
def test_what_was_rescued_stays_when_its_column_is_widened(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    for name, value in {"a": 1, "b": "n/a", "c": 2.5, "d": "none"}.items():
        put(pipeline, f"{name}.jsonl", [value])
        pipeline.landed()

    assert rows(pipeline, "v", "_rescued") == [
        (1.0, None),
        (None, '{"v":"n/a"}'),
        (2.5, None),
        (None, '{"v":"none"}'),
    ]


@pytest.mark.sentence(39)
def test_a_warning_stands_until_somebody_acknowledges_it(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    put(pipeline, "a.jsonl", [1])
    pipeline.landed()
    put(pipeline, "b.jsonl", [3, "n/a", "none"])

    first, unchanged = pipeline.run(), pipeline.run()
    put(pipeline, "c.jsonl", [4])
    beside = pipeline.run()
    pipeline.cli("acknowledge", "bronze.orders")
    put(pipeline, "d.jsonl", [5])
    acknowledged = pipeline.run()
    put(pipeline, "e.jsonl", [6, "x"])
    again = pipeline.run()

    said = (
        "2 values of `v` do not fit Int64 and are kept as text in `_rescued`: 2 in landing/b.jsonl"
    )
    assert [warnings(each) for each in (first, unchanged, beside)] == [[("POL367", said)]] * 3
    assert len({each.standing[0].identity for each in (first, unchanged, beside)}) == 1
    assert warnings(acknowledged) == []
    assert warnings(again) == [
        (
            "POL367",
            "1 value of `v` does not fit Int64 and is kept as text in `_rescued`: "
            "1 in landing/e.jsonl",
        )
    ]
    assert all(not note for run in pipeline.runs for note in run.assets[0].notes)


@pytest.mark.sentence(39)
def test_a_snapshot_rescues_as_well_and_warns_as_long_as_it_must(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl", load="snapshot")
    put(pipeline, "a.jsonl", [1])
    pipeline.landed()
    put(pipeline, "b.jsonl", ["n/a"])
    warned = pipeline.run()
    put(pipeline, "b.jsonl", ["none"])
    other = pipeline.landed()
    kept = pipeline.table("bronze.orders")["_rescued"].to_list()
    put(pipeline, "b.jsonl", [2])

    mended = pipeline.run()

    assert [code for code, _ in warnings(warned)] == ["POL367"]
    assert (other.status.value, kept) == ("published", [None, '{"v":"none"}'])
    assert warnings(mended) == []
    assert pipeline.table("bronze.orders")["v"].to_list() == [1, 2]


def test_a_file_with_a_column_that_polster_adds_is_set_aside(pipeline: Pipeline) -> None:
    land_from(pipeline, "csv")
    for name in ("_row", "_batch_id", "_Rescued"):
        (pipeline.root / "landing" / f"{name.strip('_')}.csv").write_text(f"id,{name}\n1,x\n")
    (pipeline.root / "landing" / "z.csv").write_text("id\n1\n")

    run = pipeline.run()

    assert rows(pipeline, "id") == [("1",)]
    assert "it has a column _Rescued, which Polster adds itself" in run.standing[0].message
    assert run.standing[0].message.startswith("3 files set aside")


CONTRACT = """
import dataframely as dy
from polster.sources import files

class Orders(dy.Schema):
    v = dy.Int64(nullable={nullable})
    _row = dy.Int64()

@bronze(load="append", contract=Orders, extra_columns="fail")
def orders():
    return files("landing/*.jsonl")
"""


def test_what_a_contract_casts_it_judges_and_the_rest_is_rescued(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", CONTRACT.format(nullable=True))
    (pipeline.root / "landing").mkdir()
    put(pipeline, "a.jsonl", [1])
    pipeline.landed()
    put(pipeline, "b.jsonl", [2, "n/a"])
    cast = pipeline.landed()
    put(pipeline, "c.jsonl", [[5]])

    rescued = pipeline.landed()

    assert cast.rules_broken == {"v|dtype": 1}
    assert rescued.rows_published == 1
    assert rows(pipeline, "v", "_rescued") == [(1, None), (2, None), (None, '{"v":"[5]"}')]


def test_a_rule_of_the_contract_keeps_the_row_out_with_what_was_rescued(
    pipeline: Pipeline,
) -> None:
    contract = CONTRACT.format(nullable=False)
    pipeline.asset("bronze.orders", contract.replace("extra", "max_quarantined=1.0, extra"))
    (pipeline.root / "landing").mkdir()
    put(pipeline, "a.jsonl", [1])
    pipeline.landed()
    put(pipeline, "b.jsonl", [[5]])

    record = pipeline.landed()

    assert record.rules_broken == {"v|nullability": 1}
    kept = pl.read_delta(str(pipeline.data / "quarantine" / "bronze" / "orders"))
    assert kept["_rescued"].to_list() == ['{"v":"[5]"}']
    assert rows(pipeline, "v") == [(1,)]


SILVER = """
import dataframely as dy

class Orders(dy.Schema):
    v = dy.Int64(nullable=True)

@silver(contract=Orders, extra_columns="fail")
def clean(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.drop("_row")
"""


def test_silver_goes_on_when_the_column_is_added(pipeline: Pipeline) -> None:
    land_from(pipeline, "jsonl")
    pipeline.asset("silver.clean", SILVER)
    put(pipeline, "a.jsonl", [1])
    pipeline.run()
    put(pipeline, "b.jsonl", ["n/a"])

    run = pipeline.run()

    assert [each.error for each in run.assets] == [None, None]
    assert pipeline.table("silver.clean").columns == ["v"]
