"""Giving columns of bronze a wider type, all rows kept, while the table stays append-only.

Delta's own type widening is a feature that Polars refuses to read, so the files are written anew.
delta-rs changes the schema of a table in one commit and replaces files in another, as compaction
does: both say that no row is new. Between the two, readers that cast what they find read right;
Polars does not cast every type, and so readers of Polster are given the version before. A kill in
between leaves the second for the next run, :func:`finish_rewrite`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace

import polars as pl
from deltalake import CommitProperties, TableFeatures
from deltalake.exceptions import CommitFailedError, DeltaError

from polster.errors import ConflictError, LakehouseError
from polster.lakehouse.actions import delta_schema
from polster.lakehouse.change import Change
from polster.lakehouse.staging import StagedFile, Staging, prefix_after
from polster.lakehouse.store import Store, reaching
from polster.lakehouse.table import NO_RETRIES, Commit, Table, UncertainCommitError
from polster.lakehouse.table_version import TableVersion
from polster.lakehouse.widening import refits
from polster.model.asset import BATCH_COLUMN

BEGUN = "widening"
DONE = "widened"
"""What the commits of a rewrite say of themselves, and of which columns."""
ZONELESS_FEATURES = [TableFeatures.TimestampWithoutTimezone, TableFeatures.AppendOnly]


def is_rewrite(commit: Commit) -> bool:
    """Tell whether a commit left every row as it was, in another type perhaps."""
    return BEGUN in commit.metadata or DONE in commit.metadata


@dataclass(frozen=True, slots=True)
class Unfinished:
    """A rewrite that was killed between its two commits.

    Attributes:
        before: The version that it began with, whose files readers can read.
        what: Which columns change, for the history.
    """

    before: TableVersion
    what: str


def unfinished(table: Table, version: TableVersion, passed: Iterable[Commit]) -> Unfinished | None:
    """Tell whether ``version`` has a wider schema, but not yet the files to it.

    Args:
        table: Its table.
        version: A version of it.
        passed: The commits up to it that left every row as it was, newest first.
    """
    begun = next((commit for commit in passed if is_rewrite(commit)), None)
    if begun is None or DONE in begun.metadata:
        return None
    before = table.open(begun.version - 1)
    if before is None or set(before.files["path"]).isdisjoint(version.files["path"]):
        return None  # compaction wrote all of them anew, in the wider types
    return Unfinished(before, str(begun.metadata[BEGUN]))


class Rewrite:
    """One table in wider types: staged first, then made visible.

    Args:
        table: A bronze table.
        onto: The version that is rewritten.
        schema: All columns, storage dtypes.
        types: All columns, the dtypes that readers get.
        run_id: Who rewrites.
        check: Raises when the run was interrupted.
    """

    def __init__(
        self,
        table: Table,
        onto: TableVersion,
        schema: pl.Schema,
        types: pl.Schema,
        *,
        run_id: str,
        check: Callable[[], None],
    ) -> None:
        self.table = table
        self.onto = replace(onto, batch=None, counted=None)
        self.schema = schema
        self.types = types
        self.run_id = run_id
        self.check = check
        self.store: Store = table.store
        self.stagings: list[Staging] = []
        self.files: list[StagedFile] = []

    def stage(self) -> None:
        """Write all rows once more, streaming, one batch after the other.

        Raises:
            LakehouseError: The rows written are not as many as the version has.
        """
        before = self.onto.stored_schema
        casts = refits(before, self.schema)
        for partition in self._partitions():
            self.check()
            prefix = prefix_after(self.onto.version - 1, self.run_id)  # before a batch that waits
            staging = Staging(self.store, self.table.uri, prefix, partition)
            self.stagings.append(staging)
            rows = self.onto.scan_stored()
            if partition:
                batch = pl.lit(partition[BATCH_COLUMN], pl.String())
                rows = rows.filter(pl.col(BATCH_COLUMN).eq_missing(batch))
            columns = [name for name in before if name not in partition]
            with reaching(self.table.uri, writing=True):
                self.files += staging.sink(rows.with_columns(casts).select(columns))
        self.balance(self.onto)

    def balance(self, version: TableVersion) -> None:
        """Compare the rows that were written with those of a version whose files they replace.

        Raises:
            LakehouseError: They are more or fewer.
        """
        staged = sum(file.rows for file in self.files)
        if staged != version.rows:
            raise LakehouseError(
                f"its {version.rows} rows would be {staged} in wider types, so nothing was changed",
                code="POL423",
                place=self.table.uri,
                hint=f"see what is wrong with it: polster doctor {self.table.key or ''}".rstrip(),
            )

    def commit(self, what: str) -> TableVersion:
        """Make the wider table visible.

        Args:
            what: Which columns change, for the history.

        Raises:
            ConflictError: Another writer committed meanwhile.
            UncertainCommitError: The store failed in a way that leaves open whether it did.
            LakehouseError: The table cannot be written.
        """
        begun = self._change_schema(self._with_features(), what)
        return self.replace_files(begun, what)

    def replace_files(self, begun: TableVersion, what: str) -> TableVersion:
        """Make the second commit alone, onto a version that has the wider schema.

        It holds the rows that were staged, perhaps in other files.
        """
        change = Change(
            self.files,
            begun.stored_schema,
            begun.every_file,
            metadata={"run_id": self.run_id, DONE: what},
            partition_by=begun.delta.metadata().partition_columns,
            has_new_rows=False,
        )
        try:
            done = self.table.commit(change, onto=begun)
        except UncertainCommitError:
            self.keep()
            raise
        self.keep()
        return done

    def keep(self) -> None:
        """Spare the files from discarding: a commit names them, or may."""
        for staging in self.stagings:
            staging.keep()

    def discard(self) -> None:
        """Delete every staged file that was not committed."""
        for staging in self.stagings:
            staging.discard()

    def _partitions(self) -> Iterator[dict[str, str | None]]:
        if not self.onto.delta.metadata().partition_columns:
            yield {}
            return
        for batch in self.onto.files[f"partition.{BATCH_COLUMN}"].unique(maintain_order=True):
            yield {BATCH_COLUMN: batch}

    def _with_features(self) -> TableVersion:
        """Let the table hold times without a zone, if it is to and cannot."""
        features = self.onto.delta.protocol().reader_features or []
        zoneless = "timestamp_ntz" in delta_schema(self.schema).to_json()
        if not zoneless or "timestampNtz" in features:
            return self.onto
        try:
            self.onto.delta.alter.add_feature(
                ZONELESS_FEATURES,
                allow_protocol_versions_increase=True,
                commit_properties=NO_RETRIES,
            )
        except (CommitFailedError, DeltaError) as error:
            raise ConflictError(
                "another writer changed the table at the same time",
                code="POL402",
                place=self.table.uri,
            ) from error
        newer = self.table.open(self.onto.version + 1)
        return newer or self.onto

    def _change_schema(self, onto: TableVersion, what: str) -> TableVersion:
        partition = onto.delta.metadata().partition_columns
        before = onto.stored_schema
        column = next(name for name, dtype in before.items() if not dtype.is_nested())
        nothing: list[tuple[str, str, list[str]]] = [(column, "in", [])]

        def write(properties: CommitProperties) -> None:
            onto.delta.create_write_transaction(
                [],
                "overwrite",  # of the files that match the filter, which none does
                delta_schema(self.schema, self.types),
                partition_by=partition,
                partition_filters=nothing,
                commit_properties=properties,
            )

        return self.table.transact(write, onto=onto, metadata={"run_id": self.run_id, BEGUN: what})


def finish_rewrite(
    table: Table,
    newest: TableVersion,
    left: Unfinished,
    *,
    run_id: str,
    check: Callable[[], None],
) -> TableVersion:
    """Do what a rewrite that was killed between its two commits left undone.

    Args:
        table: The table.
        newest: Its newest version, which has the rows that it had before the rewrite.
        left: The rewrite.
        run_id: Who finishes it.
        check: Raises when the run was interrupted.

    Raises:
        ConflictError: Another writer committed meanwhile.
        LakehouseError: The table cannot be read or written.
    """
    schema, types = newest.stored_schema, newest.schema
    rewrite = Rewrite(table, left.before, schema, types, run_id=run_id, check=check)
    try:
        rewrite.stage()
        rewrite.balance(newest)
        return rewrite.replace_files(newest, left.what)
    finally:
        rewrite.discard()
