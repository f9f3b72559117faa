"""Changes that arrive one after the other: the newest state of each key, and its history.

Plain functions over frames that hold every change there ever was, as bronze that appends does. Both
look at the rows of one key alone, so that a run makes only those keys anew that something came for.
"""

from __future__ import annotations

from collections.abc import Sequence

import polars as pl

from polster.model.expect import IS_CURRENT, VALID_FROM

AUDIT = ("_ingested_at", "_batch_id", "_source", "_row")
"""Columns that say how a row came, and not what it says."""
TIED = "is_tied"
VALID_TO = "valid_to"
CONTENT, GONE = "__polster_content__", "__polster_gone__"
STARTS, STRETCH = "__polster_starts__", "__polster_stretch__"


def latest(
    frame: pl.LazyFrame,
    *,
    key: str | Sequence[str],
    by: str | Sequence[str],
    deleted: pl.Expr | str | None = None,
) -> pl.LazyFrame:
    """Return the newest change of each key.

    The order in which changes arrived, and how often, does not matter: a change that is older by
    ``by`` never wins. Two changes of a key that are equally new and say different things are both
    returned with ``is_tied``, for the contract to keep out; so are rows without a key or without a
    value of ``by`` (null or NaN), as they are, equal ones once.

    Args:
        frame: One row a change; lazy.
        key: Columns that name what changes.
        by: What says which change is newer, the most important column first.
        deleted: Which changes say that the key is gone; a column of Booleans, or an expression.

    Returns:
        One row a key that is there; the columns of ``frame`` and ``is_tied: Boolean``.

    Raises:
        ValueError: ``frame`` has a column ``is_tied``.

    >>> changes = pl.LazyFrame({"id": [1, 1, 2], "at": [1, 2, 1], "town": ["Ulm", "Bonn", "Kiel"]})
    >>> latest(changes, key="id", by="at").sort("id").collect().rows()
    [(1, 2, 'Bonn', False), (2, 1, 'Kiel', False)]
    """
    keys, order = _names(key), _names(by)
    _refuse_taken(frame, [TIED])
    usable = _is_usable(frame, keys, order)
    newest = pl.lit(value=True)
    for place, column in enumerate(order):
        greatest = pl.when(usable).then(pl.col(column)).max().over(*keys, *order[:place])
        newest = newest & (pl.col(column) == greatest)
    found = _once(frame.filter(~usable | newest.fill_null(value=False)), keys)
    tied = usable & (usable.sum().over(*keys) > 1)
    found = found.with_columns(tied.alias(TIED))
    if deleted is None:
        return found
    return found.filter(~usable | pl.col(TIED) | ~_flag(deleted))


def history(
    frame: pl.LazyFrame,
    *,
    key: str | Sequence[str],
    by: str,
    deleted: pl.Expr | str | None = None,
    tracked: str | Sequence[str] | None = None,
) -> pl.LazyFrame:
    """Return what was true of each key, and from when to when (a slowly changing dimension).

    Intervals are half-open, without gap or overlap while a key is there; the last one is open. A
    change that arrives late splits the interval that it falls into; one that says nothing new adds
    none. A key that comes back after it was deleted opens a new one. Ties and rows without a key or
    a moment are returned as :func:`latest` does, without an interval.

    Args:
        frame: One row a change; lazy.
        key: Columns that name what changes.
        by: When a change is true from.
        deleted: Which changes say that the key is gone; a column of Booleans, or an expression.
        tracked: Columns whose changes open an interval; all others but ``key``, ``by`` and a column
            ``deleted`` if not given (columns of an expression open one too). Those that are not
            tracked have the newest values of the interval.

    Returns:
        One row an interval; the columns of ``frame``, ``valid_from`` and ``valid_to`` of the type
        of ``by``, null where open, ``is_current: Boolean``, ``is_tied: Boolean``.

    Raises:
        ValueError: ``frame`` has a column of one of these names already.

    >>> changes = pl.LazyFrame({"id": [1, 1, 1], "at": [1, 5, 3], "town": ["Ulm", "Bonn", "Ulm"]})
    >>> told = history(changes, key="id", by="at").sort("valid_from").collect()
    >>> told.select("town", "valid_from", "valid_to", "is_current").rows()
    [('Ulm', 1, 5, False), ('Bonn', 5, None, True)]
    """
    keys = _names(key)
    made = [TIED, VALID_TO, IS_CURRENT]
    _refuse_taken(frame, made if by == VALID_FROM else [*made, VALID_FROM])
    usable = _is_usable(frame, keys, [by])
    changes = _once(frame, [*keys, by])
    tied = usable & (pl.len().over(*keys, by) > 1)
    changes = changes.with_columns(tied.alias(TIED))
    told = changes.filter(usable & ~pl.col(TIED)).sort(by)
    gone = pl.lit(value=False) if deleted is None else _flag(deleted)
    flag = [deleted] if isinstance(deleted, str) else []
    watched = _content(told, [*keys, by, *flag]) if tracked is None else _names(tracked)
    told = told.with_columns(pl.struct(*watched, gone.alias(GONE)).alias(CONTENT))
    before = pl.col(CONTENT).shift(1).over(*keys)
    is_first = pl.int_range(pl.len()).over(*keys) == 0
    told = told.with_columns((is_first | pl.col(CONTENT).ne_missing(before)).alias(STARTS))
    told = told.with_columns(pl.col(STARTS).cum_sum().over(*keys).alias(STRETCH))
    told = told.with_columns(pl.col(by).first().over(*keys, STRETCH).alias(VALID_FROM))
    ends = pl.int_range(pl.len(), 0, -1).over(*keys, STRETCH) == 1
    told = told.filter(ends)
    told = told.with_columns(pl.col(VALID_FROM).shift(-1).over(*keys).alias(VALID_TO))
    told = told.filter(~pl.col(CONTENT).struct.field(GONE)).with_columns(
        pl.col(VALID_TO).is_null().alias(IS_CURRENT)
    )
    told = told.drop(CONTENT, STARTS, STRETCH)
    return pl.concat([told, changes.filter(~usable | pl.col(TIED))], how="diagonal")


def _names(columns: str | Sequence[str]) -> list[str]:
    return [columns] if isinstance(columns, str) else list(columns)


def _flag(deleted: pl.Expr | str) -> pl.Expr:
    said = pl.col(deleted) if isinstance(deleted, str) else deleted
    return said.fill_null(value=False)


def _is_usable(frame: pl.LazyFrame, keys: Sequence[str], order: Sequence[str]) -> pl.Expr:
    """Return whether a row says of which key it is, and when; NaN is neither."""
    schema = frame.collect_schema()
    names = [*keys, *order]
    floats = [name for name in names if name in schema and schema[name].is_float()]
    there = [pl.col(name).is_not_null() for name in names]
    return pl.all_horizontal(*there, *(pl.col(name).is_not_nan() for name in floats))


def _refuse_taken(frame: pl.LazyFrame, made: Sequence[str]) -> None:
    """Raise ValueError where a column would be overwritten."""
    there = frame.collect_schema().names()
    if taken := [name for name in made if name in there]:
        raise ValueError(f"the frame has {', '.join(taken)} already; rename or drop it first")


def _content(frame: pl.LazyFrame, apart: Sequence[str]) -> list[str]:
    there = frame.collect_schema().names()
    return [name for name in there if name not in (*apart, *AUDIT, TIED)]


def _once(frame: pl.LazyFrame, keys: Sequence[str]) -> pl.LazyFrame:
    """Return changes that say the same as one; the first of them."""
    content = pl.struct(_content(frame, ())).hash()
    return frame.filter(pl.int_range(pl.len()).over(*keys, content) == 0)
