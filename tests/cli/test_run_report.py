from __future__ import annotations

import json
from datetime import UTC, datetime

from polster.cli.run_report import run_as_json
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.record import (
    AssetRecord,
    AssetStatus,
    Failure,
    Fingerprint,
    Matched,
    RunRecord,
    RunStatus,
    Trace,
)
from polster.model.scope import Scope, ScopeKind
from polster.model.standing import Acknowledgement, StandingWarning

KEY = AssetKey(Layer.SILVER, "orders")
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
WRITTEN = (
    '{"run_id": "r", "status": "failed", "environment": "dev", "seconds": 1.235, '
    '"release": null, "warnings": [], "notes": ["n"], "standing_warnings": [{"asset": '
    '"silver.orders", "code": "POL321", "subject": "tax", "message": "is empty", "hint": '
    '"mend it", "run_id": "run0", "since": "2026-01-02T03:04:05+00:00", "acknowledged_by": "ann", '
    '"acknowledged_at": "2026-01-02T03:04:05+00:00"}], "assets": [{"asset": "silver.orders", '
    '"status": "failed", "started_at": "2026-01-02T03:04:05+00:00", "reasons": ["its code '
    'changed"], "rows_in": {"bronze.orders": 12}, "matched": {"bronze.orders": {"rows": 12, '
    '"kept": 9, "note": "x"}}, "rows_returned": 12, "rows_published": 9, "rows_quarantined": 3, '
    '"rules_broken": {"id|min": 2}, "scope": {"kind": "local", "by": ["id"], "rows": 9, "of": 200, '
    '"frozen": 0, "why": "", "is_verified": false, "is_declared": false}, '
    '"version": 4, "seconds": 1.25, "source_counts": {}, "notes": [], "error": {"code": "POL306", '
    '"message": "rows break the contract", "hint": "look", "place": "f.py:1", "traceback": '
    '"Traceback"}}]}'
)


def test_the_json_of_a_run_is_what_programs_have_read_so_far() -> None:
    seen = Acknowledgement("ann", START)
    warning = StandingWarning(KEY, "POL321", "tax", "is empty", "mend it", "run0", START, seen)
    record = AssetRecord(
        KEY,
        AssetStatus.FAILED,
        START,
        reasons=("its code changed",),
        rows_in={"bronze.orders": 12},
        rows_returned=12,
        rows_published=9,
        rows_quarantined=3,
        rules_broken={"id|min": 2},
        version=4,
        seconds=1.2504,
        error=Failure(
            "POL306", "rows break the contract", "look", "f.py:1", Trace("Traceback", "frames")
        ),
        fingerprint=Fingerprint("c"),
        matched={"bronze.orders": Matched(12, 9, "x")},
        scope=Scope(ScopeKind.LOCAL, ("id",), 9, 200, 4, {"id|min": 3}),
    )
    run = RunRecord(
        "r", RunStatus.FAILED, "dev", START, 1.23456, (record,), notes=("n",), standing=(warning,)
    )

    assert json.dumps(run_as_json(run)) == WRITTEN
