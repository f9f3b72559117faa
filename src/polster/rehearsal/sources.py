"""What bronze lands in a rehearsal: a fixture, or rows sampled from the contracts around it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl

from polster.contracts.judge import settle_terms
from polster.contracts.rules import contract_columns, unique_rules
from polster.errors import AssetError
from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding, Severity, finding_about
from polster.rehearsal.fixtures import FIXTURES, fixture_name, read_fixture
from polster.rehearsal.keys import KeyPools
from polster.rehearsal.mending import mend_contract
from polster.rehearsal.odd_values import as_type
from polster.rehearsal.sampling import (
    CannotSampleError,
    sample_contract,
    sample_types,
    seed_of,
)
from polster.rehearsal.verdicts import keeps_every_rule

if TYPE_CHECKING:
    import dataframely as dy

EDGE_ROWS = 3
"""How many rows of each odd kind are added: twins, and nulls in each column that allows them."""


@dataclass(frozen=True, slots=True)
class Source:
    """Rows that stand for what the function of a bronze asset would return.

    Attributes:
        usual: Rows as they usually come.
        unusual: The same and some odd ones: nulls, twins, and values that nobody expects.
        is_legal: Whether a contract or a fixture says that the usual rows may come.
        edges_are_legal: Whether a contract says so of the unusual ones.
    """

    usual: pl.DataFrame
    unusual: pl.DataFrame
    is_legal: bool
    edges_are_legal: bool


@dataclass(slots=True)
class Drawn:
    """What was found for the bronze assets of a project, before odd rows are added.

    Attributes:
        rows: Usual ones, by bronze asset.
        fixtures: Assets whose rows are the project's own, or those of their tables.
        missing: Why there is nothing, by bronze asset.
        origins: Where the rows come from, by bronze asset.
    """

    rows: dict[AssetKey, pl.DataFrame] = field(default_factory=dict)
    fixtures: set[AssetKey] = field(default_factory=set)
    missing: dict[AssetKey, Finding] = field(default_factory=dict)
    origins: dict[AssetKey, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Bronze:
    """A bronze asset and what is known of its rows.

    Attributes:
        contract: Its own, if it has one.
        published: Columns of its table, if it was ever built.
        readers: Contracts of the silver assets that read it, by their assets.
    """

    asset: Asset
    contract: type[dy.Schema] | None
    published: pl.Schema | None
    readers: Mapping[AssetKey, type[dy.Schema]]

    @property
    def has_contract(self) -> bool:
        """Tell whether a contract of its own says which rows may land."""
        return self.contract is not None and bool(contract_columns(self.contract))

    @property
    def types(self) -> pl.Schema | None:
        """Return the columns that it lands; None if nobody knows them."""
        if self.contract is not None and (columns := contract_columns(self.contract)):
            own = {name: column.dtype for name, column in columns.items()}
            return pl.Schema({**(self.published or {}), **own})
        return self.published

    def guide(self) -> type[dy.Schema] | None:
        """Return the contract that says most of its columns' values; None if none does."""
        types = self.types or pl.Schema()
        shared = {
            reader: sum(name in types for name in contract_columns(contract))
            for reader, contract in self.readers.items()
        }
        best = max(shared, key=lambda reader: shared[reader], default=None)
        if best is not None and shared[best]:
            return self.readers[best]
        return self.contract

    def origin(self) -> str:
        """Say what its rows are sampled from."""
        guide = self.guide()
        name = guide.__name__ if guide is not None else "the types of its columns"
        return f"sampled from {name}"

    def key(self) -> tuple[str, ...]:
        """Return the columns whose values together are never repeated, as far as is known."""
        guide = self.guide()
        keys = unique_rules(guide) if guide is not None else ()
        return keys[0].columns if keys else ()


def draw_rows(
    bronzes: Iterable[Bronze],
    root: Path,
    landed: Mapping[AssetKey, pl.DataFrame],
    *,
    rows: int,
    seed: int,
) -> Drawn:
    """Find rows for each of ``bronzes``: a fixture, ``landed`` ones, or else sampled ones.

    Tables with short keys come first: others that have the same columns refer to them.
    """
    found = Drawn()
    pools = KeyPools()
    known = list(bronzes)
    for bronze in sorted(known, key=lambda each: (not each.key(), len(each.key()))):
        key = bronze.asset.key
        own_seed = seed_of(seed, str(key))
        fixture = read_fixture(root, key, _own_types(bronze))
        if fixture is not None:
            found.rows[key] = fixture
            found.fixtures.add(key)
            found.origins[key] = f"from {FIXTURES}"
            continue
        if key in landed:
            found.rows[key] = landed[key]
            found.fixtures.add(key)
            found.origins[key] = "of its table"
            continue
        if bronze.types is None:
            found.missing[key] = _unknown(bronze.asset)
            continue
        try:
            found.rows[key] = _sample(bronze, bronze.types, pools, rows, own_seed)
            found.origins[key] = bronze.origin()
        except CannotSampleError as error:
            found.missing[key] = _not_sampled(bronze, error)
    return found


def as_sources(bronzes: Iterable[Bronze], drawn: Drawn, *, seed: int) -> dict[AssetKey, Source]:
    """Add odd rows to those that were drawn, and say which of them may come."""
    found: dict[AssetKey, Source] = {}
    for bronze in bronzes:
        key = bronze.asset.key
        if key in drawn.rows:
            usual = drawn.rows[key]
            unusual = _with_edges(bronze, usual, seed_of(seed, str(key)))
            is_legal = key in drawn.fixtures or bronze.has_contract
            found[key] = Source(usual, unusual, is_legal, bronze.has_contract)
    return found


def _own_types(bronze: Bronze) -> pl.Schema:
    return bronze.types or pl.Schema()


def _sample(
    bronze: Bronze, types: pl.Schema, pools: KeyPools, rows: int, seed: int
) -> pl.DataFrame:
    """Sample what the readers' contracts expect, in the types that bronze lands."""
    guide = bronze.guide()
    columns: dict[str, pl.Series] = {}
    if guide is not None:
        guided = _with_pools(guide, bronze.key(), pools, rows, seed)
        pools.add(bronze.key(), guided)
        columns = {
            name: series
            for name, dtype in types.items()
            if name in guided.columns and (series := as_landed(guided[name], dtype)) is not None
        }
    if bronze.contract is not None:
        plain = sample_contract(bronze.contract, rows, seed=seed)
    else:
        plain = sample_types(types, rows, seed=seed)
    rest = sample_types(types, rows, seed=seed)
    usual = pl.DataFrame(
        [
            columns.get(name, plain[name] if name in plain.columns else rest[name]).alias(name)
            for name in types
        ]
    )
    if bronze.contract is None:
        return usual
    legal = legal_rows(bronze, usual)
    return legal if legal.height * 2 >= rows else usual.with_columns(plain.get_columns())


def _with_pools(
    guide: type[dy.Schema], key: tuple[str, ...], pools: KeyPools, rows: int, seed: int
) -> pl.DataFrame:
    given = pools.draw(guide, key, rows, seed)
    if given:
        try:
            return sample_contract(guide, rows, seed=seed, given=given)
        except CannotSampleError:
            pass  # the borrowed keys go against a rule; rows without them still tell something
    try:
        return sample_contract(guide, rows, seed=seed)
    except CannotSampleError:
        return mend_contract(guide, rows, seed=seed)


def as_landed(values: pl.Series, dtype: pl.DataType) -> pl.Series | None:
    """Return ``values`` in the type that bronze lands; None if they do not fit into it.

    >>> as_landed(pl.Series([1.5, None]), pl.String()).to_list()
    ['1.5', None]
    """
    if values.dtype == dtype:
        return values
    if dtype == pl.String and isinstance(values.dtype, pl.Datetime):
        zone = "Z" if values.dtype.time_zone else ""
        return values.dt.strftime(f"%Y-%m-%dT%H:%M:%S{zone}")
    try:
        cast = as_type(values, dtype)
    except pl.exceptions.PolarsError:
        return None
    return cast if cast.null_count() == values.null_count() else None


def _with_edges(bronze: Bronze, usual: pl.DataFrame, seed: int) -> pl.DataFrame:
    """Add rows that nobody expects, as far as the contract of bronze lets them land."""
    parts = [usual, usual.head(EDGE_ROWS)]
    for place, name in enumerate(usual.columns):
        start = place % max(1, usual.height)
        nulled = pl.lit(None, usual.schema[name]).alias(name)
        parts.append(usual[start : start + EDGE_ROWS].with_columns(nulled))
    if bronze.contract is not None:
        try:
            plain = sample_contract(bronze.contract, max(EDGE_ROWS, usual.height // 5), seed=seed)
            rest = sample_types(usual.schema, plain.height, seed=seed)
            parts.append(rest.with_columns(plain.get_columns()).select(usual.columns))
        except (CannotSampleError, pl.exceptions.PolarsError):
            pass  # the usual rows have to do
    unusual = pl.concat(parts, how="vertical_relaxed")
    return legal_rows(bronze, unusual) if bronze.contract is not None else unusual


def legal_rows(bronze: Bronze, frame: pl.DataFrame) -> pl.DataFrame:
    """Return the rows that the contract of bronze lets pass."""
    try:
        terms = settle_terms(bronze.asset, bronze.contract, frame.schema)
        return frame.filter(keeps_every_rule(terms, frame))
    except (AssetError, pl.exceptions.PolarsError):
        return frame


def _unknown(asset: Asset) -> Finding:
    return finding_about(
        asset,
        "POL805",
        f"`{asset.key}` cannot be rehearsed: without a contract nobody knows its columns",
        hint=f"put some rows into {fixture_name(asset.key)} (or .parquet, .jsonl), give it a "
        "contract, or run it once",
        severity=Severity.WARNING,
    )


def _not_sampled(bronze: Bronze, error: CannotSampleError) -> Finding:
    guide: Any = bronze.guide()
    name = guide.__name__ if guide is not None else "its contract"
    return finding_about(
        bronze.asset,
        "POL805",
        f"`{bronze.asset.key}` cannot be sampled from the contract {name}: {error}",
        hint=f"say in {name}._sampling_overrides how these columns follow from others, or put some "
        f"rows into {fixture_name(bronze.asset.key)} (or .parquet, .jsonl)",
        severity=Severity.WARNING,
    )
