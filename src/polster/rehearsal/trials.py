"""Breaking the rules of one asset in turn, and looking where the rows go."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

import polars as pl

from polster.contracts.judge import Terms, settle_terms
from polster.contracts.rules import DTYPE_RULE, RULES_COLUMN
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import Asset, Policy
from polster.model.finding import Finding, Severity, finding_about
from polster.model.reference import Reference
from polster.project.load import LoadedAsset
from polster.rehearsal.breaking import Breach, Breaker, Unbroken
from polster.rehearsal.outcome import Trial, TrialResult
from polster.rehearsal.theatre import Judged, Theatre
from polster.rehearsal.verdicts import keeps_every_rule
from polster.runtime.references import refer
from polster.runtime.refusal import REFUSALS

THREADS = 4
NO_ROWS = "no row that keeps every rule was found"
KEPT_BY_TYPE = "no value of the type that is returned breaks it"


@dataclass(slots=True)
class Tried:
    """What came of the trials of one asset."""

    trials: list[Trial] = field(default_factory=list)
    findings: list[Finding] = field(default_factory=list)


def try_rules(
    loaded: LoadedAsset,
    returned: pl.DataFrame,
    inputs: Mapping[str, TableVersion],
    references: Mapping[Reference, TableVersion | None],
    theatre: Theatre,
    *,
    seed: int,
) -> Tried:
    """Break each rule of the contract of ``loaded`` in rows that its function returned.

    Args:
        loaded: A silver or gold asset with a contract.
        returned: What its function returned for usual rows.
        inputs: What it was handed.
        references: The tables that it refers to; None for its own rows.
        theatre: Where the rows are judged.
        seed: The same seed breaks the same rows.
    """
    asset, contract = loaded.asset, loaded.function.contract
    tried = Tried()
    terms = refer(settle_terms(asset, contract, returned.schema), references)
    good = returned.filter(keeps_every_rule(terms, returned))
    if contract is None:
        return tried
    breaker = Breaker(contract, terms, good, seed=seed)
    if not good.height:
        tried.trials += [Trial(rule, 0, TrialResult.NOT_TRIED, NO_ROWS) for rule in breaker.rules]
        return tried
    wider = breaker.as_contracted(contract)

    def one(rule: str) -> tuple[Breach | Unbroken, Judged | None]:
        breach = breaker.break_rule(rule)
        if isinstance(breach, Unbroken):
            return breach, None
        return breach, theatre.judge(asset, breach.frame, inputs, references)

    with ThreadPoolExecutor(THREADS) as pool:
        tested = list(pool.map(one, breaker.rules))
    for breach, judged in tested:
        rule = breach.rule
        if isinstance(breach, Unbroken) or judged is None:
            if isinstance(breach, Unbroken):
                kept = _is_kept_by_type(rule, wider)
                result = TrialResult.BY_TYPE if kept else TrialResult.NOT_BROKEN
                how = KEPT_BY_TYPE if kept else f"{_rows(breach.tried)} made to break it keep it"
                tried.trials.append(Trial(rule, 0, result, how))
                if not kept:
                    tried.findings.append(_not_broken(asset, breach))
            continue
        problem = _problem(breach, judged, terms)
        result = TrialResult.WRONG if problem else _result(asset, rule, judged)
        how = f"{_rows(breach.planted)} changed or added"
        tried.trials.append(Trial(rule, int(breach.broken[rule].sum()), result, how))
        if problem:
            tried.findings.append(_wrong(asset, rule, problem))
    return tried


def _is_kept_by_type(rule: str, wider: Breaker | None) -> bool:
    """Tell whether only the type of what is returned keeps ``rule``: it says nothing of the rule.

    So it is with a cast that never fails, and with a count that is to be no less than zero.
    """
    if rule.endswith(DTYPE_RULE):
        return True
    return wider is not None and isinstance(wider.break_rule(rule), Breach)


def _result(asset: Asset, rule: str, judged: Judged) -> TrialResult:
    if judged.record.error is not None and asset.options.policy(rule) is Policy.FAIL:
        return TrialResult.REFUSED
    if asset.options.policy(rule) is Policy.WARN and not rule.endswith(DTYPE_RULE):
        return TrialResult.COUNTED
    return TrialResult.QUARANTINED


def _problem(breach: Breach, judged: Judged, terms: Terms) -> str | None:
    """Say what is not as it should be; None if exactly the broken rows are set apart."""
    rule, record = breach.rule, judged.record
    if record.error is not None and record.error.code not in REFUSALS:
        return f"judging them ends in {record.error.code}: {record.error.message}"
    rejecting = [name for name in breach.broken.columns if terms.rejects(name)]
    bad = breach.broken.select(pl.any_horizontal(pl.lit(False), *rejecting)).to_series()
    rows = int(breach.broken[rule].sum())
    if rows > breach.planted and rows == breach.frame.height:
        return f"{_rows(breach.planted)} that break it make all {rows} rows of the table break it"
    counted = record.rules_broken.get(rule, 0)
    if counted != rows:
        return f"{_rows(rows)} break it, and a run counts {counted}"
    kept = judged.quarantined
    apart = 0 if kept is None else kept.height
    if apart != int(bad.sum()):
        return f"{_rows(int(bad.sum()))} had to be set apart, and {apart} were"
    if kept is None:
        return None
    wanted = _rules_of(breach.broken.select(rejecting).filter(bad))
    found = Counter(" and ".join(sorted(rules)) for rules in kept[RULES_COLUMN])
    if wanted != found:
        return f"they are set apart under {_listed(found)}, not under {_listed(wanted)}"
    if not _same_rows(breach.frame.filter(bad), kept):
        return "other rows than these are set apart"
    return None


def _rules_of(broken: pl.DataFrame) -> Counter[str]:
    return Counter(
        " and ".join(sorted(name for name, breaks in row.items() if breaks))
        for row in broken.iter_rows(named=True)
    )


def _same_rows(planted: pl.DataFrame, kept: pl.DataFrame) -> bool:
    """Compare rows, in any order, by the columns that the quarantine holds in the same type."""
    names = [
        name
        for name, dtype in planted.schema.items()
        if kept.schema.get(name) == dtype and not dtype.is_nested()
    ]
    if not names:
        return True
    return Counter(map(repr, planted.select(names).rows())) == Counter(
        map(repr, kept.select(names).rows())
    )


def _not_broken(asset: Asset, unbroken: Unbroken) -> Finding:
    rule = unbroken.rule
    if unbroken.is_certain:
        return finding_about(
            asset,
            "POL801",
            f"the rule `{rule}` of `{asset.key}` never fires: "
            f"none of {unbroken.tried} rows that were made to break it does",
            hint="look at its expression: it may be true for every row, or null, which counts as "
            "good",
            severity=Severity.WARNING,
        )
    return finding_about(
        asset,
        "POL805",
        f"the rule `{rule}` of `{asset.key}` cannot be broken by trying: "
        f"{_rows(unbroken.tried)} made to break it keep it",
        hint="break it in a test of your own: polster.testing.run_asset, then assert_quarantined",
        severity=Severity.WARNING,
    )


def _wrong(asset: Asset, rule: str, problem: str) -> Finding:
    return finding_about(
        asset,
        "POL802",
        f"rows that break the rule `{rule}` of `{asset.key}` do not go where they should: "
        f"{problem}",
        hint="write the rule so that each row is good or bad by itself, and the same each time "
        "it is asked",
    )


def _rows(count: int) -> str:
    return "1 row" if count == 1 else f"{count} rows"


def _listed(found: Counter[str]) -> str:
    return ", ".join(f"`{rules}` ({count})" for rules, count in sorted(found.items())) or "none"
