"""Places that are written into the code: folders of one machine, and stores of one company."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from polster.checks.habits.credentials import credential
from polster.checks.habits.known import TEXT_METHODS
from polster.checks.habits.sighting import ABOVE_BRONZE, EVERY_LAYER, Seen, Sighting
from polster.checks.habits.unit import Text
from polster.model.finding import Severity

LONGEST = 500
MACHINE = re.compile(
    r"/(home|Users|root|mnt|media|Volumes|private|tmp)/[^/\s]"
    r"|~[\w\-]*/[\w.]"
    r"|[A-Za-z]:[\\/][^\\/\s]"
    r"|\\\\[\w.\-]+\\[\w$.\-]"
    r"|file:///[^/\s]"
)
SYSTEM = re.compile(r"/(dbfs|etc|lakehouse|opt|srv|usr|var)/[^/\s]")
ROOTED = re.compile(r"/[^/\s]+/[^/]")
STORE = re.compile(
    r"(s3[an]?|abfss?|azure?|adl|gs|gcs|hdfs|dbfs|wasbs?|s?ftp|jdbc:\w+|mongodb(\+srv)?|redis"
    r"|(postgres(ql)?|mysql|mariadb|mssql|oracle|snowflake|bigquery|clickhouse|trino|redshift"
    r"|sqlite|duckdb)(\+\w+)?)://+[^/\s]|dbfs:/\w",
    re.IGNORECASE,
)
DATA_FILE = re.compile(
    r"\.(avro|csv|tsv|json|jsonl|ndjson|parquet|pq|xlsx?|ods|txt|xml|zip|gz|zst|db|sqlite|duckdb"
    r"|feather|arrow|ipc)$",
    re.IGNORECASE,
)
PLACE_NAME = re.compile(r"(^|_)(dir|directory|file|files|filename|folder|landing|path|root)$", re.I)
PLACE_TAKERS = re.compile(
    r"pathlib\.\w*Path|builtins\.open|os\.(path\.)?\w+|polars\.(read|scan)_\w+|glob\.i?glob"
)
PATTERN_SIGNS = re.compile(r"[\^|+()]|\\[dwsbDWSB.]|%[YmdHMS]")


def addresses(seen: Seen) -> Iterator[Sighting]:
    """Yield the texts that are places outside the project: POL601.

    Bronze may name its source, so there only the folders of one machine count.
    """
    for text in seen.unit.texts:
        if text.is_compared or len(text.value) > LONGEST or not _may_be_place(text):
            continue
        layers = EVERY_LAYER if MACHINE.match(text.value) else ABOVE_BRONZE
        if layers is ABOVE_BRONZE and not _is_place(seen, text):
            continue
        if credential(text) is not None:  # which is told, and not shown
            continue
        shown = text.value if len(text.value) <= 60 else f"{text.value[:57]}…"
        yield Sighting(
            "POL601",
            text.node.lineno,
            text.node.col_offset,
            f"names a place outside the project: `{_without_user(shown)}`",
            "write the path relative to the project's folder, or read it from an environment "
            "variable"
            if layers is EVERY_LAYER
            else "land it with a bronze asset, whose source the address is",
            Severity.WARNING,
            layers,
        )


def _may_be_place(text: Text) -> bool:
    if not text.value or (text.value[0] not in "/~\\" and ":" not in text.value[:30]):
        return False
    if text.name in ("regex", "pattern", "format", "description", "reason"):
        return False
    func = text.call.func if text.call is not None else None
    if isinstance(func, ast.Attribute) and func.attr in TEXT_METHODS:
        return False
    return "://" in text.value or ":" in text.value[:2] or not PATTERN_SIGNS.search(text.value)


def _is_place(seen: Seen, text: Text) -> bool:
    value = text.value
    if STORE.match(value) or SYSTEM.match(value):
        return True
    if not ROOTED.match(value):
        return False
    if DATA_FILE.search(value) or (text.name is not None and PLACE_NAME.search(text.name)):
        return True
    meaning = seen.meaning(text.call.func) if text.call is not None else None
    return meaning is not None and PLACE_TAKERS.fullmatch(meaning) is not None


def _without_user(place: str) -> str:
    return re.sub(r"://[^/\s]*@", "://…@", place)
