"""Which version of a table is meant, as a value that may leave the process."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polster.model.asset import AssetKey


@dataclass(frozen=True, slots=True)
class Pin:
    """One committed version of a table as its readers get it; nothing is open.

    Attributes:
        key: The asset whose table it is; None for Polster's own tables.
        uri: Where it lies; how to get there says the lakehouse, so that no secret is in a pin.
        version: Delta commit number, from 0.
        batch: For snapshot bronze, the batch that readers get; None means all rows.
        counted: Rows that readers get, where whoever wrote them has counted; else the log is asked.
        sent: For snapshot bronze, the columns of that batch; None means all, or nobody knows.
        types: For snapshot bronze, the dtypes of that batch that are not those of the table, as
            text by column.
    """

    key: AssetKey | None
    uri: str
    version: int
    batch: str | None = None
    counted: int | None = field(default=None, compare=False)
    sent: frozenset[str] | None = field(default=None, compare=False)
    types: Mapping[str, str] = field(default_factory=dict, compare=False)

    @property
    def pin(self) -> Pin:
        """Return it as a value, whatever it is open for."""
        types = dict(self.types)
        return Pin(self.key, self.uri, self.version, self.batch, self.counted, self.sent, types)
