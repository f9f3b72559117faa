"""The quarantine: what was kept out, by which rule, and the rows as a file."""

from __future__ import annotations

import csv
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import polars as pl
import pytest
from playwright.sync_api import Page, expect
from tests.conftest import Pipeline, make_pipeline
from tests.dashboard.browser.conftest import Dashboard, served

ORDERS = """\
id,customer,amount
1,ann,10.5
2,bob,20
2,bob,20
3,cid,-5
4,,7
5,=1+1,-1
6,<script>window.evil = 1</script>,-2
"""


@pytest.fixture(scope="module")
def shop(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Orders with flaws, run twice."""
    with pytest.MonkeyPatch.context() as patch:
        for made in make_pipeline(tmp_path_factory.mktemp("quarantine") / "shop", patch):
            made.write("landing/orders.csv", ORDERS)
            made.asset(
                "bronze.orders",
                """
                @bronze
                def orders() -> pl.LazyFrame:
                    return pl.scan_csv("landing/orders.csv", infer_schema=False)
                """,
            )
            made.asset(
                "silver.orders",
                """
                class Orders(dy.Schema):
                    id = dy.Int64(primary_key=True)
                    customer = dy.String(nullable=False)
                    amount = dy.Float64(nullable=False, min=0)


                @silver(contract=Orders)
                def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
                    return bronze_orders
                """,
            )
            made.run()
            made.edit("landing/orders.csv", "4,,7", "4,dan,7")
            made.run(full_refresh=True)
            yield made


@pytest.fixture(scope="module")
def dashboard(shop: Pipeline) -> Iterator[Dashboard]:
    with served(shop.root) as dashboard:
        yield dashboard


def test_what_was_kept_out_is_counted_by_asset_and_rule(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/quarantine")

    chart = page.get_by_role("img", name="rows that were kept out in 2 runs: silver.orders 9")
    expect(chart).to_be_visible()
    rows = page.get_by_role("table").get_by_role("row")
    expect(rows.nth(1)).to_contain_text("silver.orders")
    expect(rows.nth(1)).to_contain_text("amount|min")
    assert rows.nth(1).get_by_role("cell").all_inner_texts()[2:4] == ["3", "6"]
    assert rows.nth(1).get_by_role("cell").nth(4).inner_text().startswith("today ")
    assert [each.split("\t")[1:4] for each in rows.all_inner_texts()[2:]] == [
        ["primary_key", "1", "2"]
    ]

    page.get_by_role("link", name="see 1 rule more, of other runs").click()
    page.wait_for_url("**/quarantine?run=all")
    expect(rows).to_have_count(4)
    assert [each.split("\t")[1:5] for each in rows.all_inner_texts()[3:]] == [
        ["customer|nullability", "0", "1", "\N{EN DASH}"]
    ]


def test_the_rows_of_the_current_version_are_shown_and_all_of_them_if_asked_for(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"{dashboard.url}/quarantine?asset=silver.orders")

    expect(page.get_by_text("rows 1 to 4 of 4")).to_be_visible()
    expect(page.get_by_text("4 rows kept out of the current version")).to_be_visible()
    page.get_by_role("link", name="see all, with 5 rows of other runs").click()
    page.wait_for_url("**/quarantine?asset=silver.orders&run=all")
    expect(page.get_by_text("rows 1 to 9 of 9")).to_be_visible()
    expect(page.get_by_role("combobox", name="Run")).to_have_value("all")


def test_an_asset_and_a_rule_are_chosen_and_stand_in_the_address(
    page: Page, dashboard: Dashboard
) -> None:
    page.goto(f"{dashboard.url}/quarantine")
    page.get_by_label("Asset").select_option("silver.orders")
    page.wait_for_url("**/quarantine?asset=silver.orders")
    page.get_by_label("Rule").select_option("customer|nullability")
    page.wait_for_url("**/quarantine?asset=silver.orders&rule=customer%7Cnullability")

    expect(page.get_by_text("No row is kept out of the current version")).to_be_visible()
    page.get_by_role("link", name="see the 1 row of other runs").click()
    expect(page.get_by_text("rows 1 to 1 of 1")).to_be_visible()
    grid = page.get_by_role("region", name="Rows kept out of silver.orders")
    expect(grid.get_by_text("customer|nullability")).to_be_visible()
    expect(grid.get_by_text("null", exact=True)).to_be_visible()


def test_values_of_the_data_are_text(page: Page, dashboard: Dashboard) -> None:
    page.goto(f"{dashboard.url}/quarantine?asset=silver.orders")

    grid = page.get_by_role("region", name="Rows kept out of silver.orders")
    expect(grid.get_by_text("<script>window.evil = 1</script>").first).to_be_visible()
    assert page.evaluate("window.evil") is None


@pytest.mark.parametrize("name", ["CSV", "Parquet"])
def test_the_rows_that_are_shown_are_downloaded(
    page: Page, dashboard: Dashboard, tmp_path: Path, name: str
) -> None:
    page.goto(f"{dashboard.url}/quarantine?asset=silver.orders&rule=amount%7Cmin")
    expect(page.get_by_text("rows 1 to 3 of 3")).to_be_visible()
    with page.expect_download() as started:
        page.get_by_role("link", name=f"Download {name}").click()
    target = tmp_path / started.value.suggested_filename
    started.value.save_as(target)

    assert target.name == f"quarantine_silver_orders.{name.lower()}"
    if name == "CSV":
        with target.open(newline="") as file:
            read = [row["customer"] for row in csv.DictReader(file)]
        assert sorted(set(read)) == ["'=1+1", "<script>window.evil = 1</script>", "cid"]
    else:
        read = pl.read_parquet(target)["customer"].to_list()
    assert len(read) == 3


@pytest.mark.parametrize(
    ("path", "said"),
    [
        ("silver.nope/csv", "`silver.nope` is not an asset of this project"),
        ("silver.orders/xls", "rows are written as csv or parquet"),
        ("silver.orders/csv?run=nope", "there is no run `nope`"),
        ("..%2f..%2fpyproject.toml/csv", "there is no such page"),
    ],
)
def test_a_download_that_there_is_not_is_told(dashboard: Dashboard, path: str, said: str) -> None:
    with pytest.raises(urllib.error.HTTPError) as raised:
        urllib.request.urlopen(f"{dashboard.url}/quarantine/download/{path}")

    assert raised.value.code == 404
    assert said in raised.value.read().decode()


def test_an_asset_that_there_is_not_is_told(page: Page, dashboard: Dashboard) -> None:
    answer = page.goto(f"{dashboard.url}/quarantine?asset=silver.oders")

    assert answer is not None
    assert answer.status == 404
    expect(page.get_by_text("did you mean `silver.orders`?")).to_be_visible()


def test_what_the_next_run_keeps_out_shows_by_itself(
    page: Page, dashboard: Dashboard, shop: Pipeline
) -> None:
    page.goto(f"{dashboard.url}/quarantine")
    expect(page.get_by_role("img", name="kept out in 2 runs")).to_be_visible()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,-10.5")
    shop.run()

    expect(page.get_by_role("img", name="kept out in 3 runs")).to_be_visible()


def test_before_the_first_row_is_kept_out_it_says_what_it_is(
    page: Page, pipeline: Pipeline
) -> None:
    pipeline.write("landing/orders.csv", "id\n1\n")
    pipeline.asset(
        "bronze.orders",
        """
        @bronze
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv")
        """,
    )
    with served(pipeline.root) as dashboard:
        page.goto(f"{dashboard.url}/quarantine")
        expect(page.get_by_text("Nothing ran yet")).to_be_visible()
        pipeline.run()
        expect(page.get_by_text("No row was ever kept out")).to_be_visible()
