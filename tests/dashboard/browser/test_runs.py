"""The list of runs: what is asked for here, what waits, and what came of it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import TYPE_CHECKING, Literal

import pytest
from playwright.sync_api import Page, expect
from tests.dashboard.browser.conftest import Dashboard, contrast, served

from polster.operations.runs import list_runs

if TYPE_CHECKING:
    from tests.conftest import Pipeline


@pytest.fixture
def dashboard(shop: Pipeline) -> Iterator[Dashboard]:
    with served(shop.root) as dashboard:
        yield dashboard


def _ask_for(page: Page, selection: str) -> None:
    page.get_by_label("Selection").fill(selection)
    page.get_by_role("button", name="Run selection").click()


def test_a_selection_is_run_and_listed_with_what_came_of_it(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    page.goto(f"{dashboard.url}/runs")
    expect(page.get_by_text("Nothing has run yet")).to_be_visible()
    _ask_for(page, "bronze.orders  silver.orders")

    row = page.get_by_role("row").filter(has_text="bronze.orders, silver.orders")
    expect(row).to_contain_text("succeeded")
    expect(row).to_contain_text("2 published")
    assert [run.selection for run in list_runs(shop.open())] == [("bronze.orders", "silver.orders")]


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_what_is_run_leads_to_the_run_and_says_readably_how_it_ended(
    page: Page, dashboard: Dashboard, shop: Pipeline, scheme: Literal["light", "dark"]
) -> None:
    page.emulate_media(color_scheme=scheme)
    page.goto(f"{dashboard.url}/health")
    page.locator("header").get_by_role("button", name="Run").click()
    page.get_by_role("menuitem", name="Run what changed").click()

    said = page.get_by_role("status").filter(has_text="polster run:")
    expect(said).to_have_text(re.compile(r"polster run: succeeded in [\d.]+ s: 3 published"))
    link = page.get_by_role("link", name="see the run", exact=True)
    assert min(contrast(said), contrast(link)) >= 4.5
    link.click()
    [run] = list_runs(shop.open())
    expect(page).to_have_url(f"{dashboard.url}/runs/{run.run_id}")


def test_a_selection_that_means_nothing_is_told_and_nothing_runs(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    page.goto(f"{dashboard.url}/runs")
    _ask_for(page, "silver.oders")

    card = page.get_by_role("region", name="Ended without a record")
    expect(card).to_contain_text("refused")
    expect(page.get_by_role("status").filter(has_text="silver.oders")).to_contain_text(
        "Nothing was run"
    )
    expect(card).to_contain_text("did you mean `silver.orders`?")
    assert list_runs(shop.open()) == []


def test_of_a_pipeline_with_a_mistake_it_is_not_said_that_it_has_no_assets(
    page: Page, shop: Pipeline
) -> None:
    shop.edit("src/core/gold_spending.py", "orders: pl.LazyFrame", "bronze_orders: pl.LazyFrame")
    with served(shop.root) as dashboard:
        page.goto(f"{dashboard.url}/runs")

        expect(page.get_by_role("alert")).to_contain_text("the pipeline has 1 mistake")
        expect(page.get_by_text("Mend first what is said above")).to_be_visible()
        expect(page.get_by_text("the last state that could be read")).to_have_count(0)
        expect(page.get_by_text("There are no assets")).to_have_count(0)


def test_over_a_file_that_is_no_python_the_pipeline_and_its_tables_are_reached(
    page: Page, shop: Pipeline
) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return (")
    with served(shop.root) as dashboard:
        page.goto(dashboard.url)

        expect(page.get_by_role("alert")).to_contain_text("src/core/silver_orders.py:")
        expect(page.get_by_text("the last state that could be read")).to_be_visible()
        expect(page.get_by_text("as last read")).to_be_visible()
        expect(page.locator("[data-asset]")).to_have_count(3)
        expect(page.get_by_text("All is well")).to_have_count(0)
        expect(
            page.get_by_role("navigation", name="Pages").get_by_title("1 finding")
        ).to_be_visible()

        page.goto(f"{dashboard.url}/asset/silver.orders")
        rows = page.get_by_role("region", name="Rows", exact=True)
        rows.scroll_into_view_if_needed()
        expect(rows).to_contain_text("ann")
        page.goto(f"{dashboard.url}/quarantine?asset=silver.orders")
        expect(page.get_by_text("rows 1 to 3 of 3")).to_be_visible()


def test_a_second_run_waits_and_is_withdrawn(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    hold = shop.write("hold", "")
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "import pathlib, time\n"
        "    while pathlib.Path('hold').exists():\n"
        "        time.sleep(0.02)\n"
        "    return bronze_orders",
    )
    page.goto(f"{dashboard.url}/runs")
    _ask_for(page, "+silver.orders")
    moving = page.get_by_role("region", name="In progress")
    expect(moving).to_contain_text("1 of 2 assets")
    _ask_for(page, "gold.spending")

    expect(page.get_by_text("queued behind 1 run of this dashboard")).to_be_visible()
    expect(moving.get_by_role("listitem").nth(1)).to_contain_text("queued")
    moving.get_by_role("button", name="Withdraw").click()
    expect(moving.get_by_role("listitem")).to_have_count(1)
    hold.unlink()
    expect(page.get_by_role("row").filter(has_text="+silver.orders")).to_contain_text("succeeded")
    assert [run.selection for run in list_runs(shop.open())] == [("+silver.orders",)]


def test_a_killed_run_of_a_terminal_is_not_in_progress_and_the_next_run_clears_it(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    hold = shop.write("hold", "")
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "import pathlib, time\n"
        "    while pathlib.Path('hold').exists():\n"
        "        time.sleep(0.02)\n"
        "    return bronze_orders",
    )
    page.goto(f"{dashboard.url}/runs")
    with shop.start("-m", "polster", "run", "+silver.orders") as process:
        expect(page.get_by_role("region", name="In progress")).to_contain_text("1 of 2 assets")
        process.kill()

    card = page.get_by_role("region", name="Ended without a record")
    expect(card).to_contain_text("killed")
    expect(card).to_contain_text("its process is gone")
    expect(page.get_by_role("region", name="In progress")).to_have_count(0)

    hold.unlink()
    shop.process("-m", "polster", "run")
    expect(page.get_by_role("row").filter(has_text="vanished")).to_contain_text("1 published")
    expect(card).to_have_count(0)
