"""What is returned is published or quarantined: for random frames and random contracts."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, time
from pathlib import Path
from types import MappingProxyType
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polster.contracts.judge import settle_terms
from polster.lakehouse import staging
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import Asset, AssetKey, Options, Policy
from polster.model.layer import Layer
from polster.runtime.stage import Staged, Stager

KEY = AssetKey(Layer.SILVER, "t")
OWN = ("_rules", "_run_id", "_rejected_at")


@dataclass(frozen=True)
class Outcome:
    staged: Staged
    good: pl.DataFrame
    bad: pl.DataFrame | None  # as the quarantine holds it


@contextmanager
def _lakehouse() -> Iterator[Lakehouse]:
    with tempfile.TemporaryDirectory() as folder:
        yield Lakehouse(Store(folder))


def _stage(
    lakehouse: Lakehouse,
    frame: pl.LazyFrame,
    contract: type[dy.Schema],
    *,
    run: str = "run1",
    policies: dict[str, Policy] | None = None,
) -> Outcome:
    options = Options(
        contract=contract.__name__,
        on_violation=MappingProxyType({"*": Policy.QUARANTINE, **(policies or {})}),
    )
    asset = Asset(KEY, "src/core/silver_t.py", 1, "core.silver_t", options=options)
    terms = settle_terms(asset, contract, frame.collect_schema())
    table = lakehouse.table(KEY)
    quarantine = lakehouse.quarantine(KEY)
    stager = Stager(
        asset,
        terms,
        staging.Staging(lakehouse.store, table.uri, run),
        quarantine,
        run_id=run,
        at=datetime(2026, 1, 1, tzinfo=UTC),
    )
    staged = stager.stage(frame)
    good = staged.staging.scan(staged.files, staged.schema).collect()
    if staged.rejected:
        staged.rejected.commit({})
    rows = quarantine.scan(run)
    return Outcome(staged, good, None if rows is None else rows.collect())


texts = st.sampled_from(["1", "2", "03", "4.0", "7", "-1", "x", "", None])
values = st.fixed_dictionaries(
    {
        "id": st.sampled_from(["1", "2", "3", "01", "x", None]),
        "n": st.one_of(st.none(), st.sampled_from([0.0, 1.0, 2.5, 7.0, 300.0, float("nan")])),
        "group": st.sampled_from(["a", "b", None]),
        "extra": st.integers(0, 3),
    }
)
frames = st.lists(values, max_size=12).map(
    lambda rows: pl.DataFrame(
        rows, schema={"id": pl.String, "n": pl.Float64, "group": pl.String, "extra": pl.Int64}
    )
)


@st.composite
def contracts(draw: st.DrawFn) -> type[dy.Schema]:
    """Draw a contract over the columns of ``frames``, of casts, bounds, keys and group rules."""
    keyed = draw(st.booleans())
    id_type = draw(st.sampled_from([dy.Int64, dy.String]))
    n_type = draw(st.sampled_from([dy.Int8, dy.UInt8, dy.Int64, dy.Float64]))
    body: dict[str, Any] = {
        "id": id_type(primary_key=keyed, nullable=not keyed and draw(st.booleans())),
        "n": n_type(nullable=draw(st.booleans()), unique=draw(st.booleans())),
        "group": dy.String(nullable=draw(st.booleans())),
    }
    if draw(st.booleans()):
        body["n"] = n_type(nullable=True, max=draw(st.integers(1, 9)))
    if draw(st.booleans()):
        size = draw(st.integers(1, 3))
        body["small_groups"] = dy.rule()(lambda schema: pl.len().over("group") <= size)
    return type("Drawn", (dy.Schema,), body)


def _without(frame: pl.DataFrame, gone: pl.DataFrame) -> pl.DataFrame:
    left = _multiset(gone)
    kept = []
    for row in frame.rows():
        if left[repr(row)]:
            left[repr(row)] -= 1
        else:
            kept.append(row)
    return pl.DataFrame(kept, schema=frame.schema, orient="row")


def _multiset(frame: pl.DataFrame) -> Counter[str]:
    return Counter(repr(row) for row in frame.rows())


@settings(max_examples=80)
@given(frame=frames, contract=contracts())
def test_accepted_rows_satisfy_the_contract_and_none_is_lost(
    frame: pl.DataFrame, contract: type[dy.Schema]
) -> None:
    with _lakehouse() as lakehouse:
        outcome = _stage(lakehouse, frame.lazy(), contract)
    staged, good, bad = outcome.staged, outcome.good, outcome.bad

    assert staged.returned == frame.height == staged.rows + staged.rows_rejected
    assert good.height == staged.rows
    assert (0 if bad is None else bad.height) == staged.rows_rejected

    types = {name: column.dtype for name, column in contract.columns().items()}
    assert contract.is_valid(good.cast(types))  # type: ignore[arg-type]

    rejected = frame.clear() if bad is None else bad.select(frame.columns)
    assert not _multiset(rejected) - _multiset(frame)
    accepted = _without(frame, rejected).with_columns(
        pl.col(name).cast(dtype, strict=False) for name, dtype in types.items()
    )
    assert _multiset(good.select(frame.columns)) == _multiset(accepted)
    assert all(_rules(bad))
    assert set(staged.broken) >= {rule for rules in _rules(bad) for rule in rules}


def _rules(bad: pl.DataFrame | None) -> list[list[str]]:
    return [] if bad is None else bad["_rules"].to_list()


@settings(max_examples=40)
@given(frame=frames)
def test_a_key_keeps_exactly_one_row_of_each_group_that_has_a_good_one(frame: pl.DataFrame) -> None:
    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)
        n = dy.Float64(max=10)

    with _lakehouse() as lakehouse:
        outcome = _stage(lakehouse, frame.lazy(), Keyed)

    numbers = pl.col("id").cast(pl.Int64, strict=False)
    sound = frame.filter(numbers.is_not_null(), pl.col("n") <= 10, pl.col("n").is_not_nan())
    assert Counter(outcome.good["id"]) == Counter(set(sound.select(numbers)["id"]))


def test_a_corrupt_duplicate_does_not_drag_its_good_twin_along(tmp_path: Path) -> None:
    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)
        amount = dy.Float64(min=0)

    frame = pl.LazyFrame({"id": [1, 1, 2, 2], "amount": [-5.0, 5.0, 7.0, 8.0]})

    outcome = _stage(Lakehouse(Store(str(tmp_path))), frame, Keyed)

    assert outcome.good.rows() == [(1, 5.0), (2, 7.0)]
    assert outcome.staged.broken == {"amount|min": 1, "primary_key": 1}


def test_a_duplicate_key_is_quarantined_with_the_text_that_it_was_read_from(tmp_path: Path) -> None:
    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)
        price = dy.Float32()

    frame = pl.LazyFrame({"id": ["1", "01", "2"], "price": [0.1, 0.2, 0.3], "_source": ["a"] * 3})

    outcome = _stage(Lakehouse(Store(str(tmp_path))), frame, Keyed)

    assert outcome.bad is not None
    assert outcome.bad.drop(OWN).rows() == [("01", 0.2)]
    assert outcome.good["id"].to_list() == [1, 2]
    assert outcome.good.columns == ["id", "price"]


def test_both_ways_into_the_quarantine_give_the_same_columns(tmp_path: Path) -> None:
    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)
        n = dy.UInt8(max=9)
        at = dy.Time(nullable=True)

    moment = time(1, 2, 3, 4)
    frame = pl.DataFrame(
        {"id": ["1", "1", "2"], "n": [1, 2, 10], "at": [moment] * 3, "_batch_id": ["b"] * 3}
    )

    outcome = _stage(Lakehouse(Store(str(tmp_path))), frame.lazy(), Keyed)

    assert outcome.bad is not None
    assert outcome.bad.drop(OWN).sort("n").rows() == [
        ("1", 2, moment),
        ("2", 10, moment),
    ]


def test_group_rules_see_the_types_of_the_contract(tmp_path: Path) -> None:
    class Levels(dy.Schema):
        level = dy.Enum(["low", "high"])
        took = dy.Duration(nullable=True)

        @dy.rule()
        def up_to_high(cls) -> pl.Expr:
            return cls.level.col.max() == "high"

        @dy.rule()
        def together_short(cls) -> pl.Expr:
            return cls.took.col.sum() < pl.duration(hours=1)

    frame = pl.LazyFrame(
        {"level": ["low", "high"], "took": [1_000, 2_000]},
        schema={"level": pl.String, "took": pl.Duration("ms")},
    )

    outcome = _stage(Lakehouse(Store(str(tmp_path))), frame, Levels)

    assert outcome.good["level"].to_list() == ["low", "high"]


def test_the_order_of_rows_is_that_of_the_frame_over_several_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)

    monkeypatch.setattr(staging, "FILE_BYTES", 500_000)
    numbers = [*range(500_000), 0, 1]

    outcome = _stage(Lakehouse(Store(str(tmp_path))), pl.LazyFrame({"id": numbers}), Keyed)

    assert len(outcome.staged.files) > 2
    assert outcome.good["id"].to_list() == list(range(500_000))
    assert outcome.staged.broken == {"primary_key": 2}


def test_warn_publishes_duplicates_and_counts_them(tmp_path: Path) -> None:
    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)

    outcome = _stage(
        Lakehouse(Store(str(tmp_path))),
        pl.LazyFrame({"id": ["1", "01", "x"]}),
        Keyed,
        policies={"*": Policy.WARN},
    )

    assert outcome.good["id"].to_list() == [1, 1]
    assert outcome.staged.broken == {"primary_key": 1, "id|dtype": 1}
    assert outcome.good.columns == ["id"]
