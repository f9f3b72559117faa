"""Which type the readers of a column get when batches of several types share it."""

from __future__ import annotations

import polars as pl

from polster.lakehouse.types import dtype_of, fields_of, is_stored_as, read_schema


def dtype_read(
    before: pl.DataType | None,
    arriving: pl.DataType,
    stored: pl.DataType,
    *,
    newest_wins: bool,
) -> pl.DataType:
    """Return the type that readers of a column get after a batch has landed in it.

    Args:
        before: What they got until now; None if the column, or the field, is new.
        arriving: The type of the batch, as it was returned.
        stored: The type that the table keeps the values of all batches in.
        newest_wins: Whether they read the newest batch alone.

    >>> dtype_read(pl.Duration("us"), pl.Null(), pl.Int64(), newest_wins=True)
    Duration(time_unit='us')
    """
    match arriving, stored:
        case pl.Null(), _:
            return before if before is not None and is_stored_as(before, stored) else stored
        case pl.Struct(), pl.Struct():
            earlier = fields_of(before) if isinstance(before, pl.Struct) else {}
            returned = fields_of(arriving)
            return pl.Struct(
                {
                    name: dtype_read(
                        earlier.get(name),
                        returned.get(name, pl.Null()),
                        kind,
                        newest_wins=newest_wins,
                    )
                    for name, kind in fields_of(stored).items()
                }
            )
        case pl.List(), pl.List():
            item = dtype_of(before.inner) if isinstance(before, pl.List) else None
            inner, kind = dtype_of(arriving.inner), dtype_of(stored.inner)
            return pl.List(dtype_read(item, inner, kind, newest_wins=newest_wins))
    dtype = read_schema(pl.Schema({"": arriving}))[""]
    if newest_wins or before is None or before == dtype:
        agreed = dtype
    else:
        agreed = _agreed(before, dtype) or stored
    return agreed if is_stored_as(agreed, stored) else stored


def _agreed(before: pl.DataType, arriving: pl.DataType) -> pl.DataType | None:
    """Return a type that is true of the values of both, where it is not the one of storage."""
    match before, arriving:
        case pl.Duration(), pl.Duration():
            return pl.Duration("us")
        case pl.Enum(), pl.Enum():
            more, fewer = sorted((arriving, before), key=_size, reverse=True)
            return more if set(more.categories) >= set(fewer.categories) else None
    return None


def _size(dtype: pl.Enum) -> int:
    return len(dtype.categories)
