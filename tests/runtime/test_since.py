"""A bronze function asks for what came since the mark of its table: each record lands once."""

from __future__ import annotations

import gc
import json
import os
import signal
import tempfile
from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable

if TYPE_CHECKING:
    from tests.conftest import Pipeline

    from polster.model.record import AssetRecord

ORDERS = """
import os
from pathlib import Path


@bronze(load="append")
def orders(run: polster.RunContext) -> pl.LazyFrame:
    since = run.since("at", overlap="2h")
    Path("asked").write_text(repr(since))
    rows = pl.scan_ndjson("orders.jsonl", schema={"id": pl.Int64, "at": pl.String, "v": pl.String})
    rows = rows.with_columns(pl.col("at").str.to_datetime("%Y-%m-%d %H:%M", time_zone="UTC"))
    return rows if since is None else rows.filter(pl.col("at") >= since)
"""

KILLED_AFTER_THE_COMMIT = """
import os, signal
from polster.lakehouse.table import Table

plain = Table.commit


def commit(self, *args, after=True, **kwargs):
    is_orders = self.uri.endswith("data/bronze/orders")
    if after or not is_orders:
        made = plain(self, *args, **kwargs)
    if is_orders:
        os.kill(os.getpid(), signal.SIGKILL)
    return made


Table.commit = commit
from polster.cli.app import main

main(["run", "--jobs", "1"])
"""


def source(pipeline: Pipeline, *rows: tuple[int, str | None, str]) -> None:
    """Write the whole source: id, time on 2026-01-05, value."""
    lines = [
        json.dumps({"id": key, "at": None if at is None else f"2026-01-05 {at}", "v": value})
        for key, at, value in rows
    ]
    pipeline.write("orders.jsonl", "\n".join(lines) + "\n")


@pytest.fixture(name="orders")
def orders_fixture(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.orders", ORDERS)
    source(pipeline, (1, "10:00", "a"), (2, "12:00", "b"))
    return pipeline


def one(pipeline: Pipeline, **options: Any) -> AssetRecord:
    return pipeline.run(**options).assets[0]


def landed(pipeline: Pipeline) -> list[tuple[Any, ...]]:
    table = pipeline.table("bronze.orders")
    return sorted(table.select("id", pl.col("at").dt.strftime("%H:%M"), "v").rows(), key=str)


def asked(pipeline: Pipeline) -> str:
    return (pipeline.root / "asked").read_text(encoding="utf-8")


def error(pipeline: Pipeline) -> tuple[str, str, str | None]:
    failed = one(pipeline)
    assert failed.error is not None
    return failed.error.code, failed.error.message, failed.error.hint


def test_a_function_is_told_the_mark_less_the_overlap(orders: Pipeline) -> None:
    one(orders)
    first = asked(orders)
    source(orders, (1, "10:00", "a"), (2, "12:00", "b"), (3, "13:00", "c"))

    record = one(orders)

    assert first == "None"
    assert "datetime.datetime(2026, 1, 5, 10, 0, tzinfo=" in asked(orders)
    assert record.rows_published == 1
    assert record.notes == ("2 rows had come before, and came again",)
    assert landed(orders) == [(1, "10:00", "a"), (2, "12:00", "b"), (3, "13:00", "c")]


def test_nothing_new_makes_no_version(orders: Pipeline) -> None:
    one(orders)

    record = one(orders)

    assert (record.status, record.reasons) == ("unchanged", ("its source holds nothing new",))
    assert orders.version("bronze.orders") == 0


@pytest.mark.sentence(14)
def test_rows_that_tie_at_the_boundary_are_neither_lost_nor_doubled(orders: Pipeline) -> None:
    one(orders)
    source(orders, (1, "10:00", "a"), (2, "12:00", "b"), (3, "12:00", "c"), (2, "12:00", "b"))

    one(orders)
    again = one(orders)

    assert again.status == "unchanged"
    assert landed(orders) == [
        (1, "10:00", "a"),
        (2, "12:00", "b"),
        (2, "12:00", "b"),
        (3, "12:00", "c"),
    ]


def test_late_rows_within_the_overlap_land_and_older_ones_are_not_asked_for(
    orders: Pipeline,
) -> None:
    one(orders)
    source(orders, (8, "09:59", "old"), (9, "10:00", "late"), (2, "12:00", "b"))

    one(orders)

    assert landed(orders) == [(1, "10:00", "a"), (2, "12:00", "b"), (9, "10:00", "late")]


def test_a_function_may_return_more_than_it_was_asked_for(orders: Pipeline) -> None:
    orders.edit("src/core/bronze_orders.py", "if since is None else", "if True else")
    one(orders)
    source(orders, (8, "01:00", "old"), (1, "10:00", "a"), (2, "12:00", "b"), (3, "13:00", "c"))

    one(orders)
    again = one(orders)

    assert again.status == "unchanged"
    assert [row[0] for row in landed(orders)] == [1, 2, 3, 8]


def test_a_row_that_changed_lands_as_another_row(orders: Pipeline) -> None:
    one(orders)
    source(orders, (2, "12:00", "b2"))

    one(orders)

    assert landed(orders) == [(1, "10:00", "a"), (2, "12:00", "b"), (2, "12:00", "b2")]


@pytest.mark.sentence(16)
def test_rows_without_a_value_of_the_cursor_land_once_and_are_told(orders: Pipeline) -> None:
    file = "src/core/bronze_orders.py"
    orders.edit(file, 'pl.col("at") >= since', '(pl.col("at") >= since).fill_null(True)')
    source(orders, (1, None, "a"), (2, "12:00", "b"))

    first = one(orders)
    source(orders, (1, None, "a"), (1, None, "a"), (2, "12:00", "b"))
    second = one(orders)
    third = one(orders)

    assert first.notes == ("1 row has no `at`: landed, but no later run asks for such rows by it",)
    assert (second.rows_published, third.status) == (1, "unchanged")
    assert landed(orders) == [(1, None, "a"), (1, None, "a"), (2, "12:00", "b")]


def test_a_table_that_landed_without_a_mark_has_one(orders: Pipeline) -> None:
    orders.edit("src/core/bronze_orders.py", 'run.since("at", overlap="2h")', "None")
    one(orders)
    orders.edit("src/core/bronze_orders.py", "since = None", 'since = run.since("at")')

    record = one(orders)

    assert record.status == "unchanged"
    assert "datetime.datetime(2026, 1, 5, 12, 0" in asked(orders)


def test_a_full_refresh_asks_from_the_mark_and_a_table_begun_anew_from_the_beginning(
    orders: Pipeline,
) -> None:
    one(orders)

    refreshed, mark = one(orders, full_refresh=True), asked(orders)
    (orders.data / "bronze").rename(orders.root / "away")
    anew = one(orders)

    assert (refreshed.status, "10, 0" in mark) == ("unchanged", True)
    assert (anew.rows_published, asked(orders)) == (2, "None")


def test_an_older_version_put_back_has_its_own_mark(orders: Pipeline) -> None:
    one(orders)
    source(orders, (3, "18:00", "c"))
    one(orders)
    table = str(orders.data / "bronze" / "orders")
    DeltaTable(table).alter.set_table_properties({"delta.appendOnly": "false"})
    DeltaTable(table).restore(0)

    one(orders)

    assert "datetime.datetime(2026, 1, 5, 10, 0" in asked(orders)
    assert [row[0] for row in landed(orders)] == [1, 2, 3]


@pytest.mark.sentence(13)
def test_a_crash_between_commit_and_ledger_appends_nothing_twice(orders: Pipeline) -> None:
    orders.write("driver.py", KILLED_AFTER_THE_COMMIT)

    killed = orders.process("driver.py")
    again = one(orders)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert again.status == "unchanged"
    assert landed(orders) == [(1, "10:00", "a"), (2, "12:00", "b")]


def test_a_crash_before_the_commit_loses_nothing(orders: Pipeline) -> None:
    orders.write("driver.py", KILLED_AFTER_THE_COMMIT.replace("after=True", "after=False"))

    killed = orders.process("driver.py")
    again = one(orders)

    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert again.rows_published == 2


def test_runs_at_the_same_time_land_each_row_once(orders: Pipeline) -> None:
    one(orders)
    source(orders, (2, "12:00", "b"), (3, "13:00", "c"), (4, "14:00", "d"))

    both = [orders.start("-m", "polster", "run") for _ in range(2)]
    for each in both:
        each.communicate(timeout=60)

    assert [each.returncode for each in both] == [0, 0]
    assert [row[0] for row in landed(orders)] == [1, 2, 3, 4]


TIES = """
@bronze(load="append")
def orders(run: polster.RunContext) -> pl.LazyFrame:
    since = run.since("n", initial=0)
    return pl.scan_parquet("orders.parquet").filter(pl.col("n") >= since)
"""


@pytest.mark.sentence(15)
def test_a_million_rows_with_one_cursor_value_are_told_apart_and_nothing_of_them_is_remembered(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.orders", TIES)
    rows = pl.select(id=pl.int_range(1_000_000), n=pl.lit(7, pl.Int64))
    rows.write_parquet(pipeline.root / "orders.parquet")
    one(pipeline)
    pl.concat([rows, rows.head(1).with_columns(id=pl.lit(-1, pl.Int64))]).write_parquet(
        pipeline.root / "orders.parquet"
    )

    record = one(pipeline)

    log = pipeline.data / "bronze" / "orders" / "_delta_log"
    assert record.rows_published == 1
    assert pipeline.table("bronze.orders")["id"].n_unique() == 1_000_001
    assert all(commit.stat().st_size < 10_000 for commit in log.glob("*.json"))


def test_files_that_cannot_hold_what_came_are_not_read(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", TIES)
    for number in range(4):
        pl.DataFrame({"id": [1, 2], "n": [number, number]}).write_parquet(
            pipeline.root / "orders.parquet"
        )
        one(pipeline)
    files = sorted((pipeline.data / "bronze" / "orders").glob("*.parquet"))
    for file in files[:3]:
        file.write_bytes(b"x" * file.stat().st_size)
    pl.DataFrame({"id": [1, 2, 3], "n": [3, 3, 3]}).write_parquet(pipeline.root / "orders.parquet")

    record = one(pipeline)

    assert record.rows_published == 1


def test_a_cursor_that_commits_say_nothing_of_is_looked_for_in_the_files(
    pipeline: Pipeline,
) -> None:
    text = TIES.replace('pl.col("n") >= since', '(pl.col("n") >= since).fill_null(True)')
    pipeline.asset("bronze.orders", text)
    before = {f"k{number}": pl.lit(number) for number in range(40)}
    for last in range(4):
        rows = pl.DataFrame({"n": [None, *range(last + 1)]}, schema={"n": pl.Int64})
        rows.select(**before, n="n").write_parquet(pipeline.root / "orders.parquet")
        one(pipeline)

    again = one(pipeline)

    assert again.status == "unchanged"
    assert pipeline.table("bronze.orders")["n"].sort().to_list() == [None, 0, 1, 2, 3]


CHECKED = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    n = dy.Int64()
    v = dy.Int64(min=0)


@bronze(load="append", contract=Orders)
def orders(run: polster.RunContext) -> pl.LazyFrame:
    since = run.since("n", overlap=10)
    rows = pl.read_csv("orders.csv", infer_schema=False).lazy()
    return rows if since is None else rows.filter(pl.col("n").cast(pl.Int64) >= since)
"""


def test_rows_that_were_quarantined_do_not_come_again(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", CHECKED)
    pipeline.write("orders.csv", "id,n,v\n1,1,5\n2,2,-5\n3,3,many\n4,99,-1\n")
    one(pipeline)
    pipeline.write("orders.csv", "id,n,v\n1,1,5\n2,2,-5\n3,3,many\n4,99,-1\n5,4,007\n")

    second = one(pipeline)
    third = one(pipeline)

    assert (second.rows_published, second.rows_quarantined) == (1, 0)
    assert third.status == "unchanged"
    assert pipeline.table("bronze.orders").sort("id")["id"].to_list() == [1, 5]
    assert pipeline.rejected("bronze.orders").height == 3


def test_a_mended_contract_takes_what_comes_again(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", CHECKED)
    pipeline.write("orders.csv", "id,n,v\n1,1,5\n2,2,-5\n")
    one(pipeline)
    pipeline.edit("src/core/bronze_orders.py", "dy.Int64(min=0)", "dy.Int64(min=-9)")

    record = one(pipeline)

    assert record.rows_published == 1
    assert pipeline.table("bronze.orders").sort("id")["id"].to_list() == [1, 2]


VALUES = """
from datetime import *
from decimal import Decimal
from pathlib import Path

TYPE = pl.Int64


@bronze(load="append")
def orders(run: polster.RunContext) -> pl.DataFrame:
    since = run.since("c"ASKED)
    Path("asked").write_text(repr(since))
    return pl.DataFrame({"c": VALUES}, schema={"c": TYPE}, strict=False)
"""


def returns(pipeline: Pipeline, values: str, dtype: str = "pl.Int64", asked: str = "") -> None:
    text = VALUES.replace("VALUES", values).replace("TYPE = pl.Int64", f"TYPE = {dtype}")
    pipeline.asset("bronze.orders", text.replace("ASKED", f", {asked}" if asked else ""))


BERLIN = 'pl.Datetime("us", "Europe/Berlin")'


@pytest.mark.parametrize(
    ("dtype", "values", "asked_for", "told"),
    [
        ("pl.Int32", "[5, 250]", "overlap=10", "240"),
        ("pl.UInt64", "[5, 250]", "overlap=10", "240"),
        ("pl.Float64", "[0.5, 2.5]", "overlap=1", "1.5"),
        ("pl.Decimal(10, 2)", "[Decimal('2.50')]", "overlap=0.5", "Decimal('2.00')"),
        ("pl.String", "['2026-01-05', '2026-01-10', '%s']" % ("0" * 50), "", "'2026-01-10'"),
        ("pl.Date", "[date(2026, 1, 5)]", "overlap='2d'", "datetime.date(2026, 1, 3)"),
        ("pl.Date", "[date(1, 1, 2)]", "overlap='9w'", "datetime.date(1, 1, 1)"),
        ("pl.Datetime('ms')", "[datetime(2026, 1, 5)]", "", "datetime.datetime(2026, 1, 5, 0, 0)"),
        (
            "pl.Datetime('us')",
            "[datetime(1, 1, 1)]",
            "overlap='1h'",
            "datetime.datetime(1, 1, 1, 0, 0)",
        ),
        (
            BERLIN,
            "[datetime(2026, 3, 29, 4, tzinfo=timezone.utc)]",  # 6:00, and 2:00 there never was
            "overlap='24h'",
            "datetime.datetime(2026, 3, 28, 5, 0, tzinfo=zoneinfo.ZoneInfo(key='Europe/Berlin'))",
        ),
    ],
)
def test_the_mark_has_the_type_of_its_column(
    pipeline: Pipeline, dtype: str, values: str, asked_for: str, told: str
) -> None:
    returns(pipeline, values, dtype, asked_for)
    one(pipeline)

    record = one(pipeline)

    assert record.status == "unchanged"
    assert asked(pipeline) == told


@pytest.mark.parametrize(
    ("asked_for", "dtype", "says"),
    [
        ("overlap='soon'", "pl.Date", "`overlap` is 'soon', which is no duration"),
        ("overlap=-1", "pl.Int64", "`overlap` is -1, which is no distance"),
        ("overlap=True", "pl.Int64", "`overlap` is True, which is no distance"),
        ("overlap='2h'", "pl.Int64", "`overlap` is '2h', but a value of `c` is a number"),
        ("overlap=5", "pl.Date", "`overlap` is 5, but a value of `c` is a date"),
        ("overlap='2h'", "pl.Date", "`overlap` is '2h', but `c` holds dates"),
        ("overlap=1.5", "pl.Int64", "`overlap` is 1.5, but `c` holds whole numbers"),
        ("overlap='2h'", "pl.String", "`overlap` is '2h', but `c` holds text"),
        ("initial='x'", "pl.Int64", "`initial` is 'x', text, but a value of `c` is a number"),
        ("initial=float('nan')", "pl.Int64", "`initial` is nan, which nothing can be compared"),
        ("initial=datetime(2026, 1, 1)", BERLIN, "a moment without a zone, but a value of `c` is"),
    ],
)
def test_what_makes_no_sense_is_refused_at_the_first_landing(
    pipeline: Pipeline, asked_for: str, dtype: str, says: str
) -> None:
    returns(pipeline, "[]", dtype, asked_for)

    code, message, hint = error(pipeline)

    assert code == "POL394"
    assert says in message
    assert hint


def test_an_overlap_is_judged_by_the_column_once_it_is_known(pipeline: Pipeline) -> None:
    returns(pipeline, "[1]")
    one(pipeline)
    returns(pipeline, "[1]", asked="overlap='2h'")

    failed = one(pipeline)

    assert failed.error is not None
    assert (failed.error.code, failed.error.place) == ("POL394", "src/core/bronze_orders.py:15")


def test_a_misspelt_column_is_refused_whether_or_not_something_landed(orders: Pipeline) -> None:
    orders.edit("src/core/bronze_orders.py", '"at", overlap', '"att", overlap')
    first = error(orders)
    orders.edit("src/core/bronze_orders.py", '"att", overlap', '"at", overlap')
    one(orders)
    orders.edit("src/core/bronze_orders.py", '"at", overlap', '"att", overlap')

    second = error(orders)

    column = "`run.since` names the column `att`, which"
    assert first == ("POL395", f"{column} the function's frame does not have", "did you mean `at`?")
    assert second == ("POL395", f"{column} its table does not have", "did you mean `at`?")


@pytest.mark.parametrize("dtype", ["pl.Boolean", "pl.Time", "pl.Duration", "pl.List(pl.Int64)"])
def test_a_column_that_can_be_no_cursor_is_refused(pipeline: Pipeline, dtype: str) -> None:
    returns(pipeline, "[None]", dtype)

    assert error(pipeline)[0] == "POL395"


@pytest.mark.parametrize("value", ["nan", "inf", "-inf"])
def test_what_is_no_number_is_refused_and_nothing_lands(pipeline: Pipeline, value: str) -> None:
    returns(pipeline, "[1.0]", "pl.Float64")
    one(pipeline)
    returns(pipeline, f"[2.0, float('{value}')]", "pl.Float64")

    code, message, _ = error(pipeline)

    assert code == "POL395"
    assert "`c`, which `run.since` names, is NaN or infinite in 1 row" in message
    assert pipeline.table("bronze.orders")["c"].to_list() == [1.0]


def test_a_column_that_changed_its_type_is_refused_and_a_wider_one_is_not(
    pipeline: Pipeline,
) -> None:
    returns(pipeline, "[1, 2]", "pl.Int32")
    one(pipeline)
    returns(pipeline, "[2, 3]", "pl.Int64")
    wider = one(pipeline)
    returns(pipeline, "['2', '3']", "pl.String")

    code, message, _ = error(pipeline)

    assert wider.rows_published == 1
    assert code == "POL395"
    assert message.startswith("`c`, which `run.since` names, is String now and Int64 in the table")


def test_columns_that_come_and_go_make_no_row_another_one(pipeline: Pipeline) -> None:
    frame = "@bronze(load='append')\ndef orders(run: polster.RunContext):\n    run.since('c')\n"
    pipeline.asset("bronze.orders", frame + "    return pl.DataFrame({'c': [1, 2], 'a': [5, 6]})")
    one(pipeline)
    pipeline.asset("bronze.orders", frame + "    return pl.DataFrame({'c': [1, 2, 3]})")
    gone = one(pipeline)
    new = "    return pl.DataFrame({'c': [2, 3, 3], 'b': [None, None, 'x']})"
    pipeline.asset("bronze.orders", frame + new)

    record = one(pipeline)

    assert (gone.rows_published, record.rows_published) == (1, 1)


def test_only_bronze_that_appends_may_ask(pipeline: Pipeline) -> None:
    returns(pipeline, "[1]")
    pipeline.edit("src/core/bronze_orders.py", 'load="append"', 'load="snapshot"')

    code, message, hint = error(pipeline)

    assert code == "POL394"
    assert message == "`run.since` is asked by `bronze.orders`, which does not add to its table"
    assert hint == 'it is for bronze that appends: @bronze(load="append")'


def test_a_source_that_remembers_by_itself_may_not_ask(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        from polster.sources import files


        @bronze(load="append")
        def orders(run: polster.RunContext):
            run.since("at")
            return files("landing/*.csv")
        """,
    )

    assert error(pipeline)[0] == "POL394"


def test_the_mark_is_asked_while_the_function_is_at_work(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        from polars.io.plugins import register_io_source


        @bronze(load="append")
        def orders(run: polster.RunContext):
            def read(*_):
                yield pl.DataFrame({"n": [run.since("n", initial=0)]})

            return register_io_source(read, schema={"n": pl.Int64})
        """,
    )

    code, message, _ = error(pipeline)

    assert code == "POL394"
    assert message == "`run.since` is asked after the function has returned"


def test_rows_that_a_slow_run_compared_with_an_older_table_are_compared_anew(
    pipeline: Pipeline,
) -> None:
    pipeline.let_first_wait()
    pipeline.asset(
        "bronze.orders",
        """
        from core.turns import wait


        @bronze(load="append")
        def orders(run: polster.RunContext):
            since = run.since("n", initial=0)
            wait()
            return pl.DataFrame({"n": [since, since + 1]})
        """,
    )

    slow = pipeline.start("-m", "polster", "run")
    while not (pipeline.root / "here").exists() and slow.poll() is None:
        pass
    one(pipeline)
    (pipeline.root / "go").touch()
    slow.communicate(timeout=60)

    assert slow.returncode == 0
    assert sorted(pipeline.table("bronze.orders")["n"]) == [0, 1, 2]


def test_a_source_is_read_once_though_its_rows_are_compared(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        from pathlib import Path
        from polars.io.plugins import register_io_source


        @bronze(load="append")
        def orders(run: polster.RunContext):
            since = run.since("n", initial=0)

            def read(columns, predicate, *_):
                with Path("read").open("a") as file:
                    file.write("once ")
                yield pl.DataFrame({"n": [since + 1, since, since + 2]}).select(columns or "n")

            return register_io_source(read, schema={"n": pl.Int64})
        """,
    )

    one(pipeline)
    one(pipeline)

    assert (pipeline.root / "read").read_text(encoding="utf-8") == "once once "
    assert pipeline.table("bronze.orders")["n"].to_list() == [1, 0, 2, 3, 4]


@pytest.mark.in_this_process
def test_rows_wait_in_a_temporary_file_that_no_run_leaves_behind_for_ever(
    orders: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    left, at_work = orders.root / "tmp/polster-rows-old", orders.root / "tmp/polster-rows-new"
    for folder in (left, at_work):
        folder.mkdir(parents=True)
    os.utime(left, (0, 0))
    monkeypatch.setattr(tempfile, "tempdir", str(orders.root / "tmp"))
    one(orders)
    source(orders, (2, "12:00", "b"), (3, "13:00", "c"))

    record = one(orders)

    gc.collect()
    assert record.rows_published == 1
    assert list((orders.root / "tmp").iterdir()) == [at_work]


def test_rows_that_never_had_a_value_of_the_cursor_can_have_one_later(pipeline: Pipeline) -> None:
    returns(pipeline, "[None]", "pl.Null")
    first = one(pipeline)
    again = one(pipeline)
    returns(pipeline, "[None, 5]")

    later = one(pipeline)
    at_last = one(pipeline)

    assert (first.rows_published, again.status) == (1, "unchanged")
    assert (later.rows_published, at_last.status, asked(pipeline)) == (1, "unchanged", "5")


def test_a_crash_quarantines_nothing_twice(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", CHECKED)
    pipeline.write("orders.csv", "id,n,v\n1,1,5\n2,2,-5\n")
    pipeline.write("driver.py", KILLED_AFTER_THE_COMMIT)

    pipeline.process("driver.py")
    again = one(pipeline)

    assert again.status == "unchanged"
    assert pipeline.rejected("bronze.orders").height == 1


EVERY_TYPE = """
from datetime import time, timedelta
from decimal import Decimal


@bronze(load="append")
def orders(run: polster.RunContext):
    run.since("n")
    words = pl.Series(["x", "y", "y", None])
    lists = pl.Series([["a"], [], [], None])
    return pl.DataFrame(
        {
            "n": [1, 2, 2, 3],
            "categorical": words.cast(pl.Categorical),
            "enum": words.cast(pl.Enum(["y", "x"])),
            "time": [time(1, 2, 3, 4), None, None, time(0)],
            "duration": [timedelta(1), None, None, timedelta(0)],
            "moment": pl.Series([1000, 2000, 2000, None]).cast(pl.Datetime("ns", "Asia/Kolkata")),
            "decimal": pl.Series([Decimal("1.10"), Decimal("2.2"), Decimal("2.20"), None]),
            "binary": [b"x", b"", b"", None],
            "words": lists.cast(pl.List(pl.Categorical)),
            "array": pl.Series([[1, 2], [3, 4], [3, 4], None], dtype=pl.Array(pl.Int8, 2)),
            "struct": [{"a": 1, "b": None}, {"a": None, "b": "x"}, {"a": None, "b": "x"}, None],
            "float": [0.0, float("nan"), float("nan"), None],
            "large": pl.Series([1, 2, 2, None], dtype=pl.UInt64),
            "empty": [None] * 4,
        }
    )
"""


@pytest.mark.parametrize("lazy", ["", '.lazy().filter(pl.col("n") > 0)'])
def test_rows_of_every_type_are_known_when_they_come_again(pipeline: Pipeline, lazy: str) -> None:
    pipeline.asset("bronze.orders", EVERY_TYPE.rstrip() + lazy)

    first = one(pipeline)
    again = one(pipeline)

    assert (first.rows_published, again.status) == (4, "unchanged")


@pytest.mark.parametrize(
    "following",
    [
        "(since or 0) + Decimal('0.01')",
        "(since or '0' * 40) + '1'",
        "(since or datetime(2026, 1, 1)) + timedelta(microseconds=1)",
        "(since or -(2**60)) + 1",
    ],
)
def test_the_mark_is_that_of_all_files_also_of_merged_ones(
    pipeline: Pipeline, following: str
) -> None:
    returns(pipeline, "[v for v in (since, since) if v is not None] + [following] * 2")
    file = "src/core/bronze_orders.py"
    pipeline.edit(file, "    Path", f"    following = {following}\n    Path")
    pipeline.edit(file, ', schema={"c": TYPE}, strict=False', "")
    for number in range(6):
        one(pipeline)
        if number == 3:
            merged = pipeline.cli("upkeep")

    column = pipeline.table("bronze.orders")["c"]

    assert merged.exit_code == 0
    assert (column.len(), column.n_unique()) == (12, 6)


def test_a_table_has_one_cursor(pipeline: Pipeline) -> None:
    returns(pipeline, "[1]")
    pipeline.edit("src/core/bronze_orders.py", "    return", '    run.since("d")\n    return')

    assert error(pipeline)[1] == "`run.since` is asked for `d` and for `c`"


def test_rehearse_and_validate_read_from_the_initial_value(orders: Pipeline) -> None:
    one(orders)

    rehearsed = orders.cli("rehearse")
    validated = orders.cli("validate")

    assert (rehearsed.exit_code, validated.exit_code) == (0, 0), rehearsed.output + validated.output


def test_whatever_comes_in_whatever_order_the_table_holds_what_the_source_does(
    pipeline: Pipeline,
) -> None:
    chance, rows = Random(12), []
    returns(pipeline, "[]")
    text = TIES.replace("initial=0", "overlap=3, initial=-5").replace("parquet", "ndjson")
    pipeline.asset("bronze.orders", text)
    for now in range(20):
        rows += [
            {"n": now - chance.randrange(4), "v": chance.choice(["a", None])}
            for _ in range(chance.randrange(4))
        ]
        chance.shuffle(rows)
        pl.DataFrame(rows, schema={"n": pl.Int64, "v": pl.String}).write_ndjson(
            pipeline.root / "orders.ndjson"
        )
        if rows:
            one(pipeline)

        counted = Counter(pipeline.table("bronze.orders").rows()) if rows else Counter()
        expected = Counter((row["n"], row["v"]) for row in rows)
        assert counted == expected
