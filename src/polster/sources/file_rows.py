"""Reading one file whole, so that either all of its rows are known to be right or none is taken."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import IO, Any, TextIO

import polars as pl

from polster.sources.file_pattern import OWN_COLUMNS
from polster.sources.file_text import PACKED, PIECE_BYTES, UnreadableFileError, as_utf8

ROW_COLUMN = "_row"
KINDS = {
    ".csv": "csv",
    ".tsv": "csv",
    ".txt": "csv",
    ".jsonl": "jsonl",
    ".ndjson": "jsonl",
    ".json": "json",
    ".parquet": "parquet",
    ".pq": "parquet",
    ".xlsx": "excel",
    ".xlsm": "excel",
    ".xml": "xml",
    ".avro": "avro",
}
TEXT = ("csv", "jsonl", "json")
QUOTE = '"'
BLANK = pl.all_horizontal(pl.all().is_null())
LARGE_BYTES = 128 * 1024 * 1024
EXACT_IN_FLOATS = 2**53


@dataclass(frozen=True, slots=True)
class Format:
    """How files are read.

    Attributes:
        kind: ``csv``, ``jsonl``, ``json``, ``parquet``, ``excel``, ``xml`` or ``avro``.
        encoding: Of text.
        separator: Of CSV, like the next ones.
        quote: Encloses a value; None if nothing does.
        header: Whether the first line names the columns.
        columns: Their names, where there is no header.
        skip_lines: Lines before the header, or the first row; of a sheet, rows.
        sheet: Of a workbook; None is the first.
        record: The tag of a record of XML.
    """

    kind: str
    encoding: str = "utf-8"
    separator: str = ","
    quote: str | None = QUOTE
    header: bool = True
    columns: tuple[str, ...] = ()
    skip_lines: int = 0
    sheet: str | None = None
    record: str | None = None

    @property
    def text(self) -> str | None:
        """Return the encoding of what is text; None of what is none."""
        return self.encoding if self.kind in TEXT else None


JSON_LINES = Format("jsonl")


def kind_of(pattern: str) -> str | None:
    """Return the format that the ending of a pattern stands for; None if it stands for none.

    >>> kind_of("landing/*.csv.gz")
    'csv'
    """
    endings = [each for each in Path(pattern).suffixes if each not in PACKED]
    return KINDS.get(endings[-1].lower()) if endings else None


def read_file(path: Path, how: Format) -> pl.DataFrame:
    """Read a file as :func:`as_read` gives it, all of it; ``_row`` counts its rows from 1.

    CSV stays text: a reader that guesses turns 007 into 7, and NA into nothing. An empty value is
    null, and a quoted one is empty text.

    Raises:
        UnreadableFileError: It is malformed.
        OSError: It cannot be opened.
    """
    if how.kind == "parquet":
        return numbered(_parquet(path))
    data = b"".join(as_utf8([path.read_bytes()], "utf-8"))
    if how.kind == "csv":
        return numbered(_csv(data, how))
    return numbered(_json(data) if how.kind == "json" else _json_lines(data))


def is_streamed(path: Path, how: Format) -> bool:
    """Tell whether a file is read a piece at a time, since it is too large to be held."""
    return path.stat().st_size > LARGE_BYTES and how.kind in ("csv", "jsonl", "parquet")


def is_long_list(path: Path, how: Format) -> bool:
    """Tell whether a file is JSON that is taken apart first, since it is too large to be held."""
    return how.kind == "json" and path.stat().st_size > LARGE_BYTES


def scan_file(path: Path, how: Format) -> pl.LazyFrame:
    """Return the rows of a large file, lazy, with ``_row``.

    Raises:
        UnreadableFileError: It is malformed.
    """
    try:
        if how.kind == "parquet":
            rows = pl.scan_parquet(path, glob=False, hive_partitioning=False)
        elif how.kind == "jsonl":
            rows = pl.scan_ndjson(path, infer_schema_length=None)
        else:
            rows = pl.scan_csv(
                path,
                infer_schema=False,
                has_header=how.header,
                new_columns=list(how.columns) or None,
                separator=how.separator,
                quote_char=how.quote,
                skip_lines=how.skip_lines,
                glob=False,
            )
        types = rows.collect_schema()
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, how, error) from error
    check_names(types)
    if how.kind == "csv" and len(types) > 1:
        with path.open("rb") as opened:
            rows = rows.filter(~BLANK) if _has_blank_lines(opened) else rows
    numbered = rows.with_row_index(ROW_COLUMN, 1)
    return numbered.select(*types, pl.col(ROW_COLUMN).cast(pl.Int64))


def check_large(path: Path, how: Format) -> tuple[pl.Schema, int]:
    """Read a large file once, keeping nothing; return its columns and how many rows it has.

    Raises:
        UnreadableFileError: It is malformed.
    """
    rows = scan_file(path, how)
    types = rows.collect_schema()
    seen = rows.select(pl.len().alias(ROW_COLUMN), pl.exclude(ROW_COLUMN).null_count())
    try:
        counts = seen.collect(engine="streaming")
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise _unreadable(path, how, error) from error
    if how.kind == "csv" and len(types) > 2 and counts.to_series(-1).item():
        with path.open(encoding="utf-8", newline="") as text:
            if found := _short_of(text, how):
                raise UnreadableFileError(found)
    return types, int(counts[ROW_COLUMN].item())


def numbered(rows: pl.DataFrame) -> pl.DataFrame:
    """Return rows with ``_row``, which counts them from 1.

    Raises:
        UnreadableFileError: They have a column that Polster adds itself.
    """
    check_names(rows.columns)
    number = pl.int_range(1, rows.height + 1, dtype=pl.Int64, eager=True)
    return rows.hstack([number.alias(ROW_COLUMN)])  # an expression would start Polars' threads


def check_names(names: Iterable[str]) -> None:
    """See whether a file has no column that Polster adds itself.

    Raises:
        UnreadableFileError: It has.
    """
    own = [name for name in names if name.lower() in OWN_COLUMNS]
    if own:
        raise UnreadableFileError(f"it has a column {own[0]}, which Polster adds itself")


def _unreadable(path: Path, how: Format, error: BaseException) -> UnreadableFileError:
    """Say what is wrong with a large file; of one that is no text, which byte."""
    if how.kind != "parquet":
        with path.open("rb") as opened:
            try:
                for _ in as_utf8(iter(partial(opened.read, PIECE_BYTES), b""), "utf-8"):
                    continue
            except UnreadableFileError as found:
                return found
    return UnreadableFileError(_first_line(error))


def _csv(data: bytes, how: Format) -> pl.DataFrame:
    if not data.strip():
        return pl.DataFrame()
    try:
        rows = pl.read_csv(
            io.BytesIO(data),
            infer_schema=False,
            has_header=how.header,
            new_columns=list(how.columns) or None,
            separator=how.separator,
            quote_char=how.quote,
            skip_lines=how.skip_lines,
        )
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadableFileError(_short_of(_opened(data), how) or _first_line(error)) from error
    if rows.width > 1 and rows.height and rows.to_series(-1).null_count():
        if found := _short_of(_opened(data), how):
            raise UnreadableFileError(found)
        rows = rows.filter(~BLANK) if _has_blank_lines(io.BytesIO(data)) else rows
    return rows


def _opened(data: bytes) -> TextIO:
    return io.StringIO(data.decode(), newline="")


def _has_blank_lines(opened: IO[bytes]) -> bool:
    before = b"\n"
    while piece := opened.read(PIECE_BYTES):
        piece = before + piece
        if b"\n\n" in piece or b"\n\r\n" in piece:
            return True
        before = piece[-2:]
    return False


def _short_of(text: TextIO, how: Format) -> str | None:
    """Say which line has fewer or more values than the header; None if all have as many."""
    for _ in range(how.skip_lines):
        text.readline()
    reader = (
        csv.reader(text, delimiter=how.separator, quotechar=how.quote)
        if how.quote
        else csv.reader(text, delimiter=how.separator, quoting=csv.QUOTE_NONE)
    )
    wanted: int | None = None
    try:
        for values in reader:
            if not values:
                continue
            wanted = len(values) if wanted is None else wanted
            if len(values) != wanted:
                line = reader.line_num + how.skip_lines
                return f"line {line} has {len(values)} values, where the first has {wanted}"
    except csv.Error as error:
        return f"line {reader.line_num + how.skip_lines}: {error}"
    return None


def _json_lines(data: bytes) -> pl.DataFrame:
    if not data.strip():
        return pl.DataFrame()
    try:
        rows = pl.read_ndjson(io.BytesIO(data), infer_schema_length=None)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException):
        return _from_records(list(_records(data)))
    if any(_may_be_mixed(column, data) for column in rows):
        return _from_records(list(_records(data)))
    without_fields = [name for name, dtype in rows.schema.items() if dtype == pl.Struct({})]
    return rows.with_columns(_encoded(name).alias(name) for name in without_fields)


def _may_be_mixed(column: pl.Series, data: bytes) -> bool:
    """Tell whether values may have been changed to stand together: numbers among text, say."""
    if column.dtype.is_float():
        return bool((column.abs() >= EXACT_IN_FLOATS).any())
    name = re.escape(json.dumps(column.name, ensure_ascii=False).encode())
    is_text = column.dtype == pl.String
    return is_text and re.search(name + rb"\s*:\s*[-0-9tf{\[]", data) is not None


def _records(data: bytes) -> Iterator[Mapping[str, Any]]:
    for number, line in enumerate(data.decode().split("\n"), 1):
        if not line.strip():
            continue
        try:
            record = json.loads(line, parse_float=Number, parse_int=Number)
        except ValueError as error:
            raise UnreadableFileError(f"line {number} is no JSON: {error}") from error
        if not isinstance(record, dict):
            raise UnreadableFileError(f"line {number} is no JSON object")
        yield record


def _json(data: bytes) -> pl.DataFrame:
    if not data.strip():
        return pl.DataFrame()
    try:
        said = json.loads(data)
    except ValueError as error:
        raise UnreadableFileError(f"it is no JSON: {error}") from error
    records = said if isinstance(said, list) else [said]
    for number, record in enumerate(records, 1):
        if not isinstance(record, dict):
            raise UnreadableFileError(f"record {number} is no JSON object")
    lines = "\n".join(json.dumps(record, ensure_ascii=False) for record in records)
    return _json_lines(lines.encode())


class Number(str):
    """A number as it is written."""

    __slots__ = ()


def _from_records(records: list[Mapping[str, Any]]) -> pl.DataFrame:
    """Return records some of whose values go together in no type: there, each as its JSON."""
    names = dict.fromkeys(name for record in records for name in record)
    return pl.DataFrame([_column(name, [record.get(name) for record in records]) for name in names])


def _column(name: str, values: list[Any]) -> pl.Series:
    kinds = {type(value) for value in values if value is not None}
    numbers = [value for value in values if isinstance(value, Number)]
    whole = [each.lstrip("-") for each in numbers if each.lstrip("-").isdigit()]
    long = any(len(each) > 16 or int(each) > EXACT_IN_FLOATS for each in whole)
    loses = long and len(whole) < len(numbers)
    if len(kinds) < 2 and not loses:
        lines = "".join(f'{{"v":{as_json(value)}}}\n' for value in values)
        with suppress(pl.exceptions.PolarsError, pl.exceptions.PanicException):
            read = pl.read_ndjson(io.BytesIO(lines.encode()), infer_schema_length=None)
            return read.to_series().alias(name)
    texts = [
        value if value is None or isinstance(value, str) else as_json(value) for value in values
    ]
    return pl.Series(name, texts, pl.String())


def as_json(value: Any) -> str:
    """Return a value as JSON, each :class:`Number` as it is written."""
    match value:
        case Number():
            return str(value)
        case dict():
            inside = (f"{as_json(name)}: {as_json(each)}" for name, each in value.items())
            return f"{{{', '.join(inside)}}}"
        case list():
            return f"[{', '.join(map(as_json, value))}]"
    return json.dumps(value, ensure_ascii=False)


def _parquet(path: Path) -> pl.DataFrame:
    try:
        return pl.read_parquet(path, glob=False, hive_partitioning=False)
    except (pl.exceptions.PolarsError, pl.exceptions.PanicException) as error:
        raise UnreadableFileError(f"it is no whole Parquet: {_first_line(error)}") from error


def rows_by_footer(path: Path) -> int:
    """Return how many rows a Parquet file says that it has; its data are not read."""
    counted = pl.scan_parquet(path, glob=False, hive_partitioning=False).select(pl.len())
    return int(counted.collect().item())


def _first_line(error: BaseException) -> str:
    return str(error).strip().split("\n", maxsplit=1)[0]


@dataclass(slots=True)
class Columns:
    """The columns of several files together.

    Attributes:
        types: By column, what holds the values of all.
        forms: By column, the types in which it came, and for each the name that it goes by alone.
    """

    types: dict[str, pl.DataType] = field(default_factory=dict)
    forms: dict[str, dict[pl.DataType, str]] = field(default_factory=dict)

    def add(self, schema: pl.Schema) -> None:
        """Take the columns of one more file in."""
        for name, dtype in schema.items():
            before = self.types.get(name)
            self.types[name] = dtype if before is None else _common(before, dtype)
            forms = self.forms.setdefault(name, {})
            forms.setdefault(dtype, f"{name}\0{len(forms)}")

    @property
    def several(self) -> dict[str, tuple[str, ...]]:
        """Return the names of the types of each column that came in several."""
        return {name: tuple(each.values()) for name, each in self.forms.items() if len(each) > 1}

    @property
    def apart(self) -> dict[str, pl.DataType]:
        """Return the columns, and beside them each type of those that came in several."""
        forms = [self.forms[name] for name in self.several]
        return self.types | {name: dtype for each in forms for dtype, name in each.items()}

    def fit(self, rows: pl.DataFrame, *, apart: bool = False) -> pl.DataFrame:
        """Return the rows of one file in these columns; a value becomes text if nothing else."""
        columns = self.apart if apart else self.types
        if dict(rows.schema) == columns and rows.columns == list(columns):
            return rows
        fitted = [
            _cast(name, rows.schema.get(name), dtype).alias(name)
            for name, dtype in self.types.items()
        ]
        for name in self.several if apart else ():
            came_as = rows.schema.get(name)
            fitted += [
                (pl.col(name) if came_as == dtype else pl.lit(None, dtype)).alias(form)
                for dtype, form in self.forms[name].items()
            ]
        return rows.select(fitted)


def _common(one: pl.DataType, other: pl.DataType) -> pl.DataType:
    if one == other:
        return one
    frames = [pl.DataFrame(schema={"x": dtype}) for dtype in (one, other)]
    try:
        found = pl.concat(frames, how="vertical_relaxed").schema["x"]
    except pl.exceptions.PolarsError:
        return pl.String()
    kinds = (one, other)
    loses = found.is_float() and not all(kind.is_float() for kind in kinds)
    means_another = pl.Boolean in kinds or pl.Binary in kinds
    return pl.String() if pl.Null not in kinds and (loses or means_another) else found


def _cast(name: str, dtype: pl.DataType | None, target: pl.DataType) -> pl.Expr:
    if dtype is None:
        return pl.lit(None, target)
    if dtype == target:
        return pl.col(name)
    if target == pl.String() and dtype.is_nested():
        return _encoded(name)
    return pl.col(name).cast(target)


def _encoded(name: str) -> pl.Expr:
    """Return the JSON of a column; null where it is null."""
    text = pl.struct(pl.col(name).alias("v")).struct.json_encode()
    text = text.str.strip_prefix('{"v":').str.strip_suffix("}")
    return pl.when(pl.col(name).is_not_null()).then(text)
