"""Staged files: written into a table's folder, invisible until a commit names them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from secrets import token_hex
from tempfile import TemporaryFile
from threading import Lock
from typing import IO, Any
from urllib.parse import unquote

import polars as pl
from polars.io.partition import FileProviderArgs, SinkedPathsCallbackArgs

from polster.lakehouse.statistics import FileStatistics
from polster.lakehouse.store import Store

FILE_BYTES = 512 * 1024 * 1024  # of the frame in memory; some 100 MB of Parquet
SETTLING_SECONDS = 0.2
BUFFER_BYTES = 64 * 1024 * 1024
NULL_FOLDER = "__HIVE_DEFAULT_PARTITION__"
"""How readers know from the name of a file that its partition has no value."""


@dataclass(frozen=True, slots=True)
class StagedFile:
    """A Parquet file that lies in a table's folder.

    Attributes:
        name: Relative to the table's folder.
        partition: Value by partition column; these columns are not in the file.
        statistics: What a commit says of its columns, see :class:`FileStatistics`.
    """

    name: str
    rows: int
    size_bytes: int
    partition: Mapping[str, str | None] = field(default_factory=dict)
    statistics: Mapping[str, Any] = field(default_factory=dict)


def prefix_after(version: int | None, run_id: str) -> str:
    """Return what begins the names of files that are to follow those of a version of a table.

    Rows are read in the order of the names, see :class:`OpenDelta`; a clock says less.

    >>> prefix_after(41, "20260102T030405-abcdef")
    'v0000000042-20260102T030405-abcdef'
    """
    return f"v{0 if version is None else version + 1:010d}-{run_id}"


@dataclass(slots=True)
class Staging:
    """The files that one run stages for one table.

    Attributes:
        folder: The table's URI.
        prefix: Begins every file's name; one run never meets another's files.
        partition: Partition that all files belong to, if any.
    """

    store: Store
    folder: str
    prefix: str
    partition: Mapping[str, str | None] = field(default_factory=dict)
    _token: str = field(default_factory=partial(token_hex, 4))  # a run may stage for a table twice
    _part: int = 0
    _made: list[str] = field(default_factory=list)

    def sink(
        self,
        frame: pl.LazyFrame,
        each: Callable[[pl.DataFrame], pl.DataFrame] | None = None,
        schema: pl.Schema | None = None,
    ) -> list[StagedFile]:
        """Write ``frame`` in one streaming pass.

        Args:
            frame: The rows.
            each: Makes of each batch what is written; called from several threads at once. Of
                batches without rows it may be given the first alone. As a step of ``frame`` it
                would cost more, since Polars starts threads for each.
            schema: Columns that ``each`` returns; None if they are those of ``frame``.

        Returns:
            The files, in the order of their rows; none for a frame without rows.
        """
        part = self._part
        self._part += 1
        named: list[str] = []
        sinked: list[StagedFile] = []
        statistics = FileStatistics()
        without_rows: list[pl.DataFrame] = []

        def see(batch: pl.DataFrame) -> pl.DataFrame:
            if not batch.height and without_rows:  # Polars adds such ones; one says all they say
                return without_rows[0]
            made = batch if each is None else each(batch)
            if len(named) < 2:  # of each of several files they are found afterwards
                statistics.see(made)
            if not without_rows:
                without_rows.append(made.clear())
            return made

        def name_file(arguments: FileProviderArgs) -> str:
            name = f"{self._name(part, arguments.index_in_partition)}.parquet"
            self._made.append(name)
            named.append(name)
            return name

        def remember(arguments: SinkedPathsCallbackArgs) -> None:
            for path in arguments.paths:
                name = next(name for name in named if path.path.endswith(name))
                sinked.append(StagedFile(name, path.num_rows, path.num_bytes, self.partition))

        target = pl.PartitionBy(
            self.folder, file_path_provider=name_file, approximate_bytes_per_file=FILE_BYTES
        )
        try:
            frame.map_batches(see, schema=schema, streamable=True).sink_parquet(
                target,
                mkdir=True,
                sinked_paths_callback=remember,
                storage_options=self.store.storage_options,
                credential_provider=None if self.store.options else "auto",
            )
        except BaseException:
            self._await(named)
            raise
        empty = [file.name for file in sinked if not file.rows]
        self.discard(empty)
        files = sorted((file for file in sinked if file.rows), key=lambda file: file.name)
        if len(named) == 1:
            return [replace(file, statistics=statistics.values()) for file in files]
        return [replace(file, statistics=self._statistics(file)) for file in files]

    def link(self, file: StagedFile, rows: str) -> StagedFile:
        """Give a file of a local table one more name, among those that are staged.

        Args:
            file: What lies there; its partition may be another.
            rows: What the new name ends with, see :func:`polster.lakehouse.sharing.rows_of_file`.

        Raises:
            OSError: The file system refuses.
        """
        name = f"{self._name(self._part, 0)}-s-{rows}.parquet"
        self._part += 1
        path = Path(self.folder, unquote(file.name))
        os.utime(path)  # what is new is left alone by upkeep, while no commit names it
        os.link(path, Path(self.folder, name))
        self._made.append(name)
        return replace(file, name=name, partition=self.partition)

    def _name(self, part: int, index: int) -> str:
        """Return how the name of a file begins; those of a frame follow each other by ``index``."""
        folder = "".join(
            f"{column}={NULL_FOLDER if value is None else value}/"
            for column, value in self.partition.items()
        )
        return f"{folder}{self.prefix}-{self._token}-{part:03d}-{index:05d}"

    def _statistics(self, file: StagedFile) -> Mapping[str, Any]:
        """Read a file once more: which rows came into which of several, Polars does not say."""
        statistics = FileStatistics()

        def see(batch: pl.DataFrame) -> pl.DataFrame:
            statistics.see(batch)
            return batch

        rows = self.scan([file], pl.Schema())
        seen = rows.map_batches(see, projection_pushdown=False, streamable=True)  # on all threads
        seen.select(pl.len()).collect(engine="streaming")
        return statistics.values()

    def _await(self, names: list[str]) -> None:
        """Wait a moment for files: Polars reports an error while it still names and makes some."""
        deadline = time.monotonic() + SETTLING_SECONDS
        while self.store.is_local and time.monotonic() < deadline:
            if names and all(Path(self.folder, name).exists() for name in names):
                return
            time.sleep(0.005)

    def scan(self, files: list[StagedFile], schema: pl.Schema) -> pl.LazyFrame:
        """Read staged files back, lazy, rows in the order in which they were written."""
        if not files:
            return pl.LazyFrame(schema=schema)
        return pl.scan_parquet(
            [f"{self.folder}/{file.name}" for file in files],
            glob=False,
            hive_partitioning=False,
            storage_options=self.store.storage_options,
            credential_provider=None if self.store.options else "auto",
        )

    def discard(self, names: list[str] | None = None) -> None:
        """Delete staged files, by default all of this run."""
        gone = list(self._made) if names is None else names
        if gone:
            self.store.delete(self.folder, gone)
        self._made = [name for name in self._made if name not in gone]

    def keep(self) -> None:
        """Forget the files: a commit names them now, so that discarding spares them."""
        self._made.clear()


@dataclass(slots=True)
class BatchWriter:
    """Stages batches that arrive one by one; what is small waits in memory.

    :meth:`write` may be called from inside a streaming query, on several threads at once;
    :meth:`flush` may not: a sink started there waits for threads that all may be waiting for
    sinks. So what is too much for memory waits in a temporary file until then.

    Attributes:
        prepare: Brings a batch into the table's shape before it is written.
        rows: Rows taken so far.
    """

    staging: Staging
    prepare: Callable[[pl.DataFrame], pl.DataFrame]
    rows: int = 0
    _waiting: list[pl.DataFrame] = field(default_factory=list)
    _bytes: int = 0
    _spilled: list[IO[bytes]] = field(default_factory=list)
    _files: list[StagedFile] = field(default_factory=list)
    _lock: Lock = field(default_factory=Lock)

    def write(self, batch: pl.DataFrame) -> None:
        """Take a batch."""
        if not batch.height:
            return
        prepared = self.prepare(batch)
        with self._lock:
            self.rows += prepared.height
            self._waiting.append(prepared)
            self._bytes += int(prepared.estimated_size())
            if self._bytes > BUFFER_BYTES:
                self._spill()

    def flush(self) -> list[StagedFile]:
        """Write what waits; return all files so far."""
        while self._spilled:
            with self._spilled.pop(0) as file:
                file.seek(0)
                self._files += self.staging.sink(pl.read_ipc_stream(file).lazy())
        if self._waiting:
            self._files += self.staging.sink(pl.concat(self._waiting).lazy())
            self._waiting, self._bytes = [], 0
        return self._files

    def discard(self) -> None:
        """Drop what waits and delete what was staged and not committed."""
        while self._spilled:
            self._spilled.pop().close()
        self._waiting, self._bytes = [], 0
        self.staging.discard()

    def _spill(self) -> None:
        file = TemporaryFile(prefix="polster-")  # noqa: SIM115 - open until flushed
        self._spilled.append(file)
        pl.concat(self._waiting).write_ipc_stream(file, compression="lz4")
        self._waiting, self._bytes = [], 0
