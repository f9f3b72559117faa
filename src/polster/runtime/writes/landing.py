"""Landing a bronze batch: audit columns, and a digest by which an identical snapshot is known."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from secrets import token_hex

import polars as pl

from polster.contracts.expected import Surprise
from polster.contracts.rules import RESCUED_COLUMN
from polster.errors import AssetError
from polster.lakehouse.read_types import dtype_read
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.types import nested_twins, same_but_case, storage_schema
from polster.lakehouse.widening import (
    candidates,
    common_dtype,
    differences,
    only_grows,
    refits,
    survives,
)
from polster.model.asset import AUDIT_COLUMNS, BATCH_COLUMN, Asset, Load
from polster.runtime.writes.tally import Tally
from polster.sources.rows_digest import RowsDigest

INGESTED_COLUMN = "_ingested_at"
SOURCE_COLUMN = "_source"


def new_batch(began: datetime) -> str:
    """Return an identifier for a batch whose reading began then; they sort by that."""
    return f"{began:%Y%m%dT%H%M%S}-{token_hex(3)}"


@dataclass(slots=True)
class BatchLanding:
    """Follows one bronze batch while it streams by, on several threads at once.

    Attributes:
        batch: Identifier of the batch, where the rows do not bring it.
        at: When the run started.
        source: Where the rows come from, where they do not bring it.
        in_folder: Whether the batch is a partition of the table, and its column not in the files.
        tally: Counts the rows where their source says how many there are.
        files: Columns of the files that are staged, storage dtypes.
        digest: Of the rows that were seen.
    """

    batch: str
    at: datetime
    source: str
    in_folder: bool
    tally: Tally
    files: pl.Schema = field(default_factory=pl.Schema)
    digest: RowsDigest = field(default_factory=RowsDigest)
    _audit: Mapping[str, pl.Expr] = field(init=False)

    def __post_init__(self) -> None:
        self._audit = {
            INGESTED_COLUMN: pl.lit(self.at).cast(pl.Datetime("us", "UTC")),
            SOURCE_COLUMN: pl.lit(self.source, pl.String),
            **({} if self.in_folder else {BATCH_COLUMN: pl.lit(self.batch, pl.String)}),
        }

    def see(self, batch: pl.DataFrame) -> None:
        """Take the rows into the digest, wherever they come from, and count them."""
        self.tally.see(batch)
        brought = [name for name in AUDIT_COLUMNS if name in batch.columns]
        self.digest.see(batch.drop(brought) if brought else batch)

    def finish(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Add the audit columns."""
        audit = {name: value for name, value in self._audit.items() if name not in batch.columns}
        return batch.with_columns(**audit)

    def fit(self, batch: pl.DataFrame) -> pl.DataFrame:
        """Bring columns as they are stored by themselves into the types of the files."""
        changed = refits(batch.schema, self.files)
        return batch.with_columns(changed) if changed else batch


def vanished(asset: Asset, column: str) -> Surprise:
    """Say that the source of a bronze table does not have a column any more."""
    return Surprise(
        "POL326",
        column,
        f"the column `{column}` is no longer in its source",
        f"mend the source; if that is right: polster acknowledge {asset.key}",
        fails=False,
    )


@dataclass(frozen=True, slots=True)
class LandingPlan:
    """How a batch goes into the table as it is.

    Attributes:
        file_schema: Columns of the staged files.
        types: What readers get of the columns that arrive.
        existing: Columns of the table before, as they are stored; none if there is no table.
        undecided: Columns whose type the values decide, with the types that may hold them, the
            best first. Until then they are staged as they are stored by themselves.
        absent: What the table has and the batch does not: columns, and fields as ``person.age``.
        partition: The partition that the batch is, if it is one.
    """

    file_schema: pl.Schema
    types: pl.Schema
    existing: pl.Schema
    undecided: Mapping[str, Sequence[pl.DataType]]
    absent: tuple[str, ...]
    partition: Mapping[str, str]

    @property
    def table_columns(self) -> pl.Schema:
        """Return the columns of the files and of the partition."""
        return pl.Schema({**self.file_schema, **dict.fromkeys(self.partition, pl.String())})

    @property
    def grown(self) -> pl.Schema:
        """Return what can be added while the files stay: new columns, and structs with more."""
        return pl.Schema(
            {
                name: dtype
                for name, dtype in self.table_columns.items()
                if name not in self.existing or _grows(self.existing[name], dtype)
            }
        )

    @property
    def widened(self) -> pl.Schema:
        """Return the columns whose values must be written anew."""
        return pl.Schema(
            {
                name: dtype
                for name, dtype in self.file_schema.items()
                if self.existing.get(name, dtype) != dtype and name not in self.grown
            }
        )

    @property
    def changes(self) -> list[str]:
        """Say which columns of the table have another type afterwards."""
        return [
            f"`{path}` is {after} now, was {before}"
            for path, before, after in self._differences()
            if before is not None
        ]

    @property
    def notes(self) -> tuple[str, ...]:
        """Say what the user should know of it; what is absent is a standing warning."""
        if not self.existing:
            return ()
        own = (*self.existing, RESCUED_COLUMN)
        new = [name for name in self.file_schema if name not in own]
        new += [path for path, before, _ in self._differences() if before is None]
        notes = [f"new in the source: {', '.join(new)}"] if new else []
        return (*notes, *self.changes)

    def _differences(self) -> Iterator[tuple[str, pl.DataType | None, pl.DataType | None]]:
        for name, dtype in self.file_schema.items():
            yield from differences(self.existing.get(name, dtype), dtype, name)


def _grows(before: pl.DataType, after: pl.DataType) -> bool:
    return before != after and only_grows(before, after)


def plan_landing(
    asset: Asset, arriving: pl.Schema, table: TableVersion | None, batch: str
) -> LandingPlan:
    """Compare a batch with the table that it goes to.

    New columns are added; missing ones are null; so are fields of structs. A column takes values
    of another type if none can be lost, and gets a wider type itself if it needs one.

    Raises:
        AssetError: The name of a column has changed from upper to lower case.
    """
    stored = storage_schema(arriving, place=asset.place)
    existing = pl.Schema() if table is None else table.stored_schema
    published = pl.Schema() if table is None else table.schema
    partitioned = (
        asset.options.load is Load.SNAPSHOT
        if table is None
        else BATCH_COLUMN in table.delta.metadata().partition_columns
    )
    types: dict[str, pl.DataType] = {}
    undecided: dict[str, Sequence[pl.DataType]] = {}
    for name, dtype in stored.items():
        before = existing.get(name, dtype)
        common = common_dtype(before, arriving[name])
        if name in existing and is_another_measure(published[name], arriving[name]):
            types[name], undecided[name] = dtype, ()
        elif common is None:
            types[name], undecided[name] = dtype, candidates(before, arriving[name])
        else:
            types[name] = common
    _refuse_twins(asset, existing, types)
    types |= {INGESTED_COLUMN: pl.Datetime("us", "UTC"), SOURCE_COLUMN: pl.String()}
    if not partitioned:
        types[BATCH_COLUMN] = pl.String()
    return LandingPlan(
        pl.Schema(types),
        _types_read(asset, arriving, types, published),
        existing,
        undecided,
        tuple(_absent(existing, arriving)),
        {BATCH_COLUMN: batch} if partitioned else {},
    )


def settle_landing(
    asset: Asset, arriving: pl.Schema, plan: LandingPlan, table: TableVersion, staged: pl.LazyFrame
) -> LandingPlan:
    """Decide by the values what the types have left open.

    Args:
        asset: Whose batch it is.
        arriving: Columns as the function returned them.
        plan: What :func:`plan_landing` made of them.
        table: The table that the batch goes to; what it holds is read where its type changes.
        staged: The rows of the batch, in the types that were planned.

    Raises:
        AssetError: No type holds the values of a column and those that the table has.
    """
    every_batch = replace(table, batch=None).scan_stored()
    types = dict(plan.file_schema)
    clashes: list[str] = []
    for name, options in plan.undecided.items():
        before, dtype = plan.existing[name], plan.file_schema[name]
        for option in options:
            if all_survive(staged, name, dtype, option, as_text=True) and all_survive(
                every_batch, name, before, option
            ):
                types[name] = option
                break
        else:
            clashes.append(name)
    if clashes:
        raise _refused(asset, arriving, table.schema, clashes)
    return replace(
        plan,
        file_schema=pl.Schema(types),
        types=_types_read(asset, arriving, types, table.schema),
        undecided={},
    )


def all_survive(
    frame: pl.LazyFrame,
    name: str,
    dtype: pl.DataType,
    target: pl.DataType,
    *,
    as_text: bool = False,
) -> bool:
    """Tell whether each value of a column comes back from ``target``; see :func:`survives`."""
    if dtype == target:
        return True
    survive = survives(pl.col(name), dtype, target, as_text=as_text)
    lost = frame.select(pl.col(name)).filter(~survive).head(1)
    return lost.collect(engine="streaming").is_empty()


def is_another_measure(published: pl.DataType, arriving: pl.DataType) -> bool:
    """Tell whether a number arrives where lengths of time are stored as numbers, or the reverse."""
    kinds = (published, arriving)
    return pl.Null not in kinds and sum(isinstance(kind, pl.Duration) for kind in kinds) == 1


def _absent(existing: pl.Schema, arriving: pl.Schema) -> Iterator[str]:
    for name, dtype in existing.items():
        if name in arriving:
            for path, before, after in differences(dtype, arriving[name], name):
                if before is not None and after is None:
                    yield path
        elif name not in (*AUDIT_COLUMNS, RESCUED_COLUMN):
            yield name


def _refuse_twins(
    asset: Asset, existing: Mapping[str, pl.DataType], types: Mapping[str, pl.DataType]
) -> None:
    both = {**existing, **types}
    twins = [*same_but_case(both), *nested_twins(both.values())]
    if twins:
        raise AssetError(
            f"the source changed its columns: a column comes in another spelling: "
            f"{'; '.join(twins)}; nothing was landed",
            code="POL406",
            place=asset.place,
            hint="rename it in the function, as it was: .rename({…})",
        )


def _refused(
    asset: Asset, arriving: pl.Schema, existing: pl.Schema, clashes: Sequence[str]
) -> AssetError:
    were = [f"`{name}` was {existing[name]} and arrives as {arriving[name]}" for name in clashes]
    taken = {name.lower() for name in (*existing, *arriving)}
    renamed = {name: _unused(name, arriving[name], taken) for name in clashes}
    names = ", ".join(f'"{name}": "{new}"' for name, new in renamed.items())
    contract = asset.options.contract
    both = f", and name {', '.join(renamed.values())} in {contract}" if contract else ""
    return AssetError(
        f"the source changed its columns: {'; '.join(were)}, and no type holds the values of both; "
        "nothing was landed",
        code="POL406",
        place=asset.place,
        hint=f"land the new form beside the old one: .rename({{{names}}}){both}; or cast it in the "
        "function to what it was",
    )


def _unused(name: str, dtype: pl.DataType, taken: Collection[str]) -> str:
    """Return a name for a column in its new form that no other column has."""
    new = f"{name}_{type(dtype).__name__.lower()}"
    while new.lower() in taken:
        new += "_"
    return new


def _types_read(
    asset: Asset, arriving: pl.Schema, stored: Mapping[str, pl.DataType], before: pl.Schema
) -> pl.Schema:
    """Return the types that readers get of the columns that arrive.

    Readers of a snapshot get what arrived last; those of several batches get a type that all
    were stored in, where the batches do not agree on another.
    """
    snapshot = asset.options.load is Load.SNAPSHOT
    return pl.Schema(
        {
            name: dtype_read(before.get(name), dtype, stored[name], newest_wins=snapshot)
            for name, dtype in arriving.items()
        }
    )
