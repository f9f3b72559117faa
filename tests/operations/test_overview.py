"""The whole pipeline at one moment."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from polster.errors import DefinitionError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.live import LOST_SECONDS, LiveRun
from polster.model.record import AssetRecord, AssetStatus, Failure
from polster.operations.overview import (
    Condition,
    Overview,
    Standing,
    attention,
    conditions,
    count_conditions,
    overview,
    standings,
)

NOW = datetime(2026, 5, 4, 12, 0, tzinfo=UTC)
BRONZE_ORDERS = AssetKey(Layer.BRONZE, "orders")
SILVER_ORDERS = AssetKey(Layer.SILVER, "orders")
SPENDING = AssetKey(Layer.GOLD, "spending")


def seen(shop: Any) -> Overview:
    return overview(shop.open())


def words(shop: Any, live: Sequence[LiveRun] = ()) -> dict[str, str]:
    found = conditions(seen(shop), live, now=NOW)
    return {str(key): condition.value for key, condition in found.items()}


def live_run(
    *,
    waiting: Sequence[AssetKey] = (),
    running: Sequence[AssetKey] = (),
    finished: Mapping[AssetKey, AssetStatus] | None = None,
    run_id: str = "20260504T120000-000000",
    quiet_seconds: float = 0.0,
) -> LiveRun:
    failure = Failure("POL602", "ZeroDivisionError")
    return LiveRun(
        run_id=run_id,
        environment="dev",
        host="here",
        process_id=1,
        selection=(),
        full_refresh=False,
        started_at=NOW - timedelta(seconds=quiet_seconds),
        updated_at=NOW - timedelta(seconds=quiet_seconds),
        waiting=tuple(waiting),
        running=dict.fromkeys(running, NOW),
        finished=tuple(
            AssetRecord(key, how, NOW, error=failure if how is AssetStatus.FAILED else None)
            for key, how in (finished or {}).items()
        ),
    )


def test_before_the_first_run_everything_is_never_built_and_says_so(shop: Any) -> None:
    found = seen(shop)

    assert found.was_never_run
    assert words(shop) == {
        "bronze.orders": "never built",
        "silver.orders": "never built",
        "gold.spending": "never built",
    }
    assert found.assets[SILVER_ORDERS].reasons == ("it was never built",)
    assert found.assets[SILVER_ORDERS].rows is None
    assert found.rows == 0


def test_a_project_without_assets_is_not_one_that_never_ran(pipeline: Any) -> None:
    found = seen(pipeline)

    assert found.assets == {}
    assert not found.was_never_run


def test_after_a_run_rows_and_what_was_kept_out_are_known(shop: Any) -> None:
    shop.run()

    found = seen(shop)

    entry = found.assets[SILVER_ORDERS]
    assert not found.was_never_run
    assert set(words(shop).values()) == {"published"}
    assert (entry.rows, entry.quarantined) == (2, 3)
    assert entry.share_quarantined == pytest.approx(0.6)
    assert entry.upstream == (BRONZE_ORDERS,)
    assert entry.published_at is not None
    assert (found.rows, found.quarantined) == (9, 3)


def test_changed_code_makes_stale_with_the_reason(shop: Any) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.head(9)")

    found = seen(shop)

    assert words(shop)["silver.orders"] == "stale"
    assert found.assets[SILVER_ORDERS].reasons == ("its code changed",)
    assert words(shop)["bronze.orders"] == "published"


def test_a_failed_asset_says_what_happened_and_keeps_its_rows(shop: Any) -> None:
    shop.run()
    shop.edit("src/core/gold_spending.py", "return orders", "1 / 0\n    return orders")
    shop.run()

    entry = seen(shop).assets[SPENDING]

    assert entry.condition is Condition.FAILED
    assert "ZeroDivisionError" in entry.reasons[0]
    assert entry.rows == 2
    assert entry.stands_in == 0


def test_what_the_current_version_noted_needs_attention_until_a_run_without_it(shop: Any) -> None:
    shop.run()
    before = seen(shop).assets[BRONZE_ORDERS].stands_in
    text = (shop.root / "landing/orders.csv").read_text(encoding="utf-8")
    head, *rest = text.splitlines()
    wider = [f"{head},colour", *(f"{line},red" for line in rest)]
    shop.write("landing/orders.csv", "\n".join(wider))
    shop.run("bronze.orders")
    shop.run("bronze.orders")  # which finds nothing new, and takes nothing back

    noted = seen(shop)
    found = [entry.key for entry in attention(noted, standings(noted, []))]

    assert before is None
    assert noted.assets[BRONZE_ORDERS].notes == ("new in the source: colour",)
    assert BRONZE_ORDERS in found


def test_owners_and_tags_are_listed_once(shop: Any) -> None:
    found = seen(shop)

    assert found.owners == ["ops", "sales"]
    assert found.tags == ["daily"]


def test_a_run_in_progress_moves_the_conditions(shop: Any) -> None:
    live = live_run(
        finished={BRONZE_ORDERS: AssetStatus.PUBLISHED},
        running=[SILVER_ORDERS],
        waiting=[SPENDING],
    )

    assert words(shop, [live]) == {
        "bronze.orders": "published",
        "silver.orders": "running",
        "gold.spending": "waiting",
    }


def test_an_asset_that_just_failed_is_failed_for_the_reason_it_gave(shop: Any) -> None:
    shop.run()
    live = live_run(
        finished={SILVER_ORDERS: AssetStatus.FAILED, SPENDING: AssetStatus.SKIPPED},
        run_id="20260504T120001-000000",
    )

    found = standings(seen(shop), [live], now=NOW)

    assert found[SILVER_ORDERS] == Standing(Condition.FAILED, ("POL602: ZeroDivisionError",))
    assert found[SPENDING].condition is Condition.PUBLISHED


def test_an_asset_left_unchanged_has_recovered(shop: Any) -> None:
    shop.write("landing/orders.csv", "")
    shop.run()
    assert words(shop)["bronze.orders"] == "failed"

    live = live_run(finished={BRONZE_ORDERS: AssetStatus.UNCHANGED})

    assert words(shop, [live])["bronze.orders"] == "published"


def test_a_run_that_was_killed_moves_nothing(shop: Any) -> None:
    lost = live_run(running=[SILVER_ORDERS], quiet_seconds=LOST_SECONDS + 1)

    assert words(shop, [lost])["silver.orders"] == "never built"


def test_of_two_runs_in_progress_the_newer_one_counts(shop: Any) -> None:
    older = live_run(waiting=[SILVER_ORDERS], quiet_seconds=5)
    newer = live_run(running=[SILVER_ORDERS])

    assert words(shop, [newer, older])["silver.orders"] == "running"


def test_an_asset_that_the_project_no_longer_has_is_left_out(shop: Any) -> None:
    live = live_run(running=[AssetKey(Layer.GOLD, "gone")])

    assert "gold.gone" not in words(shop, [live])


def test_the_worst_comes_first_causes_before_effects(shop: Any) -> None:
    shop.run()
    shop.edit("src/core/gold_spending.py", "return orders", "1 / 0\n    return orders")
    shop.run()
    found = seen(shop)

    assert [str(entry.key) for entry in attention(found, standings(found, [], now=NOW))] == [
        "gold.spending",  # failed
        "silver.orders",  # published, but three of five rows were kept out
    ]


def test_before_the_first_run_attention_goes_upstream_first(shop: Any) -> None:
    found = seen(shop)

    assert [entry.key for entry in attention(found, standings(found, [], now=NOW))] == [
        BRONZE_ORDERS,
        SILVER_ORDERS,
        SPENDING,
    ]


def test_what_a_run_will_come_to_needs_no_attention(shop: Any) -> None:
    found = seen(shop)
    live = live_run(running=[BRONZE_ORDERS], waiting=[SILVER_ORDERS])

    assert [e.key for e in attention(found, standings(found, [live], now=NOW))] == [SPENDING]


def test_conditions_are_counted_worst_first() -> None:
    counts = count_conditions(
        {
            BRONZE_ORDERS: Condition.PUBLISHED,
            SILVER_ORDERS: Condition.FAILED,
            SPENDING: Condition.PUBLISHED,
        }
    )

    assert list(counts.items()) == [(Condition.FAILED, 1), (Condition.PUBLISHED, 2)]


def test_mistakes_in_the_pipeline_are_told(shop: Any) -> None:
    shop.asset("gold.broken", "@gold\ndef other_name() -> int:\n    return 1\n")

    with pytest.raises(DefinitionError):
        seen(shop)
