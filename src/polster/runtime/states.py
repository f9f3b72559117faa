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
    recorded = lakehouse.ledger.published(versions)
    states = States({}, {})
    found: dict[AssetKey, Published] = {}
    for key, version in versions.items():
        record = recorded.get(key)
        if record is None:
            table = lakehouse.table(key).open(version)
            commit = lakehouse.published(table) if table else None
            if commit is not None:
                found[key] = commit
                record = commit.record
        if record is not None:
            states.published[key] = record
        states.tables[key] = TableState(version, record.fingerprint if record else None)
    known = lakehouse.ledger.published({key: commit.version for key, commit in found.items()})
    states.unrecorded.extend(commit for key, commit in found.items() if key not in known)
    return states
