"""The page of an asset, in a browser."""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from textwrap import dedent
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Locator, Page, expect
from tests.dashboard.browser.conftest import served

if TYPE_CHECKING:
    from tests.conftest import Pipeline

ASSETS = {
    "bronze_orders": '''
        """Orders as the shop exports them."""
        import polars as pl
        from polster import bronze


        @bronze(source="landing/orders.csv")
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv", infer_schema=False)
        ''',
    "silver_orders": '''
        """Orders that can be trusted."""
        import dataframely as dy
        import polars as pl
        from polster import silver


        class Orders(dy.Schema):
            order_id = dy.Int64(primary_key=True)
            email = dy.String(
                nullable=True,
                regex="@",
                metadata={"pii": True, "masked": True, "reason": "needed for refunds"},
            )
            country = dy.String(min_length=1)
            amount = dy.Float64(min=0)

            @dy.rule()
            def small(cls) -> pl.Expr:
                return cls.amount.col < 10_000


        @silver(contract=Orders, owner="shop", tags=["daily"], on_violation={"email|regex": "warn"})
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders.filter(pl.col("country") != "XX")
        ''',
    "gold_revenue": '''
        """Revenue per country."""
        import dataframely as dy
        import polars as pl
        from polster import gold


        class Revenue(dy.Schema):
            country = dy.String(primary_key=True)
            revenue = dy.Float64()
            label = dy.String()


        def shout(text: str) -> str:
            return text.upper()


        @gold(contract=Revenue)
        def revenue(orders: pl.LazyFrame) -> pl.LazyFrame:
            sums = orders.group_by("country").agg(revenue=pl.col("amount").sum())
            return sums.with_columns(
                label=pl.col("country").map_batches(
                    lambda names: names.str.to_uppercase(), return_dtype=pl.String
                )
            )
        ''',
    "gold_broken": '''
        """Fails when it runs."""
        import dataframely as dy
        import polars as pl
        from polster import gold


        class Broken(dy.Schema):
            country = dy.String(primary_key=True)


        def halve(text: str) -> str:
            raise ValueError("<b>no half</b>")


        @gold(contract=Broken, owner="finance")
        def broken(orders: pl.LazyFrame) -> pl.LazyFrame:
            halved = pl.col("country").map_elements(halve, return_dtype=pl.String)
            return orders.select(halved).unique()
        ''',
}
ROWS = 50
LONG = "x" * 1000


def write_orders(root: Path, rows: int) -> None:
    lines = ["order_id,email,country,amount,:note,<b>odd</b>"]
    for number in range(rows):
        email = "" if number % 5 == 0 else f"{number}@example.com"
        country = "<script>document.title = 'owned'</script>" if number == 1 else "DE"
        amount = -1 if number in (3, 4) else number
        note = LONG if number == 2 else '""' if number == 3 else ""
        lines.append(f"{number},{email},{country},{amount},{note},<img src=x onerror=alert(1)>")
    (root / "landing").mkdir(exist_ok=True)
    (root / "landing" / "orders.csv").write_text("\n".join(lines) + "\n", encoding="utf-8")


def make_project(root: Path) -> Path:
    """Write the project, and run it twice."""
    (root / "src" / "core").mkdir(parents=True)
    (root / "pyproject.toml").write_text("[tool.polster]\n", encoding="utf-8")
    (root / "src" / "core" / "__init__.py").touch()
    for name, text in ASSETS.items():
        (root / "src" / "core" / f"{name}.py").write_text(dedent(text).lstrip(), encoding="utf-8")
    for rows in (ROWS - 10, ROWS):
        write_orders(root, rows)
        run(root)
    return root


def run(root: Path) -> None:
    command = [sys.executable, "-m", "polster", "run", f"--project={root}"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 1, done.stderr  # gold.broken fails


@pytest.fixture(scope="module")
def sample(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Serve one project for the tests that only look."""
    root = make_project(tmp_path_factory.mktemp("look") / "shop")
    with served(root) as dashboard:
        yield dashboard.url


@pytest.fixture
def own(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """Serve a project for a test that changes it."""
    root = make_project(tmp_path / "shop")
    with served(root) as dashboard:
        yield dashboard.url, root


def part(page: Page, name: str) -> Locator:
    """Return a part of the page, scrolled to, as a reader would."""
    found = page.get_by_role("region", name=name, exact=True).first
    found.scroll_into_view_if_needed()
    return found


def figure(page: Page, label: str) -> Locator:
    return page.locator(".asset-heading .figure", has_text=label).locator(".value")


def test_the_heading_says_what_it_is_and_how_it_is(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders")

    heading = page.locator(".asset-heading")
    expect(page.get_by_role("heading", level=1)).to_contain_text("silver.orders")
    expect(heading).to_contain_text("Orders that can be trusted.")
    expect(heading.locator(".state")).to_have_text("published")
    expect(heading).to_contain_text("owner shop")
    expect(heading.locator(".tags")).to_contain_text("daily")
    expect(figure(page, "rows")).to_have_text("48")
    expect(figure(page, "kept out")).to_have_text("4.0 %")
    expect(figure(page, "kept out").get_by_role("link")).to_have_attribute(
        "href", "/quarantine?asset=silver.orders"
    )
    expect(figure(page, "published").locator("time")).to_have_attribute(
        "title", re.compile(r"\d{4}-\d\d-\d\d .* UTC")
    )
    expect(figure(page, "version")).to_have_text("1")


@pytest.mark.parametrize("name", ["silver_orders", "revenue"])
def test_an_asset_goes_by_all_its_names(page: Page, sample: str, name: str) -> None:
    page.goto(f"{sample}/asset/{name}")

    key = {"silver_orders": "silver.orders", "revenue": "gold.revenue"}[name]
    expect(page.get_by_role("heading", level=1)).to_contain_text(key)


def test_an_unknown_asset_is_answered_with_the_nearest(page: Page, sample: str) -> None:
    answer = page.goto(f"{sample}/asset/silver.ordres")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_role("heading", level=1)).to_have_text("No such asset")
    page.get_by_role("link", name="silver.orders").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("silver.orders")


def test_a_name_that_several_go_by_is_answered_with_them(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/orders")

    missing = page.locator(".missing")
    expect(missing.get_by_role("link", name="bronze.orders")).to_be_visible()
    expect(missing.get_by_role("link", name="silver.orders")).to_be_visible()


def test_the_contract_is_told_column_by_column(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders#contract")

    contract = part(page, "Contract")
    key = contract.get_by_role("row", name="order_id")
    expect(key).to_contain_text("key")
    expect(key).to_contain_text("Int64")
    email = contract.get_by_role("row", name="email")
    expect(email.get_by_role("cell")).to_have_text(
        ["String", "yes", "regex @ warn", "personal data masked: needed for refunds"],
        use_inner_text=True,
    )
    expect(contract.get_by_role("row", name="amount")).to_contain_text("min 0")
    expect(contract).to_contain_text("small")
    expect(contract).to_contain_text("A row that breaks a rule is quarantined")
    expect(contract).to_contain_text("Published though the contract does not name them")
    expect(contract.get_by_role("row", name=":note")).to_contain_text("String")


def test_without_a_contract_the_published_columns_are_shown(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/bronze.orders#contract")

    contract = part(page, "Contract")
    expect(contract).to_contain_text("It has no contract")
    expect(contract.get_by_role("row", name="country")).to_contain_text("String")


def test_the_last_run_is_told_with_its_rows_and_rules(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders")

    last = part(page, "Last run")
    expect(last.locator(".state")).to_have_text("published")
    for label, rows in {
        "read from bronze.orders": "50",
        "returned": "10",  # for a part of the table
        "published": "10 of 48",
        "quarantined": "0 of 2",
        "amount|min": "2",
    }.items():
        expect(last.get_by_role("row", name=label).get_by_role("cell").last).to_have_text(rows)
    expect(last.get_by_role("link", name="the run")).to_have_attribute(
        "href", re.compile(r"^/runs/\d{8}T\d{6}-[0-9a-f]{6}$")
    )
    expect(last.get_by_role("link", name="amount|min")).to_have_attribute(
        "href", re.compile(r"^/quarantine\?asset=silver\.orders&rule=amount%7Cmin&run=\d{8}T\d{6}-")
    )


def test_what_changed_rows_make_anew_is_told_by_input(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders#reach")

    made = part(page, "Made anew")
    expect(made.get_by_role("row", name="bronze.orders")).to_contain_text(
        "what comes is added alone; else the rows of the same order_id"
    )
    expect(made).to_contain_text("last time 10 of 48 rows: row-local")
    made.get_by_role("link", name="bronze.orders").click()
    expect(part(page, "Made anew")).to_contain_text("what has landed is never made anew")


def test_the_step_that_needs_every_row_is_named_with_its_line(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/gold.revenue#reach")

    row = part(page, "Made anew").get_by_role("row", name="silver.orders")
    expect(row).to_contain_text("all of it: ")
    expect(row).to_contain_text("src/core/gold_revenue.py:20")


def test_the_last_run_and_the_page_of_that_run_say_how_much_was_made_anew(
    page: Page, sample: str
) -> None:
    page.goto(f"{sample}/asset/silver.orders")
    last = part(page, "Last run")
    expect(last).to_contain_text("because bronze.orders has new data; row-local")
    last.get_by_role("link", name="the run").click()

    row = page.get_by_role("row").filter(has=page.get_by_role("link", name="silver.orders"))
    expect(row.last).to_contain_text("10 of 48")
    expect(row.last).to_contain_text("bronze.orders has new data; row-local")


def test_a_failed_asset_shows_code_place_and_traceback(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/gold.broken")

    expect(page.locator(".asset-heading .state")).to_have_text("failed")
    page.get_by_role("link", name="what went wrong").click()
    last = part(page, "Last run")
    expect(last).to_contain_text("POL305")
    expect(last).to_contain_text("src/core/gold_broken.py:12")
    traceback = last.get_by_role("region", name="Traceback")
    expect(traceback).to_contain_text('File "src/core/gold_broken.py", line 12, in halve')
    expect(traceback).to_contain_text('raise ValueError("<b>no half</b>")')


def test_versions_are_a_chart_and_a_table(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders")

    versions = part(page, "Versions")
    chart = versions.locator(".chart")
    expect(chart).to_have_attribute(
        "aria-label", re.compile("^rows of silver.orders over 2 versions: from 38 to 48")
    )
    expect(chart.locator("svg path").first).to_be_attached()
    rows = versions.get_by_role("row")
    expect(rows).to_have_count(3)
    expect(rows.nth(1).get_by_role("cell").nth(2)).to_have_text("48")
    expect(rows.nth(1).get_by_role("link")).to_have_attribute("href", re.compile("^/runs/"))


def test_the_share_kept_out_is_a_chart_with_the_way_to_the_rows(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders")

    kept_out = part(page, "Quarantine")
    expect(kept_out).to_contain_text("4.0 % in the newest run, 5.0 % at most")
    expect(kept_out.locator(".chart")).to_have_attribute(
        "aria-label", re.compile("5.0 % at first, 4.0 % now")
    )
    expect(kept_out.get_by_role("link", name="see the rows")).to_have_attribute(
        "href", "/quarantine?asset=silver.orders"
    )


def test_rows_are_shown_a_page_at_a_time_as_text(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders#rows")

    rows = part(page, "Rows")
    grid = rows.get_by_role("grid")
    expect(grid.get_by_role("columnheader", name=":note")).to_be_visible()
    expect(grid.get_by_role("columnheader", name="<b>odd</b>")).to_be_visible()
    expect(grid.get_by_role("columnheader", name="Float64")).to_be_visible()
    expect(grid.get_by_text("<script>document.title = 'owned'</script>")).to_be_visible()
    expect(grid.get_by_text("<img src=x onerror=alert(1)>").first).to_be_visible()
    expect(grid.locator(".nothing", has_text="null").first).to_be_visible()
    expect(rows).to_contain_text("rows 1 to 20 of 48, version 1")
    expect(page).to_have_title(re.compile("silver.orders"))

    rows.get_by_role("button", name="Next").click()
    expect(rows).to_contain_text("rows 21 to 40 of 48")
    rows.get_by_role("button", name="Next").click()
    expect(rows).to_contain_text("rows 41 to 48 of 48")
    expect(rows.get_by_role("button", name="Next")).to_have_attribute("aria-disabled", "true")
    rows.get_by_role("button", name="Previous").click()
    expect(rows).to_contain_text("rows 21 to 40 of 48")


def test_a_value_that_was_cut_is_read_whole_by_keyboard(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders#rows")
    rows = part(page, "Rows")
    cut = rows.get_by_role("gridcell", name=re.compile("^x{299}…$"))
    cut.scroll_into_view_if_needed()

    rows.locator('.ag-row[row-index="2"] [col-id="c0"]').click()
    for _ in range(4):
        page.keyboard.press("ArrowRight")

    expect(rows.locator("pre")).to_have_text(LONG)


def test_neighbours_are_links_with_their_condition(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders")

    neighbours = part(page, "Neighbours")
    expect(neighbours.get_by_role("listitem")).to_have_text(
        [
            re.compile("bronze.orders *published"),
            re.compile("gold.broken *failed"),
            re.compile("gold.revenue *published"),
        ]
    )
    neighbours.get_by_role("link", name="gold.broken").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gold.broken")
    expect(part(page, "Neighbours")).to_contain_text("2 assets it stands on in all")


def test_a_column_is_followed_both_ways(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders#lineage")
    lineage = part(page, "Column lineage")

    lineage.get_by_label("Column").select_option("amount")

    expect(page).to_have_url(f"{sample}/asset/silver.orders?column=amount#lineage")
    stops = lineage.locator(".stop")
    expect(stops.nth(0)).to_contain_text("bronze.orders")
    expect(stops.nth(0).locator(".values")).to_have_text(["amount"])
    expect(stops.nth(0).locator(".influences")).to_have_text(["country"])
    expect(stops.nth(1)).to_contain_text("gold.revenue")
    expect(stops.nth(1).locator(".values")).to_have_text(["label perhaps", "revenue"])

    stops.nth(1).get_by_role("link", name="revenue", exact=True).click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("gold.revenue")
    expect(part(page, "Column lineage").locator(".stop").first).to_contain_text("silver.orders")


def test_what_is_unknown_of_a_column_is_said_with_the_reason(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/gold.revenue?column=label#lineage")

    lineage = part(page, "Column lineage")
    expect(lineage.locator(".note")).to_contain_text("unknown at gold.revenue: ")
    expect(lineage.locator(".note")).to_contain_text("Python")


def test_where_nothing_is_recorded_the_source_can_be_asked(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/gold.broken#lineage")
    lineage = part(page, "Column lineage")
    expect(lineage).to_contain_text("No run recorded it")

    lineage.get_by_role("button", name="Ask the source").click()

    expect(lineage).to_contain_text("as the source says now")
    lineage.get_by_label("Column").select_option("country")
    expect(lineage.locator(".note")).to_contain_text("unknown at gold.broken: ")


def test_the_source_is_shown_line_by_line(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/gold.broken#source")

    source = part(page, "Source")
    expect(source).to_contain_text("src/core/gold_broken.py")
    listing = source.get_by_role("region", name="Source of src/core/gold_broken.py")
    expect(listing.get_by_role("listitem").nth(11)).to_have_text(
        '    raise ValueError("<b>no half</b>")', use_inner_text=True
    )
    expect(listing.locator(".marked")).to_contain_text("def broken")
    expect(listing.locator(".keyword").first).to_have_text("import")


def test_the_findings_of_validate_for_it_are_shown(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/gold.revenue#findings")

    findings = part(page, "Findings")
    expect(findings).to_contain_text("POL224")
    expect(findings).to_contain_text("nobody answers for `gold.revenue`")
    expect(findings).to_contain_text("src/core/gold_revenue.py")
    expect(findings).not_to_contain_text("gold_broken")


def test_a_part_is_filled_only_when_it_is_seen(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders")
    expect(part(page, "Last run").locator("table")).not_to_have_count(0)

    expect(page.locator("#source .waiting")).to_be_attached()
    page.get_by_role("navigation", name="Parts of this page").get_by_role(
        "link", name="Source"
    ).click()

    expect(page.locator("#source .listing")).to_be_in_viewport()


def test_an_address_leads_to_its_part(page: Page, sample: str) -> None:
    page.goto(f"{sample}/asset/silver.orders#findings")

    expect(page.locator("#findings .body .waiting")).to_have_count(0)
    expect(page.get_by_role("heading", name="Findings")).to_be_in_viewport()


@pytest.mark.parametrize("width", [360, 900, 1440])
def test_no_window_is_too_narrow_for_it(browser: Browser, sample: str, width: int) -> None:
    context = browser.new_context(viewport={"width": width, "height": 800})
    page = context.new_page()

    page.goto(f"{sample}/asset/silver.orders")
    for name in ("Contract", "Versions", "Rows", "Column lineage", "Findings", "Source"):
        expect(part(page, name).locator(".waiting")).to_have_count(0)

    assert page.evaluate("document.documentElement.scrollWidth") == width
    context.close()


def test_the_heading_says_of_which_upstreams_nobody_counted_what_joins_keep(
    page: Page, own: tuple[str, Path]
) -> None:
    url, root = own
    (root / "src" / "core" / "silver_known.py").write_text(
        """\
import dataframely as dy
import polars as pl
from polster import silver


class Known(dy.Schema):
    order_id = dy.String(primary_key=True)


@silver(contract=Known, extra_columns="drop")
def known(bronze_orders: pl.LazyFrame, bronze_countries: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.head(3).join(bronze_countries, on="country")
""",
        encoding="utf-8",
    )
    (root / "src" / "core" / "bronze_countries.py").write_text(
        """\
import polars as pl
from polster import bronze


@bronze
def countries() -> pl.LazyFrame:
    return pl.LazyFrame({"country": ["DE"]})
""",
        encoding="utf-8",
    )
    run(root)

    page.goto(f"{url}/asset/silver.known")

    expect(page.locator(".asset-heading")).to_contain_text(
        "What the joins keep of bronze.orders, bronze.countries is not counted: rows are filtered"
    )


def test_what_a_source_says_and_what_stays_frozen_are_shown(
    page: Page, own: tuple[str, Path]
) -> None:
    url, root = own
    (root / "src" / "core" / "bronze_paid.py").write_text(
        """\
import polars as pl
from polster import bronze
from polster.sources import Batch


@bronze
def paid() -> Batch:
    frame = pl.LazyFrame({"id": [1, 2], "cents": [5, 1200]})
    return Batch(frame, rows=2, sums={"cents": 1205})
""",
        encoding="utf-8",
    )
    (root / "src" / "core" / "silver_paid.py").write_text(
        """\
import dataframely as dy
import polars as pl
from polster import silver


class Paid(dy.Schema):
    id = dy.Int64(primary_key=True)
    cents = dy.Int64(nullable=True)


@silver(contract=Paid, frozen="id < 2")
def paid(bronze_paid: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_paid
""",
        encoding="utf-8",
    )
    run(root)

    page.goto(f"{url}/asset/bronze.paid")
    last = part(page, "Last run")
    for label, shown in {
        "rows as the source says": "2",
        "rows that came": "2",
        "sum(cents) as the source says": "1,205",
        "sum(cents) that came": "1,205",
    }.items():
        row = last.get_by_role("row", name=label)
        expect(row.get_by_role("cell").last).to_have_text(shown)
    page.goto(f"{url}/asset/silver.paid#reach")
    expect(part(page, "Made anew")).to_contain_text("published rows stay frozen where id < 2")


def test_what_is_run_from_the_page_shows_by_itself(page: Page, own: tuple[str, Path]) -> None:
    url, root = own
    page.goto(f"{url}/asset/silver.orders")
    expect(figure(page, "version")).to_have_text("1")
    expect(part(page, "Versions").get_by_role("row")).to_have_count(3)

    page.get_by_role("button", name="Full refresh").click()

    expect(page.get_by_text("polster run silver.orders --full-refresh: started")).to_be_visible()
    expect(figure(page, "version")).to_have_text("2")
    expect(part(page, "Versions").get_by_role("row")).to_have_count(4)

    write_orders(root, ROWS + 5)
    page.get_by_role("button", name="Run with upstream").click()
    expect(figure(page, "rows")).to_have_text("53")
    expect(page.locator(".asset-heading .state")).to_have_text("published")

    page.get_by_role("button", name="Run with downstream").click()
    expect(page.get_by_text("polster run silver.orders+: started")).to_be_visible()


def test_a_change_of_the_source_is_picked_up(page: Page, own: tuple[str, Path]) -> None:
    url, root = own
    page.goto(f"{url}/asset/silver.orders#source")
    source = part(page, "Source")
    expect(source).to_contain_text("owner=")
    file = root / "src" / "core" / "silver_orders.py"
    text = file.read_text(encoding="utf-8")

    file.write_text(
        text.replace('!= "XX"', '!= "YY"').replace("amount", "weight"), encoding="utf-8"
    )

    expect(source).to_contain_text('!= "YY"')
    expect(page.locator(".asset-heading .state")).to_have_text("stale")
    expect(page.locator(".asset-heading .why")).to_contain_text("its code changed")
    expect(part(page, "Contract").get_by_role("row", name="weight")).to_be_visible()


def test_an_asset_that_is_taken_away_says_so(page: Page, own: tuple[str, Path]) -> None:
    url, root = own
    page.goto(f"{url}/asset/gold.broken")
    expect(page.locator(".asset-heading .state")).to_have_text("failed")

    (root / "src" / "core" / "gold_broken.py").unlink()

    expect(page.locator(".asset-heading .note")).to_contain_text("no longer in the project")


def test_one_part_that_fails_leaves_the_others(page: Page, own: tuple[str, Path]) -> None:
    url, root = own
    for file in (root / "data" / "silver" / "orders").glob("*.parquet"):
        file.unlink()

    page.goto(f"{url}/asset/silver.orders")

    expect(part(page, "Rows").get_by_role("alert")).to_be_visible()
    expect(part(page, "Versions").get_by_role("row")).to_have_count(3)
    expect(part(page, "Column lineage").get_by_label("Column")).to_be_visible()


def test_an_asset_that_was_never_built_says_what_to_do(page: Page, own: tuple[str, Path]) -> None:
    url, root = own
    new = dedent(ASSETS["gold_revenue"]).lstrip().replace("def revenue(", "def income(")
    (root / "src" / "core" / "gold_income.py").write_text(new, encoding="utf-8")

    page.goto(f"{url}/asset/gold.income")

    expect(page.locator(".asset-heading .state")).to_have_text("never built")
    expect(page.locator(".asset-heading")).to_contain_text("run it to build its first version")
    expect(part(page, "Last run")).to_contain_text("No run looked at it yet")
    expect(part(page, "Versions")).to_contain_text("Nothing is published yet")
    expect(part(page, "Quarantine")).to_contain_text("No run judged rows of it yet")
    expect(part(page, "Rows")).to_contain_text("There are no rows yet")


def test_what_a_run_lets_validate_find_shows_by_itself(page: Page, pipeline: Pipeline) -> None:
    pipeline.write("landing/orders.csv", "id\n1\n")
    pipeline.asset(
        "bronze.orders",
        """
        @bronze
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv")
        """,
    )
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)


        @silver(contract=Orders)
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders.select("no_such")
        """,
    )
    with served(pipeline.root) as dashboard:
        page.goto(f"{dashboard.url}/asset/silver.orders#findings")
        expect(part(page, "Findings")).to_contain_text("Its columns could not be checked")
        pipeline.run("bronze.orders")

        expect(part(page, "Findings")).to_contain_text("no_such")
