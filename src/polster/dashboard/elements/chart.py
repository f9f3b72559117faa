"""Charts by ECharts, in the colours of the sheet."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from nicegui import ui

COLOURS = tuple(f"var(--chart-{number})" for number in range(1, 9))
"""For series that have no colour of their own; the last one is for what is left over."""
TEXT = "var(--text)"
SOFT = "var(--soft)"
LINE = "var(--line)"


def show_chart(
    options: Mapping[str, Any], *, says: str, categories: Sequence[Any] = (), classes: str = ""
) -> ui.echart:
    """Draw a chart that is readable in light and in dark.

    It is drawn as SVG, whose colours may be variables of the sheet: that is how it follows the
    system. Tooltips are drawn, too, never HTML. A text of the data must not become a key of the
    options, since NiceGUI evaluates a value whose key begins with a colon.

    Args:
        options: As ECharts takes them; what is said here about text, lines and colours fills the
            gaps.
        says: What the chart says, for those who do not see it.
        categories: Of the horizontal axis, if the options have no ``xAxis``.
        classes: Names of classes in ``style.css``; ``chart`` gives a height.
    """
    filled: dict[str, Any] = {
        "animation": False,
        "color": list(COLOURS),
        "textStyle": {"color": SOFT, "fontFamily": "system-ui, sans-serif"},
        "grid": {"left": 8, "right": 8, "top": 16, "bottom": 8, "containLabel": True},
        "xAxis": {"type": "category", "data": list(categories)},
        "yAxis": {"type": "value", "minInterval": 1},
        **options,
    }
    filled["tooltip"] = {
        "trigger": "axis",
        "confine": True,
        **filled.get("tooltip", {}),
        "renderMode": "richText",
        "backgroundColor": "var(--raised)",
        "borderColor": LINE,
        "textStyle": {"color": TEXT, "fontSize": 12},
    }
    for name in ("xAxis", "yAxis"):
        filled[name] = _axis(filled[name])
    if "legend" in filled:
        filled["legend"] = {
            "textStyle": {"color": TEXT},
            "pageTextStyle": {"color": TEXT},
            "pageIconColor": SOFT,
            "pageIconInactiveColor": LINE,
            "inactiveColor": LINE,
            "itemStyle": {"borderColor": "transparent"},
            **filled["legend"],
        }
    chart = ui.echart(filled, renderer="svg").classes(f"chart {classes}".strip())
    chart.props["role"] = "img"
    chart.props["aria-label"] = says
    return chart


def _axis(axis: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **axis,
        "axisLabel": {"color": SOFT, "hideOverlap": True, **axis.get("axisLabel", {})},
        "axisLine": {"lineStyle": {"color": LINE}, **axis.get("axisLine", {})},
        "axisTick": {"lineStyle": {"color": LINE}, **axis.get("axisTick", {})},
        "splitLine": {"lineStyle": {"color": LINE}, **axis.get("splitLine", {})},
        "nameTextStyle": {"color": SOFT},
        "axisPointer": {
            "lineStyle": {"color": SOFT},
            "shadowStyle": {"color": LINE, "opacity": 0.4},
        },
    }
