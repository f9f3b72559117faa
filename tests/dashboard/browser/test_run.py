"""One run: moves while it goes, and then says what came of it."""

from __future__ import annotations

import os
import re
import signal
import time
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.conftest import Pipeline, make_pipeline
from tests.dashboard.browser.conftest import Dashboard, served

from polster.operations.runs import list_runs, live_runs

HELD = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    import pathlib, time

    print("orders are being typed", flush=True)
    while pathlib.Path("hold").exists():
        time.sleep(0.02)
    return bronze_orders
"""


@pytest.fixture
def shop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """Orders whose silver waits while a file named ``hold`` is there."""
    for made in make_pipeline(tmp_path / "shop", monkeypatch):
        made.write("landing/orders.csv", "id,amount\n1,10\n2,20\n")
        made.asset(
            "bronze.orders",
            """
            @bronze
            def orders() -> pl.LazyFrame:
                return pl.scan_csv("landing/orders.csv")
            """,
        )
        made.asset("silver.orders", HELD)
        made.asset(
            "gold.totals",
            """
            class Totals(dy.Schema):
                amount = dy.Int64()


            @gold(contract=Totals, owner="sales")
            def totals(orders: pl.LazyFrame) -> pl.LazyFrame:
                return orders.select(pl.col("amount").sum())
            """,
        )
        yield made


@pytest.fixture
def dashboard(shop: Pipeline) -> Iterator[Dashboard]:
    with served(shop.root) as dashboard:
        yield dashboard


def _ask_for_a_run(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/runs")
    page.locator("header").get_by_role("button", name="Run").click()
    page.get_by_role("menuitem", name="Run what changed").click()


def _follow_the_run(page: Page) -> None:
    page.locator("header a.live[href^='/runs/']").click()
    page.wait_for_url(re.compile(r"/runs/\d{8}T\d{6}-[0-9a-f]{6}$"))


def _row(page: Page, asset: str) -> str:
    return page.get_by_role("table").get_by_role("row").filter(has_text=asset).inner_text()


def test_a_run_from_the_page_moves_and_ends_without_a_reload(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    hold = shop.write("hold", "")
    _ask_for_a_run(page, dashboard)
    _follow_the_run(page)

    expect(page.get_by_text("1 of 3", exact=True)).to_be_visible()
    bar = page.get_by_role("link", name=re.compile("silver.orders: running"))
    expect(bar).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("orders are being typed")
    assert "waiting" in _row(page, "gold.totals")

    hold.unlink()

    heading = page.locator(".run-heading")
    expect(heading.get_by_text("succeeded")).to_be_visible()
    expect(page.get_by_role("link", name=re.compile("gold.totals: published"))).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("succeeded in")
    expect(heading.get_by_role("link", name="its release")).to_be_visible()
    assert _row(page, "silver.orders").split("\t")[3:6] == ["2", "2", "–"]  # noqa: RUF001


def test_it_is_cancelled_and_run_again(page: Page, dashboard: Dashboard, shop: Pipeline) -> None:
    hold = shop.write("hold", "")
    _ask_for_a_run(page, dashboard)
    _follow_the_run(page)
    expect(page.get_by_role("link", name=re.compile("silver.orders: running"))).to_be_visible()
    page.get_by_role("button", name="Cancel").click()

    heading = page.locator(".run-heading")
    expect(heading.get_by_text("interrupted")).to_be_visible()
    assert "the run was interrupted" in _row(page, "silver.orders")
    who = re.compile(r"It was cancelled from the dashboard of \S+ on \S+ after [\d.]+ s")
    expect(heading.get_by_text(who)).to_be_visible()

    hold.unlink()
    cancelled = page.url
    page.get_by_role("button", name="Retry 2 assets").click()
    page.wait_for_url(lambda url: url != cancelled)
    expect(heading.get_by_text("silver.orders, gold.totals")).to_be_visible()
    expect(heading.get_by_text("succeeded", exact=True)).to_be_visible()
    page.goto(f"{dashboard.url}/runs")
    expect(page.get_by_role("row").filter(has_text="silver.orders, gold.totals")).to_contain_text(
        "succeeded"
    )
    assert [run.status for run in list_runs(shop.open())] == ["succeeded", "interrupted"]


def test_a_failure_shows_the_users_own_traceback(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    shop.edit(
        "src/core/gold_totals.py",
        "return orders",
        "raise ValueError('<b>no</b>')\n    return orders",
    )
    _ask_for_a_run(page, dashboard)
    expect(page.get_by_role("row").filter(has_text="1 failed")).to_be_visible()
    page.get_by_role("row").filter(has_text="1 failed").get_by_role("link").first.click()

    trace = page.get_by_role("region", name="Traceback of gold.totals")
    expect(trace).to_contain_text('File "src/core/gold_totals.py", line')
    expect(trace).to_contain_text("ValueError")
    expect(page.get_by_text("POL305").first).to_be_visible()
    expect(page.get_by_role("log")).to_contain_text("ValueError: <b>no</b>")
    expect(page.get_by_role("button", name="Retry 1 asset")).to_be_visible()


def test_a_run_from_a_terminal_appears_and_a_killed_one_is_told(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    hold = shop.write("hold", "")
    page.goto(f"{dashboard.url}/runs")
    with shop.start("-m", "polster", "run") as process:
        _follow_the_run(page)
        expect(page.get_by_text("started elsewhere: process")).to_be_visible()
        expect(page.get_by_role("link", name=re.compile("silver.orders: running"))).to_be_visible()
        expect(page.get_by_text("What it wrote is where it was started")).to_be_visible()
        hold.unlink()
        expect(page.locator(".run-heading").get_by_text("succeeded")).to_be_visible()
        assert process.wait(30) == 0


def test_a_run_whose_process_is_killed_says_so(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    hold = shop.write("hold", "")
    _ask_for_a_run(page, dashboard)
    _follow_the_run(page)
    expect(page.get_by_role("link", name=re.compile("silver.orders: running"))).to_be_visible()
    (live,) = live_runs(shop.open())

    os.kill(live.process_id, signal.SIGKILL)

    heading = page.locator(".run-heading")
    expect(heading.get_by_text("killed", exact=True)).to_be_visible()
    page.goto(dashboard.url)
    found = page.get_by_role("region", name="Needs attention").get_by_role("listitem").first
    expect(found).to_contain_text("it ended without a word at silver.orders")
    found.get_by_role("link", name=f"run {live.run_id}").click()
    page.wait_for_url(f"**/runs/{live.run_id}")
    expect(heading).to_contain_text("Its process was ended from outside")

    hold.unlink()
    assert shop.process("-m", "polster", "run").returncode == 0
    expect(heading.get_by_text("vanished", exact=True)).to_be_visible()
    expect(heading).to_contain_text("Its process ended without a word, as a later run found out.")


def test_the_keyboard_stays_on_a_button_while_the_clock_goes_on(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    hold = shop.write("hold", "")
    _ask_for_a_run(page, dashboard)
    _follow_the_run(page)
    cancel = page.locator(".run-heading").get_by_role("button", name="Cancel")
    cancel.focus()
    clock = page.locator(".run-heading .figure", has_text="so far")
    began = clock.inner_text()

    expect(clock).not_to_have_text(began)

    expect(cancel).to_be_focused()
    hold.unlink()


def test_what_came_while_nobody_watched_is_there_at_once(
    dashboard: Dashboard, shop: Pipeline
) -> None:
    with urllib.request.urlopen(f"{dashboard.url}/runs") as answer:
        answer.read()
    hold = shop.write("hold", "")
    shop.write(
        "src/core/bronze_late.py",
        "import polars as pl\nfrom polster import bronze\n"
        "\n@bronze\ndef late() -> pl.LazyFrame:\n    return pl.LazyFrame({'a': [1]})\n",
    )
    with shop.start("-m", "polster", "run") as run:
        while not (live := live_runs(shop.open())):
            time.sleep(0.05)
        pages = [f"/runs/{live[0].run_id}", "/asset/bronze.late"]
        answers = [urllib.request.urlopen(f"{dashboard.url}{page}").status for page in pages]
        hold.unlink()
        run.communicate(timeout=30)

    assert answers == [200, 200]


def test_a_run_that_there_is_not_is_told(page: Page, dashboard: Dashboard) -> None:
    answer = page.goto(f"{dashboard.url}/runs/20260101T000000-abcdef")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_text("there is no run `20260101T000000-abcdef`")).to_be_visible()
