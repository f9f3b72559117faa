# ruff: noqa: DTZ001 - datetimes without a zone are part of what is tested
"""Bronze takes what arrives without loss, in a wider type if need be, or refuses it whole."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from datetime import date, datetime
from decimal import Decimal
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable, QueryBuilder
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from tests.columns import columns, is_same
from tests.conftest import Pipeline

from polster.lakehouse.rewriting import Rewrite
from polster.lakehouse.staging import StagedFile, Staging

MARKS = """
@bronze(load="{load}", repeated_batch="land")
def marks() -> pl.DataFrame:
    return pl.read_ipc("landing/marks.ipc")
"""
UNGUARDED = 'allow_empty=True, expect=polster.Expect(null_share={"v": 1.0}), load='
"""Lets a batch have no values at all."""
LOADS = ("append", "snapshot")
TEXT = {"_batch_id": pl.String}


def land(pipeline: Pipeline, frame: pl.DataFrame) -> tuple[str, tuple[str, ...], str | None]:
    """Return how landing ``frame`` came out, what was noted, and the code of the error."""
    file = pipeline.root / "landing" / "marks.ipc"
    file.parent.mkdir(exist_ok=True)
    frame.write_ipc(file)
    (record,) = pipeline.run("bronze.marks").assets
    return record.status.value, record.notes, record.error.code if record.error else None


def column(*values: Any, dtype: Any = None) -> pl.DataFrame:
    return pl.DataFrame({"v": pl.Series(values, dtype=dtype, strict=False)})


@pytest.fixture(name="marks", params=LOADS)
def marks_fixture(pipeline: Pipeline, request: pytest.FixtureRequest) -> Pipeline:
    pipeline.asset("bronze.marks", MARKS.format(load=request.param))
    return pipeline


def everything(pipeline: Pipeline) -> list[Any]:
    """Return the values of all batches in the order of their landing."""
    rows = pl.read_delta(str(pipeline.data / "bronze" / "marks"))
    return rows.sort("_ingested_at", maintain_order=True)["v"].to_list()


M = Decimal
BIG = 2**53
TYPES: dict[str, tuple[Sequence[Any], Any, Sequence[Any], Any, Any]] = {
    "an integer that outgrows its type": ([1], pl.Int32, [3 * 10**9], pl.Int64, pl.Int64),
    "a smaller integer": ([1], pl.Int64, [2], pl.Int32, pl.Int64),
    "money with more digits": (
        [M("1.50")], pl.Decimal(10, 2), [M("9999999999.50")], pl.Decimal(12, 2), pl.Decimal(12, 2)
    ),
    "money in finer parts": (
        [M("99999999.50")], pl.Decimal(10, 2), [M("1.2345")], pl.Decimal(8, 4), pl.Decimal(12, 4)
    ),
    "an integer beside money": ([7], pl.Int32, [M("1.5")], pl.Decimal(4, 1), pl.Decimal(11, 1)),
    "a float of double precision": ([1.5], pl.Float32, [0.1], pl.Float64, pl.Float64),
    "a float that is whole today": ([3.5], pl.Float64, [4], pl.Int64, pl.Float64),
    "whole floats among integers": ([7], pl.Int64, [8.0], pl.Float64, pl.Int64),
    "a float among integers": ([7, BIG], pl.Int64, [3.5], pl.Float64, pl.Float64),
    "integers too large for floats": ([7.0], pl.Float64, [BIG + 1], pl.Int64, pl.Int64),
    "a large unsigned number": ([7], pl.Int64, [2**64 - 1], pl.UInt64, pl.Decimal(20, 0)),
    "a small unsigned number": ([7], pl.Int64, [8], pl.UInt64, pl.Int64),
    "items of a list": ([[1]], pl.List(pl.Int32), [[3 * 10**9]], pl.List(pl.Int64),
                        pl.List(pl.Int64)),
    "an array among lists": ([[1]], pl.List(pl.Int8), [[300, 2]], pl.Array(pl.Int16, 2),
                             pl.List(pl.Int16)),
    "a moment among days": ([date(2024, 1, 1)], pl.Date, [datetime(2024, 1, 2, 3)],
                            pl.Datetime("ms"), pl.Datetime("us")),
    "nothing, then numbers": ([None], pl.Null, [5], pl.Int64, pl.Int64),
    "nothing, then lists": ([None], pl.Null, [[5]], pl.List(pl.Int64), pl.List(pl.Int64)),
    "nothing in lists, then numbers": ([[], [None]], pl.List(pl.Null), [[5]], pl.List(pl.Int64),
                                       pl.List(pl.Int64)),
    "text without a value among numbers": ([5], pl.Int64, [None], pl.String, pl.Int64),
    "numbers without a value, then text": ([None], pl.Int64, ["x"], pl.String, pl.String),
    "numbers among text": (["x"], pl.String, [5], pl.Int64, pl.String),
    "a field that becomes a float": (
        [{"a": 1}], pl.Struct({"a": pl.Int64}), [{"a": 0.5}], pl.Struct({"a": pl.Float64}),
        pl.Struct({"a": pl.Float64})
    ),
}  # fmt: skip


@pytest.mark.parametrize("marks", ["snapshot"], indirect=True)
@pytest.mark.parametrize("kind", TYPES)
def test_what_fits_lands_in_a_type_that_holds_both(marks: Pipeline, kind: str) -> None:
    first, before, second, arriving, after = TYPES[kind]
    marks.edit("src/core/bronze_marks.py", "load=", UNGUARDED)
    land(marks, column(*first, dtype=before))

    status, _, error = land(marks, column(*second, dtype=arriving))

    assert (status, error) == ("published", None)
    kept, returned = everything(marks), [*first, *second]
    assert len(kept) == len(returned)
    assert all(map(is_same, kept, returned))
    assert pl.read_delta(str(marks.data / "bronze" / "marks")).schema["v"] == after
    assert marks.staged_files() == []


NO_COMMON: dict[str, tuple[Sequence[Any], Any, Sequence[Any], Any]] = {
    "text": ([5], pl.Int64, ["n/a"], pl.String),
    "a fraction beside a large integer": ([BIG + 1], pl.Int64, [3.5], pl.Float64),
    "a float among money": ([M("1.10")], pl.Decimal(10, 2), [1.1], pl.Float64),
    "more digits than any": ([M(10) ** 20], pl.Decimal(38, 0), [M("0.5")], pl.Decimal(38, 30)),
    "a zone": ([datetime(2024, 1, 1)], pl.Datetime("us"), [datetime(2024, 1, 2)],
               pl.Datetime("us", "UTC")),
    "a list": ([5], pl.Int64, [[5]], pl.List(pl.Int64)),
    "a length of time": ([5], pl.Int64, [5], pl.Duration("us")),
}  # fmt: skip


@pytest.mark.parametrize("marks", ["append"], indirect=True)
@pytest.mark.parametrize("kind", NO_COMMON)
def test_what_does_not_fit_leaves_the_table_and_says_a_way_on(marks: Pipeline, kind: str) -> None:
    first, before, second, arriving = NO_COMMON[kind]
    land(marks, column(*first, dtype=before))

    assert land(marks, column(*second, dtype=arriving))[2] == "POL406"

    assert marks.version("bronze.marks") == 0
    assert everything(marks) == first
    assert marks.staged_files() == []
    error = marks.runs[-1].assets[0].error
    hint = (error and error.hint) or ""
    rename = hint[hint.index(".rename(") : hint.index("})") + 2]
    marks.edit("src/core/bronze_marks.py", '.ipc")', f'.ipc"){rename}')
    assert land(marks, column(*second, dtype=arriving))[0] == "published"


def test_a_column_typed_as_it_was_lands(marks: Pipeline) -> None:
    land(marks, column(5))
    assert land(marks, column("n/a"))[2] == "POL406"

    marks.edit(
        "src/core/bronze_marks.py",
        '.ipc")',
        ".ipc\").cast({'v': pl.Int64}, strict=False)",
    )

    assert land(marks, column("n/a", "7"))[0] == "published"
    assert everything(marks) == [5, None, 7]


@pytest.mark.parametrize(
    ("before", "arriving", "dtype", "text"),
    [
        ("noon", 1_000, pl.Datetime("ns"), "1970-01-01 00:00:00.000001"),
        ("much", 7, pl.Int128(), "7"),
        (["noon"], [1_000], pl.List(pl.Datetime("ns")), ["1970-01-01 00:00:00.000001"]),
    ],
)
def test_what_is_kept_among_text_is_read_as_text(
    marks: Pipeline, before: Any, arriving: Any, dtype: pl.DataType, text: Any
) -> None:
    land(marks, column(before))

    landed = land(marks, column(arriving, dtype=dtype))

    assert landed[0] == "published"
    assert marks.table("bronze.marks").schema == column(text).schema
    assert text in marks.table("bronze.marks")["v"].to_list()
    assert everything(marks) == [before, text]


def test_a_wider_type_is_told_once_and_recorded(marks: Pipeline) -> None:
    land(marks, column(7))

    noted = [land(marks, column(3.5 + day))[1] for day in range(2)]

    assert noted == [("`v` is Float64 now, was Int64",), ()]
    log = marks.data / "bronze" / "marks" / "_delta_log"
    text = "".join(file.read_text(encoding="utf-8") for file in sorted(log.glob("*.json")))
    assert '"polster.widened":"`v` is Float64 now, was Int64"' in text


def test_fields_of_structs_come_and_go_as_columns_do(marks: Pipeline) -> None:
    day1 = pl.DataFrame({"p": [{"a": 1, "q": {"x": 1}}], "l": [[{"a": 1}]]})
    day2 = pl.DataFrame({"p": [{"q": {"x": 2, "y": "z"}}], "l": [[{"a": 2, "b": True}]]})

    noted = [land(marks, day)[1] for day in (day1, day2, day2.vstack(day2), day1)]

    assert noted == [
        (),
        ("new in the source: p.q.y, l.b",),
        (),
        (),
    ]
    assert [[each.subject for each in run.standing] for run in marks.runs] == [
        [],
        ["p.a"],
        ["p.a"],
        ["p.q.y", "l.b"],
    ]
    rows = pl.read_delta(str(marks.data / "bronze" / "marks")).sort(
        "_ingested_at", maintain_order=True
    )
    one = {"p": {"a": 1, "q": {"x": 1, "y": None}}, "l": [{"a": 1, "b": None}]}
    two = {"p": {"a": None, "q": {"x": 2, "y": "z"}}, "l": [{"a": 2, "b": True}]}
    assert rows.select("p", "l").to_dicts() == [one, two, two, two, one]


def test_names_of_fields_that_differ_in_case_only_are_refused(marks: Pipeline) -> None:
    land(marks, column({"a": 1}))

    assert land(marks, column({"A": 1}))[2] == "POL406"


def test_every_version_reads_right_for_every_reader(marks: Pipeline) -> None:
    land(marks, column(7))
    land(marks, column(3.5))

    uri = str(marks.data / "bronze" / "marks")
    newest = DeltaTable(uri).version()
    begun = newest - 2
    assert [
        sorted(pl.read_delta(uri, version=v)["v"]) for v in range(newest + 1) if v != begun
    ] == [
        [7],
        [7.0],
        [3.5, 7.0],
    ]
    for version, values in ((0, [7]), (begun, [7.0]), (begun + 1, [7.0]), (newest, [3.5, 7.0])):
        table = DeltaTable(uri, version)
        found = QueryBuilder().register("t", table).execute("select v from t order by v").read_all()
        assert pl.DataFrame(found)["v"].to_list() == values
    preview = marks.cli("preview", "bronze.marks", "--version", "0", "--format", "json")
    assert [row["v"] for row in json.loads(preview.stdout)["rows"]] == [7]
    between = marks.cli("preview", "bronze.marks", "--version", str(begun), "--format", "json")
    assert [row["v"] for row in json.loads(between.stdout)["rows"]] == [7]


def test_the_table_refuses_change_before_and_after(marks: Pipeline) -> None:
    land(marks, column(date(2024, 1, 1)))
    land(marks, column(datetime(2024, 1, 1, 5)))

    table = DeltaTable(str(marks.data / "bronze" / "marks"))

    assert table.metadata().configuration["delta.appendOnly"] == "true"
    assert "appendOnly" in (table.protocol().writer_features or [])
    assert table.protocol().reader_features == ["timestampNtz"]
    with pytest.raises(Exception, match="append-only"):
        table.delete()


@pytest.mark.in_this_process
def test_a_kill_between_the_commits_is_finished_by_the_next_run(
    marks: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    marks.asset("silver.marks", SILVER)
    land(marks, column(7))
    with monkeypatch.context() as patched:
        patched.setattr(Rewrite, "replace_files", _killed)
        assert land(marks, column(3.5))[2] == "POL900"

    assert marks.table("bronze.marks")["v"].to_list() == [7]
    marks.run("silver.marks", full_refresh=True)
    assert marks.table("silver.marks")["v"].to_list() == [7.0]
    assert land(marks, column(3.5, 4.0))[0] == "published"
    assert sorted(everything(marks)) == [3.5, 4.0, 7.0]


def _change_nothing(table: DeltaTable) -> None:
    table.alter.set_table_properties({"delta.logRetentionDuration": "interval 30 days"})


def _compact(table: DeltaTable) -> None:
    assert table.optimize.compact()["numFilesAdded"]


@pytest.mark.in_this_process
@pytest.mark.parametrize("between", [_change_nothing, _compact])
def test_a_kill_between_the_commits_is_finished_though_others_committed_since(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, between: Callable[[DeltaTable], None]
) -> None:
    pipeline.asset("bronze.marks", MARKS.format(load="append"))
    land(pipeline, column(date(2024, 1, 1)))
    land(pipeline, column(date(2024, 1, 2)))
    with monkeypatch.context() as patched:
        patched.setattr(Rewrite, "replace_files", _killed)
        assert land(pipeline, column(datetime(2024, 1, 3, 4)))[2] == "POL900"
    place = str(pipeline.data / "bronze" / "marks")
    between(DeltaTable(place))

    assert [value.day for value in sorted(pipeline.table("bronze.marks")["v"])] == [1, 2]
    assert land(pipeline, column(datetime(2024, 1, 3, 4)))[0] == "published"
    assert sorted(value.day for value in everything(pipeline)) == [1, 2, 3]
    assert pl.read_delta(place).schema["v"] == pl.Datetime("us")


def test_a_wider_type_keeps_rows_that_are_of_no_batch(pipeline: Pipeline) -> None:
    place = str(pipeline.data / "bronze" / "marks")
    before = pl.DataFrame({"v": [1, 2], "_batch_id": [None, None]}, schema_overrides=TEXT)
    before.write_delta(place, delta_write_options={"partition_by": ["_batch_id"]})
    pipeline.asset("bronze.marks", MARKS.format(load="snapshot"))
    column(3.5).write_ipc(pipeline.write("landing/marks.ipc", ""))

    assert pipeline.run(adopt=True).status == "succeeded"

    assert sorted(pl.read_delta(place)["v"]) == [1.0, 2.0, 3.5]
    assert pipeline.table("bronze.marks")["v"].to_list() == [3.5]
    assert DeltaTable(place).count() == 3


@pytest.mark.in_this_process
@pytest.mark.parametrize("load", LOADS)
def test_a_wider_type_is_refused_that_would_not_keep_every_row(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, load: str
) -> None:
    pipeline.asset("bronze.marks", MARKS.format(load=load))
    land(pipeline, column(1, 2))
    sink = Staging.sink

    def lose(staging: Staging, frame: pl.LazyFrame, *step: Any) -> list[StagedFile]:
        return sink(staging, frame.filter(pl.col("v") != 2), *step)

    with monkeypatch.context() as patched:
        patched.setattr("polster.lakehouse.rewriting.Staging.sink", lose)
        assert land(pipeline, column(3.5))[2] == "POL423"

    assert everything(pipeline) == [1, 2]
    assert pipeline.staged_files() == []


SILVER = """
class Marks(dy.Schema):
    v = dy.Float64()


@silver(contract=Marks)
def marks(bronze_marks: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_marks.select("v")
"""


def _killed(*_: object) -> None:
    raise RuntimeError("killed")


def test_silver_reads_the_wider_type(marks: Pipeline) -> None:
    marks.asset("silver.marks", SILVER)
    land(marks, column(7))
    marks.run("silver.marks")
    land(marks, column(3.5))

    (record,) = marks.run("silver.marks").assets

    assert record.status == "published"
    assert record.reasons == ("bronze.marks has new data",)
    assert sorted(marks.table("silver.marks")["v"])[0] == 3.5
    assert marks.cli("validate").exit_code == 0


def test_a_contract_in_bronze_may_become_wider(pipeline: Pipeline) -> None:
    asset = """
    class Marks(dy.Schema):
        v = dy.{kind}()

    @bronze(load="append", contract=Marks)
    def marks() -> pl.DataFrame:
        return pl.read_ipc("landing/marks.ipc")
    """
    pipeline.asset("bronze.marks", asset.format(kind="Int32"))
    land(pipeline, column(1))
    pipeline.asset("bronze.marks", asset.format(kind="Float64"))

    assert land(pipeline, column(2.5))[0] == "published"

    assert everything(pipeline) == [1.0, 2.5]


@settings(
    max_examples=8,
    phases=[Phase.generate],
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(frames=st.lists(columns(), min_size=2, max_size=4), load=st.sampled_from(LOADS))
def test_all_that_lands_is_read_back_value_for_value(
    tmp_path_factory: pytest.TempPathFactory, frames: list[pl.DataFrame], load: str
) -> None:
    pipeline = Pipeline(tmp_path_factory.mktemp("evolves"))
    pipeline.asset("bronze.marks", MARKS.format(load=load).replace("load=", UNGUARDED))
    returned: list[Any] = []
    for frame in frames:
        before = pipeline.version("bronze.marks") if returned else None
        status, _, error = land(pipeline, frame)
        if status == "published":
            returned += frame["v"].to_list()
        elif status == "failed":
            # a field of a struct that was filled may be all null in these few rows
            assert error in ("POL406", "POL309", "POL325"), error
            assert not returned or pipeline.version("bronze.marks") == before
        if returned:
            kept = everything(pipeline)
            assert len(kept) == len(returned)
            assert all(map(is_same, kept, returned)), (kept, returned)
    assert pipeline.staged_files() == []
