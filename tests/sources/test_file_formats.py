"""Avro, XML and long lists of JSON: each read whole and exact, or told to be malformed."""

from __future__ import annotations

import io
import json
import sys
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any

import fastavro
import polars as pl
import pytest

from polster.errors import AssetError
from polster.model.record import AssetRecord
from polster.sources import file_rows, files

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SCHEMA = {
    "type": "record",
    "name": "Order",
    "fields": [
        {"name": "id", "type": "long"},
        {"name": "note", "type": ["null", "string"]},
        {"name": "day", "type": {"type": "int", "logicalType": "date"}},
        {"name": "at", "type": {"type": "long", "logicalType": "timestamp-micros"}},
        {
            "name": "amount",
            "type": {"type": "bytes", "logicalType": "decimal", "precision": 12, "scale": 2},
        },
        {"name": "kind", "type": {"type": "enum", "name": "Kind", "symbols": ["A", "B"]}},
        {"name": "parts", "type": {"type": "array", "items": "int"}},
        {
            "name": "who",
            "type": {"type": "record", "name": "Who", "fields": [{"name": "x", "type": "double"}]},
        },
        {"name": "again", "type": ["null", "Who"]},
        {"name": "more", "type": {"type": "map", "values": "int"}},
        {"name": "either", "type": ["null", "int", "string"]},
    ],
}
ORDER = {
    "id": 2**40,
    "note": None,
    "day": date(2026, 1, 2),
    "at": datetime(2026, 1, 2, 3, 4, 5, 6, tzinfo=UTC),
    "amount": Decimal("1234567890.12"),
    "kind": "A",
    "parts": [1, 2],
    "who": {"x": 1.5},
    "again": {"x": 2.5},
    "more": {"k": 1},
    "either": "x",
}
LAUGHS = """<?xml version="1.0"?>
<!DOCTYPE lolz [<!ENTITY lol "lol"><!ENTITY lol2 "&lol;&lol;&lol;&lol;&lol;&lol;&lol;&lol;">
<!ENTITY lol3 "&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;&lol2;">]>
<orders><order><id>&lol3;</id></order></orders>"""
OUTSIDE = """<?xml version="1.0"?>
<!DOCTYPE x [<!ENTITY secret SYSTEM "file:///etc/passwd">]>
<orders><order><id>&secret;</id></order></orders>"""


def landed(pipeline: Pipeline, pattern: str, arguments: str = "") -> AssetRecord:
    pipeline.asset(
        "bronze.orders",
        f"""
        from polster.sources import files

        @bronze(load="append")
        def orders():
            return files("landing/{pattern}", {arguments})
        """,
    )
    (record,) = pipeline.run("bronze.orders").assets
    return record


def told(pipeline: Pipeline) -> str:
    """Return what stands against the table."""
    (warning,) = pipeline.runs[-1].standing
    return warning.message


def rows(pipeline: Pipeline) -> list[dict[str, Any]]:
    table = pl.read_delta(str(pipeline.data / "bronze/orders")).sort("_row")
    return table.drop("_ingested_at", "_batch_id", "_source", "_row").to_dicts()


def put(pipeline: Pipeline, name: str, content: bytes) -> None:
    path = pipeline.root / "landing" / name
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(content)


def avro(records: list[dict[str, Any]]) -> bytes:
    target = io.BytesIO()
    fastavro.writer(target, fastavro.parse_schema(dict(SCHEMA)), records, codec="deflate")
    return target.getvalue()


def test_avro_keeps_its_types(pipeline: Pipeline) -> None:
    put(pipeline, "a.avro", avro([ORDER, {**ORDER, "again": None, "either": 7}]))

    assert landed(pipeline, "*.avro").error is None

    table = pl.read_delta(str(pipeline.data / "bronze/orders"))
    assert table.schema["amount"] == pl.Decimal(12, 2)
    first, second = rows(pipeline)
    assert json.loads(first.pop("more")) == {"k": 1}
    assert first.pop("either") == '"x"'
    assert first == {name: said for name, said in ORDER.items() if name not in ("more", "either")}
    assert (second["again"], second["either"]) == (None, "7")


@pytest.mark.parametrize("cut", [10, 200])
def test_avro_that_is_cut_is_set_aside(pipeline: Pipeline, cut: int) -> None:
    put(pipeline, "a.avro", avro([ORDER])[:-cut])
    put(pipeline, "b.avro", avro([ORDER]))

    record = landed(pipeline, "*.avro")

    assert record.error is None, record.error
    assert record.rows_published == 1
    assert "no whole Avro" in told(pipeline)


def test_xml_lands_one_row_an_element(pipeline: Pipeline) -> None:
    xml = """<?xml version="1.0" encoding="iso-8859-1"?>
    <export xmlns="urn:x"><head><id>not an order</id></head>
      <orders>
        <order no="1"><id>007</id><who><name>J\xf6rg</name></who><tag>a</tag><tag>b</tag></order>
        <!-- a comment -->
        <order no="2"><id/><who><name>Ann &amp; Bob</name></who><tag>c</tag><tag>d</tag></order>
        <other/>
      </orders></export>"""
    put(pipeline, "a.xml", xml.encode("iso-8859-1"))

    assert landed(pipeline, "*.xml", 'record="order"').error is None
    assert rows(pipeline) == [
        {"no": "1", "id": "007", "who": {"name": "J\xf6rg"}, "tag": ["a", "b"]},
        {"no": "2", "id": None, "who": {"name": "Ann & Bob"}, "tag": ["c", "d"]},
    ]


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (LAUGHS, "it has a DOCTYPE"),
        (OUTSIDE, "it has a DOCTYPE"),
        ("<orders><order><id>1</id></order>", "it is no XML"),
        ("not at all", "it is no XML"),
    ],
    ids=["laughs", "outside", "cut", "text"],
)
def test_xml_that_is_dangerous_or_malformed_is_set_aside(
    pipeline: Pipeline, text: str, said: str
) -> None:
    put(pipeline, "a.xml", text.encode())
    put(pipeline, "b.xml", b"<orders><order><id>1</id></order></orders>")

    record = landed(pipeline, "*.xml", 'record="order"')

    assert record.error is None, record.error
    assert [row["id"] for row in rows(pipeline)] == ["1"]
    assert said in told(pipeline)


@pytest.mark.parametrize("large", [False, True], ids=["small", "large"])
def test_a_list_of_json_is_read_alike_however_long(
    pipeline: Pipeline, large: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if large:
        monkeypatch.setattr(file_rows, "LARGE_BYTES", 10)
    records = [{"id": n, "x": n / 2, "who": {"name": "J\xf6rg"}} for n in range(500)]
    put(pipeline, "a.json", json.dumps(records).encode())

    assert landed(pipeline, "*.json").error is None
    assert rows(pipeline) == records


@pytest.mark.parametrize("text", ['[{"id": 1}, {"id": ', '{"id": 1}' * 20, "[1, 2, 3, 4, 5]"])
def test_a_long_list_that_is_none_is_set_aside(
    pipeline: Pipeline, text: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(file_rows, "LARGE_BYTES", 10)
    put(pipeline, "a.json", text.encode())

    record = landed(pipeline, "*.json")

    assert record.error is None, record.error
    assert "a.json" in told(pipeline)
    assert record.rows_published == 0


@pytest.mark.parametrize(
    ("name", "module", "extra"),
    [("a.avro", "fastavro", "avro"), ("a.xml", "lxml.etree", "xml"), ("a.json", "ijson", "json")],
)
def test_without_the_library_it_says_how_to_have_it(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, name: str, module: str, extra: str
) -> None:
    monkeypatch.setattr(file_rows, "LARGE_BYTES", 1)
    monkeypatch.setitem(sys.modules, module, None)
    put(pipeline, name, b'[{"id": 1}]')

    record = landed(pipeline, f"*{Path(name).suffix}", 'record="x"' if extra == "xml" else "")

    assert record.error is not None
    assert (record.error.code, record.error.hint) == (
        "POL366",
        f"pip install 'polster[{extra}]'",
    )


@pytest.mark.parametrize(
    ("pattern", "arguments", "said"),
    [
        ("landing/*.xml", {}, "nothing says which element"),
        ("landing/*.csv", {"record": "order"}, "`record` names an element of XML"),
    ],
)
def test_what_a_record_is_belongs_to_xml(
    pattern: str, arguments: dict[str, Any], said: str
) -> None:
    with pytest.raises(AssetError, match=said):
        files(pattern, **arguments)
