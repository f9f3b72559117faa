"""Reading, writing and collecting: what only bronze, or only Polster, does."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from polster.checks.habits.known import (
    CLIENTS,
    FRAME_PACKAGES,
    HARMLESS,
    OPENERS,
    PANDAS_WRITERS,
    PATH_READS,
    PATH_WRITES,
    READS,
    STARTERS,
    SURE_PATH_READS,
    SURE_PATH_WRITES,
    WRITES,
    WRITING_MODULES,
)
from polster.checks.habits.sighting import ABOVE_BRONZE, EVERY_LAYER, Seen, Sighting, Use
from polster.model.finding import Edit, Severity

FORMATS = (
    "avro|clipboard|csv|csv_batched|database|database_uri|delta|excel|iceberg|ipc|ipc_stream|json"
    "|lines|ndjson|ods|parquet|parquet_metadata|parquet_schema|ipc_schema|pyarrow_dataset"
)
READER = re.compile(rf"(read|scan)_({FORMATS})")
WRITER = re.compile(rf"(write|sink)_({FORMATS}|batches)")
AS_TEXT = frozenset({"write_csv", "write_json", "write_ndjson"})
"""Writers that return the text when they are given no place."""

DELTA_WRITERS = frozenset({"write_delta", "sink_delta"})
COLLECTS = frozenset({"collect", "collect_async", "collect_batches", "fetch"})
METHODS = re.compile(
    "|".join(sorted({"read_", "scan_", "write_", "sink_", *PANDAS_WRITERS, *PATH_READS}))
    + "|"
    + "|".join(sorted({*PATH_WRITES, *COLLECTS}))
)
"""Beginnings of the methods that may be wrong, so that the others are passed by at once."""

COLLECT_ALL = frozenset({"polars.collect_all", "polars.collect_all_async"})


def outside(seen: Seen, use: Use) -> Iterator[Sighting]:
    """Yield what is wrong with ``use`` above bronze: POL603, POL604 or POL605."""
    if use.method is not None and not METHODS.match(use.method):
        return
    if _writes(seen, use):
        is_delta = use.method in DELTA_WRITERS or use.meaning == "deltalake.write_deltalake"
        yield Sighting(
            "POL604",
            *use.place,
            f"writes by hand with `{use.written}`",
            "return the frame: Polster judges it and publishes it, and a table has one writer",
            Severity.ERROR,
            EVERY_LAYER if is_delta else ABOVE_BRONZE,
        )
    elif _reads(seen, use):
        yield Sighting(
            "POL603",
            *use.place,
            f"reaches outside its inputs with `{use.written}`",
            "land it with a bronze asset, and take that as a parameter",
            Severity.ERROR,
        )
    elif _collects(use):
        yield Sighting(
            "POL605",
            *use.place,
            f"collects with `{use.written}`",
            "return the lazy frame: Polster collects once, when it publishes",
            Severity.WARNING,
            fix=_without_collect(seen, use),
        )


def _reads(seen: Seen, use: Use) -> bool:
    name = use.meaning
    if name is not None:
        if name in READS or _is_client(name) or name.startswith(STARTERS):
            return True
        last = name.rpartition(".")[2]
        if name.startswith(FRAME_PACKAGES):
            return last.startswith(("read_", "scan_")) and not _is_in_memory(seen, use)
        return READER.fullmatch(last) is not None and not seen.is_defined(name)
    method = use.method or ""
    if READER.fullmatch(method) or method in SURE_PATH_READS:
        return True
    return method in PATH_READS and _is_path(use)


def _writes(seen: Seen, use: Use) -> bool:
    name, method = use.meaning, use.method or ""
    if name is not None:
        last = name.rpartition(".")[2]
        if last in OPENERS and (name in READS or name.startswith("fsspec.")):
            return _is_for_writing(use, 1)
        if name.startswith(WRITING_MODULES):
            return name not in HARMLESS
        is_writer = WRITER.fullmatch(last) is not None and not seen.is_defined(name)
        return name in WRITES or is_writer
    if method in AS_TEXT or method in PANDAS_WRITERS:
        return use.call is not None and _is_given_a_place(use.call)
    if WRITER.fullmatch(method) or method in SURE_PATH_WRITES:
        return True
    if not _is_path(use):
        return False
    return method in PATH_WRITES or (method == "open" and _is_for_writing(use, 0))


def _is_given_a_place(call: ast.Call) -> bool:
    places = ("file", "path_or_buf", "path", "excel_writer", "con", "target")
    return bool(call.args) or any(keyword.arg in (*places, None) for keyword in call.keywords)


def _is_path(use: Use) -> bool:
    return (use.origin or "").startswith("pathlib.")


def _is_for_writing(use: Use, position: int) -> bool:
    if use.call is None:
        return False
    given = [keyword.value for keyword in use.call.keywords if keyword.arg == "mode"]
    given += use.call.args[position : position + 1]
    mode = given[0].value if given and isinstance(given[0], ast.Constant) else None
    return isinstance(mode, str) and bool(set(mode) & set("wax+"))


def _is_in_memory(seen: Seen, use: Use) -> bool:
    """Tell whether what is read stands in memory already: ``pl.read_csv(io.StringIO(…))``."""
    if use.call is None or not use.call.args:
        return False
    return (seen.origin(use.call.args[0]) or "").startswith("io.")


def _is_client(name: str) -> bool:
    if ".exceptions." in name or name.endswith(("Error", "Exception", "Warning")):
        return False
    return name.startswith(CLIENTS)


def _collects(use: Use) -> bool:
    if use.meaning is not None:
        return use.meaning in COLLECT_ALL or (
            use.meaning.startswith("polars.LazyFrame.")
            and use.meaning.rpartition(".")[2] in COLLECTS
        )
    return use.method in COLLECTS and not use.is_foreign


def _without_collect(seen: Seen, use: Use) -> Edit | None:
    """Return the edit that takes the last ``.collect()`` of a function away."""
    call, node = use.call, seen.unit.node
    if (
        call is None
        or use.method != "collect"
        or call not in seen.unit.returned
        or not isinstance(node, ast.FunctionDef)
        or (node.returns is not None and "LazyFrame" not in ast.unparse(node.returns))
        or call.args
        or any(keyword.arg != "engine" for keyword in call.keywords)
        or call.end_lineno is None
        or call.end_col_offset is None
    ):
        return None
    line, offset = use.place
    before = seen.module.line(line)[:offset].rstrip()
    if not before.endswith(b"."):
        return None
    start_line, start = line, len(before) - 1
    behind = seen.module.line(call.end_lineno)[call.end_col_offset :].strip()
    if not before[:-1].strip() and not behind and line > 1:  # the call has lines of its own
        start_line, start = line - 1, len(seen.module.line(line - 1))
    return Edit(seen.module.file, start_line, start, call.end_lineno, call.end_col_offset, "")
