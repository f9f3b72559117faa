"""A lakehouse that lasts for one rehearsal, in which the real runtime works on given rows."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import polars as pl

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.quarantine import RUN_COLUMN, TIME_COLUMN
from polster.lakehouse.store import Store
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import Asset, AssetKey
from polster.model.context import RunContext
from polster.model.event import nobody
from polster.model.expect import Expect
from polster.model.graph import AssetGraph
from polster.model.record import AssetRecord, Fingerprint
from polster.model.reference import Reference
from polster.project.load import LoadedAsset
from polster.runtime.build import build
from polster.runtime.call import Handed, call_function
from polster.runtime.execute import Execution
from polster.runtime.gate import Gate
from polster.runtime.job import Caller, Job, Workplace
from polster.runtime.states import States
from polster.runtime.threads import ThreadExecutor

TIME = datetime(2025, 1, 1, tzinfo=UTC)
"""When every rehearsed run takes place, so that a function that asks for it says the same."""


@dataclass(slots=True)
class Performance:
    """One run of the pipeline on given rows.

    Attributes:
        records: What the run did, by asset.
        returned: What each function returned, lazy.
        tables: What was published, by asset.
    """

    records: dict[AssetKey, AssetRecord] = field(default_factory=dict)
    returned: dict[AssetKey, pl.LazyFrame] = field(default_factory=dict)
    tables: dict[AssetKey, TableVersion] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Judged:
    """What became of rows that were put in place of what a function returned.

    Attributes:
        record: What the runtime says of them.
        quarantined: The rows set apart, with ``_rules``; None if there are none.
    """

    record: AssetRecord
    quarantined: pl.DataFrame | None


class Theatre:
    """Runs assets in a lakehouse of its own.

    Args:
        root: The project's folder, on the import path.
        folder: Empty; where the lakehouse is made.
        graph: The project's assets.
    """

    def __init__(self, root: Path, folder: Path, graph: AssetGraph) -> None:
        self.root = root
        self.folder = folder
        self.graph = AssetGraph(
            {key: _not_refusing_all(asset) for key, asset in graph.assets.items()},
            graph.inputs,
            graph.references,
        )
        self.numbers = count(1)

    def perform(
        self, rows: Mapping[AssetKey, pl.DataFrame], keys: Collection[AssetKey]
    ) -> Performance:
        """Run the assets ``keys`` in a fresh lakehouse, ``rows`` in place of their functions."""
        done = Performance()
        graph = self.graph
        unread: dict[AssetKey, Mapping[str, AssetKey]] = {key: {} for key in rows}
        graph = replace(graph, inputs={**graph.inputs, **unread})

        def call(
            loaded: LoadedAsset, inputs: Mapping[str, Handed], run: RunContext, root: Path
        ) -> pl.LazyFrame:
            key = loaded.asset.key
            given = rows.get(key)
            frame = call_function(loaded, inputs, run, root) if given is None else given.lazy()
            done.returned[key] = frame
            return frame

        work = self._workplace(call)
        codes = {key: Fingerprint("rehearsed") for key in keys}
        execution = Execution(
            graph,
            keys,
            codes,
            States({}, {}),
            work,
            ThreadExecutor(work, 1),
            full_refresh=True,
            listener=nobody,
            interrupted=lambda: False,
        )
        for record in execution.run().records:
            done.records[record.asset] = record
        read = work.lakehouse.read
        done.tables.update({key: read(pin) for key, pin in execution.tables.items()})
        work.discard_leftovers()
        return done

    def judge(
        self,
        asset: Asset,
        frame: pl.DataFrame,
        inputs: Mapping[str, TableVersion],
        references: Mapping[Reference, TableVersion | None],
    ) -> Judged:
        """Build ``asset`` as if its function had returned ``frame``, in a lakehouse of its own."""
        work = self._workplace(lambda *_: frame.lazy())
        job = Job(
            _not_refusing_all(asset),
            inputs,
            Fingerprint("rehearsed"),
            ("it is rehearsed",),
            None,
            references=references,
        )
        record = build(job, work).record
        work.discard_leftovers()
        kept = work.lakehouse.quarantine(asset.key).scan(work.context.id)
        if kept is None:
            return Judged(record, None)
        return Judged(record, kept.drop(RUN_COLUMN, TIME_COLUMN).collect())

    def context(self) -> RunContext:
        """Return what a function is told of the next run."""
        return RunContext(f"rehearsal-{next(self.numbers):05}", TIME, "rehearsal")

    def _workplace(self, call: Caller) -> Workplace:
        context = self.context()
        lakehouse = Lakehouse(Store(str(self.folder / context.id)))
        return Workplace(self.root, lakehouse, context, Gate(), call=call)


def _not_refusing_all(asset: Asset) -> Asset:
    """Return ``asset`` as it publishes a few rows, or none: by chance every one may be bad."""
    options = replace(asset.options, expect=Expect())
    if options.max_quarantined is None:
        options = replace(options, max_quarantined=1.0)
    return replace(asset, options=options)
