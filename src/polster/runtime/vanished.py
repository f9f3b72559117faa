"""Runs whose process ended without a word: what the next one says and records of them."""

from __future__ import annotations

from polster.model.finding import Finding, Severity
from polster.model.live import LiveRun
from polster.model.record import VANISHED, AssetRecord, AssetStatus, Failure, RunRecord, RunStatus

CODE = "POL903"


def tell_vanished(run: LiveRun) -> Finding:
    """Say once that ``run`` vanished, and over what."""
    names = " and ".join(f"`{key}`" for key in run.running)
    doing = f"while building {names}" if names else "between two assets"
    return Finding(
        CODE,
        f"the run {run.run_id} vanished {doing}: its process, {run.process_id} on {run.host}, "
        "ended without a word",
        severity=Severity.WARNING,
        hint=f"it was killed, ran out of memory, or crashed; see what it did: "
        f"polster runs {run.run_id}",
    )


def vanished_record(run: LiveRun) -> RunRecord:
    """Return what the ledger keeps of ``run``: what it was building failed, the rest waits.

    What it finished is left out: it is in the commits, with more than ``run`` says.
    """
    failure = Failure(
        CODE,
        "the process of the run ended while it was built",
        hint="it was killed, ran out of memory, or crashed",
    )
    failed = [
        AssetRecord(
            key,
            AssetStatus.FAILED,
            begun,
            error=failure,
            seconds=max(0.0, (run.updated_at - begun).total_seconds()),
        )
        for key, begun in run.running.items()
    ]
    skipped = [
        AssetRecord(key, AssetStatus.SKIPPED, run.updated_at, reasons=(VANISHED,))
        for key in run.waiting
    ]
    return RunRecord(
        run.run_id,
        RunStatus.VANISHED,
        run.environment,
        run.started_at,
        (run.updated_at - run.started_at).total_seconds(),
        (*failed, *skipped),
        run.selection,
        run.full_refresh,
    )
