"""Writing quarantined rows to a file that spreadsheets and other programs read."""

from __future__ import annotations

import errno
import json
import os
import re
from enum import StrEnum
from pathlib import Path
from secrets import token_hex
from typing import Any

import polars as pl

from polster.errors import LakehouseError, ScaffoldError
from polster.lakehouse.store import reaching
from polster.operations.history import asset_named
from polster.operations.open_project import Session
from polster.operations.quarantine import kept_rows, raise_if_missing, raise_unless_known
from polster.operations.quarantine_rule import raise_unless_rule

FORMULA = r"^[=+\-@\t\r]"
NUMBER = r"^[+\-]?[0-9]+([.,][0-9]+)?$"

SYSTEM_ERROR = re.compile(r"\(os error (\d+)\)")
ONLY_OF_WRITING = (errno.ENOSPC, errno.EFBIG, errno.EROFS, getattr(errno, "EDQUOT", errno.ENOSPC))


class ExportFormat(StrEnum):
    """How exported rows are written."""

    CSV = "csv"
    PARQUET = "parquet"


def export_quarantine(
    session: Session,
    name: str,
    target: Path,
    *,
    format: ExportFormat,
    rule: str | None = None,
    run_id: str | None = None,
) -> int:
    """Write the rows kept out of the asset ``name`` to ``target``, in one streaming pass.

    In CSV, lists and structs are written as JSON, bytes as hexadecimal digits and durations as
    ISO 8601 writes them; a text that a spreadsheet would take for a formula gets an apostrophe in
    front.

    Args:
        session: Whose asset.
        name: The asset.
        target: The file; appears when it is whole, and replaces one that is there.
        format: How the rows are written.
        rule: Only rows that broke it.
        run_id: Only rows of that run.

    Returns:
        Rows written; for none, there is a file with the columns alone, or an empty one if no row
        was ever kept out.

    Raises:
        UsageError: There is no such asset, environment, run or rule.
        LakehouseError: The quarantine cannot be read, or is missing.
        ScaffoldError: The file cannot be written.
    """
    asset = asset_named(session, name)
    key = asset.key
    lakehouse = session.lakehouse
    kept = kept_rows(lakehouse, key, rule=rule, run_id=run_id)
    frame = pl.LazyFrame() if kept is None else kept
    with reaching(lakehouse.quarantine(key).table.uri):
        rows = 0 if kept is None else int(kept.select(pl.len()).collect().item())
    if not rows:
        raise_unless_known(lakehouse, key, run_id)
    if kept is None:
        raise_if_missing(lakehouse, key, run_id)
    if not rows and rule is not None:
        raise_unless_rule(session, lakehouse, asset, rule)
    unfinished = target.with_name(f".{target.name}.{token_hex(4)}")
    try:
        unfinished.touch(mode=0o600)
        with reaching(lakehouse.quarantine(key).table.uri):
            if format is ExportFormat.CSV:
                _plain(frame).sink_csv(unfinished)
            else:
                frame.sink_parquet(unfinished)
        unfinished.replace(target)
    except LakehouseError as error:
        if (refusal := _refused_write(error.__cause__)) is None:
            raise
        raise _unwritten(target, refusal) from error
    except OSError as error:
        raise _unwritten(target, error.strerror or str(error)) from error
    finally:
        unfinished.unlink(missing_ok=True)
    return rows


def _refused_write(error: BaseException | None) -> str | None:
    """Say why the disk took no more; None if it was the reading that failed.

    Polars reads and writes in one pass, and of an error of the system keeps the number in a text.
    """
    found = SYSTEM_ERROR.search(str(error))
    return os.strerror(int(found[1])) if found and int(found[1]) in ONLY_OF_WRITING else None


def _unwritten(target: Path, why: str) -> ScaffoldError:
    return ScaffoldError(
        f"the rows cannot be written: {why}",
        code="POL503",
        place=str(target),
        hint="check that the folder exists, its permissions and the free space",
    )


def _plain(frame: pl.LazyFrame) -> pl.LazyFrame:
    """Return ``frame`` with values that CSV can hold."""
    schema = frame.collect_schema()
    nested = [name for name, dtype in schema.items() if dtype.is_nested()]
    plain = pl.Schema(
        {name: pl.String() if name in nested else dtype for name, dtype in schema.items()}
    )

    def write_nested(batch: pl.DataFrame) -> pl.DataFrame:
        return batch.with_columns(
            pl.Series(name, [_json(value) for value in batch[name].to_list()], pl.String())
            for name in nested
        )

    if nested:
        frame = frame.map_batches(write_nested, schema=plain, streamable=True)
    texts = pl.col(pl.String)
    is_formula = texts.str.contains(FORMULA) & ~texts.str.contains(NUMBER)
    return (
        frame.with_columns(
            pl.col(pl.Binary).bin.encode("hex"),
            pl.col(pl.Duration).dt.to_string("iso"),
            pl.col(pl.Categorical, pl.Enum).cast(pl.String),
        )
        .with_columns(pl.when(is_formula).then("'" + texts).otherwise(texts).name.keep())
        .rename({name: f"'{name}" for name in schema if re.match(FORMULA, name)})
    )


def _json(value: Any) -> str | None:
    return None if value is None else json.dumps(value, ensure_ascii=False, default=str)
