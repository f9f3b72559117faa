"""Making staged rows visible beside other writers: once, or not at all.

It knows of no way of writing and of no layer: what is to be done with a table that another writer
has changed meanwhile says the :class:`Write`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

from polster.errors import ConflictError
from polster.lakehouse.table import ATTEMPTS, UncertainCommitError, wait_for_others
from polster.lakehouse.table_version import TableVersion
from polster.runtime.gate import Gate
from polster.runtime.stage import Staged
from polster.runtime.writes.target import Target
from polster.runtime.writes.write import Unneeded, Write

Describe = Callable[[int], Mapping[str, Any]]
"""Returns the metadata of the commit that makes a version."""


def publish(
    write: Write,
    staged: Staged,
    current: TableVersion | None,
    *,
    target: Target,
    gate: Gate,
    describe: Describe,
) -> TableVersion | Unneeded:
    """Commit staged rows, the quarantine first, so that a kill in between loses none.

    Args:
        write: The way of writing; it has settled ``staged`` for ``current``.
        staged: The rows, judged.
        current: The newest version; None if there is no table, or if its log is not whole.
        target: Where they go.
        gate: Asked before each commit.
        describe: As above.

    Returns:
        The version that was made, or why none was.

    Raises:
        BehindError: Another run published from inputs that are in part newer.
        ConflictError: Other writers were faster again and again.
        InterruptedRunError: The gate is closed.
        UncertainCommitError: The store failed in a way that leaves open whether it did.
        LakehouseError: The table cannot be written.
    """
    try:
        if staged.rejected:
            with gate.open():
                staged.rejected.commit({"asset": str(target.table.key), "published": True})
        if staged.superseding:
            with gate.open():
                staged.superseding.commit()
        done = _commit(write, staged, current, target=target, gate=gate, describe=describe)
    except UncertainCommitError:
        staged.keep()
        raise
    except BaseException:
        _withdraw(staged)
        raise
    if isinstance(done, Unneeded):
        _withdraw(staged)
    return done


def _commit(
    write: Write,
    staged: Staged,
    current: TableVersion | None,
    *,
    target: Target,
    gate: Gate,
    describe: Describe,
) -> TableVersion | Unneeded:
    for attempt in range(ATTEMPTS):
        with suppress(ConflictError):
            if current is not None:
                current = write.prepare(staged, current, gate)
            change = write.plan(staged, current)
            said = describe(0 if current is None else current.version + 1)
            change = replace(change, metadata={**said, **change.metadata})
            with gate.open():
                made = target.commit(change, onto=current)
                staged.keep()
            return made
        wait_for_others(attempt)
        before, current = current, write.newest()
        if current is not None:
            overtaken = (
                None
                if _only_merged(target, before, current)
                else (write.overtaken(staged, current))
            )
            if overtaken is not None:
                return overtaken
            write.settle(staged, current, again=True)
    raise ConflictError(
        f"other writers were faster {ATTEMPTS} times",
        code="POL402",
        place=target.table.uri,
        hint="run it again when no other run is writing this table",
    )


def _only_merged(target: Target, before: TableVersion | None, now: TableVersion) -> bool:
    """Tell whether nobody published between two versions: upkeep merged files, say."""
    then = None if before is None else target.published(before)
    found = target.published(now)
    if then is None or found is None:
        return False
    return (then.version, then.run_id) == (found.version, found.run_id)


def _withdraw(staged: Staged) -> None:
    """Take back what was committed to the quarantine: the rows beside it are not published."""
    if staged.rejected:
        staged.rejected.withdraw()
    if staged.superseding:
        staged.superseding.withdraw()
