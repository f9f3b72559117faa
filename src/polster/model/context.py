"""What an asset's function may know of the run it is part of."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from polster.model.since import Since


@dataclass(frozen=True, slots=True)
class RunContext:
    """The run, handed to a function that has a parameter ``run: polster.RunContext``.

    Attributes:
        id: Identifier of the run, sortable by time.
        time: When the run started, timezone-aware UTC; use it in place of the clock.
        environment: Name of the environment, such as ``dev`` or ``prod``.
        marks: For tests: the greatest value that has landed, by column. A run asks the table.
    """

    id: str
    time: datetime
    environment: str
    marks: Mapping[str, Any] | Callable[[Since], Any] = field(
        default_factory=dict, repr=False, compare=False
    )

    def since(
        self,
        column: str,
        *,
        overlap: str | int | float | Decimal | timedelta | None = None,
        initial: Any = None,
    ) -> Any:
        """Say from where on a bronze function with ``load="append"`` is to ask its source.

        That is the greatest value of ``column`` that has landed, less the overlap. Ask with ``>=``:
        rows that have landed already and come again are dropped by their content.

        Args:
            column: One that the function returns, such as the time of the last change.
            overlap: What is read once more, for rows that turn up late: a duration such as ``"2h"``
                for dates and moments (units m, h, d and w), a number for numbers.
            initial: The answer as long as nothing has landed.

        Returns:
            A value of the column's type, moments with their zone; ``initial`` if nothing has
            landed, also in a test, in ``polster validate`` and in ``polster rehearse``.

        Raises:
            SinceError: Overlap, initial value or column make no sense.

        Examples:
            >>> from datetime import UTC
            >>> now = datetime(2026, 1, 5, tzinfo=UTC)
            >>> run = RunContext("test", now, "dev", marks={"updated_at": now})
            >>> str(run.since("updated_at", overlap="2h"))
            '2026-01-04 22:00:00+00:00'
            >>> run.since("id", initial=0)
            0
        """
        asked = Since(column, overlap, initial)
        mark = self.marks(asked) if callable(self.marks) else self.marks.get(column)
        return asked.after(mark)
