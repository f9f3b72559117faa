"""What joins keep of each upstream: counted where the plan shows it, and never guessed."""

from __future__ import annotations

import json
from pathlib import Path
from random import Random

import polars as pl
import pytest
from tests.conftest import Pipeline

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.own_rows import append_rows
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.record import Matched
from polster.runtime.lineage import read_plan
from polster.runtime.partners import count_partners


@pytest.fixture
def trade(pipeline: Pipeline) -> Pipeline:
    """Lines of products and of shops, not all of which there are."""
    tables = {
        "lines": ("id,sku,shop", ["1,a,s", "2,a,t", "3,x,s", "4,b,u", "5,,s"]),
        "products": ("sku,name", ["a,apple", "b,bread", "c,corn"]),
        "shops": ("shop,town", ["s,Rome", "t,Oslo"]),
    }
    for name, (columns, rows) in tables.items():
        pipeline.write(f"landing/{name}.csv", "\n".join([columns, *rows]) + "\n")
        pipeline.asset(
            f"bronze.{name}",
            f"""
            @bronze
            def {name}() -> pl.LazyFrame:
                return pl.scan_csv("landing/{name}.csv", infer_schema=False)
            """,
        )
        key, *others = columns.split(",")
        fields = "".join(f"    {each} = dy.String(nullable=True)\n" for each in others)
        pipeline.asset(
            f"silver.{name}",
            f"class Table(dy.Schema):\n    {key} = dy.String(primary_key=True)\n{fields}\n\n"
            f"@silver(contract=Table)\ndef {name}(bronze_{name}: pl.LazyFrame) -> pl.LazyFrame:\n"
            f"    return bronze_{name}\n",
        )
    return pipeline


def sales(pipeline: Pipeline, body: str) -> None:
    """Write gold that reads all three tables and returns a column ``id``."""
    pipeline.asset(
        "gold.sales",
        f"""
        class Sales(dy.Schema):
            id = dy.String(nullable=True)


        @gold(contract=Sales, extra_columns="drop")
        def sales(
            lines: pl.LazyFrame, products: pl.LazyFrame, shops: pl.LazyFrame
        ) -> pl.LazyFrame:
            {body}
        """,
    )


def kept(pipeline: Pipeline, body: str) -> dict[str, tuple[int | None, str]]:
    sales(pipeline, body)
    record = pipeline.run().assets[-1]
    assert record.error is None
    return {
        name.removeprefix("silver."): (each.kept, each.note)
        for name, each in record.matched.items()
    }


INNER = 'lines.join(products, on="sku").join(shops, on="shop")'


@pytest.mark.parametrize(
    ("body", "lines", "products", "shops"),
    [
        (INNER, 2, 1, 2),  # bread is sold in a shop that is none
        (f'{INNER}.group_by("town").agg(pl.col("id").max())', 2, 1, 2),
        (
            'lines.join(products, on="sku", how="left").join(shops, on="shop", how="semi")',
            *(4, None, 2),
        ),
        (
            'lines.join(products, on="sku", how="semi").join(shops, on="shop", how="full")',
            *(3, 2, 2),
        ),
        (
            'shops.rename({"shop": "place"}).join(lines, left_on="place", right_on="shop")'
            '.with_columns(name=pl.lit(1)).join(products, on="sku")',
            *(2, 1, 2),
        ),
        ('products.join(lines, on="sku", how="right").join(shops, how="cross")', 5, None, 2),
        (
            'lines.group_by("sku").agg(pl.len(), pl.col("id", "shop").first())'
            '.join(products, on="sku").join(shops, how="cross")',
            *(3, 2, 2),
        ),
        ('lines.join(products, on="sku", how="anti").join(shops, on="shop")', None, None, None),
    ],
)
def test_the_rows_that_joins_keep_are_counted_on_every_side(
    trade: Pipeline, body: str, lines: int | None, products: int | None, shops: int | None
) -> None:
    found = kept(trade, f"return {body}")

    assert {name: count for name, (count, _) in found.items()} == {
        "lines": lines,
        "products": products,
        "shops": shops,
    }


LEFT = (
    'lines.join(shops.rename({"shop": "place"}), how="cross").join(products, on="sku", how="left")'
)


@pytest.mark.parametrize(
    "step",
    [
        '.filter(pl.col("name").is_not_null())',
        '.drop_nulls("name")',
        '.filter((pl.col("id") != "9") & (pl.col("name") != "bread"))',
        '.rename({"name": "called"}).with_columns(n=1).filter(pl.col("called") != "corn")',
    ],
)
def test_a_left_join_whose_rows_without_a_partner_go_later_is_counted_like_an_inner_one(
    trade: Pipeline, step: str
) -> None:
    found = kept(trade, f"return {LEFT}{step}")

    assert {name: count for name, (count, _) in found.items()} == {
        "lines": 3,
        "products": 2,
        "shops": 2,
    }


@pytest.mark.parametrize(
    "step",
    [
        '.filter(pl.col("name").is_null())',
        '.filter(pl.col("name").is_not_null() | (pl.col("id") == "5"))',
        '.filter(pl.col("name").fill_null("-") != "")',
        '.with_columns(name=pl.lit("a")).filter(pl.col("name").is_not_null())',
    ],
)
def test_a_left_join_that_keeps_rows_without_a_partner_is_a_left_join(
    trade: Pipeline, step: str
) -> None:
    found = kept(trade, f"return {LEFT}{step}")

    assert found["products"][0] is None


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (INNER.replace("lines", 'lines.filter(pl.col("id") != "1")', 1), "rows are filtered"),
        (INNER.replace("products,", "products.head(1),"), "rows are filtered"),
        (INNER.replace('on="sku"', 'on=pl.col("sku").str.to_lowercase()'), "a key is computed"),
        (INNER.replace("lines", "lines.map_batches(lambda each: each)", 1), "a step is not shown"),
    ],
)
def test_what_the_plan_does_not_show_is_not_counted_and_says_why(
    trade: Pipeline, body: str, why: str
) -> None:
    assert kept(trade, f"return {body}")["lines"] == (None, why)


def test_a_filter_behind_the_joins_is_named_beside_the_count(trade: Pipeline) -> None:
    found = kept(trade, f'return {INNER}.filter(pl.col("town") == "Rome")')

    assert found["lines"] == (2, "rows are filtered")


def test_a_table_that_is_read_twice_is_not_counted(trade: Pipeline) -> None:
    found = kept(trade, f'return {INNER}.join(lines, on="id")')

    assert found["lines"] == (None, "it is read several times")
    assert found["shops"] == (2, "")


@pytest.mark.in_this_process
def test_tables_that_are_too_long_are_not_counted(
    trade: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.runtime.partners.MOST_ROWS", 4)

    assert kept(trade, f"return {INNER}")["shops"] == (None, "more than 4 rows are joined")


@pytest.mark.in_this_process
def test_status_says_of_the_version_that_is_there_what_its_joins_were_not_counted_for(
    trade: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.runtime.partners.MOST_ROWS", 4)
    sales(trade, f"return {INNER}")
    trade.run()
    monkeypatch.undo()
    trade.run()  # nothing changed, so the version stays

    text, as_json = trade.cli("status").stdout, trade.json("status")["assets"]

    said = (
        "what the joins keep of silver.lines, silver.products, silver.shops "
        "is not counted: more than 4 rows are joined"
    )
    assert text.count("not counted: ") == 1
    assert f"note: gold.sales: {said}\n" in text
    assert {each["asset"]: each["not_counted"] for each in as_json if each["not_counted"]} == {
        "gold.sales": [said]
    }


def test_what_a_left_join_looks_up_is_not_told_as_uncounted(trade: Pipeline) -> None:
    kept(trade, 'return lines.join(products, on="sku", how="left").join(shops, how="cross")')

    assert "not counted" not in trade.cli("status").stdout


def test_a_table_that_is_read_eagerly_is_not_counted(trade: Pipeline) -> None:
    found = kept(trade, f"return {INNER.replace('products,', 'products.collect().lazy(),')}")

    assert found["products"] == (None, "it is not read lazily")
    assert found["lines"] == (None, "it is joined with what is no table")


def test_silver_counts_what_it_joins_of_the_batch_that_it_reads(trade: Pipeline) -> None:
    sales(trade, f"return {INNER}")
    trade.run()
    trade.write("landing/lines.csv", "id,sku,shop\n1,a,s\n2,y,s\n")
    trade.asset(
        "silver.sold",
        """
        class Sold(dy.Schema):
            id = dy.String(primary_key=True)


        @silver(contract=Sold)
        def sold(bronze_lines: pl.LazyFrame, bronze_products: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_lines.join(bronze_products, on="sku").select("id")
        """,
    )

    record = next(each for each in trade.run().assets if str(each.asset) == "silver.sold")

    assert record.matched == {
        "bronze.lines": Matched(2, 1),
        "bronze.products": Matched(3, 1),
    }


def test_a_share_that_falls_sharply_is_a_note_once_and_the_ledger_shows_it(
    trade: Pipeline,
) -> None:
    sales(trade, f"return {INNER}")
    trade.run()
    trade.write("landing/shops.csv", "shop,town\ns,Rome\n")

    fallen = trade.run()
    again = trade.run(full_refresh=True)

    said = (
        "only 20% of the rows of silver.lines found a partner in the joins, "
        "40% in the version before"
    )
    assert said in fallen.assets[-1].notes
    assert said not in again.assets[-1].notes
    shown = trade.json("runs", fallen.run_id)["assets"][-1]["matched"]
    assert shown["silver.shops"] == {"rows": 1, "kept": 1, "note": ""}
    text = trade.cli("runs", fallen.run_id).stdout
    assert "joins rows of" in text
    kept_in = trade.ledger().filter(asset="gold.sales", run_id=fallen.run_id)["matched"].item()
    assert json.loads(kept_in)["silver.lines"]["kept"] == 1


@pytest.mark.parametrize("seed", range(12))
def test_the_count_is_what_is_found_in_the_result(tmp_path: Path, seed: int) -> None:
    chance = Random(seed)
    lakehouse = Lakehouse(Store(str(tmp_path)))
    tables = {}
    for name in "abcd":
        values = {key: [chance.choice([None, 1, 2, 3]) for _ in range(8)] for key in "xyz"}
        key = AssetKey(Layer.SILVER, name)
        rows = pl.DataFrame({**values, f"id_{name}": range(8)})
        append_rows(lakehouse.table(key), rows, run_id="test")
        pinned = lakehouse.pin(key)
        assert pinned is not None
        tables[name] = pinned

    joined = tables["a"].scan().drop("commit")
    for name in "bcd":
        keys = chance.choice([["x"], ["y"], ["x", "y"], ["z"]])
        known = joined.collect_schema().names()
        own = [chance.choice([each for each in known if each[0] == key]) for key in keys]
        joined = joined.join(
            tables[name].scan().drop("commit").rename({key: f"{key}_{name}" for key in "xyz"}),
            left_on=own,
            right_on=[f"{key}_{name}" for key in keys],
            nulls_equal=chance.random() < 0.3,
            coalesce=False,
        )
    plan = read_plan(AssetKey(Layer.GOLD, "all"), joined, [], tables)
    counted = count_partners(plan.followed, tables, {f"silver.{name}": 8 for name in tables})

    result = joined.collect()
    for name in tables:
        kept_rows = counted[f"silver.{name}"].kept
        assert kept_rows in (None, result[f"id_{name}"].n_unique())
    if all(" several " not in each.note for each in counted.values()):
        assert None not in [each.kept for each in counted.values()]
