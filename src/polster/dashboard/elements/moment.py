"""A moment, in the viewer's own time zone."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Literal

from nicegui.element import Element


class Moment(Element, component="moment.js"):
    """A time, with the exact time in UTC when one points at it.

    Args:
        at: Timezone-aware.
        shown: ``ago`` as in "5 minutes ago", which moves on by itself; ``date`` with day and
            time; ``day`` as in "yesterday 14:02".
    """

    def __init__(self, at: datetime, shown: Literal["ago", "date", "day"] = "ago") -> None:
        super().__init__()
        self.props["iso"] = at.astimezone(UTC).isoformat()
        self.props["shown"] = shown
