"""Workbooks land as they are: every cell as text, whatever stands above it and beside it."""

from __future__ import annotations

import io
import json
import sys
import zipfile
from collections.abc import Sequence
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from openpyxl import Workbook

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.sources import files
from polster.sources.file_excel import read_workbook
from polster.sources.file_rows import Format
from polster.sources.file_text import UnreadableFileError

if TYPE_CHECKING:
    from tests.conftest import Pipeline

ORDERS = AssetKey(Layer.BRONZE, "orders")
EXCEL = Format("excel")
FILES = """
from polster.sources import files

@bronze(load="{load}")
def orders():
    return files("landing/{pattern}"{options})
"""
CLEAN = """
class Clean(dy.Schema):
    id = dy.Int64(primary_key=True)

@silver(contract=Clean)
def clean(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select(pl.col("id").cast(pl.Int64))
"""
Rows = Sequence[Sequence[Any]]


@pytest.fixture
def orders(pipeline: Pipeline) -> Pipeline:
    """Return a project whose bronze is the workbooks of a folder."""
    land_from(pipeline)
    return pipeline


def land_from(
    pipeline: Pipeline, pattern: str = "*.xlsx", options: str = "", load: str = "append"
) -> None:
    text = FILES.format(pattern=pattern, options=options, load=load)
    pipeline.asset("bronze.orders", text)
    (pipeline.root / "landing").mkdir(exist_ok=True)


def book(rows: Rows, *, sheet: str = "orders", before: dict[str, Rows] | None = None) -> bytes:
    """Return a workbook; ``before`` are the sheets in front of the last one."""
    made = Workbook()
    assert made.active is not None
    made.remove(made.active)
    for name, cells in {**(before or {}), sheet: rows}.items():
        added = made.create_sheet(name)
        for row in cells:
            added.append(row)
    return saved(made)


def saved(made: Workbook) -> bytes:
    buffer = io.BytesIO()
    made.save(buffer)
    return buffer.getvalue()


def with_xml(data: bytes, before: str, after: str) -> bytes:
    """Return a workbook with another text in its first sheet."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(data)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            text = old.read(name)
            if name == "xl/worksheets/sheet1.xml":
                assert before.encode() in text
                text = text.replace(before.encode(), after.encode())
            new.writestr(name, text)
    return buffer.getvalue()


def put(pipeline: Pipeline, name: str, data: bytes) -> None:
    (pipeline.root / "landing" / name).write_bytes(data)


def table(pipeline: Pipeline, *columns: str) -> list[tuple[Any, ...]]:
    pinned = Lakehouse(Store(str(pipeline.data))).pin(ORDERS)
    return [] if pinned is None else pinned.scan().select(columns).collect().rows()


def set_aside(pipeline: Pipeline) -> dict[str, str]:
    kept = Lakehouse(Store(str(pipeline.data))).set_aside(ORDERS).files()
    return {each.name.removeprefix("landing/"): each.reason for each in kept}


def read(folder: Path, data: bytes, how: Format = EXCEL) -> list[tuple[Any, ...]]:
    path = folder / "a.xlsx"
    path.write_bytes(data)
    return read_workbook(path, how).rows()


@pytest.mark.sentence(42)
def test_blank_cells_at_the_top_make_no_column_null(orders: Pipeline) -> None:
    """However many there are, and whatever comes below them."""
    blank = [[number, None, None] for number in range(2000)]
    put(orders, "a.xlsx", book([["id", "score", "day"], *blank, [2000, 1.5, date(2024, 1, 31)]]))

    record = orders.run().assets[0]

    assert record.rows_published == 2001
    assert table(orders, "id", "score", "day")[-1] == ("2000", "1.5", "2024-01-31")


@pytest.mark.sentence(42)
def test_a_column_of_mixed_values_keeps_each(tmp_path: Path) -> None:
    cells = [1, "007", 2.5, "x", True, datetime.fromisoformat("2024-01-31T10:00"), "#N/A"]

    rows = read(tmp_path, book([["v"], *[[each] for each in cells]]))

    assert [value for value, _ in rows] == [
        *("1", "007", "2.5", "x", "true", "2024-01-31T10:00:00", "#N/A"),
    ]


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("007", "007"),
        ("1e5", "1e5"),
        ("NULL", "NULL"),
        (" x ", " x "),
        ("a\nb", "a\nb"),
        (7, "7"),
        (7.0, "7"),
        (-5, "-5"),
        (0.1, "0.1"),
        (1234567890123450000, "1234567890123450000"),
        (1e300, "1e+300"),
        (1e-10, "1e-10"),
        (False, "false"),
        (date(2024, 1, 31), "2024-01-31"),
        (datetime.fromisoformat("2024-01-31T00:00"), "2024-01-31T00:00:00"),
        (datetime.fromisoformat("2024-01-31T10:30:00.678"), "2024-01-31T10:30:00.678"),
        (time(10, 30), "10:30:00"),
        (timedelta(hours=30, minutes=5), "30:05:00"),
    ],
)
def test_a_cell_is_text_that_depends_on_its_value_alone(
    tmp_path: Path, cell: Any, text: str
) -> None:
    assert read(tmp_path, book([["v"], [cell]])) == [(text, 1)]


def test_an_integer_longer_than_a_float_holds_survives(tmp_path: Path) -> None:
    data = with_xml(book([["v"], [1]]), "<v>1</v>", "<v>12345678901234567</v>")

    assert read(tmp_path, data) == [("12345678901234567", 1)]


def test_errors_of_excel_stay_text(tmp_path: Path) -> None:
    data = book([["v", "w"], [1, 5]])
    data = with_xml(data, '<c r="A2" t="n"><v>1</v>', '<c r="A2" t="e"><v>#DIV/0!</v>')

    assert read(tmp_path, data) == [("#DIV/0!", "5", 1)]


def test_a_formula_is_what_it_gives(tmp_path: Path) -> None:
    data = book([["v", "w", "x"], [1, "=1+1", "end"]])
    given = with_xml(data, "<f>1+1</f>", "<f>1+1</f><v>2</v>")
    nothing = with_xml(data, '<c r="B2"', '<c r="B2" t="str"')

    assert read(tmp_path, given) == [("1", "2", "end", 1)]
    assert read(tmp_path, nothing) == [("1", None, "end", 1)]


def test_empty_text_is_null_as_a_blank_cell_is(tmp_path: Path) -> None:
    empty = '<c r="A2" t="inlineStr"><is><t></t></is></c><c r="B2"'

    assert read(tmp_path, with_xml(book([["v", "w"], [None, 1]]), '<c r="B2"', empty)) == [
        (None, "1", 1)
    ]


def test_what_a_workbook_says_of_its_size_hides_no_row(tmp_path: Path) -> None:
    data = with_xml(book([["v"], [1], [2]]), 'ref="A1:A3"', 'ref="A1:A2"')

    assert read(tmp_path, data) == [("1", 1), ("2", 2)]


def test_characters_that_xml_cannot_hold_are_those_of_excel(tmp_path: Path) -> None:
    assert read(tmp_path, book([["v"], ["a_x000D_b_x005F_x"]])) == [("a\rb_x", 1)]


def test_blank_rows_and_columns_are_none_and_rows_count_from_the_header(tmp_path: Path) -> None:
    rows: Rows = [
        [None],
        ["id", None, "v", None],
        [1, None, "x", ""],
        [None, ""],
        [2, None],
        [None],
    ]

    assert read(tmp_path, book(rows)) == [("1", "x", 1), ("2", None, 3)]


def test_a_merged_cell_stands_where_it_begins(tmp_path: Path) -> None:
    made = Workbook()
    sheet = made.active
    assert sheet is not None
    for row in (["region", "v"], ["north", 1], [None, 2]):
        sheet.append(row)
    sheet.merge_cells("A2:A3")

    assert read(tmp_path, saved(made)) == [("north", "1", 1), (None, "2", 2)]


def test_the_header_may_stand_lower_or_not_at_all(tmp_path: Path) -> None:
    lower = book([["Orders of May"], ["as of", date(2024, 6, 1)], ["id", "v"], [1, "x"]])
    none = book([[1, "x", True]])

    assert read(tmp_path, lower, Format("excel", skip_lines=2)) == [("1", "x", 1)]
    assert read(tmp_path, none, Format("excel", header=False)) == [("1", "x", "true", 1)]
    path = tmp_path / "a.xlsx"
    named = read_workbook(path, Format("excel", header=False, columns=("id",)))
    assert named.columns == ["id", "column_2", "column_3", "_row"]


def test_names_of_columns_may_be_numbers_and_dates(tmp_path: Path) -> None:
    path = tmp_path / "a.xlsx"
    path.write_bytes(book([[2024, date(2024, 1, 31)], [1, 2]]))

    assert read_workbook(path, EXCEL).columns == ["2024", "2024-01-31", "_row"]


MALFORMED = {
    "no workbook": (b"id,v\n1,x\n", "it is no workbook of Excel"),
    "a zip": (b"PK\x03\x04 and no more", "it is no workbook that can be read"),
    "cut off": (book([["v"], [1]])[:-200], "it is no workbook that can be read"),
    "a password": (
        b"\xd0\xcf\x11\xe0" + bytes(600) + "EncryptedPackage".encode("utf-16-le"),
        "it is protected by a password",
    ),
    "an old one": (
        b"\xd0\xcf\x11\xe0" + bytes(600) + "Workbook".encode("utf-16-le"),
        "it is no .xlsx: save the workbook of Excel 97-2003 as one",
    ),
    "empty": (book([]), "the sheet 'orders' is empty"),
    "one name twice": (book([["id", "v", "id"], [1, 2, 3]]), "A1 and C1 name two columns 'id'"),
    "no name": (
        book([["id", None], [1, None], [2, 5]]),
        "B1 is blank and names no column, where B3 holds a value",
    ),
    "a name of Polster's": (book([["_row"], [1]]), "it has a column _row"),
    "nobody has computed it": (
        book([["a", "b"], [1, "=A2*2"]]),
        "B2 holds a formula and not what it gives: open the file in Excel and save it",
    ),
    "no date": (
        with_xml(book([["d"], [date(2024, 1, 31)]]), "<v>45322</v>", "<v>99999999</v>"),
        "A2 is shown as a date, and holds none",
    ),
}


@pytest.mark.parametrize(("data", "why"), MALFORMED.values(), ids=MALFORMED)
def test_a_malformed_workbook_says_what_is_wrong(tmp_path: Path, data: bytes, why: str) -> None:
    with pytest.raises(UnreadableFileError) as raised:
        read(tmp_path, data)

    assert why in str(raised.value)


def test_a_malformed_workbook_is_set_aside_and_the_others_land(orders: Pipeline) -> None:
    put(orders, "bad.xlsx", b"no workbook")
    put(orders, "good.xlsx", book([["id", "v"], ["007", 1]]))

    first, second = orders.run(), orders.run()

    assert set_aside(orders) == {"bad.xlsx": "it is no workbook of Excel"}
    assert table(orders, "id", "v", "_source", "_row") == [("007", "1", "landing/good.xlsx", 1)]
    assert [run.assets[0].notes for run in (first, second)] == [(), ()]


def test_a_header_alone_lands_nothing_and_is_not_wrong(orders: Pipeline) -> None:
    put(orders, "a.xlsx", book([["id", "v"]]))

    run = orders.run()

    assert (run.assets[0].error, set_aside(orders), run.standing) == (None, {}, ())


def test_the_mark_of_an_open_workbook_is_no_file(orders: Pipeline) -> None:
    put(orders, "a.xlsx", book([["id"], [1]]))
    put(orders, "~$a.xlsx", b"\x05someone")

    record = orders.run().assets[0]

    assert (record.rows_published, record.notes, set_aside(orders)) == (1, (), {})


def test_which_of_several_sheets_is_read_is_said_once(orders: Pipeline) -> None:
    notes: Rows = [["about"], ["May"]]
    put(orders, "a.xlsx", book(notes, sheet="notes", before={"orders": [["id"], [1]]}))

    first = orders.run().assets[0]
    put(orders, "b.xlsx", book(notes, sheet="notes", before={"orders": [["id"], [2]]}))
    second = orders.run().assets[0]

    assert first.notes == (
        "landing/a.xlsx: of the sheets orders, notes the first is read, orders; "
        "sheet= names another",
    )
    assert (second.rows_published, second.notes) == (1, ())
    assert table(orders, "id") == [("1",), ("2",)]


def test_a_sheet_is_read_by_its_name_and_one_without_it_is_set_aside(pipeline: Pipeline) -> None:
    land_from(pipeline, options=', sheet="orders"')
    put(pipeline, "a.xlsx", book([["id"], [1]], before={"cover": [["hello"]]}))
    put(pipeline, "b.xlsx", book([["id"], [2]], sheet="Orders", before={"cover": []}))

    record = pipeline.run().assets[0]

    assert (table(pipeline, "id"), record.notes) == ([("1",)], ())
    assert set_aside(pipeline) == {"b.xlsx": "it has no sheet 'orders' but cover, Orders"}


@pytest.mark.parametrize("load", ["append", "snapshot"])
def test_a_workbook_that_was_set_aside_lands_once_the_right_sheet_is_named(
    pipeline: Pipeline, load: str
) -> None:
    land_from(pipeline, options=', sheet="order"', load=load)
    put(pipeline, "a.xlsx", book([["id"], [1]]))
    first = pipeline.run()
    land_from(pipeline, options=', sheet="orders"', load=load)

    second, third = pipeline.run(), pipeline.run()

    assert [len(each.standing) for each in (first, second, third)] == [1, 0, 0]
    assert table(pipeline, "id") == [("1",)]


def test_a_hidden_sheet_is_not_the_first(tmp_path: Path) -> None:
    made = Workbook()
    made.create_sheet("lists", 0).sheet_state = "hidden"
    for sheet, value in zip(made.worksheets, ("hidden", "shown"), strict=True):
        sheet.append(["v"])
        sheet.append([value])
    data = saved(made)

    assert read(tmp_path, data) == [("shown", 1)]
    assert read(tmp_path, data, Format("excel", sheet="lists")) == [("hidden", 1)]


def test_a_workbook_may_be_packed_and_be_one_of_macros(pipeline: Pipeline) -> None:
    land_from(pipeline, "*.xlsm.zip")
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w") as archive:
        archive.writestr("a.xlsm", book([["id"], [1]]))
    put(pipeline, "a.xlsm.zip", packed.getvalue())

    pipeline.run()

    assert table(pipeline, "id") == [("1",)]


def test_a_sheet_of_what_has_none_is_told(pipeline: Pipeline) -> None:
    land_from(pipeline, "*.csv", ', sheet="orders"')

    error = pipeline.run().assets[0].error

    said = "`sheet` names a sheet of a workbook, and the files landing/*.csv are none"
    assert error is not None and said in error.message


def test_any_name_may_be_read_as_a_workbook() -> None:
    assert files("landing/export-*", format="excel").how.kind == "excel"


def test_validate_knows_the_columns_that_arrived(orders: Pipeline) -> None:
    put(orders, "a.xlsx", book([["id", "v"], [1, "x"]]))
    orders.asset("silver.clean", CLEAN)
    orders.run("bronze.orders")

    right = orders.cli("validate")
    orders.edit("src/core/silver_clean.py", 'pl.col("id")', 'pl.col("idd")')
    wrong = orders.cli("validate")

    kept = json.loads((orders.root / "schemas" / "bronze.json").read_text(encoding="utf-8"))
    assert kept["bronze.orders"] == {"id": "String", "v": "String", "_row": "Int64"}
    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert "idd" in wrong.stdout


def test_without_the_library_it_says_how_to_have_it(
    orders: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(orders, "a.xlsx", book([["id"], [1]]))
    monkeypatch.setitem(sys.modules, "openpyxl", None)

    error = orders.run().assets[0].error

    assert error is not None
    assert (error.code, error.hint) == ("POL369", "pip install 'polster[excel]'")
    assert set_aside(orders) == {}
