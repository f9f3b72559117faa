from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier
from typing import Literal

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake
from deltalake.exceptions import CommitFailedError

from polster.errors import ConflictError, LakehouseError
from polster.lakehouse.change import EVERY_FILE, Change
from polster.lakehouse.staging import Staging
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion


@pytest.fixture
def table(store: Store) -> Table:
    return Table(store, store.uri("silver", "t"))


def _commit(
    table: Table,
    frame: pl.DataFrame,
    *,
    mode: Literal["append", "overwrite"] = "overwrite",
    onto: TableVersion | None = None,
    run: str = "run1",
    append_only: bool = False,
) -> TableVersion:
    staging = Staging(table.store, table.uri, run)
    files = staging.sink(frame.lazy())
    change = Change(
        files,
        frame.schema,
        EVERY_FILE if mode == "overwrite" else (),
        metadata={"run_id": run, "nested": {"a": [1, 2]}},
        append_only=append_only,
    )
    return table.commit(change, onto=onto)


def test_there_is_no_table_before_the_first_commit(table: Table) -> None:
    assert table.open() is None


def test_staged_files_are_invisible_until_they_are_committed(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    Staging(table.store, table.uri, "run2").sink(pl.LazyFrame({"n": [2]}))

    assert first.scan().collect()["n"].to_list() == [1]
    opened = table.open()
    assert opened is not None
    assert opened.version == 0


def test_an_overwrite_replaces_the_rows_and_an_append_adds_to_them(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    second = _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    third = _commit(table, pl.DataFrame({"n": [3]}), mode="append", onto=second, run="run3")

    assert [version.version for version in (first, second, third)] == [0, 1, 2]
    assert second.scan().collect()["n"].to_list() == [2]
    assert sorted(third.scan().collect()["n"]) == [2, 3]


def test_an_opened_version_reads_the_same_for_ever(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    frame = first.scan()

    _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    assert frame.collect()["n"].to_list() == [1]
    again = table.open(0)
    assert again is not None
    assert again.scan().collect()["n"].to_list() == [1]


def test_an_overwrite_may_change_the_columns(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1], "gone": ["x"]}))

    second = _commit(table, pl.DataFrame({"n": ["a"], "new": [1.5]}), onto=first, run="run2")

    assert second.schema == {"n": pl.String, "new": pl.Float64}
    assert second.scan().collect().rows() == [("a", 1.5)]


def test_a_table_may_be_published_without_rows(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))

    second = _commit(table, pl.DataFrame(schema={"n": pl.Int64}), onto=first, run="run2")

    assert second.rows == 0
    assert second.scan().collect().height == 0
    assert second.schema == {"n": pl.Int64}


def test_rows_are_counted_from_the_log(table: Table) -> None:
    version = _commit(table, pl.DataFrame({"n": range(1000)}))

    assert version.rows == 1000
    assert DeltaTable(table.uri).count() == 1000


def test_what_a_commit_was_told_comes_back_from_its_history(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    second = _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    commits = list(table.history(second))

    assert [commit.version for commit in commits] == [1, 0]
    assert commits[0].metadata["run_id"] == "run2"
    assert commits[0].metadata["nested"] == {"a": [1, 2]}
    assert [commit.metadata["run_id"] for commit in table.history(first)] == ["run1"]


def test_a_version_that_does_not_exist_is_named(table: Table) -> None:
    _commit(table, pl.DataFrame({"n": [1]}))

    with pytest.raises(LakehouseError) as caught:
        table.open(7)

    assert caught.value.code == "POL405"
    assert "version 7" in caught.value.message


def test_a_folder_that_is_no_table_is_no_table(table: Table) -> None:
    Path(table.uri).mkdir(parents=True)

    assert table.open() is None


def test_a_table_whose_log_is_broken_cannot_be_read(table: Table) -> None:
    _commit(table, pl.DataFrame({"n": [1]}))
    next(Path(table.uri, "_delta_log").glob("*.json")).write_text("no json", encoding="utf-8")

    with pytest.raises(LakehouseError) as caught:
        table.open()

    assert caught.value.code == "POL401"
    assert caught.value.place == table.uri


def test_a_commit_onto_a_version_that_is_no_longer_the_newest_conflicts(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    with pytest.raises(ConflictError):
        _commit(table, pl.DataFrame({"n": [3]}), onto=first, run="run3")

    newest = table.open()
    assert newest is not None
    assert newest.scan().collect()["n"].to_list() == [2]


def test_what_another_process_committed_for_the_same_run_is_not_taken_for_ours(
    table: Table,
) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    with pytest.raises(ConflictError):
        _commit(table, pl.DataFrame({"n": [3]}), onto=first, run="run2")


def test_a_table_that_another_made_meanwhile_conflicts(table: Table) -> None:
    _commit(table, pl.DataFrame({"n": [1]}))

    with pytest.raises(ConflictError):
        _commit(table, pl.DataFrame({"n": [2]}), onto=None, run="run2")


@pytest.mark.parametrize("mode", ["append", "overwrite"])
@pytest.mark.parametrize("exists", [True, False])
def test_of_writers_that_race_exactly_one_wins(
    table: Table, mode: Literal["append", "overwrite"], exists: bool
) -> None:
    writers = 4
    for repeat in range(5):
        place = Table(table.store, f"{table.uri}_{repeat}")
        onto = _commit(place, pl.DataFrame({"n": [-1]})) if exists else None
        barrier = Barrier(writers)

        def race(
            number: int,
            place: Table = place,
            onto: TableVersion | None = onto,
            barrier: Barrier = barrier,
        ) -> int | None:
            opened = place.open() if onto else None
            staging = Staging(place.store, place.uri, f"racer{number}")
            frame = pl.DataFrame({"n": [number]})
            files = staging.sink(frame.lazy())
            barrier.wait()
            try:
                removes = EVERY_FILE if mode == "overwrite" else ()
                place.commit(Change(files, frame.schema, removes), onto=opened)
            except ConflictError:
                staging.discard()
                return None
            return number

        with ThreadPoolExecutor(writers) as pool:
            winners = [number for number in pool.map(race, range(writers)) if number is not None]

        newest = place.open()
        assert newest is not None
        assert len(winners) == 1
        assert newest.version == (1 if exists else 0)
        before = [-1] if exists and mode == "append" else []
        assert sorted(newest.scan().collect()["n"]) == [*before, *winners]


def test_a_commit_takes_files_away_and_brings_others_in_one_step(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1, 2]}))
    second = _commit(table, pl.DataFrame({"n": [3]}), mode="append", onto=first, run="run2")
    staging = Staging(table.store, table.uri, "run3")
    files = staging.sink(pl.LazyFrame({"n": [10]}))
    gone = [file for file in second.every_file if file.name.startswith("run1")]

    third = table.commit(Change(files, second.schema, gone), onto=second)

    assert len(gone) == 1
    assert third.version == 2
    assert sorted(third.scan().collect()["n"]) == [3, 10]
    assert sorted(DeltaTable(table.uri).to_pyarrow_table()["n"].to_pylist()) == [3, 10]
    assert sorted(second.scan().collect()["n"]) == [1, 2, 3]


def test_files_that_another_writer_took_away_cannot_be_taken_twice(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    gone = first.every_file
    table.commit(Change([], first.schema, gone), onto=first)

    with pytest.raises(ConflictError):
        table.commit(Change([], first.schema, gone), onto=first)

    newest = table.open()
    assert newest is not None
    assert newest.version == 1
    assert newest.rows == 0


def test_a_table_remembers_the_newest_version_of_an_application(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    change = Change([], first.schema, transactions={"files": 7, "cursor": 1})

    second = table.commit(change, onto=first)
    third = table.commit(Change([], first.schema, transactions={"files": 8}), onto=second)
    third.delta.create_checkpoint()

    again = DeltaTable(table.uri)
    assert again.transaction_version("files") == 8
    assert again.transaction_version("cursor") == 1


def test_an_append_only_table_refuses_to_be_overwritten_by_anyone(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}), mode="append", append_only=True)

    with pytest.raises(CommitFailedError):
        write_deltalake(table.uri, pl.DataFrame({"n": [2]}), mode="overwrite")
    with pytest.raises(CommitFailedError):
        DeltaTable(table.uri).delete()
    with pytest.raises(LakehouseError):
        _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    second = _commit(table, pl.DataFrame({"n": [2]}), mode="append", onto=first, run="run3")
    assert sorted(second.scan().collect()["n"]) == [1, 2]


def test_new_columns_are_null_in_the_rows_before(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}), mode="append", append_only=True)

    wider = table.add_columns(first, pl.Schema({"s": pl.String()}))
    frame = pl.DataFrame({"n": [2], "s": ["x"]})
    third = _commit(table, frame, mode="append", onto=wider, run="run2")

    assert sorted(third.scan().collect().rows()) == [(1, None), (2, "x")]


def test_adding_columns_to_a_table_that_moved_conflicts(table: Table) -> None:
    first = _commit(table, pl.DataFrame({"n": [1]}))
    _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    with pytest.raises(ConflictError):
        table.add_columns(first, pl.Schema({"s": pl.String()}))


def test_the_newest_version_is_known_without_opening_the_table(table: Table) -> None:
    store = table.store
    assert store.latest_version(table.uri) is None
    first = _commit(table, pl.DataFrame({"n": [1]}))

    _commit(table, pl.DataFrame({"n": [2]}), onto=first, run="run2")

    assert store.latest_version(table.uri) == 1


def test_a_type_that_nobody_knows_is_named_and_the_hint_takes_it_away(table: Table) -> None:
    _commit(table, pl.DataFrame({"id": [1], "at": ["noon"]}))
    DeltaTable(table.uri).alter.set_column_metadata("at", {"polster.dtype": "Moment(of='day')"})
    opened = table.open()
    assert opened is not None

    with pytest.raises(LakehouseError, match=r"`at` was published as Moment\(of='day'\)") as caught:
        opened.scan()

    assert caught.value.code == "POL401"
    eval(str(caught.value.hint).partition("stored in, ")[2])
    mended = table.open()
    assert mended is not None
    assert mended.scan().collect().rows() == [(1, "noon")]


def test_no_commit_cuts_the_log_however_old_it_is(table: Table) -> None:
    """delta-rs does so with every hundredth, and does not know of releases."""
    for _ in range(100):
        _commit(table, pl.DataFrame({"id": [1]}), mode="append", onto=table.open())
    for entry in Path(table.uri, "_delta_log").iterdir():
        os.utime(entry, (0, 0))

    for _ in range(3):
        _commit(table, pl.DataFrame({"id": [1]}), mode="append", onto=table.open())

    first = table.open(0)
    assert first is not None
    assert first.rows == 1


def test_who_opens_a_table_reads_few_commits(table: Table) -> None:
    for _ in range(12):
        _commit(table, pl.DataFrame({"id": [1]}), mode="append", onto=table.open())

    checkpoints = Path(table.uri, "_delta_log").glob("*.checkpoint.parquet")

    assert [path.name[:20] for path in checkpoints] == [f"{10:020d}"]
