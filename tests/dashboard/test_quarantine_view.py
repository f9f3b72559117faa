"""What the page of the quarantine draws."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from polster.dashboard.elements.chart import COLOURS
from polster.dashboard.quarantine_view import OTHERS, RUNS_SHOWN, bars, judged_current, tallies
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.quarantine import QuarantineCount

ORDERS = AssetKey(Layer.SILVER, "orders")
CUSTOMERS = AssetKey(Layer.SILVER, "customers")
START = datetime(2026, 1, 2, tzinfo=UTC)


def _count(asset: AssetKey, run: int, **rules: int) -> QuarantineCount:
    at = START + timedelta(minutes=run)
    return QuarantineCount(asset, f"run{run}", at, 100, sum(rules.values()), rules)


def test_rules_are_added_up_and_the_newest_run_decides_what_is_worst() -> None:
    counts = [
        _count(ORDERS, 1, key=9, age=1),
        _count(CUSTOMERS, 1, name=2),
        _count(ORDERS, 2, age=3),
    ]

    found = [(str(each.asset), each.rule, each.newest, each.total) for each in tallies(counts)]

    assert found == [
        ("silver.orders", "age", 3, 4),
        ("silver.customers", "name", 2, 2),
        ("silver.orders", "key", 0, 9),
    ]
    assert tallies(counts)[2].last_at == counts[0].at


def test_a_rule_is_broken_since_the_first_run_without_a_break() -> None:
    counts = [
        _count(ORDERS, 1, age=1),
        _count(ORDERS, 2, key=1),
        _count(ORDERS, 3, key=2, age=1),
        _count(CUSTOMERS, 3, age=1),
        _count(ORDERS, 4, key=1, age=9),
    ]

    since = {(str(each.asset), each.rule): each.since for each in tallies(counts)}

    assert since == {
        ("silver.orders", "key"): counts[1].at,
        ("silver.orders", "age"): counts[2].at,
        ("silver.customers", "age"): counts[3].at,
    }
    assert [each.since for each in tallies([*counts, _count(CUSTOMERS, 5)])][-1] is None


def test_a_run_that_failed_hides_nothing_of_what_the_current_version_is_without() -> None:
    published = _count(ORDERS, 1, key=2)
    counts = [published, replace(_count(ORDERS, 2, age=5), is_published=False)]

    (current, other) = tallies(counts)

    assert judged_current(counts) == {ORDERS: published}
    assert (current.rule, current.newest, current.since) == ("key", 2, published.at)
    assert (other.rule, other.newest, other.total, other.since) == ("age", 0, 5, None)


def test_bars_are_by_asset_or_by_the_rules_of_one() -> None:
    counts = [_count(ORDERS, 1, key=9, age=1), _count(CUSTOMERS, 1, name=2), _count(ORDERS, 2)]

    everything, one = bars(counts, asset=None), bars(counts, asset=ORDERS)

    assert everything.rows == {"silver.orders": (10, 0), "silver.customers": (2, 0)}
    assert one.rows == {"key": (9, 0), "age": (1, 0)}
    assert len(one.times) == 2


def test_many_rules_and_many_runs_stay_readable_and_lose_no_row() -> None:
    rules = {f"rule{number:02d}": 20 - number for number in range(12)}
    counts = [_count(ORDERS, run, **rules) for run in range(RUNS_SHOWN + 5)]

    shown = bars(counts, asset=ORDERS)

    assert len(shown.times) == RUNS_SHOWN
    assert len(shown.rows) == len(COLOURS)
    assert list(shown.rows)[-1] == OTHERS
    assert shown.total == RUNS_SHOWN * sum(rules.values())


def test_nothing_kept_out_draws_nothing() -> None:
    assert tallies([_count(ORDERS, 1)]) == []
    assert bars([], asset=None).rows == {}
