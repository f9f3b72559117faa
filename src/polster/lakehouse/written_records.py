"""A record as a row of the ledger, and as the metadata of a commit; and back."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields, replace
from datetime import UTC
from typing import Any

from polster.model.asset import AssetKey
from polster.model.codec import from_json, to_json
from polster.model.lineage import AssetLineage, lineage_from_json, lineage_to_json
from polster.model.record import AssetRecord, Failure, Trace
from polster.model.secrets import without_secrets

OWN = frozenset({"started_at", "reasons", "notes", "error", "lineage", "warnings"})
COLUMNS = tuple(each.name for each in fields(AssetRecord) if each.name not in OWN)
JSON = (
    *("rows_in", "rules_broken", "fingerprint", "nulls", "newest", "matched", "scope", "files_in"),
    "source_counts",
)
"""What is written as a text of JSON, as are failures, lineage and warnings in their own way."""
NULL_IF_EMPTY = frozenset({"newest", "matched", "files_in", "source_counts"})
FAILURE = ("code", "message", "hint", "place")
WARNING = ("code", "subject", "message", "hint", "run_id", "since")


def to_row(record: AssetRecord) -> dict[str, Any]:
    """Write a record as a row of the ledger, run and environment left out."""
    row = to_json(record, *COLUMNS)
    for name in JSON:
        is_null = row[name] is None or (not row[name] and name in NULL_IF_EMPTY)
        row[name] = None if is_null else json.dumps(row[name])
    warnings = [to_json(each, *WARNING) for each in record.warnings]
    return {
        **row,
        "started_at": record.started_at,
        "reasons": [without_secrets(reason) for reason in record.reasons],
        "notes": [without_secrets(note) for note in record.notes],
        "error": failure_to_json(record.error) if record.error else None,
        "lineage": lineage_to_json(record.lineage) if record.lineage else None,
        "warnings": json.dumps(warnings) if warnings else None,
    }


def from_row(row: Mapping[str, Any]) -> AssetRecord:
    """Read a record from a row of the ledger, or from the metadata of a commit."""
    said = {name: value for name, value in row.items() if value is not None}
    said["asset"] = key = from_json(AssetKey, row["asset"])
    for name in JSON:
        if name in said:
            said[name] = json.loads(said[name])
    if "error" in said:
        said["error"] = failure_from_json(said["error"])
    if "lineage" in said:
        said["lineage"] = read_lineage(key, said["lineage"])
    if "warnings" in said:
        said["warnings"] = [{"asset": key, **each} for each in json.loads(said["warnings"])]
    return from_json(AssetRecord, said)


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
    message = failure.message if failure.kept is None else failure.kept
    written = to_json(replace(failure, message=message), *FAILURE)
    if failure.trace is not None:
        written["frames"] = failure.trace.frames
    return json.dumps({key: text and without_secrets(text) for key, text in written.items()})


def failure_from_json(text: str) -> Failure:
    """Read what :func:`failure_to_json` wrote."""
    written = json.loads(text)
    frames = written.pop("frames", None)
    return from_json(Failure, {**written, "trace": Trace(frames, frames) if frames else None})
