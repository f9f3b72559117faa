"""Which rows of a table are not those of another version of it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass

import polars as pl

from polster.lakehouse.sharing import rows_of_file
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.told_changes import told_changes
from polster.model.asset import BATCH_COLUMN

TIMES = "__polster_times__"
HASHES = ("__polster_hash_1__", "__polster_hash_2__")
ROW = "__polster_row__"
SEEDS = (1, 2)
SIGNS = (1, -1)
MOST_AT_ONCE = 8_000_000
"""So many rows are counted at once, which takes some 600 MiB."""


@dataclass(frozen=True, slots=True)
class RowChanges:
    """The rows that a version has and an earlier one had not, and the reverse.

    Both are multisets: a row that stands three times in one version and twice in the other was
    added, or removed, once.

    Attributes:
        added: In the types that readers get; lazy.
        removed: The same columns; lazy.
        rows_added: How many; at least these, where the log does not count rows.
        rows_removed: How many.
    """

    added: pl.LazyFrame
    removed: pl.LazyFrame
    rows_added: int
    rows_removed: int


def row_changes(
    table: Table, then: TableVersion, now: TableVersion, columns: Sequence[str]
) -> RowChanges:
    """Find the rows that changed between two versions of a table, whichever is the later.

    Where files were only added, nothing is read. Where the commits say which rows they changed,
    these are read; else the files that one version has and the other has not.

    Args:
        table: The table.
        then: The version to compare with; its columns are those of ``now``.
        now: The version.
        columns: What makes a row another one, at least one.

    Raises:
        LakehouseError: The table cannot be read.
        polars.exceptions.PolarsError: Files of the earlier version are gone, or of the columns no
            digest can be taken.
    """
    gone, new = _apart(_files(then, columns), _files(now, columns))
    removed, added = then.only(gone).scan(), now.only(new).scan()
    rows_gone, rows_new = sum(gone.values()), sum(new.values())
    if not rows_gone or not rows_new:
        return RowChanges(added, removed, rows_new, rows_gone)
    with suppress(pl.exceptions.PolarsError, OSError):  # files that say what went may be gone
        if (told := told_changes(table, then, now)) is not None:
            return _netted(told.made, told.gone, columns)
    passes = 1 + (rows_gone + rows_new) // MOST_AT_ONCE
    return _netted(added, removed, columns, passes=passes)


def _netted(
    added: pl.LazyFrame, removed: pl.LazyFrame, columns: Sequence[str], *, passes: int = 1
) -> RowChanges:
    net = _net(added, removed, columns, passes=passes)
    more, fewer = net.filter(pl.col(TIMES) > 0), net.filter(pl.col(TIMES) < 0)
    return RowChanges(
        _chosen(added, columns, more),
        _chosen(removed, columns, fewer),
        int(more[TIMES].sum()),
        -int(fewer[TIMES].sum()),
    )


def keep_order(then: TableVersion, now: TableVersion, columns: Sequence[str]) -> bool:
    """Tell whether the rows that did not change between two versions follow each other as before.

    Args:
        then: As in :func:`row_changes`.
        now: As there.
        columns: As there.
    """
    gone, new = _apart(_files(then, columns), _files(now, columns))
    if not gone or not new:
        return True
    changed = _net(now.only(new).scan(), then.only(gone).scan(), columns)
    return _sequence(then, gone, columns, changed).equals(_sequence(now, new, columns, changed))


def _sequence(
    table: TableVersion, read: Collection[str], columns: Sequence[str], without: pl.DataFrame
) -> pl.DataFrame:
    """Return what stands after what: digests of rows, and of the files not read their names."""
    parts: list[pl.LazyFrame] = []
    for name, (path, _) in _files(table, columns).items():
        if path in read:
            rows = table.only([path]).scan().select(_hashes(columns))
            parts.append(rows.join(without.lazy(), on=HASHES, how="anti", maintain_order="left"))
        else:
            parts.append(pl.LazyFrame({"name": [name]}).select(_hashes(["name"])))
    return pl.concat(parts).collect()


def differing(one: pl.LazyFrame, other: pl.LazyFrame) -> RowChanges:
    """Find the rows that ``other`` has and ``one`` has not, and the reverse, as multisets.

    Args:
        one: Rows.
        other: Rows of the same columns.
    """
    return _netted(other, one, one.collect_schema().names())


def rows_beyond(
    rows: pl.LazyFrame, columns: Sequence[pl.Expr], landed: pl.LazyFrame
) -> tuple[pl.LazyFrame, int]:
    """Return the rows that do not stand among others, as multisets, and how many are left out.

    They stay in their order. Held in memory is what tells the rows that may be left out.

    Args:
        rows: Rows; they are read more than once, and are the same each time.
        columns: What makes a row another one, over ``rows``.
        landed: The others; all that it has are the same columns.
    """
    names = landed.collect_schema().names()
    seen = landed.select(_hashes(names)).group_by(HASHES).agg(pl.len().alias(TIMES))
    numbered = rows.with_row_index(ROW)
    met = numbered.select(ROW, *_hashes(columns)).join(seen, on=HASHES, how="inner")
    number = pl.int_range(pl.len()).over(HASHES)
    again = met.filter(number < pl.col(TIMES)).select(ROW).collect(engine="streaming")
    if not again.height:
        return rows, 0
    left = numbered.join(again.lazy(), on=ROW, how="anti", maintain_order="left")
    return left.drop(ROW), again.height


def _files(table: TableVersion, columns: Collection[str]) -> dict[str, tuple[str, int]]:
    """Return path in the log and rows of each file that readers get, by what tells its rows.

    Two batches of a snapshot may have one file, which but for their names is the same.
    """
    files = table.files_read
    counted = "num_records" in files.columns
    counts = files["num_records"] if counted else [None] * files.height
    may_share = table.batch is not None and BATCH_COLUMN not in columns
    return {
        rows_of_file(path) if may_share else path: (path, 1 if count is None else count)
        for path, count in zip(files["path"], counts, strict=True)
    }


def _apart(
    before: Mapping[str, tuple[str, int]], after: Mapping[str, tuple[str, int]]
) -> tuple[dict[str, int], dict[str, int]]:
    """Return path and rows of the files that only ``before`` has, and of those only ``after``."""
    gone = dict(before[each] for each in before.keys() - after.keys())
    return gone, dict(after[each] for each in after.keys() - before.keys())


def _hashes(columns: Sequence[str] | Sequence[pl.Expr]) -> list[pl.Expr]:
    row = pl.struct(*columns)
    return [row.hash(seed).alias(name) for name, seed in zip(HASHES, SEEDS, strict=True)]


def _net(
    added: pl.LazyFrame, removed: pl.LazyFrame, columns: Sequence[str], *, passes: int = 1
) -> pl.DataFrame:
    """Return how often each row was added less how often it was removed, where that is not zero.

    Each of several ``passes`` reads all rows and counts a share of them.
    """
    signed = [
        rows.select(*_hashes(columns), pl.lit(sign, pl.Int64).alias(TIMES))
        for rows, sign in zip((added, removed), SIGNS, strict=True)
    ]
    hashed = pl.concat(signed)
    counted = [
        hashed.filter(pl.col(HASHES[0]) % passes == share)
        .group_by(HASHES)
        .agg(pl.col(TIMES).sum())
        .filter(pl.col(TIMES) != 0)
        .collect(engine="streaming")
        for share in range(passes)
    ]
    return pl.concat(counted)


def _chosen(rows: pl.LazyFrame, columns: Sequence[str], net: pl.DataFrame) -> pl.LazyFrame:
    """Return as many of each row as ``net`` says."""
    if not net.height:
        return rows.clear()
    names = rows.collect_schema().names()
    hashed = rows.with_columns(_hashes(columns)).join(net.lazy(), on=HASHES, how="inner")
    number = pl.int_range(pl.len()).over(HASHES)
    return hashed.filter(number < pl.col(TIMES).abs()).select(names)
