"""References between tables: orphans stay out of the table, and the target decides when to run."""

from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable
from tests.conftest import Pipeline

REFERENCE = "product_id|references"


@pytest.fixture
def store(pipeline: Pipeline) -> Pipeline:
    """Products, and order lines that refer to them."""
    pipeline.write("landing/products.csv", "product_id,name\na,apple\nb,bread\n")
    pipeline.write("landing/lines.csv", "line,product_id\n1,a\n2,b\n3,x\n4,\n5,x\n")
    for name in ("products", "lines"):
        pipeline.asset(
            f"bronze.{name}",
            f"""
            @bronze
            def {name}() -> pl.LazyFrame:
                return pl.scan_csv("landing/{name}.csv", infer_schema=False)
            """,
        )
    pipeline.asset(
        "silver.products",
        """
        class Products(dy.Schema):
            product_id = dy.String(primary_key=True)
            name = dy.String(nullable=True)


        @silver(contract=Products)
        def products(bronze_products: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_products
        """,
    )
    pipeline.asset(
        "silver.lines",
        """
        class Lines(dy.Schema):
            line = dy.Int64(primary_key=True)
            product_id = dy.String(nullable=True)


        @silver(contract=Lines, references={"product_id": "products.product_id"})
        def lines(bronze_lines: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_lines
        """,
    )
    return pipeline


def test_a_row_that_refers_to_nothing_is_quarantined_and_null_refers_to_none(
    store: Pipeline,
) -> None:
    record = store.run()

    assert store.table("silver.lines")["line"].to_list() == [1, 2, 4]
    assert store.rejected("silver.lines").sort("line").select("line", "_rules").rows() == [
        ("3", [REFERENCE]),
        ("5", [REFERENCE]),
    ]
    assert record.assets[-1].rules_broken == {REFERENCE: 2}


def test_the_table_referred_to_is_built_before_and_its_new_data_is_a_reason(
    store: Pipeline,
) -> None:
    built = [str(each.asset) for each in store.run().assets]
    store.write("landing/products.csv", "product_id,name\na,apple\nb,bread\nx,xylophone\n")

    record = store.run()

    assert built.index("silver.products") < built.index("silver.lines")
    last = next(each for each in record.assets if str(each.asset) == "silver.lines")
    assert last.reasons == ("silver.products, which it refers to, has new data",)
    assert store.table("silver.lines")["line"].to_list() == [1, 2, 3, 4, 5]


def test_a_reference_that_is_taken_away_is_a_reason_and_one_to_a_gone_table_says_so(
    store: Pipeline,
) -> None:
    store.run()
    for file in sorted((store.data / "silver" / "products").rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    (store.data / "silver" / "products").rmdir()

    alone = store.reasons("silver.lines")

    gone = "the table of silver.products, which it refers to, is gone: this will fail"
    assert alone == {"silver.lines": (gone,)}


def test_without_the_table_referred_to_nothing_is_built(store: Pipeline) -> None:
    store.run("layer:bronze")

    (record,) = store.run("silver.lines").assets

    assert record.error is not None
    assert (record.error.code, record.error.message) == (
        "POL308",
        "`silver.products`, which it refers to, was never built",
    )


def test_a_failure_of_the_table_referred_to_skips_who_refers(store: Pipeline) -> None:
    store.run()
    store.edit("src/core/silver_products.py", "return bronze_products", "return 1 / 0")
    store.write("landing/lines.csv", "line,product_id\n1,a\n")

    assert store.outcome()["silver.lines"] == "skipped"


@pytest.mark.parametrize(
    ("policy", "outcome", "rows"), [("warn", "published", 5), ("fail", "failed", 3)]
)
def test_the_policy_of_a_reference_is_that_of_any_rule(
    store: Pipeline, policy: str, outcome: str, rows: int
) -> None:
    store.run()
    store.edit(
        "src/core/silver_lines.py",
        "references=",
        f'on_violation={{"{REFERENCE}": "{policy}"}}, references=',
    )

    record = store.run().assets[-1]

    assert (record.status.value, record.rules_broken) == (outcome, {REFERENCE: 2})
    assert store.table("silver.lines").height == rows


def test_a_policy_for_a_misspelt_reference_is_refused(store: Pipeline) -> None:
    store.edit(
        "src/core/silver_lines.py",
        "references=",
        'on_violation={"product|references": "warn"}, references=',
    )

    record = store.run().assets[-1]

    assert record.error is not None
    assert (record.error.code, record.error.hint) == ("POL313", f"did you mean `{REFERENCE}`?")


def test_an_orphan_does_not_drag_its_good_twin_along(store: Pipeline) -> None:
    store.write("landing/lines.csv", "line,product_id\n1,x\n1,a\n1,b\n")

    record = store.run().assets[-1]

    assert store.table("silver.lines").rows() == [(1, "a")]
    assert record.rules_broken == {REFERENCE: 1, "primary_key": 1}


def test_values_of_another_type_are_not_cast_but_refused(store: Pipeline) -> None:
    store.write("landing/lines.csv", "line,product_id\n1,7\n")
    store.edit("src/core/silver_lines.py", "product_id = dy.String", "product_id = dy.Int64")

    record = store.run().assets[-1]

    assert record.error is not None
    assert record.error.code == "POL335"


def test_integers_of_two_widths_and_an_enumeration_and_its_text_meet(store: Pipeline) -> None:
    store.write("landing/products.csv", "product_id,name\n1,a\n2,b\n")
    store.write("landing/lines.csv", "line,product_id\n1,2\n2,3\n")
    store.edit("src/core/silver_products.py", "dy.String(primary", "dy.Int64(primary")
    store.edit("src/core/silver_lines.py", "product_id = dy.String", "product_id = dy.Int16")
    store.run()
    numbers = store.table("silver.lines")["line"].to_list()
    store.edit("src/core/silver_products.py", "dy.Int64(primary", "dy.String(primary")
    store.edit("src/core/silver_lines.py", "dy.Int16(", 'dy.Enum(["1", "2", "3"], ')

    store.run()

    assert numbers == store.table("silver.lines")["line"].to_list() == [1]


def test_a_key_of_several_columns_is_looked_up_as_a_whole(store: Pipeline) -> None:
    store.write("landing/products.csv", "shop,product_id,name\ns,a,apple\nt,b,bread\n")
    store.write("landing/lines.csv", "line,shop,product_id\n1,s,a\n2,s,b\n3,,b\n")
    store.edit("src/core/silver_products.py", "    name =", "    shop = dy.String()\n    name =")
    store.edit(
        "src/core/silver_lines.py", "    line =", "    shop = dy.String(nullable=True)\n    line ="
    )
    store.edit(
        "src/core/silver_lines.py",
        '{"product_id": "products.product_id"}',
        '{("shop", "product_id"): ("silver.products.shop", "silver.products.product_id")}',
    )

    record = store.run().assets[-1]

    assert store.table("silver.lines")["line"].to_list() == [1, 3]
    assert record.rules_broken == {"shop,product_id|references": 1}


def test_a_table_may_refer_to_itself_and_an_orphan_makes_orphans(pipeline: Pipeline) -> None:
    pipeline.write("landing/staff.csv", "id,boss\n1,\n2,1\n3,9\n4,3\n5,4\n6,2\n7,7\n")
    pipeline.asset(
        "bronze.staff",
        """
        @bronze
        def staff() -> pl.LazyFrame:
            return pl.scan_csv("landing/staff.csv")
        """,
    )
    pipeline.asset(
        "silver.staff",
        """
        class Staff(dy.Schema):
            id = dy.Int64(primary_key=True)
            boss = dy.Int64(nullable=True)


        @silver(contract=Staff, references={"boss": "silver.staff.id"})
        def staff(bronze_staff: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_staff
        """,
    )

    pipeline.run()

    assert pipeline.table("silver.staff")["id"].to_list() == [1, 2, 6, 7]
    assert pipeline.rejected("silver.staff")["_rules"].to_list() == [["boss|references"]] * 3


def test_a_reference_reads_the_version_that_was_pinned(store: Pipeline) -> None:
    store.run()
    store.write("landing/products.csv", "product_id,name\na,apple\n")

    record = store.run("bronze.lines", "silver.lines", full_refresh=True)

    assert record.assets[-1].fingerprint is not None
    assert record.assets[-1].fingerprint.references == {"silver.products": 0}
    assert DeltaTable(str(Path(store.data, "silver", "products"))).version() == 0
    assert isinstance(store.table("silver.lines"), pl.DataFrame)


def test_a_reference_in_the_metadata_of_a_column_is_refused(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.people",
        """
        @bronze
        def people() -> pl.LazyFrame:
            return pl.LazyFrame({"id": [1], "boss": [9]})
        """,
    )
    pipeline.asset(
        "silver.people",
        """
        class People(dy.Schema):
            id = dy.Int64(primary_key=True)
            boss = dy.Int64(metadata={"references": "people.id"})

        @silver(contract=People)
        def people(bronze_people: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_people.select("id", "boss")
        """,
    )

    error = pipeline.run().assets[-1].error
    validated = pipeline.cli("validate")

    assert error is not None
    assert error.code == "POL320"
    assert error.hint == 'say it in the decorator: references={"boss": "people.id"}'
    assert "POL320" in validated.output
