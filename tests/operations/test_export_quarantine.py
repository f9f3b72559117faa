from __future__ import annotations

import csv
import resource
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.errors import ScaffoldError, UsageError
from polster.operations.export_quarantine import ExportFormat, export_quarantine
from polster.operations.quarantine import quarantine_counts, quarantined_rows

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def _export(shop: Pipeline, target: Path, name: str = "silver.orders", **options: str) -> int:
    return export_quarantine(
        shop.open(),
        name,
        target,
        format=ExportFormat(target.suffix[1:]),
        **options,
    )


def test_csv_holds_the_rows_with_what_they_broke(shop: Pipeline, tmp_path: Path) -> None:
    shop.run()

    rows = _export(shop, tmp_path / "rows.csv")

    with (tmp_path / "rows.csv").open(newline="") as file:
        read = {row["id"]: row for row in csv.DictReader(file)}
    assert rows == len(read) == 3
    assert read["3"]["_rules"] == '["amount|min"]'
    assert read["3"]["amount"] == "-5"
    assert [path.name for path in tmp_path.glob("*rows*")] == ["rows.csv"]


def test_parquet_holds_them_in_their_types(shop: Pipeline, tmp_path: Path) -> None:
    run = shop.run()

    rows = _export(shop, tmp_path / "rows.parquet", rule="primary_key", run_id=run.run_id)

    read = pl.read_parquet(tmp_path / "rows.parquet")
    assert rows == 1
    assert read["_rules"].to_list() == [["primary_key"]]
    assert read["id"].to_list() == ["2"]


def test_csv_holds_types_that_it_does_not_know_as_text(pipeline: Pipeline, tmp_path: Path) -> None:
    pipeline.asset(
        "bronze.x",
        """
        from datetime import timedelta


        class X(dy.Schema):
            took = dy.Duration(max=timedelta(0))


        @bronze(contract=X)
        def x() -> pl.DataFrame:
            took = pl.Series([1_500_000]).cast(pl.Duration("us"))
            word = pl.Series(["=1+1"], dtype=pl.Enum(["=1+1"]))
            return pl.DataFrame({"took": took, "word": word, "big": pl.Series([2**100])})
        """,
    )
    pipeline.run()

    _export(pipeline, tmp_path / "rows.csv", name="bronze.x")

    with (tmp_path / "rows.csv").open(newline="") as file:
        (read,) = csv.DictReader(file)
    assert (read["took"], read["word"], read["big"]) == ("PT1.5S", "'=1+1", str(2**100))


def test_a_text_that_a_spreadsheet_would_compute_gets_an_apostrophe(
    shop: Pipeline, tmp_path: Path
) -> None:
    for number, text in enumerate(("=1+1", "@SUM(A1)", "+49 30", "-x", "-3.5", "+7", "a=b")):
        shop.edit("landing/orders.csv", "4,,7", f"{90 + number},{text},-7\n4,,7")
    shop.run()

    _export(shop, tmp_path / "rows.csv", rule="amount|min")

    with (tmp_path / "rows.csv").open(newline="") as file:
        read = [row["customer"] for row in csv.DictReader(file)]
    assert sorted(read) == sorted(
        ["cid", "'=1+1", "'@SUM(A1)", "'+49 30", "'-x", "-3.5", "+7", "a=b"]
    )


def test_names_of_columns_are_no_formulas_either(shop: Pipeline, tmp_path: Path) -> None:
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "return bronze_orders.with_columns(pl.lit(1).alias('=odd'), tags=pl.lit(['a', 'b']))",
    )
    shop.edit(
        "src/core/silver_orders.py",
        "    amount = ",
        "    odd = dy.Int64(alias='=odd')\n    tags = dy.List(dy.String())\n    amount = ",
    )
    shop.run("+silver.orders")

    _export(shop, tmp_path / "rows.csv", rule="amount|min")

    with (tmp_path / "rows.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["'=odd"] == "1"
    assert row["tags"] == '["a", "b"]'


def test_a_run_that_there_is_not(shop: Pipeline, tmp_path: Path) -> None:
    project = shop.open()
    for _ in range(2):  # before anything was kept out, and after
        with pytest.raises(UsageError, match="there is no run"):
            quarantined_rows(project, "silver.orders", run_id="nonsense")
        with pytest.raises(UsageError, match="there is no run"):
            _export(shop, tmp_path / "rows.csv", run_id="nonsense")
        shop.run()

    assert list(tmp_path.glob("*rows*")) == []


def test_nothing_kept_out_leaves_a_file_without_rows(shop: Pipeline, tmp_path: Path) -> None:
    shop.run()

    assert _export(shop, tmp_path / "none.csv", rule="id|nullability") == 0
    assert (tmp_path / "none.csv").read_text().startswith("_rules,id,")
    assert (
        export_quarantine(
            shop.open(), "bronze.orders", tmp_path / "b.parquet", format=ExportFormat.PARQUET
        )
        == 0
    )


def test_a_file_that_cannot_be_written_is_told_and_nothing_is_left(
    shop: Pipeline, tmp_path: Path
) -> None:
    shop.run()

    with pytest.raises(ScaffoldError) as raised:
        _export(shop, tmp_path / "no" / "folder.csv")

    assert raised.value.code == "POL503"
    assert not (tmp_path / "no").exists()


@pytest.mark.parametrize("format", list(ExportFormat))
def test_a_disk_that_is_full_is_told_and_nothing_is_left(
    shop: Pipeline, tmp_path: Path, format: ExportFormat
) -> None:
    bad = "".join(f"{number},{number},-7\n" for number in range(1000, 9000))
    shop.edit("landing/orders.csv", "4,,7", f"{bad}4,,7")
    shop.run()
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)

    resource.setrlimit(resource.RLIMIT_FSIZE, (4_000, limits[1]))
    try:
        with pytest.raises(ScaffoldError) as raised:
            _export(shop, tmp_path / f"rows.{format}")
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)

    assert raised.value.message == "the rows cannot be written: File too large"
    assert list(tmp_path.glob("*rows*")) == []


def test_rows_come_a_page_at_a_time_those_of_the_newest_run_first(shop: Pipeline) -> None:
    first = shop.run()
    shop.edit("landing/orders.csv", "4,,7", "4,,8")
    second = shop.run(full_refresh=True)

    pages = [
        quarantined_rows(shop.open(), "silver.orders", offset=offset, limit=2)
        for offset in (0, 2, 4, 6)
    ]

    runs = [row[-2] for page in pages for row in page.rows]
    assert runs == [second.run_id] * 3 + [first.run_id] * 3
    assert {page.total for page in pages} == {6}
    assert [len(page.rows) for page in pages] == [2, 2, 2, 0]
    one = quarantined_rows(
        shop.open(), "silver.orders", rule="customer|nullability", run_id=first.run_id
    )
    assert one.total == 1
    assert next(iter(one.columns)) == "_rules"


def test_counts_come_from_every_run_that_judged(shop: Pipeline) -> None:
    first = shop.run()
    shop.run()
    shop.edit("landing/orders.csv", "4,,7", "4,dan,7")
    second = shop.run()

    counts = quarantine_counts(shop.open(), asset="silver.orders")

    assert [(each.run_id, each.rows_quarantined) for each in counts] == [
        (first.run_id, 3),
        (second.run_id, 2),
    ]
    assert counts[0].rules == {"amount|min": 1, "customer|nullability": 1, "primary_key": 1}
    late = quarantine_counts(shop.open(), asset="silver.orders", since=counts[1].at)
    assert late == counts[1:]
    with pytest.raises(UsageError):
        quarantine_counts(shop.open(), asset="silver.nope")
