"""Why the files of a source do not fit together, where Polars says only that they do not."""

from __future__ import annotations

import ast
import json
from collections.abc import Iterator
from dataclasses import replace
from itertools import islice
from pathlib import Path
from typing import Any

import polars as pl

from polster.model.asset import Asset
from polster.model.record import Failure

TYPES_CHANGED = "POL406"
MOST_FILES = 1_000
MOST_LINES = 1_000_000
"""How far a file of JSON lines is looked through; a hint is not worth more."""
JSON_LINES = (".jsonl", ".ndjson")
READERS = {".csv": "scan_csv", ".parquet": "scan_parquet", ".jsonl": "scan_ndjson"}


def drift_hint(error: BaseException, source: Path, root: Path) -> str | None:
    """Say which file, or which line, is not like the others that a bronze function reads.

    Args:
        error: What Polars raised.
        source: The file of the function; the paths that are written out in it are looked at.
        root: The project's folder, which relative paths mean.
    """
    if not isinstance(error, pl.exceptions.PolarsError):
        return None
    for pattern, reading in _patterns(source).items():
        files = _files(pattern, root)
        if hint := _other_columns(files, pattern, reading, root) or _other_values(files, root):
            return hint
    return None


def with_odd_file(failure: Failure, asset: Asset, root: Path) -> Failure:
    """Name in a failure the file whose types are not those of the others, if there is one.

    Args:
        failure: Of a bronze asset; another than that its source's types do not fit comes back.
        asset: Whose function reads the files.
        root: The project's folder.
    """
    if failure.code != TYPES_CHANGED:
        return failure
    for pattern in _patterns(root / asset.file):
        files = _files(pattern, root)[:MOST_FILES]
        if said := _other_types(files, root, refused=failure.message):
            return replace(failure, hint=f"{said}; {failure.hint}")
    return failure


def _files(pattern: str, root: Path) -> list[Path]:
    start = Path(pattern).anchor
    try:
        return sorted(Path(start or root).glob(pattern.removeprefix(start)))
    except (OSError, ValueError, NotImplementedError):
        return []  # text that only looks like a path


def _patterns(source: Path) -> dict[str, str]:
    """Return the paths that are written out, each with what reads one `file` of them."""
    try:
        tree = ast.parse(source.read_bytes())
    except (OSError, SyntaxError, ValueError):
        return {}
    found: dict[str, str] = {}
    for node in ast.walk(tree):  # a call before what stands in it
        reading: str | None = None
        match node:
            case ast.Call(
                func=ast.Attribute(attr=method),
                args=[ast.Constant(value=str(text))],
                keywords=keywords,
            ) if method.startswith(("scan_", "read_")):
                options = "".join(f", {ast.unparse(each)}" for each in keywords)
                reading = f"{ast.unparse(node.func)}(file{options})"
            case ast.Constant(value=str(text)):
                pass
            case _:
                continue
        suffix = Path(text).suffix
        if suffix in (*READERS, *JSON_LINES):
            found.setdefault(text, reading or f"pl.{READERS.get(suffix, 'scan_ndjson')}(file)")
    return found


def _other_columns(files: list[Path], pattern: str, reading: str, root: Path) -> str | None:
    beginnings = [_columns(file) for file in files]
    for file, beginning in zip(files, beginnings, strict=True):
        if beginning != beginnings[0]:
            folder, name = Path(pattern).parent.as_posix(), Path(pattern).name
            return (
                f"`{_short(file, root)}` has other columns than `{_short(files[0], root)}`; write "
                "`from pathlib import Path` at the top of the file, and read each file by itself: "
                f"pl.concat([{reading} for file in "
                f'sorted(Path("{folder}").glob("{name}"))], how="diagonal_relaxed")'
            )
    return None


def _columns(file: Path) -> object:
    """Return what the columns of a file are known by."""
    try:
        if file.suffix == ".parquet":
            return pl.read_parquet_schema(file)
        if file.suffix == ".csv":
            with file.open("rb") as opened:
                return opened.readline().strip()
    except (OSError, pl.exceptions.PolarsError):
        return None
    return None


def _other_types(files: list[Path], root: Path, *, refused: str) -> str | None:
    """Find the first file in which a column is of another type than in the first of all.

    Args:
        files: As they are read, one after the other.
        root: The project's folder.
        refused: Why they were; a column that it does not name is passed over.
    """
    first: tuple[Path, pl.Schema] | None = None
    for file in files:
        try:
            match file.suffix:
                case ".csv":
                    types = pl.scan_csv(file, glob=False).collect_schema()
                case ".parquet":
                    types = pl.Schema(pl.read_parquet_schema(file))
                case _:
                    return None
        except (OSError, pl.exceptions.PolarsError):
            continue
        first = first or (file, types)
        before, known = first
        for name, dtype in types.items():
            if name in known and known[name] != dtype and f"`{name}` was " in refused:
                return (
                    f"`{name}` is {dtype} in `{_short(file, root)}` and {known[name]} in "
                    f"`{_short(before, root)}`"
                )
    return None


def _other_values(files: list[Path], root: Path) -> str | None:
    """Find the first value of JSON lines that is of another kind than the same name had before."""
    kinds: dict[str, type] = {}
    for file in files:
        if file.suffix not in JSON_LINES:
            continue
        for number, record in _records(file):
            for name, value in record.items():
                kind = kinds.setdefault(name, type(value)) if value is not None else None
                if kind is None or kind is type(value):
                    continue
                fits = "Float64" if {kind, type(value)} == {int, float} else "String"
                return (
                    f"`{name}` is of another kind in line {number} of `{_short(file, root)}` than "
                    f'before; say what it is: schema_overrides={{"{name}": pl.{fits}}}'
                )
    return None


def _records(file: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    try:
        with file.open("rb") as lines:
            for number, line in enumerate(islice(lines, MOST_LINES), start=1):
                record = json.loads(line) if line.strip() else None
                if isinstance(record, dict):
                    yield number, record
    except (OSError, ValueError):
        return


def _short(file: Path, root: Path) -> str:
    return (file.relative_to(root) if file.is_relative_to(root) else file).as_posix()
