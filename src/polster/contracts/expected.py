"""Whether the rows of a new version are what the last one, and ``expect=``, lead to expect."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

import polars as pl

from polster.contracts.profile import FIELD, LastVersion, Profile, names_of
from polster.contracts.rules import RESCUED_COLUMN
from polster.contracts.vanishing import Vanished
from polster.errors import AssetError, nearest
from polster.model.asset import Asset, Load
from polster.model.expect import Expect, parse_age
from polster.model.layer import Layer


@dataclass(frozen=True, slots=True)
class Surprise:
    """Something about the rows of a new version that is not as expected.

    Attributes:
        subject: The column or the expectation that it is about.
        fails: Whether nothing may be published; else it is a standing warning.
    """

    code: str
    subject: str
    message: str
    hint: str
    fails: bool = True


def ages(asset: Asset, schema: pl.Schema) -> dict[str, timedelta]:
    """Return how old the newest value of a column may be, by column.

    Args:
        asset: Whose ``expect`` is meant.
        schema: Columns that the asset publishes.

    Raises:
        AssetError: ``expect`` names a column that is not there, or one that holds no moments; or
            it names none, and not exactly one does.
    """
    expect = asset.options.expect
    names = names_of(schema)
    for column in expect.columns:
        known = names if column in expect.null_share else schema
        if column not in known:
            close = nearest(column, known)
            raise _senseless(
                asset,
                f"`expect` names the column `{column}`, which the result does not have",
                f"did you mean `{close}`?" if close else f"its columns: {', '.join(known)}",
            )
    if expect.fresh_within is None:
        return {}
    dated = [name for name, dtype in schema.items() if isinstance(dtype, pl.Date | pl.Datetime)]
    if isinstance(expect.fresh_within, Mapping):
        for column in expect.fresh_within:
            if column not in dated:
                raise _senseless(
                    asset,
                    f"`fresh_within` names the column `{column}`, which is {schema[column]} and "
                    "holds no dates or times",
                    f"name one of: {', '.join(dated)}"
                    if dated
                    else "expect it where the column is a date or a time, such as in silver",
                )
    elif len(dated) != 1:
        found = f"{len(dated)} columns hold" if dated else "no column holds"
        example = dated[0] if dated else "ordered_at"
        raise _senseless(
            asset,
            f"`fresh_within` does not say which column, and {found} dates or times"
            + (f": {', '.join(dated)}" if dated else ""),
            f'write fresh_within={{"{example}": "{expect.fresh_within}"}}'
            if dated
            else "expect it where a column is a date or a time, such as in silver",
        )
    return age_by_column(expect.fresh_within, dated)


def age_by_column(
    fresh_within: str | Mapping[str, str], columns: Iterable[str]
) -> dict[str, timedelta]:
    """Return how old the newest value of each of ``columns`` may be.

    Args:
        fresh_within: As an asset says it; an age alone means every one of ``columns``.
        columns: Those that hold moments; of those that are not named, any value is new enough.
    """
    if isinstance(fresh_within, str):
        return {column: parse_age(fresh_within) for column in columns}
    return {column: parse_age(fresh_within[column]) for column in columns if column in fresh_within}


def surprises(
    asset: Asset,
    new: Profile,
    last: LastVersion | None,
    allowed: Mapping[str, timedelta],
    *,
    returned: int,
    beside: int | None = None,
    vanished: Vanished | None = None,
) -> list[Surprise]:
    """Compare a new version with what is expected of it.

    Args:
        asset: Whose options count.
        new: The rows as they would be published.
        last: The version that they would replace; None if there is none.
        allowed: What :func:`ages` says.
        returned: Rows that the function returned, those that are quarantined with them.
        beside: Rows of the last version that stay, where ``new`` is a part of the next; else None.
        vanished: Keys that the last version has and the next has not, if that is asked.
    """
    found: list[Surprise] = []
    is_append = asset.key.layer is Layer.BRONZE and asset.options.load is Load.APPEND
    is_added = is_append or bool(beside)
    if last is not None and not beside:  # what stays beside is not gone
        found += _gone(asset, new, last, returned, is_append=is_append)
    expect = asset.options.expect
    found += _sizes(expect, new.rows + (beside or 0), last)
    found += _nulls(expect, new)
    found += _keys(expect, vanished)
    newest = dict(new.newest)
    if last is not None and is_added:
        for column, moment in last.newest.items():
            newest[column] = max(moment, newest.get(column, moment))
    if new.rows or newest:
        found += aged(expect, newest, allowed, new.at)
    return found


def aged(
    expect: Expect,
    newest: Mapping[str, datetime],
    allowed: Mapping[str, timedelta],
    at: datetime,
) -> Iterator[Surprise]:
    """Say which columns hold nothing that is new enough at the moment ``at``."""
    for column, age in allowed.items():
        moment = newest.get(column)
        limit = hours(age)
        if moment is not None and at - moment <= age:
            continue
        if moment is None:
            message = f"`{column}` holds no moment up to now, where one within {limit} is expected"
            hint = f"look at the source of `{column}`"
        else:
            is_old = hours(at - moment, up=True)
            message = f"the newest `{column}` is {is_old} old, where {limit} are allowed"
            hint = (
                "look whether the source still delivers; if that is right, write "
                f'fresh_within={{"{column}": "{is_old}"}}'
            )
        yield _stated(expect, "POL329", f"fresh_within {column}", message, hint)


def hours(age: timedelta, *, up: bool = False) -> str:
    """Write an age as ``fresh_within`` takes it.

    >>> hours(timedelta(days=1, hours=2))
    '26h'
    """
    seconds = age.total_seconds()
    if seconds < 2 * 3600 or (seconds % 3600 and not up):
        return f"{math.ceil(seconds / 60)}m"
    return f"{math.ceil(seconds / 3600)}h"


def _gone(
    asset: Asset, new: Profile, last: LastVersion, returned: int, *, is_append: bool
) -> Iterator[Surprise]:
    """Say what the last version had, and nothing of which is left.

    A batch that is appended takes nothing away: no rows are none that are new, and a column without
    values is a warning.
    """
    if not new.rows:
        if last.rows and not is_append and not returned and not asset.options.allow_empty:
            yield Surprise(
                "POL324",
                "rows",
                f"the function returned no rows, and the table has {_rows(last.rows)}",
                "look at the source; if an empty table is right, write allow_empty=True in the "
                "decorator",
            )
        return
    empty = {key for key, nulls in new.nulls.items() if nulls == new.rows}
    lost = [
        column
        for column, key in names_of(new.columns).items()
        if key in empty
        and column != RESCUED_COLUMN
        and (FIELD not in key or key.rpartition(FIELD)[0] not in empty)
        and last.was_filled(key)
        and new.says_of(key)
        and column not in asset.options.expect.null_share
    ]
    if lost:
        named = ", ".join(f"`{column}`" for column in lost)
        permit = ", ".join(f'"{column}": 1.0' for column in lost)
        holds = "holds" if len(lost) == 1 else "hold"
        before = "in earlier batches" if is_append else "in the last version"
        yield Surprise(
            "POL325",
            lost[0],
            f"{named} {holds} nothing but nulls, and held values {before}",
            f"look at the source; if that is right, write expect=Expect(null_share={{{permit}}})",
            fails=not is_append,
        )


def _sizes(expect: Expect, rows: int, last: LastVersion | None) -> Iterator[Surprise]:
    if expect.min_rows is not None and rows < expect.min_rows:
        message = f"{_rows(rows)} came, where `min_rows={expect.min_rows}` is expected"
        yield _stated(expect, "POL327", "min_rows", message, _permit(f"min_rows={rows}"))
    if expect.max_rows is not None and rows > expect.max_rows:
        message = f"{_rows(rows)} came, where `max_rows={expect.max_rows}` is expected"
        yield _stated(expect, "POL327", "max_rows", message, _permit(f"max_rows={rows}"))
    if last is None or not last.rows:
        return
    change = (rows - last.rows) / last.rows
    for name, limit, share, word in (
        ("shrink", expect.shrink, -change, "fewer"),
        ("grow", expect.grow, change, "more"),
    ):
        if limit is not None and share > limit:
            needed = math.ceil(share * 100) / 100
            message = (
                f"{_rows(rows)} came, {share:.1%} {word} than the {last.rows} of the last version, "
                f"where `{name}={limit}` is expected"
            )
            yield _stated(expect, "POL327", name, message, _permit(f"{name}={needed}"))


def _nulls(expect: Expect, new: Profile) -> Iterator[Surprise]:
    keys = names_of(new.columns) if expect.null_share else {}
    for column, limit in expect.null_share.items():
        share = new.nulls[keys[column]] / new.rows if new.rows else 0.0
        if share > limit:
            needed = math.ceil(share * 100) / 100
            message = f"`{column}` is null in {share:.1%} of the rows, where {limit:.1%} is allowed"
            permit = f'null_share={{"{column}": {needed}}}'
            yield _stated(expect, "POL328", f"null_share {column}", message, _permit(permit))


def _keys(expect: Expect, vanished: Vanished | None) -> Iterator[Surprise]:
    limit = expect.vanish
    if vanished is None or limit is None or vanished.share <= limit:
        return
    which = "keys of the last version are gone"
    if vanished.are_current:
        which = "keys that are current in the last version would not be"
    message = (
        f"{vanished.keys} of the {vanished.of} {which}, {vanished.share:.1%}, where "
        f"`vanish={limit}` is expected"
    )
    needed = math.ceil(vanished.share * 100) / 100
    yield _stated(expect, "POL391", "vanish", message, _permit(f"vanish={needed}"))


def _stated(expect: Expect, code: str, subject: str, message: str, hint: str) -> Surprise:
    return Surprise(code, subject, message, hint, fails=expect.on_violation == "fail")


def _permit(expectation: str) -> str:
    return f"look at the source; if that is right, write {expectation} in `expect`"


def _rows(count: int) -> str:
    return f"{count} {'row' if count == 1 else 'rows'}"


def _senseless(asset: Asset, message: str, hint: str) -> AssetError:
    return AssetError(message, code="POL333", place=asset.place, hint=hint)
