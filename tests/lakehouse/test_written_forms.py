"""What lakehouses hold in texts of JSON keeps its form, so that each version reads the others."""

from __future__ import annotations

import json

from polster.lakehouse.staging import StagedFile
from polster.lakehouse.told_changes import CHANGES, told
from polster.lakehouse.written_records import (
    failure_from_json,
    failure_to_json,
    read_lineage,
)
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import AssetLineage, ColumnOrigin, ColumnRef, lineage_to_json
from polster.model.record import Failure, Trace

GOLD = AssetKey(Layer.GOLD, "spending")
AMOUNT = ColumnRef(AssetKey(Layer.SILVER, "orders"), "amount")
DAY = ColumnRef(AssetKey(Layer.SILVER, "orders"), "at", ("day",))


def test_a_lineage_is_read_and_written_as_it_always_was() -> None:
    whole = ColumnOrigin(frozenset({AMOUNT}), frozenset({DAY}), "a Python function")
    lineage = AssetLineage(GOLD, {"spent": whole}, fields={("spent", "sum"): ColumnOrigin()})
    written = (
        '{"refs":[["silver.orders","amount"],["silver.orders","at","day"]],'
        '"columns":{"spent":[[0],[1],"a Python function"]},"fields":[[["spent","sum"],[],[]]]}'
    )

    assert lineage_to_json(lineage) == written
    assert read_lineage(GOLD, written) == lineage


def test_a_failure_is_read_and_written_as_it_always_was() -> None:
    failure = Failure("POL305", "it said 7", None, "a.py:1", Trace("7", "in a.py"), "it failed")
    written = (
        '{"code": "POL305", "message": "it failed", "hint": null, "place": "a.py:1", '
        '"frames": "in a.py"}'
    )

    assert failure_to_json(failure) == written
    assert failure_from_json(written) == Failure(
        "POL305", "it failed", None, "a.py:1", Trace("in a.py", "in a.py")
    )


def test_which_rows_a_commit_changes_is_written_as_it_always_was() -> None:
    said = told([StagedFile("1.parquet", 1, 9)], [StagedFile("2.parquet", 1, 9)])

    assert said == {CHANGES: json.dumps({"made": ["1.parquet"], "gone": ["2.parquet"]})}
