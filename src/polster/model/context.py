"""What an asset's function may know of the run it is part of."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class RunContext:
    """The run, handed to a function that has a parameter ``run: polster.RunContext``.

    Attributes:
        id: Identifier of the run, sortable by time.
        time: When the run started, timezone-aware UTC; use it in place of the clock.
        environment: Name of the environment, such as ``dev`` or ``prod``.
    """

    id: str
    time: datetime
    environment: str
