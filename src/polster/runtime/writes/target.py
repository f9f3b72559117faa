"""The table that one build writes, and what its commits say."""

from __future__ import annotations

from dataclasses import dataclass, field

from polster.lakehouse.change import Change
from polster.lakehouse.lakehouse import Lakehouse, Published
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion


@dataclass(slots=True)
class Target:
    """A table that may exist, and what Polster wrote into it.

    Attributes:
        run_id: Who writes.
        is_unreadable: Whether its log is not whole, so that the table is to be begun anew.
    """

    table: Table
    lakehouse: Lakehouse
    run_id: str
    is_unreadable: bool = False
    _published: dict[int, Published | None] = field(default_factory=dict)

    def published(self, current: TableVersion) -> Published | None:
        """Return what the newest commit of ``current`` says of itself; read once a version."""
        if current.version not in self._published:
            self._published[current.version] = self.lakehouse.published(current)
        return self._published[current.version]

    def pinned(self, current: TableVersion) -> TableVersion:
        """Return ``current`` as its readers get it."""
        return self.lakehouse.as_read(current, self.published(current))

    def commit(self, change: Change, *, onto: TableVersion | None) -> TableVersion:
        """Make a change visible; a log that is not whole is set aside first.

        Raises:
            ConflictError: Another writer committed since ``onto``.
            LakehouseError: The table cannot be written.
        """
        if self.is_unreadable:
            self.table.set_log_aside(self.run_id)
            self.is_unreadable = False
        return self.table.commit(change, onto=onto)
