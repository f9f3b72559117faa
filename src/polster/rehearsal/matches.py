"""Columns of bronze that a pipeline joins with each other, whatever they are called there."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl

from polster.contracts.judge import settle_terms
from polster.contracts.rules import unique_rules
from polster.lakehouse.types import read_schema
from polster.model.asset import BATCH_COLUMN, AssetKey
from polster.model.context import RunContext
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.reference import Reference
from polster.plans.flow import Origin, PlanFlow, read_flow
from polster.plans.source import named_source
from polster.project.load import LoadedAsset
from polster.project.shared_process import ReachedOutsideError
from polster.runtime.call import Handed, call_function
from polster.runtime.writes.landing import INGESTED_COLUMN, SOURCE_COLUMN

if TYPE_CHECKING:
    import dataframely as dy

Column = tuple[AssetKey, str]
AUDIT = {
    INGESTED_COLUMN: pl.Datetime("us", "UTC"),
    SOURCE_COLUMN: pl.String(),
    BATCH_COLUMN: pl.String(),
}


@dataclass(frozen=True, slots=True)
class Match:
    """Columns of two bronze assets that hold the same values, or of one that refers to itself.

    Attributes:
        columns: Pairs, the column of ``left`` first.
    """

    left: AssetKey
    right: AssetKey
    columns: tuple[tuple[str, str], ...]


@dataclass(slots=True)
class Matches:
    """What the plans of a pipeline say of the columns of bronze.

    Attributes:
        joined: Each pair of tables and columns once, in the order of the pipeline.
        keys: Columns of bronze that are the whole key of a table that holds its rows.
        own: Tables whose columns refer to others of the same.
    """

    joined: dict[Match, None] = field(default_factory=dict)
    own: dict[Match, None] = field(default_factory=dict)
    keys: set[tuple[AssetKey, frozenset[str]]] = field(default_factory=set)

    def is_key(self, asset: AssetKey, names: Iterable[str]) -> bool:
        """Tell whether no two rows of ``asset`` may have the same values in all of ``names``."""
        wanted = frozenset(names)
        return any(key == asset and columns <= wanted for key, columns in self.keys)


def find_matches(
    graph: AssetGraph,
    loaded: Mapping[AssetKey, LoadedAsset],
    bronze: Mapping[AssetKey, pl.Schema],
    run: RunContext,
    root: Path,
) -> Matches:
    """Read from the plans which columns of bronze are joined.

    Each function is called once over zero rows. What cannot be called so, or is eager, tells
    nothing: whatever is wrong with it shows when it is played.

    Args:
        graph: The project's assets.
        loaded: Those that are rehearsed, upstream first.
        bronze: Columns of bronze as they are landed.
        run: Handed to functions that ask for it.
        root: The project's folder.
    """
    found = _Finder({key: _as_read(schema) for key, schema in bronze.items()})
    for key, asset in loaded.items():
        if key in found.schemas and asset.function.contract is not None:
            found.read_keys(key, asset.function.contract)
        inputs = graph.inputs[key]
        if key.layer is Layer.BRONZE or not found.schemas.keys() >= set(inputs.values()):
            continue
        handed = {
            name: Handed(str(upstream), named_source(str(upstream), found.schemas[upstream]))
            for name, upstream in inputs.items()
        }
        with suppress(Exception, pl.exceptions.PanicException, ReachedOutsideError):
            frame = call_function(asset, handed, run, root)
            terms = settle_terms(asset.asset, asset.function.contract, frame.collect_schema())
            found.schemas[key] = read_schema(terms.schema)
            found.read(asset, read_flow(frame))
        found.refer(key, graph.references.get(key, {}))
    return found.matches


def _as_read(schema: pl.Schema) -> pl.Schema:
    """Return the columns that readers of bronze get where ``schema`` is landed."""
    return pl.Schema({**read_schema(schema), **AUDIT})


class _Finder:
    """Follows columns from asset to asset.

    Attributes:
        schemas: Columns of each asset so far.
        roots: The one column of bronze whose values a column of silver or gold holds.
    """

    def __init__(self, bronze: Mapping[AssetKey, pl.Schema]) -> None:
        self.matches = Matches()
        self.schemas = dict(bronze)
        self.roots: dict[Origin, Column] = {
            (str(key), name): (key, name) for key, schema in bronze.items() for name in schema
        }

    def read(self, asset: LoadedAsset, flow: PlanFlow) -> None:
        """Remember where the columns of an asset come from, and which it joins."""
        key, contract = asset.asset.key, asset.function.contract
        for match in flow.matches:
            self._remember(match)
        for name, column in flow.columns.items():
            if len(column.values) == 1 and column.unknown is None:
                (origin,) = column.values
                if origin in self.roots:
                    self.roots[str(key), name] = self.roots[origin]
        if key.layer is Layer.SILVER and contract is not None and not flow.only_aggregates:
            self.read_keys(key, contract)

    def read_keys(self, key: AssetKey, contract: type[dy.Schema]) -> None:
        """Remember which columns of bronze are a key of the table ``key``."""
        for rule in unique_rules(contract):
            roots = [self.roots.get((str(key), name)) for name in rule.columns]
            columns = {root for root in roots if root is not None}
            if len({asset for asset, _ in columns}) == 1 and None not in roots:
                (asset, _), *_ = columns
                self.matches.keys.add((asset, frozenset(name for _, name in columns)))

    def refer(self, key: AssetKey, references: Mapping[Reference, AssetKey]) -> None:
        """Remember what the table ``key`` refers to."""
        for reference, target in references.items():
            pairs = zip(reference.target_columns, reference.columns, strict=True)
            match = [((str(target), meant), (str(key), name)) for meant, name in pairs]
            roots = [(self.roots.get(one), self.roots.get(other)) for one, other in match]
            own = [(one, other) for one, other in roots if one and other and one[0] == other[0]]
            if own and len(own) == len(roots):
                names = tuple((one[1], other[1]) for one, other in own)
                self.matches.own[Match(own[0][0][0], own[0][0][0], names)] = None
            self._remember(tuple(match))

    def _remember(self, match: tuple[tuple[Origin, Origin], ...]) -> None:
        pairs: dict[tuple[AssetKey, AssetKey], dict[tuple[str, str], None]] = {}
        for one, other in match:
            if one in self.roots and other in self.roots:
                (left, name), (right, other_name) = sorted([self.roots[one], self.roots[other]])
                if left != right:
                    pairs.setdefault((left, right), {})[name, other_name] = None
        for (left, right), columns in pairs.items():
            self.matches.joined[Match(left, right, tuple(columns))] = None
