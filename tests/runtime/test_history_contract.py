"""A history whose intervals are wrong does not get into its table, and is still made by the key."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.scaffold.assets import Dependency, NewAsset, Template, asset_files

if TYPE_CHECKING:
    from tests.conftest import Pipeline

    from polster.model.record import AssetRecord

BRONZE = """
@bronze(load="append", repeated_batch="skip")
def changes() -> pl.LazyFrame:
    return pl.scan_csv("changes.csv", try_parse_dates=True).with_columns(
        pl.col("recorded_at").cast(pl.Datetime("us")).dt.replace_time_zone("UTC")
    )
"""
FILE = "src/core/silver_told.py"
CALL = 'polster.history(changes, key="id", by="recorded_at")'
NO_GAP = "ends.eq_missing(next_begins)"
GAPS = "(ends <= next_begins).fill_null(next_begins.is_null())"


@pytest.fixture(name="told")
def told_fixture(pipeline: Pipeline) -> Pipeline:
    """A history as `polster add-asset --template history` writes it, and changes of two keys."""
    pipeline.asset("bronze.changes", BRONZE)
    read = Dependency("changes", AssetKey(Layer.BRONZE, "changes"))
    new = NewAsset(AssetKey(Layer.SILVER, "told"), (read,), template=Template.HISTORY)
    pipeline.write(FILE, asset_files(new).create[0].content.decode())
    arrive(
        pipeline,
        *("1,Ulm,2025-01-01,", "1,Bonn,2025-01-03,", "1,Kiel,2025-01-05,"),
        *("2,Jena,2025-01-01,", "2,Halle,2025-01-04,"),
    )
    return pipeline


def arrive(pipeline: Pipeline, *lines: str) -> None:
    pipeline.write("changes.csv", "\n".join(["id,town,recorded_at,gone", *lines, ""]))


def returns(told: Pipeline, column: str, value: str) -> None:
    """Have the function return its history with other values of a column for the first key."""
    spoiled = f'pl.when(pl.col("id") == 1).then({value}).otherwise("{column}")'
    told.edit(FILE, CALL, f"{CALL}.with_columns({column}={spoiled})")


def told_now(told: Pipeline) -> AssetRecord:
    return told.run().assets[-1]


@pytest.mark.sentence(18)
@pytest.mark.parametrize(
    ("column", "value", "rule"),
    [
        ("valid_to", 'pl.col("valid_to") + pl.duration(hours=1)', "intervals_meet"),
        ("valid_to", 'pl.col("valid_to") - pl.duration(hours=1)', "intervals_meet"),
        ("valid_to", "None", "intervals_meet"),
        (
            "valid_to",
            'pl.coalesce("valid_to", pl.datetime(2026, 1, 1, time_zone="UTC"))',
            "intervals_meet",
        ),
        ("is_current", "True", "one_is_current"),
    ],
    ids=["overlap", "gap", "two that are open", "none that is open", "two that are current"],
)
def test_a_history_whose_intervals_are_wrong_stays_out_of_the_table(
    told: Pipeline, column: str, value: str, rule: str
) -> None:
    returns(told, column, value)

    record = told_now(told)

    assert set(record.rules_broken) >= {rule}
    assert told.table("silver.told")["id"].unique().to_list() == [2]
    assert told.rejected("silver.told")["id"].to_list() == [1, 1, 1]


@pytest.mark.sentence(18)
def test_a_right_history_is_judged_and_made_by_the_key(told: Pipeline) -> None:
    first = told_now(told)
    arrive(told, "2,Gera,2025-01-02,")

    record = told_now(told)

    assert (first.rules_broken, record.rules_broken) == ({}, {})
    assert record.scope is not None
    assert (record.scope.kind, record.scope.by, record.scope.rows) == ("local", ("id",), 3)
    rows = told.table("silver.told").filter(pl.col("id") == 2).sort("valid_from")
    assert rows["town"].to_list() == ["Jena", "Gera", "Halle"]
    assert rows["valid_to"].to_list() == [*rows["valid_from"][1:], None]


@pytest.mark.sentence(18)
def test_a_gap_is_right_where_a_key_was_deleted_and_an_overlap_is_not(told: Pipeline) -> None:
    told.edit(FILE, CALL, CALL[:-1] + ', deleted=pl.col("gone") == "yes")')
    told.edit(FILE, f"return {NO_GAP}.all()", f"return {GAPS}.all()")
    arrive(
        told,
        *("1,Ulm,2025-01-01,", "1,Ulm,2025-01-03,yes", "1,Ulm,2025-01-05,"),
        *("2,Jena,2025-01-01,", "2,Jena,2025-01-04,yes"),
    )

    right = told_now(told)
    told.edit(FILE, '"yes")', '"yes").with_columns(valid_to=None)')
    wrong = told_now(told)

    assert right.rules_broken == {}
    assert wrong.rules_broken["intervals_meet"] == 2
