"""Files that hold one record after the other in a frame of their own, as lines of JSON.

One list of JSON, however long, is taken apart by ``ijson``; XML of one record's tag by ``lxml``,
which resolves no entities and asks no network. Either is read a piece at a time.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from polster.sources.file_text import PIECE_BYTES, UnreadableFileError, library

VALUE = "value"
"""The field of an element of XML that has text and attributes, or other elements, too."""


@contextmanager
def as_lines(path: Path, tag: str | None, scratch: Path) -> Iterator[Path]:
    """Give the records of a file as lines of JSON, for as long as they are read.

    Args:
        path: The file.
        tag: Of a record of XML; None if the file is JSON.
        scratch: The folder for the lines.

    Raises:
        UnreadableFileError: It is malformed.
        AssetError: The library is not installed.
    """
    with NamedTemporaryFile(
        "w", encoding="utf-8", dir=scratch, suffix=".jsonl", delete=False
    ) as target:
        made = Path(target.name)
        try:
            for record in _of_json(path) if tag is None else _of_xml(path, tag):
                target.write(json.dumps(record, ensure_ascii=False) + "\n")
            target.close()
            yield made
        finally:
            made.unlink()


def _of_json(path: Path) -> Iterator[Any]:
    ijson = library("ijson", "json")
    with path.open("rb") as opened:
        if not opened.read(PIECE_BYTES).lstrip().startswith(b"["):
            raise UnreadableFileError("it is no list of records")
        opened.seek(0)
        try:
            for number, record in enumerate(ijson.items(opened, "item", use_float=True), 1):
                if not isinstance(record, dict):
                    raise UnreadableFileError(f"record {number} is no JSON object")
                yield record
        except ijson.JSONError as error:
            raise UnreadableFileError(f"it is no JSON: {_said(error)}") from error


def _of_xml(path: Path, tag: str) -> Iterator[Any]:
    """Yield each element of a name, wherever it stands; what else there is, is passed over."""
    etree = library("lxml.etree", "xml")
    with path.open("rb") as opened:
        events = etree.iterparse(
            opened,
            events=("start", "end"),
            resolve_entities=False,
            no_network=True,
            load_dtd=False,
            huge_tree=False,
        )
        try:
            yield from _records(etree, events, tag)
        except etree.XMLSyntaxError as error:
            raise UnreadableFileError(f"it is no XML: {_said(error)}") from error


def _records(etree: Any, events: Any, tag: str) -> Iterator[Any]:
    depth = 0
    for number, (event, element) in enumerate(events):
        if number == 0 and element.getroottree().docinfo.internalDTD is not None:
            raise UnreadableFileError("it has a DOCTYPE, which may say anything of its text")
        is_record = isinstance(element.tag, str) and etree.QName(element).localname == tag
        if is_record:
            depth += 1 if event == "start" else -1
        if event == "start" or depth:
            continue
        if is_record:
            found = _said_by(etree, element)
            yield found if isinstance(found, dict) else {VALUE: found}
        element.clear()
        while element.getprevious() is not None:
            del element.getparent()[0]


def _said_by(etree: Any, element: Any) -> Any:
    """Return what an element holds: its text; or its attributes and elements by name."""
    text = (element.text or "").strip() or None
    fields: dict[str, Any] = {etree.QName(n).localname: said for n, said in element.attrib.items()}
    for child in element:
        if not isinstance(child.tag, str):  # a comment
            continue
        name, said = etree.QName(child).localname, _said_by(etree, child)
        if name not in fields:
            fields[name] = said
        elif isinstance(fields[name], list):
            fields[name].append(said)
        else:
            fields[name] = [fields[name], said]
    if not fields:
        return text
    return fields if text is None else {**fields, VALUE: text}


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
