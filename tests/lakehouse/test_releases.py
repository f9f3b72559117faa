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


def test_the_release_written_last_comes_first_whatever_its_clock_said(
    lakehouse: Lakehouse,
) -> None:
    ahead = Release("run2", START + timedelta(hours=1), {ORDERS: 3})
    newest = Release("run1", START, {ORDERS: 4})

    lakehouse.releases.write(ahead)
    lakehouse.releases.write(newest)

    assert lakehouse.releases.all() == [newest, ahead]
    assert lakehouse.releases.all(limit=1) == [newest]
    assert [each.id for each in lakehouse.releases.summaries()] == ["run1", "run2"]


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
