"""The child: reads a task from stdin, writes what it finds to stdout, as pickles."""

from __future__ import annotations

import gc
import os
import pickle
import sys
import time
import traceback
from collections.abc import Mapping
from importlib import import_module
from pathlib import Path

import polars as pl

from polster.checks.examined import Examined
from polster.checks.examined_json import examined_to_json
from polster.checks.worker.bronze_columns import BronzeColumns
from polster.checks.worker.guard import Guard, drop_secrets
from polster.checks.worker.progress import Progress
from polster.checks.worker.task import Answer, Reading, Task, inputs_digest
from polster.checks.worker.upstream import upstream_from_text, upstream_text
from polster.checks.worker.zero_rows import Examiner
from polster.errors import LakehouseError
from polster.model.asset import Asset, AssetKey
from polster.model.layer import Layer
from polster.model.secrets import without_secrets
from polster.project.import_path import import_afresh
from polster.project.load import in_short

BUFFER_BYTES = 1 << 20
FLUSH_SECONDS = 0.25
STUMBLED = "Polster stumbled over it; please report this, with the traceback"


def main() -> None:
    """Examine the assets of the task; what the user's code prints goes to stderr."""
    gc.disable()
    with os.fdopen(os.dup(1), "wb", buffering=BUFFER_BYTES) as said:
        os.dup2(2, 1)
        import_module("dataframely")  # the user's code will want it; the parent is still reading
        try:
            task: Task = pickle.load(sys.stdin.buffer)  # noqa: S301 - from our own parent
        except EOFError:  # started ahead, and not needed
            return
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)

        progress = Progress(Path(task.progress))
        root = Path(task.root)
        bronze = BronzeColumns(task.kept, _published(task))
        drop_secrets()
        import_afresh(root)
        guard = Guard(root, Path(task.folder))
        examiner = Examiner(root, guard, bronze, lineage=task.lineage)
        examiner.known = {key: upstream_from_text(text) for key, text in task.given.items()}
        outcomes: dict[AssetKey, str | None] = dict(task.given)
        flushed = time.monotonic()
        for number, asset in enumerate(task.assets, start=1):
            progress.begin(number)
            answer = _unchanged(task, asset.key, examiner, outcomes) or _examined(
                task, asset, examiner
            )
            outcomes[asset.key] = answer.outcome
            pickle.dump(answer, said)
            if time.monotonic() - flushed > FLUSH_SECONDS:  # what is told survives a crash
                said.flush()
                flushed = time.monotonic()
        pickle.dump(Reading(frozenset(guard.readers)), said)
    sys.stdout.flush()
    os._exit(0)  # whatever threads the user's code has started


def _unchanged(
    task: Task, key: AssetKey, examiner: Examiner, outcomes: Mapping[AssetKey, str | None]
) -> Answer | None:
    """Answer for an asset whose code is as it was, if what it reads is, too."""
    before = task.before.get(key)
    if before is None or before.inputs != inputs_digest(task.ties(key), outcomes):
        return None
    examiner.known[key] = upstream_from_text(before.outcome)
    return Answer(key, None, before.outcome)


def _examined(task: Task, asset: Asset, examiner: Examiner) -> Answer:
    key = asset.key
    hopeless = key in task.hopeless
    try:
        entry = examiner.examine(
            asset, task.inputs[key], task.references.get(key, {}), hopeless=hopeless
        )
    except BaseException as error:  # ours; the other assets are examined all the same
        os.write(2, without_secrets(traceback.format_exc()).encode(errors="backslashreplace"))
        entry = Examined(key, unchecked=f"{STUMBLED}: {in_short(error)}", stumbled=True)
        return Answer(key, examined_to_json(entry), None, is_lasting=False)
    is_lasting = examiner.was_imported and not hopeless
    return Answer(key, examined_to_json(entry), upstream_text(examiner.known[key]), is_lasting)


def _published(task: Task) -> dict[AssetKey, pl.Schema]:
    """Read the columns of bronze tables; what cannot be read is unknown."""
    place = task.lakehouse
    if place is None or ("://" not in place and not Path(place).is_dir()):
        return {}
    from polster.lakehouse.lakehouse import Lakehouse  # a fresh clone does not wait for it
    from polster.lakehouse.store import Store
    from polster.runtime.landed import landed_columns

    found: dict[AssetKey, pl.Schema] = {}
    lakehouse = Lakehouse(Store(place, task.storage_options))
    for asset in task.assets:
        if asset.key.layer is not Layer.BRONZE or asset.key in task.asked:
            continue
        try:
            table = lakehouse.pin(asset.key)
        except LakehouseError:
            if lakehouse.store.is_local:
                continue
            return found  # what is out of reach once is not asked a hundred times
        if table is not None:
            found[asset.key] = landed_columns(table)
    return found


if __name__ == "__main__":
    main()
