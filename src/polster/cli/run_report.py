"""What a run did, for a tired person and for a machine."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Any

from polster.cli import console
from polster.cli.standing import show_standing, standing_as_json
from polster.model.asset import AssetKey
from polster.model.codec import to_json
from polster.model.record import AssetRecord, AssetStatus, Failure, RunRecord, RunStatus
from polster.model.scope import Reaches

RECORD = (
    *("asset", "status", "started_at", "reasons", "rows_in", "matched", "rows_returned"),
    *("rows_published", "rows_quarantined", "rules_broken", "scope", "version", "seconds"),
    *("source_counts", "notes", "error"),
)
FAILURE = ("code", "message", "hint", "place", "traceback")
SCOPE = ("kind", "by", "rows", "of", "frozen", "why", "is_verified", "is_declared")


def run_as_json(record: RunRecord) -> dict[str, Any]:
    """Return the record of a run as plain values."""
    return {
        **to_json(record, "run_id", "status", "environment"),
        "seconds": round(record.seconds, 3),
        "release": record.release,
        "warnings": [to_json(each, "code", "message") for each in record.warnings],
        "notes": list(record.notes),
        "standing_warnings": standing_as_json(record.standing),
        "assets": [record_as_json(asset) for asset in record.assets],
    }


def record_as_json(record: AssetRecord) -> dict[str, Any]:
    """Return what a run did for one asset as plain values."""
    return {
        **to_json(record, *RECORD),
        "scope": to_json(record.scope, *SCOPE),
        "seconds": round(record.seconds, 3),
        "error": to_json(record.error, *FAILURE),
    }


def reach_as_json(key: AssetKey, inputs: Mapping[AssetKey, Reaches]) -> dict[str, Any]:
    """Return how far rows of each input of an asset reach that change, as plain values."""
    reached = [{"asset": str(name), **to_json(each)} for name, each in inputs.items()]
    return {"asset": str(key), "inputs": reached}


def show_run(record: RunRecord, *, environment: str | None = None) -> None:
    """Show a run: a table of what changed, then what failed and how to mend it.

    Args:
        record: What it did.
        environment: What ``--env`` said, if anything; the commands shown say it too.
    """
    told = _told(record)
    if told:
        _show_table(told)
        console.show()
    show_details(record, environment=environment)


def show_details(record: RunRecord, *, environment: str | None = None) -> None:
    """Show what a table does not hold: notes, quarantines, failures, and one line of it all."""
    told = _told(record)
    for asset in record.assets:
        for note in asset.notes:
            console.show(f"note: {asset.asset}: {note}")
    for note in record.notes:
        console.show(f"note: {note}")
    quarantined = [asset for asset in told if asset.rows_quarantined]
    if quarantined:
        console.show("rows that break a contract are kept apart; look at them with:")
        option = f" --env {environment}" if environment else ""
        for asset in quarantined:
            console.show(f"  polster quarantine {asset.asset}{option}")
        console.show()
    for asset in told:
        if asset.error:
            show_failure(str(asset.asset), asset.error)
            console.show()
    show_standing(record.standing)
    console.show_findings(record.warnings, to_stderr=True)
    console.show(_summary(record, told))


def show_failure(asset: str, failure: Failure) -> None:
    """Show why an asset failed, the user's own traceback last."""
    console.show(
        console.render(
            failure.code, f"`{asset}`: {failure.message}", place=failure.place, hint=failure.hint
        )
    )
    if failure.traceback:
        console.show()
        console.show(failure.traceback)


def rules_text(rules: Mapping[str, int]) -> str:
    """Write rules and the rows that break them on one line.

    >>> rules_text({"amount|min": 2, "primary_key": 1})
    'amount|min 2, primary_key 1'
    """
    return ", ".join(f"{rule} {number(count)}" for rule, count in rules.items())


def number(count: int) -> str:
    """Write a number with spaces between the thousands.

    >>> number(336776)
    '336 776'
    """
    return f"{count:,}".replace(",", " ")


def _show_table(told: list[AssetRecord]) -> None:
    rows = []
    for asset in told:
        done = asset.status is AssetStatus.PUBLISHED
        rows.append(
            (
                str(asset.asset),
                asset.status.value,
                _rows(asset) if done else "",
                number(asset.rows_quarantined) if asset.rows_quarantined else "",
                f"{asset.seconds:.2f} s",
                rules_text(asset.rules_broken) or "; ".join(asset.why),
            )
        )
    console.show_rows(
        ("asset", "result", "rows", "quarantined", "time", "rules broken, or why"),
        rows,
        right=("rows", "quarantined", "time"),
    )


def _rows(asset: AssetRecord) -> str:
    """Write how many rows were made anew, and of how many if not all were."""
    made = number(asset.rows_published)
    return made if asset.rows_now == asset.rows_published else f"{made} of {number(asset.rows_now)}"


def _told(record: RunRecord) -> list[AssetRecord]:
    return [asset for asset in record.assets if asset.status is not AssetStatus.UNCHANGED]


def _summary(record: RunRecord, told: list[AssetRecord]) -> str:
    unchanged = len(record.assets) - len(told)
    counts = Counter(asset.status for asset in told)
    named = (*AssetStatus, *sorted(counts.keys() - set(AssetStatus)))
    parts = [f"{counts[status]} {status}" for status in named if counts[status]]
    if unchanged and not told:
        text = f"nothing to do: {unchanged} unchanged"
    else:
        if unchanged:
            parts.append(f"{unchanged} unchanged")
        text = ", ".join(parts) or "nothing to run: there are no assets yet"
    verb = {
        RunStatus.SUCCEEDED: "succeeded",
        RunStatus.FAILED: "failed",
        RunStatus.INTERRUPTED: "was interrupted",
        RunStatus.VANISHED: "vanished",
        RunStatus.UNKNOWN: "ended without a record",
    }.get(record.status, f"ended as {record.status}")
    return f"run {record.run_id} {verb} in {record.seconds:.1f} s: {text}"
