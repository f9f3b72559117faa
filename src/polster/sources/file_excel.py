"""Reading a sheet of a workbook: each cell as text that stands for its value, and for nothing else.

Excel knows no type of a column, so none is guessed: a number among texts, a date among numbers and
a column that begins with blank cells keep every value.
"""

from __future__ import annotations

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

import polars as pl

from polster.errors import AssetError
from polster.sources.file_rows import ROW_COLUMN, Format, check_names
from polster.sources.file_text import UnreadableFileError

if TYPE_CHECKING:
    from openpyxl import Workbook

Row = tuple[int, list[str | None]]
"""Its number in the sheet, from 1, and its cells."""
COMPOUND = b"\xd0\xcf\x11\xe0"
"""Begins files of Excel 97 to 2003, and newer ones under a password."""
ENCRYPTED = "EncryptedPackage".encode("utf-16-le")
ZIP = b"PK"
NO_DATE = "Cell .* is marked as a date"
"""So openpyxl warns when it puts an error in the place of a value."""
ESCAPED = re.compile(r"_x([0-9A-Fa-f]{4})_")
"""How a workbook writes what XML cannot hold."""
NO_PART_OF_TIME = re.compile(r'"[^"]*"|\\.|_.|\*.|\[[^\]]*\]')
LONGEST_INTEGER = 1e21
"""Up to here a whole number is written with all of its digits; beyond, with an exponent."""


def read_workbook(path: Path, how: Format) -> pl.DataFrame:
    """Read a sheet, all of it; ``_row`` counts the rows below the header from 1.

    Every column is text: see :func:`_text`. A blank row is no row, and still counts; a blank column
    without a name is no column.

    Raises:
        UnreadableFileError: It is no workbook, or its sheet is no table.
        AssetError: openpyxl is not installed.
        OSError: It cannot be opened.
    """
    with _opened(path) as book:
        sheet = _sheet(book, how.sheet)
        rows, blank = _rows(sheet, how.skip_lines)
        named = f"the sheet {sheet.title!r}"
    if blank:
        _check_formulas(path, how.sheet, blank)
    if not rows:
        raise UnreadableFileError(f"{named} is empty")
    return _table(rows, how)


def which_sheet(path: Path) -> str | None:
    """Say which of several sheets is read where nobody has named one; None if there is one.

    Raises:
        UnreadableFileError: It is no workbook.
        OSError: It cannot be opened.
    """
    with _opened(path) as book:
        names, read = list(book.sheetnames), _sheet(book, None).title
    if len(names) == 1:
        return None
    return f"of the sheets {', '.join(names)} the first is read, {read}; sheet= names another"


def _check_kind(file: IO[bytes]) -> None:
    begins = file.read(len(COMPOUND))
    if begins == COMPOUND:
        raise UnreadableFileError(
            "it is protected by a password"
            if ENCRYPTED in file.read()
            else "it is no .xlsx: save the workbook of Excel 97-2003 as one"
        )
    if not begins.startswith(ZIP):
        raise UnreadableFileError("it is no workbook of Excel")


@contextmanager
def _opened(path: Path, *, formulas: bool = False) -> Iterator[Workbook]:
    """Open a workbook; whatever openpyxl raises over it means that it is malformed."""
    try:
        from openpyxl import load_workbook
    except ImportError as error:
        raise AssetError(
            "workbooks are read by openpyxl, which is not installed",
            code="POL369",
            hint="pip install 'polster[excel]'",
        ) from error
    with path.open("rb") as file, warnings.catch_warnings():
        _check_kind(file)
        warnings.simplefilter("ignore")  # of looks, which are not read
        warnings.filterwarnings("error", NO_DATE)
        try:
            book = load_workbook(file, read_only=True, data_only=not formulas)
            yield book
            book.close()
        except (UnreadableFileError, MemoryError, OSError):
            raise
        except UserWarning as error:
            cell = str(error).split()[1]
            raise UnreadableFileError(f"{cell} is shown as a date, and holds none") from error
        except Exception as error:
            why = str(error).strip().partition("\n")[0] or type(error).__name__
            raise UnreadableFileError(f"it is no workbook that can be read: {why}") from error


def _sheet(book: Workbook, name: str | None) -> Any:
    """Return the sheet of a name, or the first that is not hidden."""
    sheets = [each for each in book.worksheets if name in (None, each.title)]
    if not sheets:
        raise UnreadableFileError(
            f"it has no sheet {name!r} but {', '.join(book.sheetnames)}"
            if name is not None
            else "it has no sheet of cells"
        )
    sheet = next((each for each in sheets if each.sheet_state == "visible"), sheets[0])
    sheet.reset_dimensions()  # what a file says of its size may be wrong, and hide rows
    return sheet


def _rows(sheet: Any, skipped: int) -> tuple[list[Row], set[tuple[int, int]]]:
    """Return the rows that are not blank, and which cells are there without a value."""
    rows: list[Row] = []
    blank: set[tuple[int, int]] = set()
    for number, cells in enumerate(sheet.iter_rows(), 1):
        if number <= skipped:
            continue
        texts = [
            _text(value, cell.number_format if isinstance(value, datetime) else "")
            for cell in cells
            for value in [cell.value]
        ]
        if any(each is not None for each in texts):
            rows.append((number, texts))
        blank.update(
            (cell.row, cell.column)
            for cell in cells
            if cell.value is None and cell.data_type == "n" and hasattr(cell, "row")
        )
    return rows, blank


def _check_formulas(path: Path, sheet: str | None, blank: set[tuple[int, int]]) -> None:
    """See that no cell is blank since nobody has computed its formula yet."""
    with _opened(path, formulas=True) as book:
        for cells in _sheet(book, sheet).iter_rows():
            for cell in cells:
                if cell.data_type == "f" and (cell.row, cell.column) in blank:
                    raise UnreadableFileError(
                        f"{cell.coordinate} holds a formula and not what it gives: open the file "
                        "in Excel and save it"
                    )


def _table(rows: list[Row], how: Format) -> pl.DataFrame:
    width = max(len(texts) for _, texts in rows)
    if how.header:
        (first, said), *rows = rows
        names = [*said, *[None] * (width - len(said))]
        _check_names(names, first, rows)
    else:
        first = how.skip_lines
        numbered = [f"column_{index}" for index in range(len(how.columns) + 1, width + 1)]
        names = [*how.columns, *numbered]
    columns: list[list[str | None]] = [[] for _ in names]
    for _, texts in rows:
        for index, values in enumerate(columns):
            values.append(texts[index] if index < len(texts) else None)
    series = [
        pl.Series(name, values, pl.String())
        for name, values in zip(names, columns, strict=True)
        if name is not None
    ]
    number = pl.Series(ROW_COLUMN, [at - first for at, _ in rows], pl.Int64())
    return pl.DataFrame([*series, number])


def _check_names(names: Sequence[str | None], header: int, rows: Sequence[Row]) -> None:
    seen: dict[str, int] = {}
    check_names(name for name in names if name is not None)
    for index, name in enumerate(names):
        if name is None:
            for number, texts in rows:
                if index < len(texts) and texts[index] is not None:
                    raise UnreadableFileError(
                        f"{_place(index, header)} is blank and names no column, where "
                        f"{_place(index, number)} holds a value"
                    )
        elif name in seen:
            places = f"{_place(seen[name], header)} and {_place(index, header)}"
            raise UnreadableFileError(f"{places} name two columns {name!r}")
        else:
            seen[name] = index


def _place(index: int, number: int) -> str:
    """Return what Excel calls a cell.

    >>> _place(27, 3)
    'AB3'
    """
    letters, left = "", index + 1
    while left:
        left, letter = divmod(left - 1, 26)
        letters = chr(ord("A") + letter) + letters
    return f"{letters}{number}"


def _text(value: Any, shown: str = "") -> str | None:
    """Return the text of a cell, from which its value can be had again; None if it is empty.

    Args:
        value: As openpyxl gives it.
        shown: The format in which Excel shows it, which tells a date from a moment at midnight; of
            no interest for other values.

    >>> [_text(each) for each in ("007", 7, 7.0, 0.1, 1e-10, True, "#N/A", "")]
    ['007', '7', '7', '0.1', '1e-10', 'true', '#N/A', None]
    >>> midnight = datetime.fromisoformat("2024-01-31T00:00")
    >>> [_text(midnight, each) for each in ("yyyy-mm-dd", "yyyy-mm-dd hh:mm")]
    ['2024-01-31', '2024-01-31T00:00:00']
    >>> _text(timedelta(hours=30, minutes=5))
    '30:05:00'
    """
    match value:
        case None | "":
            return None
        case str():
            return ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)
        case bool():
            return str(value).lower()
        case float():
            if value.is_integer() and abs(value) < LONGEST_INTEGER:
                return f"{Decimal(repr(value)):f}".removesuffix(".0")
            return repr(value)
        case datetime():
            if value.time() == time() and not _shows_time(shown):
                return value.date().isoformat()
            return value.isoformat(timespec=_unit(value.microsecond))
        case date():
            return value.isoformat()
        case time():
            return value.isoformat(timespec=_unit(value.microsecond))
        case timedelta():
            return _length(value)
        case _:
            return str(value)


def _shows_time(shown: str) -> bool:
    return any(sign in NO_PART_OF_TIME.sub("", shown).lower() for sign in "hs")


def _unit(microsecond: int) -> str:
    return "milliseconds" if microsecond else "seconds"  # finer ones Excel does not keep


def _length(value: timedelta) -> str:
    """Return hours, minutes and seconds, as Excel shows them."""
    sign = "-" if value < timedelta() else ""
    seconds, rest = divmod(abs(value), timedelta(seconds=1))
    hours, minutes = divmod(seconds // 60, 60)
    parts = f"{sign}{hours:02}:{minutes:02}:{seconds % 60:02}"
    return f"{parts}.{rest // timedelta(milliseconds=1):03}" if rest else parts
