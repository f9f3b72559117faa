"""What the page of the quarantine draws, from the counts of the ledger."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from polster.dashboard.elements.chart import COLOURS
from polster.model.asset import AssetKey
from polster.operations.quarantine import QuarantineCount, broken_since

RUNS_SHOWN = 60
OTHERS = "all others"


@dataclass(frozen=True, slots=True)
class Tally:
    """How many rows one rule kept out of one asset.

    Attributes:
        newest: Out of the current version.
        total: By all runs that are looked back at.
        last_at: When it last kept a row out.
        since: Since when every run finds it broken; None if the newest does not.
    """

    asset: AssetKey
    rule: str
    newest: int
    total: int
    last_at: datetime
    since: datetime | None


@dataclass(frozen=True, slots=True)
class Bars:
    """Rows that were kept out, run by run.

    Attributes:
        times: When each run judged, oldest first.
        rows: One number a run, by the name that the bar's part goes by, most rows first.
    """

    times: tuple[datetime, ...]
    rows: dict[str, tuple[int, ...]]

    @property
    def total(self) -> int:
        """Count the rows; a row that broke several rules counts for each."""
        return sum(map(sum, self.rows.values()))


def tallies(counts: Sequence[QuarantineCount]) -> list[Tally]:
    """Add up what each rule kept out of each asset, worst first.

    Args:
        counts: Oldest first.
    """
    newest = judged_current(counts)
    totals: Counter[tuple[AssetKey, str]] = Counter()
    last: dict[tuple[AssetKey, str], datetime] = {}
    for count in counts:
        for rule, rows in count.rules.items():
            if rows:
                totals[count.asset, rule] += rows
                last[count.asset, rule] = count.at
    until = {asset: counts.index(count) for asset, count in newest.items()}
    since = broken_since([each for at, each in enumerate(counts) if at <= until[each.asset]])
    found = [
        Tally(
            asset,
            rule,
            newest[asset].rules.get(rule, 0),
            total,
            last[asset, rule],
            since.get((asset, rule)),
        )
        for (asset, rule), total in totals.items()
    ]
    return sorted(found, key=lambda each: (-each.newest, -each.total, each.asset, each.rule))


def judged_current(counts: Sequence[QuarantineCount]) -> dict[AssetKey, QuarantineCount]:
    """Return what was kept out of the current version of each asset.

    Of an asset that was never published, this is what the newest run kept out.
    """
    published = {count.asset: count for count in counts if count.is_published}
    return {count.asset: count for count in counts} | published


def bars(counts: Sequence[QuarantineCount], *, asset: AssetKey | None) -> Bars:
    """Return what each of the newest runs kept out: by asset, or by rule of one asset."""
    by_run: dict[str, Counter[str]] = {}
    times: dict[str, datetime] = {}
    for count in counts:
        if asset not in (None, count.asset):
            continue
        parts = by_run.setdefault(count.run_id, Counter())
        times.setdefault(count.run_id, count.at)
        if asset is None:
            parts[str(count.asset)] += count.rows_quarantined
        else:
            parts.update(count.rules)
    runs = list(by_run)[-RUNS_SHOWN:]
    totals: Counter[str] = Counter()
    for run in runs:
        totals.update(by_run[run])
    names = [name for name, rows in totals.most_common() if rows]
    shown = names if len(names) <= len(COLOURS) else names[: len(COLOURS) - 1]
    rows = {name: tuple(by_run[run][name] for run in runs) for name in shown}
    if len(shown) < len(names):
        rows[OTHERS] = tuple(sum(by_run[run][name] for name in names[len(shown) :]) for run in runs)
    return Bars(tuple(times[run] for run in runs), rows)


def chart_options(shown: Bars) -> dict[str, Any]:
    """Return the options of ECharts for stacked bars over the viewer's time."""
    times = [at.astimezone(UTC).isoformat() for at in shown.times]
    return {
        "grid": {"left": 8, "right": 16, "top": 40, "bottom": 8, "containLabel": True},
        "legend": {"type": "scroll", "top": 0, "left": 0},
        "xAxis": {
            "type": "time",
            "splitNumber": 4,
            "splitLine": {"show": False},
            "axisLabel": {"alignMinLabel": "left", "alignMaxLabel": "right"},
        },
        "yAxis": {"type": "value", "min": 0, "minInterval": 1, "splitNumber": 3},
        "series": [
            {
                "type": "bar",
                "name": name,
                "stack": "rows",
                "barMaxWidth": 28,
                "barMinWidth": 4,
                "data": [[at, rows] for at, rows in zip(times, each, strict=True)],
            }
            for name, each in shown.rows.items()
        ],
    }
