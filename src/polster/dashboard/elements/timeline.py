"""What ran when, and beside what."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui.element import Element


class Timeline(Element, component="timeline.js"):
    """One bar an asset over the time of a run; a bar leads to its asset."""

    def show(
        self,
        bars: Sequence[Mapping[str, Any]],
        *,
        seconds: float,
        ticks: Sequence[Mapping[str, Any]],
    ) -> None:
        """Show these bars instead.

        Args:
            bars: As :func:`polster.dashboard.run_view.bars` makes them.
            seconds: What the whole width stands for.
            ticks: Moments with a label.
        """
        self.props["seconds"] = seconds
        self.props["ticks"] = list(ticks)
        self.props["bars"] = list(bars)
        self.update()
