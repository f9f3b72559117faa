"""What is published now, from the ledger and, where that does not know, from the tables."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from polster.lakehouse.lakehouse import Lakehouse, Published
from polster.model.asset import AssetKey
from polster.model.plan import TableState
from polster.model.record import AssetRecord


@dataclass(frozen=True, slots=True)
class States:
    """The state of every table at one moment.

    Attributes:
        tables: State by key; no entry means that there is no table.
        published: The record of each current version, where Polster knows it.
        unrecorded: What commits say that the ledger does not: the run was killed in between.
    """

    tables: dict[AssetKey, TableState]
    published: dict[AssetKey, AssetRecord]
    unrecorded: list[Published] = field(default_factory=list)


def read_states(lakehouse: Lakehouse, keys: Iterable[AssetKey]) -> States:
    """Read the state of the tables of ``keys``.

    The ledger is one table and says nearly everything; only a table whose newest version it
    does not know is opened.
    """
    versions = lakehouse.versions(keys)
    recorded = lakehouse.ledger.latest_versions() if versions else {}
    states = States({}, {})
    for key, version in versions.items():
        record = recorded.get(key)
        if record is not None and record.version == version:
            states.tables[key] = TableState(version, record.fingerprint)
            states.published[key] = record
            continue
        table = lakehouse.table(key).open(version)
        found = lakehouse.published(table) if table else None
        if found is None:
            states.tables[key] = TableState(version, None)
            continue
        states.tables[key] = TableState(version, found.record.fingerprint)
        states.published[key] = found.record
        if record is None or record.version != found.version:
            states.unrecorded.append(found)
    return states
