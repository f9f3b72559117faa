"""What the page of an asset draws, before it is drawn."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.dashboard.elements.listing import highlighted
from polster.dashboard.elements.over_time import Series, Unit, over_time
from polster.dashboard.lineage_view import way_of
from polster.dashboard.pages.asset_heading import cut, said_of_run
from polster.dashboard.pages.asset_history import rows_over_time, share_over_time, versions
from polster.model.asset import Asset, AssetKey
from polster.model.layer import Layer
from polster.model.lineage import AssetLineage, ColumnOrigin, ColumnRef, Lineage
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus
from polster.operations.history import HistoryEntry
from polster.operations.overview import Condition, OverviewAsset
from polster.operations.status import AssetState, Freshness

BRONZE = AssetKey(Layer.BRONZE, "orders")
SILVER = AssetKey(Layer.SILVER, "orders")
GOLD = AssetKey(Layer.GOLD, "spending")
BEGIN = datetime(2026, 3, 1, tzinfo=UTC)


def _entry(day: int, status: AssetStatus, **figures: Any) -> HistoryEntry:
    record = AssetRecord(SILVER, status, BEGIN + timedelta(days=day), **figures)
    return HistoryEntry(f"run-{day}", record)


HISTORY = [  # newest first, as it is asked for
    _entry(4, AssetStatus.UNCHANGED, version=1),
    _entry(3, AssetStatus.FAILED, rows_returned=10, rows_quarantined=6),
    _entry(2, AssetStatus.PUBLISHED, version=1, rows_returned=10, rows_published=10),
    _entry(
        1,
        AssetStatus.PUBLISHED,
        version=0,
        rows_returned=8,
        rows_published=6,
        rows_quarantined=2,
    ),
    _entry(0, AssetStatus.SKIPPED),
]


def test_versions_are_what_was_published() -> None:
    assert [entry.record.version for entry in versions(HISTORY)] == [1, 0]
    assert rows_over_time(HISTORY) == [
        (BEGIN + timedelta(days=1), 6),
        (BEGIN + timedelta(days=2), 10),
    ]


def test_the_share_that_was_kept_out_counts_failed_runs_and_leaves_out_those_without_rows() -> None:
    assert share_over_time(HISTORY) == [
        (BEGIN + timedelta(days=1), 0.25),
        (BEGIN + timedelta(days=2), 0.0),
        (BEGIN + timedelta(days=3), 0.6),
    ]


@pytest.mark.parametrize(
    ("unit", "values", "top"),
    [
        (Unit.SHARE, [0.0, 0.0], 0.01),
        (Unit.SHARE, [0.1, 0.2], None),
        (Unit.SHARE, [0.1, 1.0], 1),
        (Unit.ROWS, [0, 0], 1),
        (Unit.ROWS, [0, 5], None),
    ],
)
def test_an_axis_ends_where_it_makes_sense(
    unit: Unit, values: list[float], top: float | None
) -> None:
    points = [(BEGIN + timedelta(days=day), value) for day, value in enumerate(values)]

    options = over_time(Series("any", "var(--bad)", points), unit=unit)

    assert options["yAxis"]["max"] == top
    assert options["series"][0]["data"][1] == ["2026-03-02T00:00:00+00:00", values[1]]


def _lineage(unknown: str | None = None) -> Lineage:
    amount, country = ColumnRef(SILVER, "amount"), ColumnRef(SILVER, "country")
    return Lineage(
        [
            AssetLineage(BRONZE, dict.fromkeys(["amount", "country"], ColumnOrigin())),
            AssetLineage(
                SILVER,
                {
                    "amount": ColumnOrigin(
                        frozenset({ColumnRef(BRONZE, "amount")}), unknown=unknown
                    ),
                    "country": ColumnOrigin(frozenset({ColumnRef(BRONZE, "country")})),
                },
            ),
            AssetLineage(GOLD, {"spent": ColumnOrigin(frozenset({amount}), frozenset({country}))}),
        ]
    )


def test_the_way_of_a_column_tells_values_from_influences_asset_by_asset() -> None:
    way = way_of(_lineage(), ColumnRef(GOLD, "spent"))

    assert [(stop.asset, stop.steps) for stop in way.upstream] == [(SILVER, 1), (BRONZE, 2)]
    assert [stop.values for stop in way.upstream] == [("amount",), ("amount",)]
    assert [stop.influences for stop in way.upstream] == [("country",), ("country",)]
    assert (way.downstream, way.doubts) == ((), ())


def test_the_way_of_a_column_says_where_it_goes() -> None:
    way = way_of(_lineage(), ColumnRef(BRONZE, "country"))

    assert [(stop.asset, stop.values, stop.influences) for stop in way.downstream] == [
        (SILVER, ("country",), ()),
        (GOLD, (), ("spent",)),
    ]


def test_what_is_unknown_on_the_way_is_said_with_its_reason() -> None:
    way = way_of(_lineage("a Python function"), ColumnRef(GOLD, "spent"))

    assert way.doubts == ((SILVER, "a Python function"),)
    assert [stop.uncertain for stop in way.upstream] == [frozenset(), frozenset({"amount"})]


def test_python_is_told_apart_by_kind() -> None:
    lines = highlighted('@silver(x=1)\ndef orders(a: str) -> None:\n    """Two\n    lines."""\n')

    assert lines == [
        [("", "@"), ("defined", "silver"), ("", "(x="), ("figure-text", "1"), ("", ")")],
        [
            ("keyword", "def"),
            ("", " "),
            ("defined", "orders"),
            ("", "(a: str) -> "),
            ("keyword", "None"),
            ("", ":"),
        ],
        [("", "    "), ("string", '"""Two')],
        [("string", '    lines."""')],
    ]


@pytest.mark.parametrize(
    "text",
    ["", "\n", "def (", "'''never ended", "\tx = (\n", "if x:\n  y\n z", "\x0c\x00 é\n", "\r\n"],
)
def test_what_is_no_python_is_shown_all_the_same(text: str) -> None:
    assert _joined(text) == _expected(text)


@given(st.text(alphabet=st.sampled_from("ab'\"#\n\t \\(:)=1é🎉f{}\r\x0c"), max_size=80))
def test_no_character_of_a_file_is_lost_or_added(text: str) -> None:
    assert _joined(text) == _expected(text)


def _joined(text: str) -> list[str]:
    return ["".join(piece for _, piece in line) for line in highlighted(text)]


def _expected(text: str) -> list[str]:
    lines = [line.rstrip("\r") for line in text.expandtabs(4).split("\n")]
    return lines[:-1] if len(lines) > 1 and not text.split("\n")[-1] else lines


def test_a_long_reason_is_cut_to_one_line() -> None:
    assert cut("two\n lines") == "two lines"
    assert len(cut("x" * 1000)) == 240


def test_a_killed_run_is_told_at_an_asset_until_a_later_run_looked_at_it() -> None:
    live = LiveRun("run", "dev", "here", 1, (), False, BEGIN, BEGIN, (SILVER,), {}, (), ledger=3)
    killed = replace(live, is_killed=True)
    state = AssetState(SILVER, Freshness.FRESH, (), None, None, None)
    asset = Asset(SILVER, "src/core/silver_orders.py", 1, "core.silver_orders")
    slow_clock = AssetRecord(SILVER, AssetStatus.PUBLISHED, BEGIN - timedelta(days=1))
    earlier = replace(state, last=slow_clock, last_commit=3)
    later = replace(state, last=slow_clock, last_commit=4)

    said = [
        said_of_run(OverviewAsset(asset, (), Condition.PUBLISHED, (), known), run, BEGIN)
        for known, run in (
            (state, live),
            (state, killed),
            (earlier, killed),
            (later, killed),
            (later, live),
        )
    ]

    assert said == [
        "in the run in progress",
        "in a run that was killed",
        "in a run that was killed",
        None,
        "in the run in progress",
    ]
