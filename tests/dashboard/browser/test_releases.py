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

    assert _rows(page, "2 tables changed") == [
        ["bronze.orders", "its source had new data", "2", "3", "+1", "0", "1"],
        ["silver.orders", "bronze.orders has new data", "2", "3", "+1", "0", "1"],
    ]


def test_every_release_is_listed_and_which_are_shown_is_said(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    first, second, third = (run.run_id for run in shop.runs)
    page.goto(f"{dashboard.url}/releases")

    assert [row[1:] for row in _rows(page, "All releases")] == [
        ["2", third, "release"],
        ["2", second, "compared with"],
        ["1", first, ""],
    ]
    page.locator("table.releases tbody tr").last.locator("td a").first.click()
    page.wait_for_url(f"**/releases?release={first}")


def test_two_are_chosen_and_stand_in_the_address(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    first, second, third = (run.run_id for run in shop.runs)
    page.goto(f"{dashboard.url}/releases")
    page.get_by_label("Release").select_option(second)
    page.wait_for_url(f"**/releases?release={second}")

    assert _rows(page, "1 table changed") == [
        ["silver.orders", "new", "–", "2", "–", "–", "0"]  # noqa: RUF001
    ]
    assert _rows(page, "1 table did not change") == [["bronze.orders", "2", "0"]]

    page.get_by_label("Release").select_option(first)
    page.wait_for_url(f"**/releases?release={first}")
    assert _rows(page, "The first release, of 1 table") == [["bronze.orders", "2", "0"]]

    page.goto(f"{dashboard.url}/releases?release={third}")
    page.get_by_label("compared with").select_option(first)
    page.wait_for_url(f"**/releases?release={third}&since={first}")
    expect(page.get_by_role("heading", name="2 tables changed")).to_be_visible()

    page.goto(f"{dashboard.url}/releases?release={first}&since={third}")
    assert [row[:2] for row in _rows(page, "2 tables changed")] == [
        ["bronze.orders", "its source had new data"],
        ["silver.orders", "gone"],
    ]


def test_links_lead_to_the_run_and_the_asset(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    page.goto(f"{dashboard.url}/releases")

    run = page.get_by_role("link", name="The run that made it")
    expect(run).to_have_attribute("href", f"/runs/{shop.runs[2].run_id}")
    asset = page.get_by_role("link", name="silver.orders").first
    expect(asset).to_have_attribute("href", "/asset/silver.orders")


@pytest.mark.parametrize("asked", ["release=nope", "since=nope", "release=<b>nope</b>"])
def test_a_release_that_there_is_not_is_told(page: Page, dashboard: Dashboard, asked: str) -> None:
    page.goto(f"{dashboard.url}/releases?{asked}")

    name = asked.partition("=")[2]
    expect(page.get_by_role("alert")).to_contain_text(f"there is no release `{name}`")
    assert len(_rows(page, "All releases")) == 3


def test_a_narrow_window_shows_all_of_it(page: Page, dashboard: Dashboard) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{dashboard.url}/releases")

    expect(page.locator(".changes td").first).to_be_visible()
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    fits = "each => each.scrollWidth <= each.clientWidth"
    assert page.evaluate(f"[...document.querySelectorAll('.changes, .scroll')].every({fits})")


def test_before_the_first_release_it_says_what_makes_one_and_shows_it(
    page: Page, pipeline: Pipeline
) -> None:
    pipeline.asset(
        "bronze.numbers",
        """
        @bronze
        def numbers() -> pl.LazyFrame:
            return pl.LazyFrame({"id": [1, 2]})
        """,
    )
    with served(pipeline.root) as dashboard:
        page.goto(f"{dashboard.url}/releases")
        expect(page.get_by_text("There is no release yet")).to_be_visible()
        expect(page.get_by_text("a run that succeeds and publishes something")).to_be_visible()

        pipeline.run()

        expect(page.get_by_role("heading", name="The first release, of 1 table")).to_be_visible()
        expect(page.get_by_text("There is no release yet")).not_to_be_visible()
