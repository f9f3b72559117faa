"""The releases: what belongs to each, and what changed between two."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect
from tests.conftest import Pipeline, make_pipeline
from tests.dashboard.browser.conftest import Dashboard, served


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Three releases: the first, one with a new table, one with other rows."""
    with pytest.MonkeyPatch.context() as patch:
        for made in make_pipeline(tmp_path_factory.mktemp("releases") / "shop", patch):
            made.write("landing/orders.csv", "id,amount\n1,10\n2,20\n")
            made.asset(
                "bronze.orders",
                """
                @bronze
                def orders() -> pl.LazyFrame:
                    return pl.scan_csv("landing/orders.csv")
                """,
            )
            made.run()
            made.asset(
                "silver.orders",
                """
                class Orders(dy.Schema):
                    id = dy.Int64(primary_key=True)


                @silver(contract=Orders)
                def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
                    return bronze_orders
                """,
            )
            made.run()
            made.write("landing/orders.csv", "id,amount\n1,10\n2,20\n3,30\n")
            made.run()
            yield made


@pytest.fixture(scope="module")
def dashboard(shop: Pipeline) -> Iterator[Dashboard]:
    with served(shop.root) as dashboard:
        yield dashboard


def _rows(page: Page, title: str) -> list[list[str]]:
    card = page.locator("section", has=page.get_by_role("heading", name=title))
    expect(card).to_be_visible()
    return [row.split("\t") for row in card.locator("tbody tr").all_inner_texts()]


def test_the_newest_stands_beside_the_one_before(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/releases")

    assert _rows(page, "2 tables changed, 0 did not") == [
        ["bronze.orders", "1", "3", "0", "2", "+1", "its source had new data"],
        ["silver.orders", "1", "3", "0", "2", "+1", "bronze.orders has new data"],
    ]
    assert [row[2] for row in _rows(page, "All releases")] == ["2", "2", "1"]


def test_two_are_chosen_and_stand_in_the_address(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    first, second, _ = (run.run_id for run in shop.runs)
    page.goto(f"{dashboard.url}/releases")
    page.get_by_label("Release").select_option(second)
    page.wait_for_url(f"**/releases?release={second}")

    assert _rows(page, "1 table changed, 1 did not") == [
        ["silver.orders", "0", "2", "–", "–", "–", "new"]  # noqa: RUF001
    ]

    page.get_by_label("Release").select_option(first)
    page.wait_for_url(f"**/releases?release={first}")
    expect(page.get_by_role("heading", name="The first release, of 1 table")).to_be_visible()

    page.goto(f"{dashboard.url}/releases?release={shop.runs[2].run_id}")
    page.get_by_label("beside").select_option(first)
    page.wait_for_url(f"**/releases?release=*&since={first}")
    expect(page.get_by_role("heading", name="2 tables changed, 0 did not")).to_be_visible()


def test_links_lead_to_the_run_and_the_asset(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    page.goto(f"{dashboard.url}/releases")

    run = page.get_by_role("link", name="the run that made it")
    expect(run).to_have_attribute("href", f"/runs/{shop.runs[2].run_id}")
    asset = page.get_by_role("link", name="silver.orders").first
    expect(asset).to_have_attribute("href", "/asset/silver.orders")


def test_a_release_that_there_is_not_is_told(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/releases?release=nope")

    expect(page.get_by_text("there is no release `nope`")).to_be_visible()


def test_before_the_first_release_it_says_what_makes_one(page: Page, pipeline: Pipeline) -> None:
    with served(pipeline.root) as dashboard:
        page.goto(f"{dashboard.url}/releases")

        expect(page.get_by_text("There is no release yet")).to_be_visible()
