"""Why an asset failed, as a value: the user's mistake, a store that refuses, or a bug of ours."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

from polster.errors import AssetError, LakehouseError, PolsterError
from polster.lakehouse.store import said_by_store
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import Asset
from polster.model.layer import Layer
from polster.model.record import Failure
from polster.project.load import in_short, said_by, user_place, user_trace, without_values
from polster.project.shared_process import Misuse, misuse_here
from polster.runtime.call import missing_hint
from polster.runtime.drift import drift_hint
from polster.runtime.gate import Gate, InterruptedRunError

MISUSED = "POL342"
DISK_REFUSES = re.compile(r"\(os error (27|28|30|122)\)")
"""Too large, no space, read-only, over quota: Polars says it without naming the file."""


def computing_failed(
    error: BaseException,
    asset: Asset,
    table: Table,
    inputs: Collection[TableVersion],
    references: Collection[TableVersion],
    root: Path,
) -> PolsterError:
    """Say why the frame of an asset cannot be computed.

    Args:
        error: What Polars, or a function that it called, raised.
        asset: Whose frame.
        table: Where its rows were to be staged.
        inputs: What its function reads.
        references: What its rows refer to.
        root: The project's folder.
    """
    text = said_by(error)
    if DISK_REFUSES.search(text) or (isinstance(error, OSError) and _folder(table) in text):
        return LakehouseError(
            f"the lakehouse cannot be written: {said_by_store(error)}",
            code="POL403",
            place=table.uri,
            hint="check permissions and free space there; nothing was published",
        )
    gone = [each for each in (*inputs, *references) if _folder(each) in text]
    if isinstance(error, FileNotFoundError) and gone:
        return LakehouseError(
            f"the table of `{gone[0].key}` cannot be read: {said_by_store(error)}",
            code="POL401",
            place=gone[0].uri,
            hint="its files were deleted: restore them, or move the folder away and run again",
        )
    hint = missing_hint(error, {str(each.key): each.schema for each in inputs})
    if isinstance(error, FileNotFoundError):
        hint = "relative paths mean the project's folder"
    elif hint is None and asset.key.layer is Layer.BRONZE:
        hint = drift_hint(error, root / asset.file, root)
    return AssetError(
        f"the frame cannot be computed: {in_short(error)}",
        code="POL305",
        place=user_place(error, root) or asset.place,
        hint=hint,
        trace=user_trace(error),
        kept=f"the frame cannot be computed: {without_values(error)}",
    )


def _folder(table: Table | TableVersion) -> str:
    """Return the end of a table's folder: of a long path, Polars shows no more."""
    return "/".join(table.uri.split("/")[-3:])


def is_interrupt(error: BaseException, gate: Gate) -> bool:
    """Tell whether the run was interrupted, or whether a function only says so."""
    if isinstance(error, InterruptedRunError):
        return True
    raised = error.__cause__ if isinstance(error, AssetError) else error
    return isinstance(raised, KeyboardInterrupt) and gate.is_closed


def failure_of(error: BaseException, asset: Asset) -> Failure:
    """Say why an asset failed; what its code tried to do to the process comes first."""
    misuse = misuse_here(error)
    if misuse is not None:
        return failure(misused(misuse, asset))
    if isinstance(error, PolsterError):
        return failure(error)
    return Failure(
        "POL900",
        f"Polster stumbled: {in_short(error)}",
        hint="please report this as a bug of Polster, with the traceback",
        place=asset.place,
        trace=user_trace(error),
        kept=f"Polster stumbled: {without_values(error)}",
    )


@contextmanager
def naming_misuse(asset: Asset) -> Iterator[None]:
    """Fail if the code of ``asset`` does what it must not, whatever it makes of the refusal.

    Raises:
        AssetError: It did.
    """
    misuse_here()  # of somebody else, who was asked already
    raised: BaseException | None = None
    try:
        yield
    except BaseException as error:
        raised = error
        raise
    finally:
        if misuse := misuse_here(raised):
            raise misused(misuse, asset, code=f"the code of `{asset.key}`") from None


def misused(misuse: Misuse, asset: Asset, *, code: str = "its code") -> AssetError:
    """Say what the code of an asset tried to do to the process that all assets share."""
    return AssetError(
        f"{code} {misuse.deed}, which all assets of a run share",
        code=MISUSED,
        place=misuse.place or asset.place,
        hint=misuse.hint,
    )


def failure(error: PolsterError) -> Failure:
    """Return an error as the value that a record keeps."""
    found = Failure(error.code, error.message, error.hint, error.place)
    if isinstance(error, AssetError):
        return replace(found, trace=error.trace, kept=error.kept)
    return found
