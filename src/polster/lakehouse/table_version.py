"""A version of a Delta table, open to be read: it stays as it is, whatever others write."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Collection
from copy import copy
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from typing import Any
from urllib.parse import unquote

import polars as pl
from deltalake import DeltaTable

from polster.errors import LakehouseError
from polster.lakehouse.change import TableFile, files_of
from polster.lakehouse.dtypes import read_dtype
from polster.lakehouse.pin import Pin
from polster.lakehouse.scan import scan_rows
from polster.lakehouse.types import from_storage
from polster.model.asset import BATCH_COLUMN

LOCAL = "file://"
METADATA_PREFIX = "polster."
DTYPE_FIELD = METADATA_PREFIX + "dtype"
"""Where a column of a table's schema says which type was published, if it is stored in another."""
READER_FEATURES = frozenset({"timestampNtz"})
"""What a table may ask of its readers; Polster knows it."""


@dataclass(frozen=True, slots=True)
class TableVersion(Pin):
    """One committed version of a table, open to be read: it reads the same for ever."""

    delta: OpenDelta = field(kw_only=True, repr=False, compare=False)

    def scan(self) -> pl.LazyFrame:
        """Return the rows, lazy, in the types that were published."""
        frame = self.scan_stored()
        if not self.types and not self._remembered_types:
            return frame
        return from_storage(frame, self.schema)

    def scan_stored(self) -> pl.LazyFrame:
        """Return the rows, lazy, in the types that they are stored in."""
        part = None if self.batch is None else (BATCH_COLUMN, self.batch)
        return scan_rows(self.delta, part, are_plain=not self.unknown_features)

    @property
    def unknown_features(self) -> list[str]:
        """List what the table asks of its readers that Polster does not know, sorted."""
        protocol = self.delta.protocol()
        features = set(protocol.reader_features or ())
        if protocol.min_reader_version == 2:
            features.add("columnMapping")
        return sorted(features - READER_FEATURES)

    @property
    def rows(self) -> int:
        """Count the rows from the log, without reading data."""
        if self.counted is not None:
            return self.counted
        files = self.files_read
        if "num_records" not in files.columns or files["num_records"].null_count():
            return int(self.scan_stored().select(pl.len()).collect().item())
        return int(files["num_records"].sum())

    def only(self, names: Collection[str]) -> TableVersion:
        """Return it as if it had no other files than ``names``."""
        return replace(self, delta=self.delta.limited(names), counted=None)

    @property
    def digest(self) -> str:
        """Return what tells the rows from those of every other version, by the names of its files.

        A number does not: a table may be begun anew, or brought back as it was.
        """
        files = sorted(uri.rpartition("/")[2] for uri in self.delta.file_uris())
        names = "\n".join([self.batch or "", *files])  # a batch without rows has no file
        return blake2b(names.encode(), digest_size=8).hexdigest()

    @property
    def files(self) -> pl.DataFrame:
        """Return one row a data file, as the log describes it."""
        described: pl.DataFrame = self.delta.get_add_actions(flatten=True)
        return described

    @property
    def files_read(self) -> pl.DataFrame:
        """Return of :attr:`files` those that readers get; of a batch that lies in no folder all."""
        files, folder = self.files, f"partition.{BATCH_COLUMN}"
        if self.batch is None or folder not in files.columns:
            return files
        return files.filter(pl.col(folder) == self.batch)

    @property
    def every_file(self) -> list[TableFile]:
        """Return the data files, of all batches."""
        return list(files_of(self.files, self.delta.metadata().partition_columns))

    @property
    def schema(self) -> pl.Schema:
        """Return the columns and the dtypes that were published, which readers get."""
        remembered = self.remembered_schema
        if not self.types:
            return remembered
        of_batch = {name: self._dtype(name, text) for name, text in self.types.items()}
        return pl.Schema({**remembered, **of_batch})

    @property
    def remembered_schema(self) -> pl.Schema:
        """Return the columns and the dtypes that the table itself remembers of each."""
        remembered = self._remembered_types
        return pl.Schema({**self.stored_schema, **remembered}) if remembered else self.stored_schema

    @property
    def _remembered_types(self) -> dict[str, pl.DataType]:
        described = self.delta.schema().to_json()  # once for all columns, of which there are many
        if DTYPE_FIELD not in described:
            return {}
        return {
            each["name"]: self._dtype(each["name"], text)
            for each in json.loads(described)["fields"]
            if (text := each["metadata"].get(DTYPE_FIELD))
        }

    @property
    def stored_schema(self) -> pl.Schema:
        """Return the columns and the dtypes that they are stored in."""
        return pl.Schema(self.delta.schema())

    def _dtype(self, name: str, text: str) -> pl.DataType:
        try:
            return read_dtype(str(text))
        except ValueError as error:
            edit = f'DeltaTable("{self.uri}").alter.set_column_metadata("{name}", '
            raise LakehouseError(
                f"the table cannot be read: `{name}` was published as {text}, which is no type "
                f"that Polars {pl.__version__} knows",
                code="POL401",
                place=self.uri,
                hint="read it with the Polars that wrote it; or, to read the column in the type "
                f'that it is stored in, {edit}{{"{DTYPE_FIELD}": ""}})',
            ) from error


class OpenDelta(DeltaTable):
    """A Delta table whose files come in the order of their names, or some of them alone.

    Delta promises no order between files. Their names begin with the version that they made, so
    that rows come in the order in which they landed.

    delta-rs writes the path of a local folder percent-encoded, and Polars takes that for the name.
    What the log says of the file itself, partitions included, is the name already.
    """

    chosen: frozenset[str] | None = None
    """Which files there are to readers; None for all."""

    def limited(self, paths: Collection[str]) -> OpenDelta:
        """Return the table as if it had no other files than those of ``paths``, as in its log."""
        part = copy(self)
        part.chosen = frozenset(map(unquote, paths))
        return part

    def file_uris(self, *arguments: Any, **options: Any) -> list[str]:
        """Return the place of each data file."""
        uris = super().file_uris(*arguments, **options)
        folder = self.table_uri
        if folder.startswith(LOCAL):
            written = folder.removeprefix(LOCAL)
            folder = unquote(written)
            uris = [folder + uri.removeprefix(written) for uri in uris]
        if self.chosen is not None:
            start = len(folder.rstrip("/")) + 1
            uris = [uri for uri in uris if uri[start:] in self.chosen]
        return sorted(uris, key=_place)

    def get_add_actions(self, flatten: bool = False) -> Any:
        """Return what the log says of each data file, in the order of :meth:`file_uris`."""
        described = super().get_add_actions(flatten=flatten)
        named = Counter(described.schema.names)  # twice: a column `a.b`, and a field `b` of `a`
        actions = pl.DataFrame(described.select([name for name in named if named[name] == 1]))
        names = [unquote(path) for path in actions["path"]]
        wanted = (at for at, name in enumerate(names) if self.chosen is None or name in self.chosen)
        return actions[sorted(wanted, key=lambda at: _place(names[at]))]


def _place(name: str) -> tuple[str, str]:
    """Return by what a file is sorted: its own name, then the folder that it lies in."""
    folder, _, own = name.rpartition("/")
    return own, folder
