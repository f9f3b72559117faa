"""A record as a row of the ledger, and as the metadata of a commit; and back."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from polster.model.asset import AssetKey
from polster.model.lineage import AssetLineage, lineage_from_json, lineage_to_json
from polster.model.record import (
    AssetRecord,
    AssetStatus,
    Failure,
    Fingerprint,
    Matched,
    Trace,
)
from polster.model.scope import Scope, ScopeKind
from polster.model.secrets import without_secrets
from polster.model.standing import StandingWarning


def to_row(record: AssetRecord) -> dict[str, Any]:
    """Write a record as a row of the ledger, run and environment left out."""
    return {
        "asset": str(record.asset),
        "status": record.status.value,
        "started_at": record.started_at,
        "seconds": record.seconds,
        "reasons": [without_secrets(reason) for reason in record.reasons],
        "rows_in": json.dumps(dict(record.rows_in)),
        "rows_returned": record.rows_returned,
        "rows_published": record.rows_published,
        "rows_quarantined": record.rows_quarantined,
        "rules_broken": json.dumps(dict(record.rules_broken)),
        "version": record.version,
        "notes": [without_secrets(note) for note in record.notes],
        "error": failure_to_json(record.error) if record.error else None,
        "fingerprint": json.dumps(asdict(record.fingerprint)) if record.fingerprint else None,
        "lineage": lineage_to_json(record.lineage) if record.lineage else None,
        "nulls": None if record.nulls is None else json.dumps(dict(record.nulls)),
        "newest": _newest_to_json(record.newest) if record.newest else None,
        "warnings": _warnings_to_json(record.warnings) if record.warnings else None,
        "matched": json.dumps({name: asdict(each) for name, each in record.matched.items()})
        if record.matched
        else None,
        "batches": list(record.batches),
        "scope": json.dumps(asdict(record.scope)) if record.scope else None,
        "files_in": json.dumps(dict(record.files_in)) if record.files_in else None,
    }


def from_row(row: Mapping[str, Any]) -> AssetRecord:
    """Read a record from a row of the ledger, or from the metadata of a commit."""
    key = AssetKey.parse(row["asset"])
    if key is None:
        raise ValueError(f"not an asset key: {row['asset']}")
    started = row["started_at"]
    fingerprint, lineage = row["fingerprint"], row.get("lineage")
    return AssetRecord(
        asset=key,
        status=AssetStatus(row["status"]),
        started_at=datetime.fromisoformat(started) if isinstance(started, str) else started,
        reasons=tuple(row["reasons"] or ()),
        rows_in=json.loads(row["rows_in"]),
        rows_returned=row["rows_returned"],
        rows_published=row["rows_published"],
        rows_quarantined=row["rows_quarantined"],
        rules_broken=json.loads(row["rules_broken"]),
        version=row["version"],
        seconds=row["seconds"],
        notes=tuple(row["notes"] or ()),
        error=failure_from_json(row["error"]) if row["error"] else None,
        fingerprint=Fingerprint(**json.loads(fingerprint)) if fingerprint else None,
        lineage=read_lineage(key, lineage) if lineage else None,
        nulls=json.loads(row["nulls"]) if row.get("nulls") else None,
        newest=_newest_from_json(row["newest"]) if row.get("newest") else {},
        warnings=_warnings_from_json(key, row["warnings"]) if row.get("warnings") else (),
        matched={
            name: Matched(**each) for name, each in json.loads(row.get("matched") or "{}").items()
        },
        batches=tuple(row.get("batches") or ()),
        scope=_scope(row["scope"]) if row.get("scope") else None,
        files_in=json.loads(row.get("files_in") or "{}"),
    )


def _scope(text: str) -> Scope:
    said = json.loads(text)
    return Scope(**{**said, "kind": ScopeKind(said["kind"]), "by": tuple(said["by"])})


def _newest_to_json(newest: Mapping[str, datetime]) -> str:
    return json.dumps({column: moment.isoformat() for column, moment in newest.items()})


def _newest_from_json(text: str) -> dict[str, datetime]:
    return {column: datetime.fromisoformat(moment) for column, moment in json.loads(text).items()}


def _warnings_to_json(warnings: Sequence[StandingWarning]) -> str:
    return json.dumps(
        [
            {
                "code": warning.code,
                "subject": warning.subject,
                "message": warning.message,
                "hint": warning.hint,
                "run_id": warning.run_id,
                "since": warning.since.isoformat(),
            }
            for warning in warnings
        ]
    )


def _warnings_from_json(asset: AssetKey, text: str) -> tuple[StandingWarning, ...]:
    return tuple(
        StandingWarning(asset, **{**each, "since": datetime.fromisoformat(each["since"])})
        for each in json.loads(text)
    )


def read_lineage(key: AssetKey, text: str) -> AssetLineage | None:
    """Read a lineage; None if another version of Polster wrote it in another way."""
    try:
        return lineage_from_json(key, text)
    except (ValueError, TypeError, LookupError):
        return None


def to_metadata(record: AssetRecord) -> dict[str, Any]:
    """Write a record as the metadata of the commit that publishes it."""
    row = to_row(record)
    return {**row, "started_at": record.started_at.astimezone(UTC).isoformat()}


def failure_to_json(failure: Failure) -> str:
    """Write a failure without what exceptions say, since that may hold values of the data.

    Credentials in URLs are hidden in the rest.
    """
    written = {
        "code": failure.code,
        "message": failure.message if failure.kept is None else failure.kept,
        "hint": failure.hint,
        "place": failure.place,
    }
    if failure.trace is not None:
        written["frames"] = failure.trace.frames
    return json.dumps({key: text and without_secrets(text) for key, text in written.items()})


def failure_from_json(text: str) -> Failure:
    """Read what :func:`failure_to_json` wrote."""
    written = json.loads(text)
    frames = written.pop("frames", None)
    return Failure(**written, trace=Trace(frames, frames) if frames else None)
