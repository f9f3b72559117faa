"""The records of an API as rows: in files of this machine until all pages are there."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import polars as pl

from polster.sources.api import ApiError
from polster.sources.file_rows import (
    JSON_LINES,
    ROW_COLUMN,
    Columns,
    as_json,
    check_names,
    read_file,
)
from polster.sources.file_text import UnreadableFileError
from polster.sources.scratch import scratch_folder
from polster.sources.streamed import streamed

PIECE_BYTES = 32 * 1024 * 1024
RAW = "_raw"
VALUE = "value"
"""The column of records that are no objects."""


@dataclass(slots=True, weakref_slot=True)
class Rows:
    """The records of all pages.

    Attributes:
        nested_as_text: Whether objects and lists in a record become their JSON.
        keeps_raw: Whether each row holds the JSON of its record.
        moments: The column whose text is read as moments; None if none is.
    """

    nested_as_text: bool
    keeps_raw: bool
    moments: str | None
    columns: Columns = field(default_factory=Columns)
    count: int = 0
    _lines: list[str] = field(default_factory=list)
    _bytes: int = 0
    _parts: list[Path] = field(default_factory=list)
    _folder: Path = field(init=False)

    def __post_init__(self) -> None:
        """Make the place where they wait."""
        self._folder = scratch_folder(self)

    def add(self, records: Sequence[Any], page: int) -> None:
        """Take the records of a page in.

        Raises:
            ApiError: They are no records.
        """
        for record in records:
            line = as_json(self._row(record, page))
            self._lines.append(line)
            self._bytes += len(line)
        self.count += len(records)
        if self._bytes > PIECE_BYTES:
            self.end()

    def _row(self, record: Any, page: int) -> Mapping[str, Any]:
        if not isinstance(record, dict):
            record = {VALUE: record}
        row = dict(record)
        if self.nested_as_text:
            row = {n: as_json(v) if isinstance(v, dict | list) else v for n, v in row.items()}
        if not self.keeps_raw:
            return row
        if RAW in row:
            raise ApiError(
                f"a record of page {page} has a field `{RAW}` itself",
                "leave keep_raw= out",
                code="POL384",
            )
        return {**row, RAW: as_json(record)}

    def end(self) -> None:
        """Turn what waits as text into rows.

        Raises:
            ApiError: They make no table.
        """
        if not self._lines:
            return
        text = self._folder / "records.jsonl"
        text.write_text("\n".join(self._lines), encoding="utf-8")
        try:
            rows = read_file(text, JSON_LINES).drop(ROW_COLUMN)
        except UnreadableFileError as error:
            raise ApiError(f"its records make no rows: {error}", code="POL384") from error
        if rows.height != len(self._lines):
            raise ApiError("some of its records have no fields", code="POL384")
        if self.moments is not None and self.moments in rows.columns:
            rows = rows.with_columns(_as_moments(rows[self.moments]))
        self._keep(rows)
        self._lines, self._bytes = [], 0

    def take(self, rows: pl.DataFrame) -> None:
        """Take rows in that are rows already.

        Raises:
            ApiError: They have a column that Polster adds itself.
        """
        try:
            check_names(rows.columns)
        except UnreadableFileError as error:
            raise ApiError(f"its records make no rows: {error}", code="POL384") from error
        self.count += rows.height
        self._keep(rows)

    def _keep(self, rows: pl.DataFrame) -> None:
        part = self._folder / f"{len(self._parts):06}.arrow"
        rows.write_ipc(part, compression="lz4")
        self._parts.append(part)
        self.columns.add(rows.schema)

    def frame(self, *, apart: bool = False) -> pl.LazyFrame:
        """Return them; ``apart`` as in :class:`polster.sources.source.Forms`."""

        def pieces() -> Iterator[pl.DataFrame]:
            for part in self._parts:
                yield self.columns.fit(pl.read_ipc(part), apart=apart)

        return streamed(pieces, pl.Schema(self.columns.apart if apart else self.columns.types))


def _as_moments(texts: pl.Series) -> pl.Series:
    """Return moments that are written as ISO 8601 has them, in UTC where they have a zone.

    Raises:
        ApiError: One is none, or some have a zone and others have not.
    """
    if texts.dtype == pl.Null:
        return texts.cast(pl.Datetime("us", "UTC"))
    values: list[datetime | None] = []
    for text in texts:
        try:
            values.append(None if text is None else datetime.fromisoformat(text))
        except (TypeError, ValueError) as error:
            raise ApiError(
                f"the cursor `{texts.name}` holds {text!r}, which is no moment",
                "leave overlap= out; or write it as a number, if the cursor is one",
                code="POL384",
            ) from error
    zones = {value.tzinfo is not None for value in values if value is not None}
    if len(zones) > 1:
        raise ApiError(
            f"the cursor `{texts.name}` holds moments with a zone, and others without",
            "leave overlap= out",
            code="POL384",
        )
    if zones == {True}:
        in_utc = [None if value is None else value.astimezone(UTC) for value in values]
        return pl.Series(texts.name, in_utc, pl.Datetime("us", "UTC"))
    return pl.Series(texts.name, values, pl.Datetime("us"))
