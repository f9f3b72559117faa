"""How far rows of an input that change reach, before any run: as a run will find it."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import polars as pl

from polster.contracts.judge import settle_terms
from polster.contracts.rules import is_local
from polster.model.asset import AUDIT_COLUMNS, AssetKey
from polster.model.context import RunContext
from polster.model.scope import Reaches, ScopeKind
from polster.plans.fault import is_fault, raised_for
from polster.plans.locality import Reach, read_locality
from polster.plans.probes import Asked, source
from polster.project.load import LoadedAsset
from polster.runtime.call import Handed, call_for_rows
from polster.runtime.declared import read_declared
from polster.runtime.parameters import reads_at_once
from polster.runtime.slices import never_in_parts, stumbled, why_whole


def reaches(
    loaded: LoadedAsset,
    inputs: Mapping[str, tuple[AssetKey, pl.Schema]],
    run: RunContext,
    root: Path,
) -> dict[AssetKey, Reaches]:
    """Say what rows of each input reach, if they alone change; the function sees no rows.

    Args:
        loaded: The asset, with its function.
        inputs: Whose table, and its columns, by parameter.
        run: Handed to a parameter that asks for it.
        root: The project's folder.
    """

    def call(frames: Mapping[str, pl.LazyFrame]) -> pl.LazyFrame:
        handed = {name: Handed(str(inputs[name][0]), each) for name, each in frames.items()}
        returned = call_for_rows(loaded, handed, run, root)
        assert isinstance(returned, pl.LazyFrame)  # noqa: S101 - above bronze there is no source
        return returned

    schemas = {name: schema for name, (_, schema) in inputs.items()}
    keys = {name: key for name, (key, _) in inputs.items()}
    try:
        if (never := never_in_parts(loaded)) is not None:
            return {key: Reaches(ScopeKind.WHOLE, why=never) for key in keys.values()}
        empty = {name: source(schema, Asked()) for name, schema in schemas.items()}
        returned = call(empty).collect_schema()
        terms = settle_terms(loaded.asset, loaded.function.contract, returned)
        declared = read_declared(loaded.asset, terms, schemas)
        at_once = reads_at_once(loaded.asset, loaded.function.function)
        local = {} if at_once else read_locality(call, schemas)
    except (Exception, pl.exceptions.PanicException) as error:  # the user's code may want rows
        why = f"its plan cannot be read without rows: {type(raised_for(error)).__name__}"
        if is_fault(error, call, schemas):
            why = f"{stumbled(error, 'which part that is').why}; please report this as a bug"
        return {key: Reaches(ScopeKind.WHOLE, why=why) for key in keys.values()}
    found: dict[AssetKey, Reaches] = {}
    for name, key in keys.items():
        rules = terms.rules.tables
        here, is_declared = local.get(name), False
        if declared is not None and (here is None or here.reach is Reach.WHOLE):
            here, is_declared = declared.locality(name), True
        assert here is not None  # noqa: S101 - proved, or declared
        by = [
            column
            for column in terms.schema
            if column in here.by
            and column not in AUDIT_COLUMNS
            and all(is_local(rule, column, terms.schema) for rule in rules)
        ]
        unique = dict.fromkeys(column for rule in terms.rules.unique for column in rule.columns)
        by.sort(key=lambda column: column not in unique)
        if here.reach is Reach.ROW_LOCAL and not rules:
            found[key] = Reaches(ScopeKind.ROW_LOCAL, tuple(by))
        elif here.reach is Reach.WHOLE:
            found[key] = Reaches(ScopeKind.WHOLE, why=why_whole(loaded, here))
        elif by:
            found[key] = Reaches(ScopeKind.LOCAL, tuple(by), is_declared=is_declared)
        else:
            named = ", ".join(f"`{rule.name}`" for rule in rules)
            found[key] = Reaches(ScopeKind.WHOLE, why=f"the rule {named} looks at other rows")
    return found
