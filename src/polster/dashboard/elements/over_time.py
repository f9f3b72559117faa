"""Values over time, as lines: rows of a table, shares that were kept out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

from nicegui import ui

from polster.dashboard.elements.chart import show_chart

DOTTED_POINTS = 60
"""With more points than this a line is drawn without a dot for each."""


class Unit(StrEnum):
    """What the values of a chart are, which decides how they are written."""

    ROWS = "rows"
    SHARE = "share"  # from 0 to 1


WRITTEN = {
    Unit.ROWS: "value => value == null ? '\\u2013' : value.toLocaleString('en-US')",
    Unit.SHARE: "value => value == null ? '\\u2013' : (value * 100).toLocaleString('en-US', "
    "{maximumFractionDigits: value < 0.01 ? 3 : 1}) + ' %'",
}
"""JavaScript, for properties whose names begin with a colon."""
WRITTEN_SHORT = {
    **WRITTEN,
    Unit.ROWS: "value => value.toLocaleString('en-US', {notation: 'compact'})",
}


@dataclass(frozen=True, slots=True)
class Series:
    """One line.

    Attributes:
        name: What the values are.
        colour: A colour of the sheet, such as ``var(--bad)``.
        points: Oldest first; times timezone-aware.
        steps: Whether a value holds until the next one, as the rows of a table do.
    """

    name: str
    colour: str
    points: Sequence[tuple[datetime, float]]
    steps: bool = False


def show_over_time(series: Series, *, unit: Unit, says: str) -> ui.echart:
    """Draw a line over the time of the viewer's zone.

    Args:
        series: With at least two points, or there is no line to see.
        unit: Of its values.
        says: What the chart says, for those who do not see it.
    """
    return show_chart(over_time(series, unit=unit), says=says)


def over_time(series: Series, *, unit: Unit) -> dict[str, Any]:
    """Return the options of ECharts for a line over time."""
    points = [[at.astimezone(UTC).isoformat(), value] for at, value in series.points]
    line: dict[str, Any] = {
        "type": "line",
        "name": series.name,
        "data": points,
        "symbol": "circle",
        "symbolSize": 6,
        "showSymbol": len(points) <= DOTTED_POINTS,
        "lineStyle": {"color": series.colour, "width": 2},
        "itemStyle": {"color": series.colour},
        "emphasis": {"disabled": True},
        "step": "end" if series.steps else False,
    }
    return {
        "grid": {"left": 8, "right": 12, "top": 14, "bottom": 6, "containLabel": True},
        "tooltip": {":valueFormatter": WRITTEN[unit]},
        "xAxis": {
            "type": "time",
            "splitNumber": 4,
            "splitLine": {"show": False},
            "axisLabel": {"alignMinLabel": "left", "alignMaxLabel": "right"},
        },
        "yAxis": {
            "type": "value",
            "min": 0,
            "max": _top(series, unit),
            "splitNumber": 3,
            "minInterval": 1 if unit is Unit.ROWS else 0,
            "axisLabel": {":formatter": WRITTEN_SHORT[unit]},
        },
        "series": [line],
    }


def _top(series: Series, unit: Unit) -> float | None:
    """Return where the axis ends; None leaves that to ECharts."""
    most = max((value for _, value in series.points), default=0)
    if unit is Unit.ROWS:
        return None if most else 1
    if most > 0.75:
        return 1
    return None if most else 0.01
