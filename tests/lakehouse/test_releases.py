from __future__ import annotations

from datetime import UTC, datetime, timedelta

from polster.lakehouse.lakehouse import Lakehouse
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.release import Release, ReleaseSummary

ORDERS = AssetKey(Layer.SILVER, "orders")
REVENUE = AssetKey(Layer.GOLD, "revenue")
START = datetime(2026, 1, 2, tzinfo=UTC)


def test_there_is_no_release_before_the_first(lakehouse: Lakehouse) -> None:
    assert lakehouse.releases.all() == []


def test_a_release_comes_back_with_its_versions(lakehouse: Lakehouse) -> None:
    release = Release("run1", START, {ORDERS: 3, REVENUE: 0})

    lakehouse.releases.write(release)

    assert lakehouse.releases.all() == [release]


def test_the_newest_release_comes_first_whoever_wrote_last(lakehouse: Lakehouse) -> None:
    newer = Release("run2", START + timedelta(hours=1), {ORDERS: 4})
    older = Release("run1", START, {ORDERS: 3})

    lakehouse.releases.write(newer)
    lakehouse.releases.write(older)

    assert lakehouse.releases.all() == [newer, older]
    assert lakehouse.releases.all(limit=1) == [newer]


def test_a_summary_counts_the_tables_of_each_release(lakehouse: Lakehouse) -> None:
    later = START + timedelta(hours=1)
    lakehouse.releases.write(Release("run1", START, {ORDERS: 3}))
    lakehouse.releases.write(Release("run2", later, {ORDERS: 4, REVENUE: 0}))

    newest = ReleaseSummary("run2", later, 2)
    assert lakehouse.releases.summaries() == [newest, ReleaseSummary("run1", START, 1)]
    assert lakehouse.releases.summaries(limit=1) == [newest]


def test_releases_are_found_by_name_where_there_are_any(lakehouse: Lakehouse) -> None:
    release = Release("run1", START, {ORDERS: 3, REVENUE: 0})
    lakehouse.releases.write(release)
    lakehouse.releases.write(Release("run2", START, {ORDERS: 4}))

    assert lakehouse.releases.named({"run1", "nope"}) == {"run1": release}
