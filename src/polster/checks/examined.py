"""What an asset looks like when its function is called over zero rows; plain values only.

The examination runs in child processes with Polars; these values travel back to the process that
asked, which needs neither Polars nor dataframely to read them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polster.model.asset import AssetKey
from polster.model.contract import ContractColumn
from polster.model.finding import Finding
from polster.model.lineage import AssetLineage


@dataclass(frozen=True, slots=True)
class Examined:
    """What is known of one asset without any data.

    Attributes:
        findings: What is wrong with it; severities as the rules have them by default.
        unchecked: Why its schema could not be checked, as a clause; None if it was.
        columns: What it publishes, type by name, as Polars writes the types; None if unknown.
        contract: The columns of its contract; None without one.
        table_rules: Rules of the contract that are no column's, with their expression as text.
        lineage: None if it was not asked for.
        contract_lines: Line of each contract column in the asset's file, where it stands there;
            only filled where some contract names personal data.
        stumbled: Whether Polster itself failed over it.
        is_unread: Whether its plan could not be read, so that nothing was computed either.
    """

    asset: AssetKey
    findings: tuple[Finding, ...] = ()
    unchecked: str | None = None
    columns: Mapping[str, str] | None = None
    contract: tuple[ContractColumn, ...] | None = None
    table_rules: Mapping[str, str] = field(default_factory=dict)
    lineage: AssetLineage | None = None
    contract_lines: Mapping[str, int] = field(default_factory=dict)
    stumbled: bool = False
    is_unread: bool = False
