"""What was examined, as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace

from polster.checks.examined import Examined
from polster.model.asset import AssetKey
from polster.model.codec import from_json, to_json
from polster.model.finding import Finding
from polster.model.lineage import lineage_from_json, lineage_to_json
from polster.model.secrets import without_secrets

KEPT = ("columns", "contract", "table_rules", "stumbled", "is_unread")


def examined_to_json(entry: Examined) -> str:
    """Write ``entry``; its asset, and where its columns stand, are left out.

    It is kept on the disk, so credentials in URLs are hidden.
    """
    written = {
        **to_json(entry, *KEPT),
        "findings": [to_json(_told(finding)) for finding in entry.findings],
        "unchecked": entry.unchecked and without_secrets(entry.unchecked),
        "lineage": entry.lineage and lineage_to_json(entry.lineage),
    }
    return json.dumps(written, separators=(",", ":"))


def examined_from_json(asset: AssetKey, text: str) -> Examined:
    """Read what :func:`examined_to_json` wrote.

    Raises:
        TypeError: It did not.
        ValueError: It did not.
    """
    written = json.loads(text)
    lineage = written["lineage"] and lineage_from_json(asset, written["lineage"])
    return from_json(Examined, {**written, "asset": asset, "lineage": lineage})


def _told(finding: Finding) -> Finding:
    hint = finding.hint and without_secrets(finding.hint)
    return replace(finding, message=without_secrets(finding.message), hint=hint)
