"""What was examined, as JSON and back."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from polster.checks.examined import Examined
from polster.model.asset import AssetKey
from polster.model.codec import from_json, to_json
from polster.model.contract import ContractColumn
from polster.model.finding import Finding
from polster.model.lineage import lineage_from_json, lineage_to_json
from polster.model.secrets import without_secrets


def examined_to_json(entry: Examined) -> str:
    """Write ``entry`` as lists; its asset, and where its columns stand, are left out.

    It is kept on the disk, so credentials in URLs are hidden.
    """
    written = [
        [to_json(_told(finding)) for finding in entry.findings],
        entry.unchecked and without_secrets(entry.unchecked),
        None if entry.columns is None else dict(entry.columns),
        None if entry.contract is None else [_column_to_json(column) for column in entry.contract],
        dict(entry.table_rules),
        None if entry.lineage is None else lineage_to_json(entry.lineage),
        entry.stumbled,
        entry.is_unread,
    ]
    return json.dumps(written, separators=(",", ":"))


def examined_from_json(asset: AssetKey, text: str) -> Examined:
    """Read what :func:`examined_to_json` wrote.

    Raises:
        TypeError: It did not.
        ValueError: It did not.
    """
    findings, unchecked, columns, contract, table_rules, lineage, *flags = json.loads(text)
    stumbled, is_unread = flags
    return Examined(
        asset,
        from_json(tuple[Finding, ...], findings),
        unchecked,
        columns,
        None if contract is None else tuple(map(_column_from_json, contract)),
        table_rules,
        None if lineage is None else lineage_from_json(asset, lineage),
        stumbled=stumbled,
        is_unread=is_unread,
    )


def _column_to_json(column: ContractColumn) -> list[Any]:
    return [
        *(column.name, column.dtype, column.nullable, column.primary_key, dict(column.rules)),
        *(column.pii, column.masked, [_column_to_json(each) for each in column.fields]),
    ]


def _column_from_json(written: list[Any]) -> ContractColumn:
    name, dtype, nullable, primary_key, rules, pii, masked, fields = written
    inside = tuple(map(_column_from_json, fields))
    return ContractColumn(name, dtype, nullable, primary_key, rules, pii, masked, inside)


def _told(finding: Finding) -> Finding:
    hint = finding.hint and without_secrets(finding.hint)
    return replace(finding, message=without_secrets(finding.message), hint=hint)
