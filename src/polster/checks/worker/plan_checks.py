"""What the plan of an asset says: leaves from outside, nulls, aggregation, lineage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.rules import contract_columns
from polster.model.asset import Asset
from polster.model.finding import Finding, Severity, finding_about
from polster.model.layer import Layer
from polster.model.lineage import FIELDS_NOT_SHOWN, AssetLineage
from polster.plans.flow import NOT_SHOWN, Flow, Origin, PlanFlow, read_flow
from polster.plans.lineage import EAGER, is_cut_off, lineage_from_flows, unknown_lineage
from polster.plans.projection import projected
from polster.plans.visit import UnreadablePlanError

if TYPE_CHECKING:
    import dataframely as dy

RESOLVING = (pl.exceptions.PolarsError, pl.exceptions.PanicException)
"""What Polars raises over a plan that makes no sense."""
NULL_CODES = {"join": "POL711", "when": "POL712", "shift": "POL713", "cast": "POL714"}
NULL_HINTS = {
    "join": 'say what stands there without a partner: pl.col("{column}").fill_null(…)',
    "when": "add .otherwise(…)",
    "shift": "give it a fill_value",
    "cast": "leave the cast to the contract, which keeps what cannot be read in quarantine",
}


class PlanChecks:
    """The plan of one asset, read once.

    Args:
        asset: Whose plan.
        frame: What its function returned, over named sources of no rows.
        not_null: For each input, the columns that hold no null.
        limits: For each input, the columns whose values its contract limits, and to how many.
        asked: For each input, the set that its source fills when the plan is computed.
        structs: Columns of inputs that hold structs.

    Attributes:
        unreadable: Why the plan could not be read; nothing if it was.
        unresolved: What Polars itself finds wrong with it, if that is why.
    """

    def __init__(
        self,
        asset: Asset,
        frame: pl.LazyFrame,
        not_null: Mapping[str, frozenset[str]],
        limits: Mapping[str, Mapping[str, int]],
        asked: Mapping[str, set[str]],
        structs: frozenset[Origin] = frozenset(),
    ) -> None:
        self.asset = asset
        self.frame = frame
        self.asked = asked
        self.structs = structs
        self.unreadable = ""
        self.unresolved: BaseException | None = None
        self.flow: PlanFlow | None = None
        try:
            self.flow = read_flow(frame, not_null=not_null, limits=limits)
        except UnreadablePlanError as error:
            self.unreadable = str(error)
            if isinstance(error.__cause__, RESOLVING):
                self.unresolved = error.__cause__

    def foreign(self) -> Iterator[Finding]:
        """Yield a finding for each leaf that was not handed to the function."""
        for leaf in self.flow.leaves if self.flow else ():
            if leaf.kind in ("file", "python", "unknown"):
                yield foreign_leaf(self.asset, f"`{leaf.name}`")

    def findings(self, contract: type[dy.Schema] | None) -> Iterator[Finding]:
        """Yield what the plan says of nulls and of the layer."""
        if self.flow is None or contract is None:
            return
        for name, column in contract_columns(contract).items():
            flow = self.flow.columns.get(name)
            if flow is None or flow.cause is None or column.nullable:
                continue
            yield finding_about(
                self.asset,
                NULL_CODES[flow.cause.kind],
                f"{flow.cause.text} can make `{name}` null, which the contract "
                f"{self.asset.options.contract} forbids",
                hint=NULL_HINTS[flow.cause.kind].format(column=name),
                severity=Severity.WARNING,
            )
        if self.asset.key.layer is Layer.SILVER and self.flow.only_aggregates:
            yield finding_about(
                self.asset,
                "POL722",
                f"`{self.asset.key}` only aggregates: no row of it is a row that arrived",
                hint="keep the rows in silver, and make this a gold asset over it",
                severity=Severity.WARNING,
            )

    def lineage(self, columns: Sequence[str], *, computed: bool) -> AssetLineage:
        """Return what each of ``columns`` is made of.

        Args:
            columns: Of the table.
            computed: Whether the function computed rows while it ran, which may be anything now.
        """
        if self.flow is None:
            return unknown_lineage(self.asset.key, columns, self.unreadable)
        if computed or is_cut_off(self.flow, self.asked):
            return unknown_lineage(self.asset.key, columns, EAGER)
        flows = {name: self.flow.columns.get(name, Flow(unknown=NOT_SHOWN)) for name in columns}
        unsure = [name for name, flow in flows.items() if flow.unknown]
        for name, needed in projected(self.frame, unsure, self.asked).items():
            flow = flows[name]
            values = needed - {origin[:2] for origin in flow.influences - flow.values}
            unknown = flow.unknown
            if unknown == NOT_SHOWN:
                unknown = FIELDS_NOT_SHOWN if values & self.structs else None
            influences = frozenset(each for each in flow.influences if each[:2] in needed)
            flows[name] = replace(flow, values=values, influences=influences, unknown=unknown)
        return lineage_from_flows(self.asset.key, flows, self.flow.fields)


def foreign_leaf(asset: Asset, leaf: str) -> Finding:
    """Say that a plan begins at something that was not handed to the function."""
    return finding_about(
        asset,
        "POL703",
        f"the plan of `{asset.key}` reads what was not handed to it: {leaf}",
        hint="make it a bronze asset, and take that as a parameter",
    )
