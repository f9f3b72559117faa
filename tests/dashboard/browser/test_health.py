"""Health: what ``validate`` finds, grouped by rule."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect
from tests.conftest import Pipeline, make_pipeline
from tests.dashboard.browser.conftest import Dashboard, served

PASSWORD = "hunter2"
MARKUP = "<script>document.title='run'</script>"
CLOCKS = 23
BRONZE = """
@bronze
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv")
"""
SILVER = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id")
"""
GOLD = """
class Totals(dy.Schema):
    id = dy.Int64(primary_key=True)


@gold(contract=Totals)
def totals(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select("id")
"""


@contextmanager
def _pipeline(folder: Path) -> Iterator[Pipeline]:
    with pytest.MonkeyPatch.context() as patch:
        yield from make_pipeline(folder / "shop", patch)


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """A pipeline with errors and warnings of several rules."""
    with _pipeline(tmp_path_factory.mktemp("health")) as made:
        made.write("landing/orders.csv", "id\n1\n")
        made.asset("bronze.orders", BRONZE)
        made.asset("silver.orders", SILVER)
        made.asset("gold.totals", GOLD)
        clocks = "\n".join(f"    t{each} = datetime.now()" for each in range(CLOCKS))
        made.write(
            "src/core/silver_messy.py",
            "import dataframely as dy\nimport polars as pl\nfrom datetime import datetime\n"
            "from polster import silver\n\n\n"
            "class Messy(dy.Schema):\n    id = dy.Int64()\n\n\n"
            "@silver(contract=Messy)\n"
            "def messy(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:\n"
            f'    password = "postgres://shop:{PASSWORD}@db/orders"\n'
            f'    extra = pl.read_csv("{MARKUP}")\n'
            f"{clocks}\n"
            '    return bronze_orders.select("id")\n',
        )
        yield made


@pytest.fixture(scope="module")
def dashboard(shop: Pipeline) -> Iterator[Dashboard]:
    with served(shop.root) as dashboard:
        yield dashboard


def _rule(page: Page, code: str) -> Locator:
    return page.get_by_role("region", name=code)


def _codes(page: Page) -> list[str]:
    expect(page.locator(".rule").first).to_be_visible()
    return page.locator(".rule h2 code").all_inner_texts()


def test_the_findings_of_a_rule_stand_together_with_its_reason(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"{dashboard.url}/health")
    rule = _rule(page, "POL603")

    expect(rule.get_by_role("heading")).to_contain_text("read-outside-bronze")
    expect(rule.get_by_role("heading")).to_contain_text("error")
    expect(rule).to_contain_text("1 finding")
    expect(rule).to_contain_text("What is read past the parameters has no lineage")
    expect(rule).to_contain_text("`silver.messy` reaches outside its inputs with `pl.read_csv`")
    expect(rule).to_contain_text("src/core/silver_messy.py:14")
    expect(rule).to_contain_text("hint: land it with a bronze asset")
    expect(rule.get_by_role("link", name="silver.messy")).to_have_attribute(
        "href", "/asset/silver.messy"
    )


def test_errors_come_before_warnings(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/health")

    codes = _codes(page)

    states = page.locator(".rule h2 .state").all_inner_texts()
    assert states == sorted(states)
    assert {"error", "warning"} == set(states)
    assert codes[0] == "POL607"


def test_the_line_of_the_source_is_text_whatever_is_in_it(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/health")

    line = _rule(page, "POL603").locator(".source-line")
    expect(line).to_contain_text(f'pl.read_csv("{MARKUP}")')
    expect(page).to_have_title("Health · shop · Polster")


def test_a_line_with_a_secret_is_not_shown(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/health")

    expect(_rule(page, "POL602")).to_contain_text("src/core/silver_messy.py:13")
    assert PASSWORD not in page.content()


def test_of_many_findings_the_first_are_shown_and_the_others_on_request(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"{dashboard.url}/health")
    rule = _rule(page, "POL607")

    expect(rule).to_contain_text(f"{CLOCKS} findings")
    expect(rule.get_by_role("listitem")).to_have_count(20)
    rule.get_by_role("button", name=f"Show {CLOCKS - 20} more").click()

    expect(rule.get_by_role("listitem")).to_have_count(CLOCKS)
    expect(rule.get_by_role("button")).to_have_count(0)


def test_findings_are_narrowed_by_severity_and_by_asset(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/health")
    everything = _codes(page)

    page.get_by_label("Severity").select_option("error")
    expect(_rule(page, "POL226")).to_have_count(0)
    errors = _codes(page)
    page.get_by_label("Severity").select_option("warning")
    expect(_rule(page, "POL226")).to_be_visible()
    warnings = _codes(page)
    assert sorted(errors + warnings) == sorted(everything)

    page.get_by_role("combobox", name="Asset").select_option("gold.totals")
    expect(_rule(page, "POL226")).to_have_count(0)
    expect(page.locator(".rule a").first).to_have_text("gold.totals")
    page.get_by_label("Severity").select_option("error")
    expect(page.get_by_text("Nothing of this kind")).to_be_visible()


def test_what_is_narrowed_stands_in_the_address(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/health?severity=warning&asset=nobody%26%3D&other=1")
    expect(page.get_by_text("Nothing of this kind")).to_be_visible()
    expect(page.get_by_role("combobox", name="Asset")).to_have_value("nobody&=")

    page.get_by_role("combobox", name="Asset").select_option("gold.totals")
    page.wait_for_url("**/health?severity=warning&asset=gold.totals")
    page.reload()

    expect(page.get_by_label("Severity")).to_have_value("warning")
    expect(page.get_by_role("combobox", name="Asset")).to_have_value("gold.totals")
    expect(page.locator(".rule a").first).to_have_text("gold.totals")


def test_nothing_of_the_page_is_cut_off_in_a_narrow_window(
    page: Page, dashboard: Dashboard
) -> None:
    page.set_viewport_size({"width": 360, "height": 740})
    page.goto(f"{dashboard.url}/health")
    _codes(page)

    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_the_page_says_that_it_checks_and_checks_again_when_the_code_changes(
    page: Page, tmp_path: Path
) -> None:
    with _pipeline(tmp_path) as made, served(made.root) as dashboard:
        page.goto(f"{dashboard.url}/health")
        expect(page.get_by_text("There are no assets to check yet")).to_be_visible()
        expect(page.get_by_text("polster add-asset --layer bronze --name orders")).to_be_visible()

        made.asset("bronze.orders", BRONZE)
        made.asset("gold.up", GOLD.replace("totals(orders", "up(bronze_orders"))
        broken = _rule(page, "POL202")
        expect(broken).to_contain_text("`gold.up` may not read `bronze.orders`")
        expect(page.get_by_role("alert")).to_contain_text("the pipeline has")
        expect(page.get_by_text("`gold.up` may not read `bronze.orders`")).to_have_count(1)

        (made.root / "src/core/gold_up.py").unlink()
        made.asset("silver.orders", SILVER)
        expect(broken).to_have_count(0)
        unchecked = page.get_by_role("region", name="Not fully checked")
        expect(unchecked).to_contain_text("`bronze.orders` has no contract and was never run")
        expect(unchecked.get_by_role("link")).to_have_text("silver.orders")


def test_that_nothing_is_found_is_said(page: Page, tmp_path: Path) -> None:
    with _pipeline(tmp_path) as made:
        made.write("landing/orders.csv", "id\n1\n")
        made.asset(
            "bronze.orders",
            """
            class Export(dy.Schema):
                id = dy.String(nullable=True)


            @bronze(contract=Export, owner="ops", source="landing/orders.csv")
            def orders() -> pl.LazyFrame:
                return pl.scan_csv("landing/orders.csv", infer_schema=False)
            """,
        )
        made.asset("silver.orders", SILVER.replace(".select", ".filter(True).select"))
        with served(made.root) as dashboard:
            page.goto(f"{dashboard.url}/health")
            checking = page.get_by_role("status").filter(has_text="Checking")
            good = page.get_by_role("status").filter(has_text="Nothing found")

            expect(checking.or_(good)).to_be_visible()
            expect(good).to_contain_text("2 assets")
            expect(page.get_by_label("Severity")).to_have_count(0)
