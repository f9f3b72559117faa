"""Finding rows that keep narrow rules: drawn by the thousand, and mended where they break one."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl

from polster.contracts.rules import Rule, contract_columns, contract_rules
from polster.project.dataframely_private import generator
from polster.rehearsal.sampling import SPAN, CannotSampleError, narrowed, pick, seed_of

if TYPE_CHECKING:
    import dataframely as dy

DRAWN = 20_000
ROUNDS = 60
ENOUGH = 3
"""How many times as many rows as are wanted are mended, since keys and groups turn some away."""


def mend_contract(contract: type[dy.Schema], rows: int, *, seed: int) -> pl.DataFrame:
    """Draw very many rows, and draw anew one column of each rule that a row breaks, in turn.

    That takes seconds, and finds rows where :func:`~polster.rehearsal.sampling.sample_contract`,
    which draws whole rows anew, has no luck.

    Returns:
        At least one row, and no more than ``rows``, all of which keep every rule.

    Raises:
        CannotSampleError: No row was mended in time.
    """
    narrow: Any = narrowed(contract, SPAN, ())
    rules = contract_rules(contract).rows
    try:
        pools = {
            name: column.sample(generator(seed_of(seed, name)), DRAWN).alias(name)
            for name, column in narrow.columns().items()
        }
        frame = pl.DataFrame(list(pools.values()))
        for number in range(ROUNDS):
            broken = _broken(frame, rules)
            good = frame.filter(~broken.select(pl.any_horizontal(False, "*")).to_series())
            if good.height >= rows * ENOUGH:
                break
            frame = _redrawn(frame, broken, rules, pools, seed_of(seed, str(number)), number)
        kept = pl.DataFrame(narrow.filter(good)[0]) if good.height else good
    except Exception as error:  # the rules are the user's code, and may fail over anything
        raise CannotSampleError(f"{type(error).__name__}: {error}") from error
    if not kept.height:
        raise CannotSampleError(f"none of {DRAWN} random rows could be made to keep every rule")
    return kept.head(rows).select(list(contract_columns(contract)))


def _broken(frame: pl.DataFrame, rules: tuple[Rule, ...]) -> pl.DataFrame:
    """Return one Boolean column a rule, named by its place among ``rules``."""
    return frame.select(
        (~rule.holds.fill_null(True)).cast(pl.Boolean).alias(str(place))
        for place, rule in enumerate(rules)
    )


def _redrawn(
    frame: pl.DataFrame,
    broken: pl.DataFrame,
    rules: tuple[Rule, ...],
    pools: dict[str, pl.Series],
    seed: int,
    number: int,
) -> pl.DataFrame:
    """Draw one column of each broken rule anew, another one each time."""
    for place, rule in enumerate(rules):
        names = [name for name in rule.columns if name in pools]
        fails = broken[str(place)]
        if not names or not fails.any():
            continue
        name = names[number % len(names)]
        again = pools[name].gather(pick(DRAWN, DRAWN, seed_of(seed, rule.name), again=True))
        frame = frame.with_columns(again.zip_with(fails, frame[name]).alias(name))
    return frame
