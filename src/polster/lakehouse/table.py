"""One Delta table: open a version, read it pinned, commit staged files.

A commit here never retries by itself: it is made against the version that was opened, or it
raises :class:`ConflictError`, so that whoever publishes can look at what the other writer did.
Sources of the traps avoided: two writers that create one table at once both succeed unless the
creating commit has no retries; ``scan_delta(path)`` chooses its version when it is collected.
"""

from __future__ import annotations

import json
import random
import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from secrets import token_hex
from types import MappingProxyType
from typing import Any

import polars as pl
from deltalake import CommitProperties, PostCommitHookProperties, TableFeatures
from deltalake.exceptions import CommitFailedError, DeltaError, TableNotFoundError
from deltalake.transaction import (
    Transaction,
    create_table_with_add_actions,
)

from polster.errors import ConflictError, LakehouseError
from polster.lakehouse.actions import add_action, delta_schema, remove_action
from polster.lakehouse.change import EVERY_FILE, Change
from polster.lakehouse.dtypes import dtype_text
from polster.lakehouse.store import LOG_FOLDER, Store, reaching, said_by_store
from polster.lakehouse.table_version import (
    DTYPE_FIELD,
    METADATA_PREFIX,
    OpenDelta,
    TableVersion,
)
from polster.lakehouse.types import is_naive
from polster.model.asset import BATCH_COLUMN, AssetKey

ADOPTED = "adopted"
"""In the metadata of the commit by which Polster takes a table over: the asset that it is for."""
MERGED = "merged"
"""In the metadata of a commit that merged small files: the version whose rows they are."""
"""What a table may ask of its readers so that Polster reads, counts and writes it right."""
FOREIGN = "POL424"
"""Code of the refusal of another program's table in the place of one of Polster's own."""
ATTEMPTS = 20
"""How often a commit is tried again after another writer was faster."""
LONGEST_WAIT_SECONDS = 0.5
CHECKPOINT_EVERY = 10
"""Commits between two checkpoints; each since the last costs who opens a table 0.3 ms."""
IDENTITY = "commit"
"""In a commit's metadata: what tells it from every other, should the store not say if it landed."""

NAIVE = "timestampNtz"
NO_CLEANING = PostCommitHookProperties(create_checkpoint=False, cleanup_expired_logs=False)
"""delta-rs would cut logs after 30 days, whatever releases need; upkeep knows better."""
NO_RETRIES = CommitProperties(max_commit_retries=0)
APPEND_ONLY = {"delta.appendOnly": "true"}
NO_TRANSACTIONS: Mapping[str, int] = MappingProxyType({})


class UncertainCommitError(LakehouseError):
    """A commit may have been made or not: the files that it names must stay."""


@dataclass(frozen=True, slots=True)
class Commit:
    """A commit as the log holds it.

    Attributes:
        metadata: What Polster wrote into it; empty for a commit of another program.
    """

    version: int
    operation: str
    metadata: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Table:
    """A Delta table that may exist.

    Attributes:
        key: The asset whose table it is; None for Polster's own tables.
        known_by: Columns that a table of Polster has in this place; what has others is refused.
    """

    store: Store
    uri: str
    key: AssetKey | None = None
    known_by: frozenset[str] = frozenset()

    def open(self, version: int | None = None) -> TableVersion | None:
        """Open a version, by default the newest; None if there is no table.

        Raises:
            LakehouseError: The table cannot be read, is another program's, or has no such version.
        """
        try:
            delta = OpenDelta(self.uri, version, storage_options=self.store.storage_options)
        except TableNotFoundError as error:
            if version is not None and self.open() is not None:
                raise self._without(version) from error
            return None
        except (DeltaError, OSError, ValueError) as error:
            if version is not None and self.open() is not None:
                raise self._without(version) from error
            raise self._unreadable(error) from error
        opened = TableVersion(self.key, self.uri, delta.version(), delta=delta)
        if self.store.is_empty(self.uri, f"{LOG_FOLDER}/{opened.version:020d}.json"):
            # delta-rs takes it for a commit that did nothing, and reads the version before it
            raise self._unreadable(ValueError(f"the commit of version {opened.version} is empty"))
        if self.known_by and not self.known_by <= {each.name for each in delta.schema().fields}:
            raise LakehouseError(
                "a table that Polster did not make lies in the place of one of its own",
                code=FOREIGN,
                place=self.uri,
                hint="move it away: Polster neither reads nor writes it, and makes its own there",
            )
        return opened

    def history(self, table: TableVersion) -> Iterator[Commit]:
        """Read the commits up to ``table``'s version, newest first, as far as the log goes back.

        Straight from the log: ``DeltaTable.history`` begins with the newest commit there is,
        whatever version was opened, and gives it that version's number.
        """
        for version in range(table.version, -1, -1):
            log = self.store.read_lines(self.uri, f"{LOG_FOLDER}/{version:020d}.json")
            if log is None:
                return
            lines = (line for line in log if line.startswith('{"commitInfo"'))
            yield to_commit(version, map(json.loads, lines))

    def commit(self, change: Change, *, onto: TableVersion | None) -> TableVersion:
        """Make a change visible in one step.

        Args:
            change: What to make of the table.
            onto: The version that it was made for; None if there was no table.

        Raises:
            ConflictError: Another writer committed since ``onto``.
            UncertainCommitError: The store failed in a way that leaves open whether it did.
            LakehouseError: The table cannot be written.
        """

        def write(properties: CommitProperties) -> None:
            schema = delta_schema(change.schema, change.types)
            adds = [add_action(file, new_rows=change.has_new_rows) for file in change.adds]
            if onto is None:
                create_table_with_add_actions(
                    self.uri,
                    schema,
                    adds,
                    mode="error",
                    partition_by=list(change.partition_by),
                    name=None if self.key is None else mark(self.key),
                    configuration=APPEND_ONLY if change.append_only else None,
                    storage_options=self.store.storage_options,
                    commit_properties=properties,
                )
                return
            replaces = change.removes == EVERY_FILE
            removes = () if change.removes == EVERY_FILE else change.removes
            new = change.has_new_rows
            onto.delta.create_write_transaction(
                [*(remove_action(file, loses_rows=new) for file in removes), *adds],
                "overwrite" if replaces else "append",
                schema,
                partition_by=list(change.partition_by),
                commit_properties=properties,
                post_commithook_properties=NO_CLEANING,
            )

        return self.transact(
            write, onto=onto, metadata=change.metadata, transactions=change.transactions
        )

    def transact(
        self,
        write: Callable[[CommitProperties], None],
        *,
        onto: TableVersion | None,
        metadata: Mapping[str, Any],
        transactions: Mapping[str, int] = NO_TRANSACTIONS,
    ) -> TableVersion:
        """Make one commit with delta-rs, and find out whether it was made.

        Args:
            write: Makes it, against ``onto``, with the properties that it is given.
            onto: The version that it is made for; None if there was no table.
            metadata: As in a :class:`Change`, like the next.
            transactions: Version by application.

        Raises:
            ConflictError: Another writer committed since ``onto``.
            UncertainCommitError: The store failed in a way that leaves open whether it did.
            LakehouseError: The table cannot be written.
        """
        identity = token_hex(8)  # two processes may commit the same for one run
        named = {**metadata, IDENTITY: identity}
        properties = CommitProperties(
            custom_metadata={METADATA_PREFIX + name: value for name, value in named.items()},
            max_commit_retries=0,
            app_transactions=[Transaction(*each) for each in transactions.items()] or None,
        )
        try:
            write(properties)
        except (CommitFailedError, DeltaError, OSError) as error:
            landed = self._landed(onto, identity)
            if landed is not None:
                return landed
            if self._moved_since(onto):
                raise ConflictError(
                    "another writer published at the same time", code="POL402", place=self.uri
                ) from error
            raise LakehouseError(
                f"the table cannot be written: {said_by_store(error)}",
                code="POL403",
                place=self.uri,
                hint="check permissions and free space there",
            ) from error
        try:
            committed = self.open(0 if onto is None else onto.version + 1)
        except LakehouseError as error:
            raise self._uncertain(error) from error
        if committed is None:
            raise LakehouseError("the table vanished", code="POL401", place=self.uri)
        if committed.version and committed.version % CHECKPOINT_EVERY == 0:
            with suppress(DeltaError, OSError):  # who reads does without
                committed.delta.create_checkpoint()
        return committed

    def _landed(self, onto: TableVersion | None, identity: str) -> TableVersion | None:
        """Find a commit that was made though the store reported an error; None if it was not.

        Raises:
            UncertainCommitError: The table cannot even be read.
        """
        base = -1 if onto is None else onto.version
        try:
            newest = self.open()
            if newest is None or newest.version <= base:
                return None
            for commit in islice(self.history(newest), newest.version - base):
                if commit.metadata.get(IDENTITY) == identity:
                    return self.open(commit.version)
        except (LakehouseError, DeltaError, OSError) as error:
            raise self._uncertain(error) from error
        return None

    def _uncertain(self, error: Exception) -> UncertainCommitError:
        return UncertainCommitError(
            f"whether the table was written is not known: {said_by_store(error)}",
            code="POL403",
            place=self.uri,
            hint="when it can be read again, the next run finds out",
        )

    def add_columns(
        self, onto: TableVersion, columns: pl.Schema, types: pl.Schema | None = None
    ) -> TableVersion:
        """Add nullable columns to a table, one commit that leaves every row as it is.

        Args:
            onto: The version to add to.
            columns: Their storage dtypes.
            types: The dtypes that readers get, where they are others.

        Raises:
            ConflictError: Another writer committed since ``onto``.
        """
        fields = list(delta_schema(columns, types).fields)
        with self._altering():
            onto.delta.alter.add_columns(fields, commit_properties=NO_RETRIES)
        return self._after(onto)

    def allow_types(self, onto: TableVersion, schema: pl.Schema) -> TableVersion:
        """Let a table hold moments without a zone, if ``schema`` has the first of them.

        delta-rs declares that when it makes a table or adds a column, but not when it overwrites
        one; nobody could read the table then.

        Args:
            onto: The version that is to be overwritten.
            schema: Its columns afterwards, storage dtypes.

        Raises:
            ConflictError: Another writer committed since ``onto``.
        """
        declared = onto.delta.protocol().reader_features or []
        if NAIVE in declared or not any(is_naive(dtype) for dtype in schema.values()):
            return onto
        with self._altering():
            onto.delta.alter.add_feature(
                TableFeatures.TimestampWithoutTimezone,
                allow_protocol_versions_increase=True,
                commit_properties=NO_RETRIES,
            )
        return self._after(onto)

    def set_types(self, onto: TableVersion, types: pl.Schema) -> TableVersion:
        """Say which dtypes readers of some columns get, one commit a column.

        Raises:
            ConflictError: Another writer committed since ``onto``.
        """
        for name, dtype in types.items():
            with self._altering():
                onto.delta.alter.set_column_metadata(
                    name, {DTYPE_FIELD: dtype_text(dtype) or ""}, commit_properties=NO_RETRIES
                )
            onto = self._after(onto)
        return onto

    @contextmanager
    def _altering(self) -> Iterator[None]:
        try:
            yield
        except (CommitFailedError, DeltaError) as error:
            raise ConflictError(
                "another writer changed the table at the same time", code="POL402", place=self.uri
            ) from error

    def _after(self, onto: TableVersion) -> TableVersion:
        """Open what was committed onto a version: a newer one may be another writer's."""
        made = self.open(onto.version + 1)
        if made is None:
            raise LakehouseError("the table vanished", code="POL401", place=self.uri)
        return made

    def adopt(self, *, run_id: str, append_only: bool) -> TableVersion | None:
        """Take over a table that another program made; its rows stay as they are.

        Raises:
            ConflictError: Another writer was faster.
            LakehouseError: The table asks for what Polster cannot do.
        """
        table = self.open()
        if table is None or self.key is None:
            return table
        partitions = set(table.delta.metadata().partition_columns) - {BATCH_COLUMN}
        if wanted := table.unknown_features or [f"partitions by {name}" for name in partitions]:
            raise LakehouseError(
                f"the table has {', '.join(wanted)}, which Polster does not know",
                code="POL416",
                place=self.uri,
                hint="write its rows to a plain Delta table with the program that made it, or move "
                "the folder away",
            )
        properties = CommitProperties(
            custom_metadata={
                METADATA_PREFIX + ADOPTED: str(self.key),
                f"{METADATA_PREFIX}run_id": run_id,
            },
            max_commit_retries=0,
        )
        try:
            if append_only:
                table.delta.alter.set_table_properties(APPEND_ONLY)
            table.delta.alter.set_table_name(mark(self.key), commit_properties=properties)
        except (CommitFailedError, DeltaError, OSError) as error:
            raise ConflictError(
                f"the table cannot be taken over: {said_by_store(error)}",
                code="POL402",
                place=self.uri,
                hint="run it again when no other program is writing this table",
            ) from error
        return self.open()

    def set_log_aside(self, run_id: str) -> None:
        """Rename the log of a local table that cannot be read, so that it can be begun anew.

        Its files stay, and with them what can be saved.

        Raises:
            LakehouseError: The folder cannot be written.
        """
        with reaching(self.uri, writing=True):
            Path(self.uri, LOG_FOLDER).rename(Path(self.uri, f"{LOG_FOLDER}_damaged_{run_id}"))

    def delete_rows(self, predicate: str) -> None:
        """Delete the rows that a predicate in SQL selects.

        Raises:
            ConflictError: Other writers were faster again and again.
            LakehouseError: The table cannot be written.
        """
        for _ in range(ATTEMPTS):
            table = self.open()
            if table is None:
                return
            try:
                table.delta.delete(predicate)
            except (CommitFailedError, DeltaError, OSError) as error:
                if self._moved_since(table):
                    continue
                raise LakehouseError(
                    f"the table cannot be written: {said_by_store(error)}",
                    code="POL403",
                    place=self.uri,
                    hint="check permissions and free space there",
                ) from error
            return
        raise ConflictError(
            f"other writers were faster {ATTEMPTS} times", code="POL402", place=self.uri
        )

    def _moved_since(self, onto: TableVersion | None) -> bool:
        newest = self.open()
        return newest is not None and (onto is None or newest.version > onto.version)

    def _without(self, version: int) -> LakehouseError:
        return LakehouseError(
            f"the table has no version {version}, or none any more",
            code="POL405",
            place=self.uri,
            hint="see the versions with: polster history; upkeep removes old ones",
        )

    @property
    def _remedy(self) -> str:
        if self.key is None:
            return "if it is damaged, move it away: the other tables say what was published"
        return "a damaged table of silver or gold can be moved away: the next run builds it again"

    def _unreadable(self, error: Exception) -> LakehouseError:
        return LakehouseError(
            f"the table cannot be read: {said_by_store(error)}",
            code="POL401",
            place=self.uri,
            hint=f"check the lakehouse in [tool.polster], its keys and permissions; {self._remedy}",
        )


def mark(key: AssetKey) -> str:
    """Return the name of a table by which Polster knows it as the one of ``key``.

    It stands in the table's metadata, where it stays when the log is cleaned; properties of its
    own delta-rs refuses while it makes a table.
    """
    return f"{METADATA_PREFIX}{key}"


def wait_for_others(attempt: int) -> None:
    """Wait a random while, longer after each lost race, so that writers do not march in step."""
    longest = min(LONGEST_WAIT_SECONDS, 0.005 * 2**attempt)
    time.sleep(random.uniform(0, longest))  # noqa: S311


def is_merge(commit: Commit) -> bool:
    """Tell whether a commit of Polster did nothing but merge small files."""
    return MERGED in commit.metadata


def published_version(commit: Commit) -> int:
    """Return the version whose rows a version holds: its own, unless it only merged files."""
    said = str(commit.metadata.get(MERGED, ""))
    return int(said) if said.isdigit() else commit.version


def to_commit(version: int, entries: Iterable[Mapping[str, Any]]) -> Commit:
    """Return what the entries of a commit's file say of the commit."""
    entry: Mapping[str, Any] = next(
        (each["commitInfo"] for each in entries if "commitInfo" in each), {}
    )
    return Commit(
        version=version,
        operation=str(entry.get("operation", "")),
        metadata={
            name.removeprefix(METADATA_PREFIX): value
            for name, value in entry.items()
            if name.startswith(METADATA_PREFIX)
        },
    )
