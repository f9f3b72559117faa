"""The overview, in a browser."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from benchmarks.validate import write_project
from playwright.sync_api import Browser, Locator, Page, expect
from tests.dashboard.browser.conftest import served

IMPORTS = """\
import dataframely as dy
import polars as pl
from polster import bronze, gold, silver
"""
SETTINGS = '[tool.polster.rules]\nallow = ["silver->silver"]\n'
LONG = "a_name_that_is_longer_than_any_node_of_the_graph_is_wide"
ODD = "<img src=x onerror=owned=1>"

BRONZE = """
    @bronze(owner="ingest", tags=["daily"])
    def {name}() -> pl.LazyFrame:
        'Return one row an order.'
        return pl.LazyFrame({{"id": range({rows}), "amount": [n - 5 for n in range({rows})]}})
    """
TABLE = """
    class Rows(dy.Schema):
        id = dy.Int64(primary_key=True)
        amount = dy.Int64({limits})


    @{layer}(contract=Rows{options})
    def {name}({reads}: pl.LazyFrame) -> pl.LazyFrame:
        'Return one row an order.'
        {first}
        return {reads}.select("id", "amount")
    """
WAITING_BRONZE = """
    import time
    from pathlib import Path


    @bronze
    def gate() -> pl.LazyFrame:
        while not Path("open").exists():
            time.sleep(0.05)
        return pl.LazyFrame({"id": [1], "amount": [1]})
    """


def write(root: Path, key: str, text: str) -> Path:
    file = root / "src" / "core" / f"{key.replace('.', '_')}.py"
    file.write_text(IMPORTS + dedent(text), encoding="utf-8")
    return file


def write_table(
    root: Path, key: str, reads: str, *, limits: str = "", options: str = "", first: str = "pass"
) -> Path:
    layer, name = key.split(".")
    text = TABLE.format(
        layer=layer, name=name, reads=reads, limits=limits, options=options, first=first
    )
    return write(root, key, text)


def start_project(root: Path) -> Path:
    (root / "src" / "core").mkdir(parents=True)
    (root / "src" / "core" / "__init__.py").touch()
    (root / "pyproject.toml").write_text(SETTINGS, encoding="utf-8")
    return root


def polster(root: Path, *arguments: str) -> None:
    command = [sys.executable, "-m", "polster", *arguments, f"--project={root}"]
    subprocess.run(command, check=False, capture_output=True)


def replace(file: Path, old: str, new: str) -> None:
    file.write_text(file.read_text(encoding="utf-8").replace(old, new), encoding="utf-8")


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve a pipeline in which something is stale, something failed, and rows were kept out."""
    root = start_project(tmp_path_factory.mktemp("overview") / "shop")
    write(root, "bronze.orders", BRONZE.format(name="orders", rows=20))
    write(root, "bronze.stock", BRONZE.format(name="stock", rows=10))
    write_table(root, "silver.orders", "bronze_orders", limits="min=0", options=', owner="sales"')
    write_table(root, "silver.net", "silver_orders", options=', tags=["finance"]')
    stock = write_table(root, "silver.stock", "bronze_stock")
    write_table(root, "gold.revenue", "net", options=f', owner="finance", tags=["{ODD}"]')
    broken = write_table(root, "gold.broken", "net", options=', owner="finance"')
    write_table(root, f"gold.{LONG}", "stock", options=f', owner="{ODD}"')
    polster(root, "run")
    replace(broken, "pass", "raise ValueError('secret')")
    polster(root, "run")
    replace(stock, "pass", "stock = 1")
    with served(root) as dashboard:
        yield dashboard.url


def node(page: Page, key: str) -> Locator:
    return page.locator(f'.graph [data-asset="{key}"]')


def shown(page: Page) -> set[str]:
    found = page.locator("[data-asset]").evaluate_all("all => all.map(each => each.dataset.asset)")
    return set(found)


def lit(page: Page) -> set[str]:
    found = page.locator(".node.lit").evaluate_all("all => all.map(each => each.dataset.asset)")
    return set(found)


def scale(page: Page) -> int:
    text = page.get_by_role("button", name="Zoom to 100 %").inner_text()
    return int(text.removesuffix("%"))


def has_no_overflow(page: Page) -> bool:
    return bool(page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"))


UPSTREAM_OF_NET = {"bronze.orders", "silver.orders"}
DOWNSTREAM_OF_NET = {"gold.revenue", "gold.broken"}


def test_the_line_of_totals_counts_and_links(page: Page, shop: str) -> None:
    page.goto(shop)

    totals = page.get_by_role("region", name="Totals")
    expect(totals.get_by_role("listitem")).to_have_text(["1 failed", "2 stale", "5 published"])
    expect(totals).to_contain_text("8assets")
    expect(totals).to_contain_text("110rows published")
    expect(totals).to_contain_text("5rows quarantined")
    expect(totals.get_by_role("link", name="failed", exact=True)).to_have_attribute(
        "href", re.compile("^/runs/.+")
    )
    expect(totals.get_by_text("last run")).to_be_visible()
    totals.get_by_role("link", name="2 stale").click()
    expect(page).to_have_url(f"{shop}/?condition=stale")
    expect(page.locator("[data-asset]")).to_have_count(2)


def test_what_needs_attention_stands_first_worst_first_with_reason_and_link(
    page: Page, shop: str
) -> None:
    page.goto(shop)

    rows = page.get_by_role("region", name="Needs attention").get_by_role("listitem")
    expect(rows).to_have_count(5)
    expect(rows.nth(0)).to_contain_text("failed")
    expect(rows.nth(0)).to_contain_text("the function raised ValueError")
    expect(rows.nth(0)).not_to_contain_text("secret")
    expect(rows.nth(0)).to_contain_text(re.compile(r"readers get version 0 of today \d\d:\d\d"))
    expect(rows.nth(0).get_by_role("link", name="gold.broken")).to_have_attribute(
        "href", "/asset/gold.broken"
    )
    expect(rows.nth(1)).to_contain_text("silver.stock")
    expect(rows.nth(1)).to_contain_text("its code changed")
    expect(rows.nth(3).get_by_role("link", name="5 of 20 rows quarantined")).to_have_attribute(
        "href", "/quarantine?asset=silver.orders"
    )


def test_what_validate_finds_is_counted_on_every_page_and_needs_attention(
    page: Page, shop: str
) -> None:
    page.goto(shop)

    found = page.get_by_role("region", name="Needs attention").get_by_role("listitem").last
    expect(found).to_contain_text("polster validate: 1 error")
    expect(found).to_contain_text("POL305 gold.broken: the function raised ValueError")
    page.goto(f"{shop}/runs")
    count = page.get_by_role("navigation", name="Pages").get_by_title("1 finding")
    expect(count).to_have_text("1")
    page.get_by_role("link", name="Health").click()
    expect(page).to_have_url(f"{shop}/health")


def test_layers_are_columns_from_left_to_right(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("[data-asset]")).to_have_count(8)

    def left(key: str) -> float:
        box = node(page, key).bounding_box()
        assert box is not None
        return box["x"]

    assert left("bronze.orders") == pytest.approx(left("bronze.stock"))
    assert left("bronze.orders") < left("silver.orders") < left("silver.net")
    assert left("silver.net") < left("gold.revenue")
    assert left("gold.revenue") == pytest.approx(left("gold.broken"))
    for title in ("Bronze", "Silver", "Gold"):
        expect(page.locator(".graph-head").get_by_text(title)).to_be_visible()


def test_a_node_is_a_link_with_state_rows_share_and_age(page: Page, shop: str) -> None:
    page.goto(shop)

    link = page.get_by_role(
        "link",
        name=re.compile(r"^silver\.orders, published, 15 rows, 25 % quarantined, published .+"),
    )
    expect(link).to_have_attribute("href", "/asset/silver.orders")
    for text in ("orders", "published", "15 rows", "25 % quarantined"):
        expect(node(page, "silver.orders").get_by_text(text, exact=True)).to_be_visible()
    expect(
        node(page, "silver.orders")
        .get_by_text("just now")
        .or_(node(page, "silver.orders").get_by_text("ago"))
    ).to_be_visible()
    expect(
        page.get_by_role("link", name=re.compile("^silver.stock, stale, its code"))
    ).to_be_visible()
    link.click()
    expect(page).to_have_url(f"{shop}/asset/silver.orders")


def test_pointing_at_a_node_shows_all_that_it_stands_on_and_all_that_stands_on_it(
    page: Page, shop: str
) -> None:
    page.goto(shop)

    node(page, "silver.net").hover()

    expect(page.locator(".graph")).to_have_class(re.compile("tracing"))
    assert lit(page) == {"silver.net"} | UPSTREAM_OF_NET | DOWNSTREAM_OF_NET
    opacity = "each => Number(getComputedStyle(each).opacity)"
    assert node(page, "bronze.stock").evaluate(opacity) < 0.5
    assert node(page, "gold.revenue").evaluate(opacity) == 1
    assert page.locator(".lit-edges").get_attribute("d")
    page.mouse.move(5, 5)
    expect(page.locator(".graph")).not_to_have_class(re.compile("tracing"))


def test_the_keyboard_shows_moves_and_opens(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("[data-asset]")).to_have_count(8)
    page.get_by_role("button", name="Collapse gold").focus()

    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.closest('.node').dataset.asset")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowUp")
    assert page.evaluate("document.activeElement.closest('.node').dataset.asset") == first
    node(page, "bronze.orders").get_by_role("link").focus()
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowRight")

    assert lit(page) == {"silver.net"} | UPSTREAM_OF_NET | DOWNSTREAM_OF_NET
    page.keyboard.press("Enter")
    expect(page).to_have_url(f"{shop}/asset/silver.net")


def test_why_something_is_stale_or_failed_shows_at_its_node(page: Page, shop: str) -> None:
    page.goto(shop)

    node(page, "gold.broken").hover()

    card = page.get_by_role("tooltip")
    expect(card).to_contain_text("gold.broken")
    expect(card).to_contain_text("the function raised ValueError")
    page.keyboard.press("Tab")
    node(page, "silver.stock").get_by_role("link").focus()
    expect(card).to_contain_text("its code changed")
    page.keyboard.press("Escape")
    expect(card).to_have_count(0)


def test_searching_and_filtering_write_an_address_that_can_be_shared(
    page: Page, shop: str, browser: Browser
) -> None:
    page.goto(shop)
    page.keyboard.press("/")
    page.keyboard.type("ORD")
    expect(page.locator("[data-asset]")).to_have_count(2)
    page.get_by_label("Layer").select_option("silver")
    expect(page).to_have_url(f"{shop}/?q=ORD&layer=silver")
    expect(page.locator("[data-asset]")).to_have_count(1)
    assert shown(page) == {"silver.orders"}
    expect(page.get_by_text("1 of 8 assets")).to_be_visible()

    other = browser.new_context().new_page()
    other.goto(page.url)
    expect(other.get_by_label("Search")).to_have_value("ORD")
    expect(other.get_by_label("Layer")).to_have_value("silver")
    assert shown(other) == {"silver.orders"}
    other.context.close()

    page.get_by_role("button", name="Show everything").click()
    expect(page.locator("[data-asset]")).to_have_count(8)
    expect(page).to_have_url(f"{shop}/")
    expect(page.get_by_label("Search")).to_have_value("")


@pytest.mark.parametrize(
    ("label", "value", "keys"),
    [
        ("State", "failed", {"gold.broken"}),
        ("State", "quarantined", {"silver.orders"}),
        ("Tag", "finance", {"silver.net"}),
        ("Owner", "sales", {"silver.orders"}),
        ("Layer", "bronze", {"bronze.orders", "bronze.stock"}),
    ],
)
def test_each_filter_leaves_what_fits(
    page: Page, shop: str, label: str, value: str, keys: set[str]
) -> None:
    page.goto(shop)

    page.get_by_role("search").get_by_label(label).select_option(value)

    expect(page.locator("[data-asset]")).to_have_count(len(keys))
    assert shown(page) == keys


def test_a_search_that_finds_nothing_says_so(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=nothing")

    expect(page.get_by_text("No asset fits what is asked for above.")).to_be_visible()
    expect(page.get_by_text("0 of 8 assets")).to_be_visible()


def test_zooming_by_buttons_keys_and_wheel(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("[data-asset]")).to_have_count(8)
    zoomed = page.get_by_role("button", name="Zoom to 100 %")

    zoomed.click()
    expect(zoomed).to_have_text("100 %")
    page.get_by_role("button", name="Zoom in").click()
    expect(zoomed).to_have_text("125 %")
    page.keyboard.press("-")
    page.keyboard.press("-")
    expect(zoomed).to_have_text("80 %")
    page.keyboard.press("+")
    expect(zoomed).to_have_text("100 %")
    page.keyboard.press("-")
    page.keyboard.press("0")
    expect(zoomed).to_have_text("100 %")
    page.locator(".graph-scroll").hover()
    page.keyboard.down("Control")
    page.mouse.wheel(0, -200)
    page.keyboard.up("Control")
    expect(zoomed).not_to_have_text("100 %")
    assert scale(page) > 100
    page.get_by_role("button", name="Fit").click()
    fits = "each => each.scrollWidth <= each.clientWidth && each.scrollHeight <= each.clientHeight"
    assert page.locator(".graph-scroll").evaluate(fits)


def test_plus_in_the_search_field_is_text(page: Page, shop: str) -> None:
    page.goto(shop)
    before = scale(page)

    page.get_by_label("Search").fill("")
    page.get_by_label("Search").press("-")

    assert scale(page) == before


def test_from_afar_what_is_not_well_has_a_sign_not_only_a_colour(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("[data-asset]")).to_have_count(8)

    for _ in range(6):
        page.get_by_role("button", name="Zoom out").click()

    expect(node(page, "gold.broken").locator(".glyph")).to_have_text("◆")
    expect(node(page, "silver.stock").locator(".glyph")).to_have_text("□")
    expect(node(page, "silver.orders").locator(".glyph")).to_have_text("")


def test_a_layer_collapses_to_one_node_and_back(page: Page, shop: str) -> None:
    page.goto(shop)

    page.get_by_role("button", name="Collapse gold").click()

    expect(page.locator("[data-layer=gold]")).to_contain_text("Gold: 3 assets")
    expect(page.locator("[data-layer=gold]")).to_contain_text("1 of 3 failed")
    expect(page.locator("[data-asset]")).to_have_count(5)
    expect(page).to_have_url(f"{shop}/?collapsed=gold")
    page.get_by_role("button", name=re.compile("^Expand gold: 3 assets")).press("Enter")
    expect(page.locator("[data-asset]")).to_have_count(8)
    expect(page).to_have_url(f"{shop}/")


def test_focusing_on_an_asset_leaves_what_belongs_to_it(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("[data-asset]")).to_have_count(8)

    node(page, "silver.stock").get_by_role("link").focus()
    page.keyboard.press("o")

    expect(page).to_have_url(f"{shop}/?focus=silver.stock")
    expect(page.locator("[data-asset]")).to_have_count(3)
    assert shown(page) == {"bronze.stock", "silver.stock", f"gold.{LONG}"}
    expect(page.get_by_text("what belongs to silver.stock")).to_be_visible()


def test_the_list_says_the_same_and_can_be_sorted(page: Page, shop: str) -> None:
    page.goto(shop)

    page.get_by_role("button", name="List", exact=True).click()

    expect(page).to_have_url(f"{shop}/?view=list")
    table = page.get_by_role("table", name="Assets")
    expect(table.locator("tbody tr")).to_have_count(8)
    row = table.locator('[data-asset="silver.orders"]')
    for text in ("published", "15", "5 rows (25 %)", "sales"):
        expect(row).to_contain_text(text)
    expect(table.locator('[data-asset="gold.broken"]')).to_contain_text("raised ValueError")
    table.get_by_role("button", name="State").click()
    expect(table.locator("tbody tr").first).to_contain_text("broken")
    table.get_by_role("button", name="Rows").click()
    expect(table.locator("tbody tr").first).to_contain_text("orders")
    expect(table.get_by_role("columnheader", name="Rows")).to_have_attribute(
        "aria-sort", "descending"
    )
    page.get_by_role("button", name="Graph", exact=True).click()
    expect(page.locator(".graph")).to_be_visible()


@pytest.mark.parametrize("width", [360, 700])
def test_a_narrow_window_gets_the_list_and_nothing_sticks_out(
    page: Page, shop: str, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(shop)

    expect(page.get_by_role("table", name="Assets")).to_be_visible()
    assert has_no_overflow(page)
    page.get_by_role("button", name="Graph", exact=True).click()
    expect(page.locator(".graph")).to_be_visible()
    assert has_no_overflow(page)


@pytest.mark.parametrize("width", [900, 1100])
@pytest.mark.parametrize("view", ["graph", "list"])
def test_nothing_sticks_out_of_a_middling_window(
    page: Page, shop: str, width: int, view: str
) -> None:
    page.set_viewport_size({"width": width, "height": 700})
    page.goto(f"{shop}/?view={view}")
    expect(page.locator("[data-asset]")).to_have_count(8)

    assert has_no_overflow(page)
    if view == "list":
        button = page.get_by_role("button", name="Run bronze.stock and more")
        button.scroll_into_view_if_needed()
        box = button.bounding_box()
        assert box is not None
        assert box["x"] + box["width"] <= width


@pytest.mark.parametrize("view", ["graph", "list"])
def test_what_the_project_says_is_text_and_nothing_else(page: Page, shop: str, view: str) -> None:
    page.goto(f"{shop}/?view={view}")

    if view == "list":
        expect(page.get_by_role("cell", name=ODD).first).to_be_visible()
    else:
        node(page, "gold.revenue").hover()
        expect(page.get_by_role("tooltip")).to_contain_text(ODD)
    page.get_by_label("Owner").select_option(ODD)
    expect(page.locator("[data-asset]")).to_have_count(1)
    expect(page).to_have_url(re.compile("owner="))
    page.reload()
    expect(page.get_by_label("Owner")).to_have_value(ODD)
    assert page.evaluate("typeof owned") == "undefined"


def test_an_address_with_odd_filters_is_shown_and_not_run(page: Page, shop: str) -> None:
    page.goto(f"{shop}/?q=%3Cscript%3Eowned%3D1%3C/script%3E&tag=%22%3E{ODD}&layer=x&focus=gold.x")

    expect(page.get_by_text("0 of 8 assets")).to_be_visible()
    assert page.evaluate("typeof owned") == "undefined"


def test_headings_and_controls_have_names(page: Page, shop: str) -> None:
    page.goto(shop)
    expect(page.locator("[data-asset]")).to_have_count(8)

    levels = page.locator("h1, h2, h3").evaluate_all("all => all.map(each => each.tagName)")
    nameless = page.evaluate(
        """[...document.querySelectorAll("main button, main input, main select, main a")].filter(
        each => !(each.ariaLabel || each.textContent.trim() || each.labels?.length)).length"""
    )

    assert levels[0] == "H1"
    assert set(levels[1:]) == {"H2"}
    assert nameless == 0


def test_a_project_without_assets_says_how_to_add_one(page: Page, tmp_path: Path) -> None:
    root = start_project(tmp_path / "bare")
    with served(root) as dashboard:
        page.goto(dashboard.url)
        expect(page.get_by_text("There are no assets yet")).to_be_visible()
        expect(page.locator("pre")).to_contain_text("polster add-asset")
        expect(page.locator(".graph")).to_have_count(0)

        write(root, "bronze.orders", BRONZE.format(name="orders", rows=5))

        expect(node(page, "bronze.orders")).to_be_visible()
        expect(page.get_by_text("Nothing has run yet")).to_be_visible()


def test_the_first_run_is_offered_moves_in_place_and_ends_well(page: Page, tmp_path: Path) -> None:
    root = start_project(tmp_path / "gate")
    write(root, "bronze.gate", WAITING_BRONZE)
    write_table(root, "silver.kept", "gate")
    write_table(root, "gold.told", "kept", options=', owner="sales"')
    with served(root) as dashboard:
        page.goto(dashboard.url)
        page.locator("#content").get_by_role("button", name="Run", exact=True).click()
        expect(node(page, "bronze.gate").get_by_text("running")).to_be_visible()
        expect(node(page, "gold.told").get_by_text("waiting")).to_be_visible()
        expect(page.get_by_text("Nothing has run yet")).to_have_count(0)
        page.evaluate("window.kept = document.querySelector('[data-asset=\"gold.told\"]')")
        node(page, "silver.kept").get_by_role("link").focus()

        (root / "open").touch()

        expect(node(page, "gold.told").get_by_text("published")).to_be_visible()
        expect(page.get_by_text("All is well")).to_be_visible()
        expect(page.get_by_role("region", name="Totals")).to_contain_text("succeeded")
        assert page.evaluate("window.kept === document.querySelector('[data-asset=\"gold.told\"]')")
        assert page.evaluate("document.activeElement.closest('.node').dataset.asset") == (
            "silver.kept"
        )

        (root / "open").unlink()
        node(page, "silver.kept").hover()
        node(page, "silver.kept").get_by_role("button", name="Run silver.kept").click()
        page.get_by_role("button", name="Run it and all that stands on it").click()
        expect(page.get_by_text("polster run silver.kept+: started")).to_be_visible()
        page.goto(f"{dashboard.url}/?view=list")
        page.get_by_role("button", name="Run bronze.gate and more").click()
        page.get_by_role("button", name="Run bronze.gate alone").click()
        expect(page.locator('[data-asset="bronze.gate"]')).to_contain_text("running")
        (root / "open").touch()
        expect(page.locator('[data-asset="bronze.gate"]')).to_contain_text("published")
        runs = json.loads(
            subprocess.run(
                [sys.executable, "-m", "polster", "runs", "--format=json", f"--project={root}"],
                check=True,
                capture_output=True,
            ).stdout
        )
        assert selections(runs) == [["bronze.gate"], ["silver.kept+"], []]


def selections(runs: Any) -> list[list[str]]:
    return [run["selection"] for run in runs["runs"]]


def test_a_run_from_a_terminal_moves_the_page_and_leaves_its_scroll(
    page: Page, tmp_path: Path
) -> None:
    root = start_project(tmp_path / "many")
    write(root, "bronze.gate", WAITING_BRONZE)
    for number in range(60):
        write_table(root, f"silver.kept_{number}", "gate")
    with served(root) as dashboard:
        page.goto(dashboard.url)
        expect(page.locator("[data-asset]")).to_have_count(61)
        page.locator(".graph-scroll").evaluate("each => each.scrollTo(0, 900)")
        expect(node(page, "silver.kept_15").get_by_text("never built")).to_be_visible()
        with subprocess.Popen(
            [sys.executable, "-m", "polster", "run", f"--project={root}"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as run:
            expect(node(page, "silver.kept_15").get_by_text("waiting")).to_be_visible()
            (root / "open").touch()
            expect(node(page, "silver.kept_15").get_by_text("published")).to_be_visible()
            run.wait()
        found = page.get_by_role("region", name="Needs attention")
        expect(found).to_contain_text("60 assets read `bronze.gate` directly")
        expect(page.get_by_text("All is well")).to_have_count(0)
        assert page.locator(".graph-scroll").evaluate("each => each.scrollTop") == 900


def test_a_column_that_vanished_needs_attention_until_somebody_acknowledges_it(
    page: Page, tmp_path: Path
) -> None:
    root = start_project(tmp_path / "vanished")
    source = root / "orders.csv"
    source.write_text("id,colour\n1,red\n", encoding="utf-8")
    write(
        root,
        "bronze.orders",
        """
        @bronze
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("orders.csv")
        """,
    )
    polster(root, "run")
    source.write_text("id\n1\n2\n", encoding="utf-8")
    polster(root, "run")
    polster(root, "run")
    with served(root) as dashboard:
        page.goto(dashboard.url)

        found = page.get_by_role("region", name="Needs attention").get_by_role("listitem").first
        expect(found).to_contain_text("the column `colour` is no longer in its source")
        found.get_by_role("button", name="Acknowledge").click()
        expect(page.get_by_text("is no longer in its source")).to_have_count(0)


@pytest.fixture(scope="module")
def thousand(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    root = tmp_path_factory.mktemp("thousand") / "shop"
    root.mkdir()
    write_project(root, 1000)
    with served(root) as dashboard:
        yield dashboard.url


def test_a_thousand_assets_are_drawn_and_followed(page: Page, thousand: str) -> None:
    page.goto(thousand)
    expect(page.locator("[data-asset]")).to_have_count(1000)

    page.locator(".graph-scroll").evaluate("each => each.scrollTo(0, 8000)")
    named = page.locator(".node .name").first
    expect(named).to_be_visible()
    node(page, "silver.orders_100").get_by_role("link").focus()
    page.keyboard.press("ArrowRight")
    assert "silver.orders_100" in lit(page)
    assert len(lit(page)) < 20


def test_a_thousand_assets_are_searched_collapsed_and_listed(page: Page, thousand: str) -> None:
    page.goto(thousand)
    expect(page.locator("[data-asset]")).to_have_count(1000)

    page.get_by_label("Search").fill("orders_12")
    expect(page.locator("[data-asset]")).to_have_count(11)
    page.get_by_label("Search").fill("")
    page.get_by_role("button", name="Collapse silver").click()
    expect(page.locator("[data-layer=silver]")).to_contain_text("Silver: 333 assets")
    page.get_by_role("button", name="List", exact=True).click()
    expect(page.locator("tbody tr")).to_have_count(200)
    page.get_by_role("button", name="Show all 1,000").click()
    expect(page.locator("tbody tr")).to_have_count(1000)
