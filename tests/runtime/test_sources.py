"""A source is asked what is new before anything of it is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey

if TYPE_CHECKING:
    from tests.conftest import Pipeline

    from polster.model.record import AssetRecord

FOLDER = """
from dataclasses import dataclass
from pathlib import Path

from polster.sources import Batch, Known


@dataclass
class Folder:
    pattern: str

    def ask(self, known: Known):
        seen = set(known.memory.split())
        Path("asked").write_text(f"{known.memory or '-'} {known.is_current}")
        for file in sorted(Path("landing").glob(self.pattern)):
            if file.name not in seen:
                seen.add(file.name)
                rows = pl.scan_csv(file, infer_schema=False)
                memory = " ".join(sorted(seen))
                yield Batch(rows.with_columns(_source=pl.lit(file.name)), memory)
"""
SALES = """
class Sales(dy.Schema):
    id = dy.String(primary_key=True)
    amount = dy.Int64()


@bronze(load="append", contract=Sales)
def sales():
    return Folder("*.csv")
"""


@pytest.fixture(name="sales")
def sales_fixture(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.sales", FOLDER + SALES)
    pipeline.write("landing/mon.csv", "id,amount\n1,10\n2,20\n")
    return pipeline


def landed(pipeline: Pipeline) -> pl.DataFrame:
    key = AssetKey.parse("bronze.sales")
    assert key is not None
    pinned = Lakehouse(Store(str(pipeline.data))).pin(key)
    assert pinned is not None
    return pinned.scan().sort("id").collect()


def one(pipeline: Pipeline, **options: Any) -> AssetRecord:
    return pipeline.run(**options).assets[0]


def test_what_has_landed_is_not_read_again_and_what_is_new_is_added(sales: Pipeline) -> None:
    assert one(sales).status == "published"
    sales.write("landing/tue.csv", "id,amount\n3,30\n")
    sales.write("landing/mon.csv", "gone,otherwise\n")

    record = one(sales)

    assert record.rows_returned == 1
    assert landed(sales)["id"].to_list() == ["1", "2", "3"]
    assert (sales.root / "asked").read_text(encoding="utf-8") == "mon.csv True"


def test_a_source_with_nothing_new_makes_no_version(sales: Pipeline) -> None:
    sales.run()

    record = one(sales)

    assert record.status == "unchanged"
    assert record.reasons == ("its source holds nothing new",)
    assert sales.version("bronze.sales") == 0


def test_all_that_is_new_lands_in_one_commit_each_batch_by_its_own_name(sales: Pipeline) -> None:
    sales.write("landing/tue.csv", "id,amount\n3,30\n")

    record = one(sales)

    rows = landed(sales)
    assert sales.version("bronze.sales") == 0
    assert rows["_source"].to_list() == ["mon.csv", "mon.csv", "tue.csv"]
    assert rows["_batch_id"].to_list() == [record.batches[0]] * 2 + [record.batches[1]]
    assert sales.runs[0].run_id not in record.batches
    assert sales.ledger()["batches"].to_list() == [list(record.batches)]


def test_rows_that_are_rejected_keep_where_they_come_from(sales: Pipeline) -> None:
    sales.write("landing/tue.csv", "id,amount\n3,many\n")

    sales.run()

    rejected = sales.rejected("bronze.sales")
    assert rejected.select("id", "amount", "_source").rows() == [("3", "many", "tue.csv")]


def test_what_was_not_published_is_not_remembered(sales: Pipeline) -> None:
    sales.write("landing/mon.csv", "id,amount\n1,many\n")
    assert one(sales).status == "failed"
    sales.write("landing/mon.csv", "id,amount\n1,10\n")

    sales.run()

    assert landed(sales)["id"].to_list() == ["1"]


def test_a_full_refresh_and_other_code_are_told_to_the_source(sales: Pipeline) -> None:
    sales.run()

    sales.run(full_refresh=True)
    refreshed = (sales.root / "asked").read_text(encoding="utf-8")
    sales.edit("src/core/bronze_sales.py", '"landing"', '"./landing"')
    sales.run()

    assert refreshed == "mon.csv False"
    assert (sales.root / "asked").read_text(encoding="utf-8") == "mon.csv False"


def test_a_snapshot_is_one_batch(sales: Pipeline) -> None:
    sales.edit("src/core/bronze_sales.py", 'load="append", ', "")
    sales.write("landing/tue.csv", "id,amount\n3,30\n")

    error = one(sales).error

    assert error is not None
    assert error.code == "POL360"
    assert error.message == "its source gave 2 batches, where one is the whole state"


def test_a_frame_is_no_batch(sales: Pipeline) -> None:
    sales.edit("src/core/bronze_sales.py", "yield Batch(", "yield (")

    error = one(sales).error

    assert error is not None
    assert (error.code, error.message) == ("POL360", "its source gave a tuple")


def test_what_a_source_raises_is_told_with_its_place(sales: Pipeline) -> None:
    sales.edit(
        "src/core/bronze_sales.py",
        "seen = set(known.memory.split())",
        "raise ConnectionError('no route')",
    )

    error = one(sales).error

    assert error is not None
    assert "no route" in error.message
    assert error.place is not None
    assert error.place.startswith("src/core/bronze_sales.py:")


def test_what_has_landed_is_known_though_another_program_wrote_since(sales: Pipeline) -> None:
    sales.run()
    place = str(sales.data / "bronze" / "sales")
    foreign = landed(sales).head(1).with_columns(id=pl.lit("9"))
    foreign.write_delta(place, mode="append")

    record = one(sales)

    assert record.status == "unchanged"
    assert landed(sales)["id"].to_list() == ["1", "2", "9"]


def test_what_nobody_knows_to_have_landed_is_not_landed_again(sales: Pipeline) -> None:
    sales.run()
    place = sales.data / "bronze" / "sales"
    landed(sales).head(1).with_columns(id=pl.lit("9")).write_delta(str(place), mode="append")
    DeltaTable(place).create_checkpoint()
    (place / "_delta_log" / f"{0:020d}.json").unlink()

    error = one(sales).error

    assert error is not None
    assert error.code == "POL361"
    assert landed(sales).height == 3


def test_a_table_that_was_put_back_does_not_pass_for_one_that_holds_what_has_landed(
    sales: Pipeline,
) -> None:
    sales.run()
    sales.write("landing/tue.csv", "id,amount\n3,30\n")
    sales.run()
    DeltaTable(sales.data / "bronze" / "sales").restore(0)

    error = one(sales).error

    assert error is not None
    assert error.message == (
        "nobody knows what of its source its table holds: RESTORE at version 2 came from another "
        "program"
    )


def test_rows_that_came_as_a_frame_are_not_landed_again_by_a_source(sales: Pipeline) -> None:
    sales.edit(
        "src/core/bronze_sales.py",
        'Folder("*.csv")',
        'pl.scan_csv("landing/*.csv", infer_schema=False)',
    )
    sales.run()
    sales.edit(
        "src/core/bronze_sales.py",
        'pl.scan_csv("landing/*.csv", infer_schema=False)',
        'Folder("*.csv")',
    )

    error = one(sales).error

    assert error is not None
    assert error.code == "POL361"
    assert error.message.endswith(": its rows came as a frame, of no source")


def test_of_two_runs_at_once_one_lands_what_is_new(sales: Pipeline) -> None:
    """The other run lands the file, and one more, after this one was told of none."""
    sales.edit("src/core/bronze_sales.py", ", contract=Sales", "")
    sales.edit(
        "src/core/bronze_sales.py", "import polster\n", "import polster\nfrom core import turns\n"
    )
    sales.edit(
        "src/core/bronze_sales.py",
        "                seen.add",
        "                turns.wait()\n                seen.add",
    )
    sales.let_first_wait()
    slow = sales.start("-m", "polster", "run")
    while not (sales.root / "here").exists():
        assert slow.poll() is None
    sales.write("landing/tue.csv", "id,amount\n3,30\n")
    sales.run()
    sales.write("go", "")

    _, stderr = slow.communicate(timeout=60)

    assert slow.returncode == 0, stderr
    assert landed(sales)["id"].to_list() == ["1", "2", "3"]


def test_a_source_is_for_bronze(sales: Pipeline) -> None:
    sales.asset(
        "silver.sales",
        f"""
{FOLDER}
class Sales(dy.Schema):
    id = dy.String(primary_key=True)


@silver(contract=Sales)
def sales(bronze_sales: pl.LazyFrame):
    return Folder("*.csv")
""",
    )

    error = sales.run().assets[1].error

    assert error is not None
    assert error.code == "POL303"
    assert error.hint == "a source is for bronze; what stands above it reads tables"


def test_validate_asks_a_source_for_its_columns(sales: Pipeline) -> None:
    sales.asset(
        "silver.sales",
        """
class Sales(dy.Schema):
    id = dy.String(primary_key=True)


@silver(contract=Sales)
def sales(bronze_sales: pl.LazyFrame):
    return bronze_sales.select("idd")
""",
    )

    found = sales.cli("validate", "--from-data").output

    assert "did you mean `id`? the columns that its inputs have: bronze.sales: id, amount" in found
    assert found.endswith("2 assets, 1 error\n")
