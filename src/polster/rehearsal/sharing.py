"""Values that sampled tables share because the pipeline joins them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import polars as pl

from polster.model.asset import AssetKey
from polster.rehearsal.matches import Match, Matches
from polster.rehearsal.sampling import pick, seed_of
from polster.rehearsal.sources import Bronze, Drawn, as_landed, legal_rows


def share_values(bronzes: Iterable[Bronze], drawn: Drawn, matches: Matches, *, seed: int) -> None:
    """Let columns that are joined or refer to others hold the same values, so that they meet.

    Rows of a fixture stay as they are; else the table whose key is meant keeps its values, and
    the other one takes them.

    Args:
        bronzes: Whose contracts still have to let the rows land.
        drawn: Changed where that is needed and possible.
        matches: What is joined with what.
        seed: The same seed shares the same values.
    """
    known = {bronze.asset.key: bronze for bronze in bronzes}
    waiting = [
        _directed(match, drawn, matches)
        for match in matches.joined
        if match.left in drawn.rows and match.right in drawn.rows
    ]
    waiting = [match for match in waiting if match.right not in drawn.fixtures]
    while waiting:
        takers = {(match.right, name) for match in waiting for _, name in match.columns}
        ready = [
            match
            for match in waiting
            if not any((match.left, name) in takers for name, _ in match.columns)
        ]
        match = (ready or waiting)[0]  # first from those that will not change any more
        waiting.remove(match)
        names = [name for _, name in match.columns]
        unique = matches.is_key(match.right, names)
        taken = _taken(match, drawn.rows, is_unique=unique, seed=seed_of(seed, *names))
        _take(known[match.right], taken, drawn)
    for match in matches.own:
        if match.right in drawn.rows and match.right not in drawn.fixtures:
            own = seed_of(seed, *(name for _, name in match.columns))
            taken = _taken(match, drawn.rows, is_unique=False, seed=own)
            _take(known[match.right], taken, drawn)


def _take(bronze: Bronze, taken: pl.DataFrame | None, drawn: Drawn) -> None:
    """Put rows in place of those that were drawn, if the contract of bronze lets them land."""
    if taken is not None and (
        not bronze.has_contract or legal_rows(bronze, taken).height == taken.height
    ):
        drawn.rows[bronze.asset.key] = taken


def _directed(match: Match, drawn: Drawn, matches: Matches) -> Match:
    """Return ``match`` with the table that keeps its values on the left."""
    turned = Match(match.right, match.left, tuple((other, one) for one, other in match.columns))
    left, right = (
        (side.left in drawn.fixtures, matches.is_key(side.left, [one for one, _ in side.columns]))
        for side in (match, turned)
    )
    return match if left >= right else turned


def _taken(
    match: Match, rows: Mapping[AssetKey, pl.DataFrame], *, is_unique: bool, seed: int
) -> pl.DataFrame | None:
    """Return the rows on the right with values of the left; None if they have them, or cannot."""
    frame = rows[match.right]
    if not all(
        one in rows[match.left].columns and other in frame.columns for one, other in match.columns
    ):
        return None
    landed = {
        other: as_landed(rows[match.left][one], frame.schema[other]) for one, other in match.columns
    }
    columns = [values.alias(name) for name, values in landed.items() if values is not None]
    if len(columns) < len(landed):
        return None
    pool = pl.DataFrame(columns).drop_nulls().unique(maintain_order=True)
    own = frame.select(list(landed))
    if not pool.height or own.join(pool, on=list(landed), how="semi").height == own.height:
        return None
    if is_unique:
        rest = own.drop_nulls().unique(maintain_order=True).join(pool, on=list(landed), how="anti")
        values = pl.concat([pool, rest]).head(frame.height)
    else:
        values = pool[pick(pool.height, frame.height, seed, again=True)]
    return frame.with_columns(values.get_columns()) if values.height == frame.height else None
