from __future__ import annotations

from pathlib import Path
from threading import Thread

import polars as pl
import pyarrow.parquet as pq  # type: ignore[import-untyped]
import pytest

from polster.lakehouse import staging
from polster.lakehouse.staging import BatchWriter, Staging
from polster.lakehouse.store import Store


@pytest.fixture
def place(store: Store) -> Staging:
    return Staging(store, store.uri("silver", "t"), "run1")


def _files(place: Staging) -> set[str]:
    folder = Path(place.folder)
    return {str(path.relative_to(folder)) for path in folder.rglob("*.parquet")}


def test_staged_rows_are_read_back_in_their_order_over_several_files(
    place: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "FILE_BYTES", 500_000)
    frame = pl.DataFrame({"n": range(700_000)})

    files = place.sink(frame.lazy())

    assert len(files) > 2
    assert [file.name for file in files] == sorted(file.name for file in files)
    assert sum(file.rows for file in files) == 700_000
    assert place.scan(files, frame.schema).collect()["n"].equals(frame["n"])


def test_a_file_says_its_rows_and_bytes(place: Staging) -> None:
    (file,) = place.sink(pl.LazyFrame({"n": [1, 2, 3]}))

    assert file.rows == 3
    assert file.size_bytes == Path(place.folder, file.name).stat().st_size
    assert file.name.startswith("run1-")


def test_a_frame_without_rows_leaves_no_file(place: Staging) -> None:
    files = place.sink(pl.LazyFrame(schema={"n": pl.Int64}))

    assert files == []
    assert _files(place) == set()
    assert place.scan(files, pl.Schema({"n": pl.Int64()})).collect().height == 0


def test_discarding_deletes_what_no_commit_names(place: Staging) -> None:
    place.sink(pl.LazyFrame({"n": [1]}))
    place.sink(pl.LazyFrame({"n": [2]}))

    place.discard()

    assert _files(place) == set()


def test_discarding_spares_what_was_kept(place: Staging) -> None:
    kept = place.sink(pl.LazyFrame({"n": [1]}))
    place.keep()
    place.sink(pl.LazyFrame({"n": [2]}))

    place.discard()

    assert _files(place) == {file.name for file in kept}


def test_one_run_never_touches_the_files_of_another(store: Store, place: Staging) -> None:
    other = Staging(store, place.folder, "run2")
    theirs = other.sink(pl.LazyFrame({"n": [1]}))
    place.sink(pl.LazyFrame({"n": [2]}))

    place.discard()

    assert _files(place) == {file.name for file in theirs}


def test_a_run_that_stages_twice_for_one_table_overwrites_nothing(
    store: Store, place: Staging
) -> None:
    first = place.sink(pl.LazyFrame({"n": [1]}))
    second = Staging(store, place.folder, place.prefix).sink(pl.LazyFrame({"n": [2]}))

    both = place.scan([*first, *second], pl.Schema({"n": pl.Int64()})).collect()
    assert both["n"].to_list() == [1, 2]


def test_files_of_a_partition_lie_in_its_folder(store: Store) -> None:
    place = Staging(store, store.uri("t"), "run1", {"_batch_id": "b7"})

    (file,) = place.sink(pl.LazyFrame({"n": [1]}))

    assert file.name.startswith("_batch_id=b7/")
    assert file.partition == {"_batch_id": "b7"}
    place.discard()
    assert not Path(place.folder, "_batch_id=b7").exists()


def test_files_hold_no_string_views_which_old_readers_do_not_know(place: Staging) -> None:
    (file,) = place.sink(pl.LazyFrame({"s": ["a"], "l": [["a"]], "b": [b"x"]}))

    schema = pq.read_schema(Path(place.folder, file.name))

    assert "view" not in str(schema)


def _identity(frame: pl.DataFrame) -> pl.DataFrame:
    return frame


def test_small_batches_wait_and_become_one_file(place: Staging) -> None:
    writer = BatchWriter(place, _identity)

    for number in range(5):
        writer.write(pl.DataFrame({"n": [number]}))
    writer.write(pl.DataFrame({"n": pl.Series([], dtype=pl.Int64)}))

    assert _files(place) == set()
    assert writer.rows == 5
    (file,) = writer.flush()
    assert file.rows == 5


def test_batches_that_are_too_much_for_memory_come_back_whole(
    place: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BUFFER_BYTES", 1_000)
    writer = BatchWriter(place, _identity)
    batches = [
        pl.DataFrame({"n": range(100), "l": [[number]] * 100, "t": ["ä"] * 100})
        for number in range(7)
    ]

    for batch in batches:
        writer.write(batch)
    files = writer.flush()

    assert writer.rows == 700
    found = place.scan(files, batches[0].schema).collect()
    assert found.equals(pl.concat(batches))
    assert writer.flush() == files


def test_discarded_batches_leave_nothing_behind(
    place: Staging, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(staging, "BUFFER_BYTES", 1)
    writer = BatchWriter(place, _identity)
    writer.write(pl.DataFrame({"n": [1]}))

    writer.discard()

    assert writer.flush() == []
    assert _files(place) == set()


def test_batches_written_inside_streaming_queries_do_not_block_them(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A sink inside the callback of another query waited for ever with several at once."""
    monkeypatch.setattr(staging, "BUFFER_BYTES", 100_000)
    frame = pl.LazyFrame({"n": range(600_000)})
    rows: dict[str, int] = {}

    def run(name: str) -> None:
        good = Staging(store, store.uri(name), "run")
        writer = BatchWriter(Staging(store, store.uri(f"bad_{name}"), "run"), _identity)

        def reject(batch: pl.DataFrame) -> pl.DataFrame:
            writer.write(batch)
            return batch.clear()

        good.sink(frame.map_batches(reject, schema={"n": pl.Int64}, streamable=True))
        rows[name] = sum(file.rows for file in writer.flush())

    threads = [Thread(target=run, args=(f"t{number}",), daemon=True) for number in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(timeout=60)

    assert rows == {f"t{number}": 600_000 for number in range(6)}
