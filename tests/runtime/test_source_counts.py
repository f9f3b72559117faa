"""The source said so many rows, and so many landed; else nothing does."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.model.record import Counted

if TYPE_CHECKING:
    from tests.conftest import Pipeline

    from polster.model.record import AssetRecord

IMPORTS = """
from decimal import Decimal
from polster.sources import Batch, files
"""
SOURCE = """
class Database:
    def ask(self, known):
        for number, (said, rows) in enumerate({batches}):
            yield Batch(pl.LazyFrame({"id": list(range(rows))}), str(number), rows=said)

@bronze(load="append")
def orders():
    return Database()
"""
FUNCTION = """
@bronze{options}
def orders():
    return Batch(pl.DataFrame({rows}).lazy(), {said})
"""


def source(pipeline: Pipeline, batches: object) -> AssetRecord:
    pipeline.asset("bronze.orders", IMPORTS + SOURCE.replace("{batches}", repr(batches)))
    return pipeline.run().assets[0]


def function(pipeline: Pipeline, rows: str, said: str, options: str = "") -> AssetRecord:
    text = FUNCTION.replace("{rows}", rows).replace("{said}", said).replace("{options}", options)
    pipeline.asset("bronze.orders", IMPORTS + text)
    return pipeline.run().assets[0]


def failure(record: AssetRecord) -> str:
    assert record.error is not None
    return f"{record.error.code}: {record.error.message}"


def counts(pipeline: Pipeline) -> object:
    """Return what the newest row of the ledger says."""
    return json.loads(pipeline.ledger().sort("commit")["source_counts"].to_list()[-1])


@pytest.mark.sentence(44)
def test_the_ledger_holds_what_a_source_said_and_what_landed(pipeline: Pipeline) -> None:
    record = source(pipeline, [(3, 3), (2, 2)])

    assert record.status == "published"
    assert record.source_counts == {"rows": Counted(5, 5)}
    assert counts(pipeline) == {"rows": {"said": 5, "came": 5}}


@pytest.mark.sentence(44)
def test_what_a_source_said_and_did_not_send_fails_the_load(pipeline: Pipeline) -> None:
    record = source(pipeline, [(3, 2)])

    assert failure(record) == "POL392: its source says 3 rows, and 2 came; nothing was landed"
    assert counts(pipeline) == {"rows": {"said": 3, "came": 2}}
    assert not (pipeline.data / "bronze" / "orders" / "_delta_log").exists()
    assert pipeline.staged_files() == []


@pytest.mark.sentence(44)
def test_batches_that_differ_by_as_much_do_not_make_up_for_each_other(pipeline: Pipeline) -> None:
    record = source(pipeline, [(3, 4), (None, 1), (2, 1)])

    assert failure(record) == (
        "POL392: batch 1 of 3: its source says 3 rows, and 4 came; batch 3 of 3: its source says "
        "2 rows, and 1 came; nothing was landed"
    )


@pytest.mark.sentence(44)
def test_rows_that_are_quarantined_came_too(pipeline: Pipeline) -> None:
    contract = "class Orders(dy.Schema):\n    id = dy.Int64(min=1)\n"
    pipeline.asset(
        "bronze.orders",
        IMPORTS
        + contract
        + SOURCE.replace("{batches}", "[(3, 3)]")
        .replace("append", 'append", contract="')
        .replace('contract=""', "contract=Orders"),
    )

    record = pipeline.run().assets[0]

    assert (record.rows_published, record.rows_quarantined) == (2, 1)
    assert record.source_counts == {"rows": Counted(3, 3)}


@pytest.mark.sentence(44)
def test_a_function_says_how_many_rows_its_source_has(pipeline: Pipeline) -> None:
    less = function(pipeline, '{"id": [1, 2]}', "rows=3")
    same = function(pipeline, '{"id": [1, 2]}', "rows=2")

    assert failure(less) == "POL392: its source says 3 rows, and 2 came; nothing was landed"
    assert same.status == "published"
    assert same.source_counts == {"rows": Counted(2, 2)}


@pytest.mark.sentence(44)
def test_a_snapshot_that_changed_by_less_than_it_says_stays_as_it_was(pipeline: Pipeline) -> None:
    function(pipeline, '{"id": [1, 2]}', "rows=2")

    record = function(pipeline, '{"id": [1]}', "rows=2")

    assert failure(record).startswith("POL392: its source says 2 rows, and 1 came")
    assert pipeline.table("bronze.orders").height == 2


@pytest.mark.sentence(44)
@pytest.mark.parametrize("rows", ["{}", '{"id": []}'])
def test_a_source_that_says_rows_and_sends_none_is_not_taken_for_an_empty_one(
    pipeline: Pipeline, rows: str
) -> None:
    record = function(pipeline, rows, "rows=2", '(load="append")')

    assert failure(record).startswith("POL392: its source says 2 rows, and 0 came")


@pytest.mark.sentence(44)
@pytest.mark.parametrize(
    ("values", "right", "wrong", "kept"),
    [
        ("[1, 2, None]", "3", "4", 3),
        ("[2**62, 2**62, 2**62]", "3 * 2**62", "2**62", 3 * 2**62),
        ("[0.1, 0.2]", "0.3", "0.30001", 0.1 + 0.2),
        ('["0.10", " 12.25", None]', 'Decimal("12.35")', "12", "12.35"),
        ('[Decimal("0.10"), Decimal("2.20")]', 'Decimal("2.3")', 'Decimal("2.31")', "2.3"),
    ],
    ids=["integers", "large", "floats", "text", "decimals"],
)
def test_sums_are_compared_too(
    pipeline: Pipeline, values: str, right: str, wrong: str, kept: object
) -> None:
    rows = f'{{"amount": {values}}}'

    fails = function(pipeline, rows, f'sums={{"amount": {wrong}}}')
    lands = function(pipeline, rows, f'sums={{"amount": {right}}}')

    assert failure(fails).startswith("POL392: its source says that `amount` adds up to ")
    assert lands.status == "published"
    assert lands.source_counts["sum(amount)"].came == kept


@pytest.mark.sentence(44)
def test_rows_that_come_again_are_counted_before_they_are_dropped(pipeline: Pipeline) -> None:
    asset = """
    @bronze(load="append")
    def orders(run: polster.RunContext):
        since = run.since("id", initial=0)
        rows = pl.read_csv("orders.csv").filter(pl.col("id") >= since)
        return Batch(rows.lazy(), rows=rows.height - {fewer})
    """
    pipeline.asset("bronze.orders", IMPORTS + asset.replace("{fewer}", "0").replace("\n    ", "\n"))
    pipeline.write("orders.csv", "id\n1\n2\n")
    pipeline.run()
    pipeline.write("orders.csv", "id\n2\n3\n")

    right = pipeline.run().assets[0]
    pipeline.edit("src/core/bronze_orders.py", "rows.height - 0", "rows.height - 1")
    wrong = pipeline.run().assets[0]

    assert (right.status, right.rows_returned) == ("published", 1)
    assert right.source_counts == {"rows": Counted(2, 2)}
    assert failure(wrong).startswith("POL392: its source says 0 rows, and 1 came")


@pytest.mark.parametrize(
    ("said", "message"),
    [
        ("rows=-1", "its source says that it has -1 rows"),
        ('rows="2"', "its source says that it has '2' rows"),
        ('sums={"idd": 1}', "its source says what `idd` adds up to, and sends no such column"),
        ('sums={"at": 1}', "its source says what `at` adds up to, which is Date"),
        ('sums={"id": "1"}', "its source says that `id` adds up to '1'"),
        ('"seen"', "the function returned a batch with `memory`, which nobody would tell it again"),
    ],
)
def test_what_a_source_cannot_mean_is_refused(pipeline: Pipeline, said: str, message: str) -> None:
    rows = '{"id": [1], "at": pl.Series([None], dtype=pl.Date)}'

    record = function(pipeline, rows, said)

    assert failure(record) == f"POL393: {message}"
    assert record.error is not None
    assert record.error.hint


@pytest.mark.sentence(44)
def test_the_footer_of_a_parquet_file_says_how_many_rows_it_has(pipeline: Pipeline) -> None:
    (pipeline.root / "landing").mkdir()
    pl.DataFrame({"id": [1, 2]}).write_parquet(pipeline.root / "landing" / "one.parquet")
    pl.DataFrame({"id": [3]}).write_parquet(pipeline.root / "landing" / "two.parquet")
    asset = '@bronze(load="append")\ndef orders():\n    return files("landing/*.parquet")\n'
    pipeline.asset("bronze.orders", IMPORTS + asset)

    record = pipeline.run().assets[0]

    assert record.status == "published"
    assert record.source_counts == {"rows": Counted(3, 3)}


@pytest.mark.sentence(44)
def test_a_parquet_file_that_holds_less_than_its_footer_says_lands_nothing(
    pipeline: Pipeline,
) -> None:
    (pipeline.root / "landing").mkdir()
    file = pipeline.root / "landing" / "one.parquet"
    pl.DataFrame({"id": [1, 2]}).write_parquet(file)
    whole = file.read_bytes()
    of_three = whole.replace(b"\x16\x04\x19\x1c", b"\x16\x06\x19\x1c")  # rows, then row groups
    file.write_bytes(of_three)
    asset = '@bronze(load="append")\ndef orders():\n    return files("landing/*.parquet")\n'
    pipeline.asset("bronze.orders", IMPORTS + asset)

    record = pipeline.run().assets[0]

    assert whole != of_three
    assert failure(record).startswith("POL392: its source says 3 rows, and 2 came")


def test_a_function_that_returns_a_batch_is_checked_and_tested_as_any_other(
    pipeline: Pipeline,
) -> None:
    contract = "class Orders(dy.Schema):\n    id = dy.Int64(min=1)\n"
    text = FUNCTION.replace("{options}", "(contract=Orders)").replace("{said}", "rows=2")
    text = text.replace("orders()", "orders() -> Batch").replace("{rows}", '{"id": [0, 1]}')
    pipeline.asset("bronze.orders", IMPORTS + contract + text)
    asked = "from polster.testing import run_asset; from core.bronze_orders import orders; "
    shown = f'{asked}print(run_asset(orders).published["id"].to_list())'

    checked = pipeline.cli("validate", "--from-data")
    tested = pipeline.process("-c", shown, env={"PYTHONPATH": "src"})

    assert checked.exit_code == 0, checked.stdout
    assert tested.stdout == "[1]\n", tested.stderr
