"""Telling what an asset promises: its columns, their rules, and what breaking one does."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polster.checks.examine import Examination, examine
from polster.checks.examined import Examined
from polster.model.asset import Asset, AssetKey, Policy
from polster.model.contract import ContractColumn
from polster.operations.history import asset_named
from polster.operations.lineage import NEVER_SEEN
from polster.operations.open_project import Session
from polster.operations.validate import UNSOUND, sound_part

PRIMARY_KEY = "primary_key"


@dataclass(frozen=True, slots=True)
class Description:
    """What an asset promises.

    Attributes:
        asset: With its owner, tags, description and options.
        contract: The columns of its contract; None without one, or if the file that it stands in
            cannot be imported.
        table_rules: Rules of the contract that are no column's, with their expression as text.
        columns: Type by name of what it publishes, as Polars writes the types: for bronze without
            a contract those of the published table. None if they are not known.
        unknown: Why the columns are not known, as a clause; None if they are.
    """

    asset: Asset
    contract: tuple[ContractColumn, ...] | None = None
    table_rules: Mapping[str, str] = field(default_factory=dict)
    columns: Mapping[str, str] | None = None
    unknown: str | None = None

    @property
    def key(self) -> AssetKey:
        """Return the asset's key."""
        return self.asset.key

    @property
    def further_columns(self) -> dict[str, str]:
        """Return the columns that are published though the contract does not name them."""
        named = {column.name for column in self.contract or ()}
        return {name: dtype for name, dtype in (self.columns or {}).items() if name not in named}

    def policies(self) -> dict[str, Policy]:
        """Return by rule what happens to a row that breaks it; rules as in the quarantine."""
        rules: list[str] = []
        for column in self.contract or ():
            if not column.nullable:
                rules.append(f"{column.name}|nullability")
            rules += [f"{column.name}|{rule}" for rule in column.rules]
        if any(column.primary_key for column in self.contract or ()):
            rules.append(PRIMARY_KEY)
        rules += self.table_rules
        return {rule: self.asset.options.policy(rule) for rule in rules}


def describe(session: Session, name: str) -> Description:
    """Describe the asset ``name``.

    The user's code is imported and called over zero rows, in child processes; no data is read.

    Raises:
        UsageError: There is no such asset or environment.
    """
    asset = asset_named(session, name)
    place = session.environment
    discovery = session.discovery
    graph = discovery.graph or sound_part(discovery.assets, session.settings.rules)
    if asset.key not in graph.assets:
        return Description(asset, unknown=UNSOUND)
    (examined,) = examine(
        Examination(session.root, graph, [asset.key], environment=place, lineage=False)
    )
    return Description(
        asset,
        examined.contract,
        examined.table_rules,
        examined.columns,
        _unknown(examined) if examined.columns is None else None,
    )


def _unknown(examined: Examined) -> str:
    if examined.findings:
        return f"{examined.findings[0].code}: {examined.findings[0].message}"
    return examined.unchecked or NEVER_SEEN
