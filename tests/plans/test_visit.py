from __future__ import annotations

from pathlib import Path

import polars as pl
import pytest
from deltalake import DeltaTable

from polster.plans import visit
from polster.plans.flow import Flow, read_flow
from polster.plans.visit import (
    VISITOR,
    UnreadablePlanError,
    Visitor,
    frame_in,
    look_at,
    series_in,
)

pytestmark = pytest.mark.private_part_of("polars")


def test_polars_hands_over_its_plan_in_the_version_that_is_read_here() -> None:
    assert visit._version() == VISITOR


def test_a_frame_in_a_plan_is_shown_whole() -> None:
    frame = pl.DataFrame({"a": [1, 2], "b": ["x", None]})

    shown = look_at(frame.lazy(), lambda visitor: frame_in(visitor.node(visitor.root)))

    assert shown.equals(frame)


def test_a_series_in_a_plan_is_shown_whole() -> None:
    series = pl.Series("a", [1, None, 3])

    def find(visitor: Visitor) -> pl.Series | None:
        node = visitor.node(visitor.root)
        return series_in(visitor.expressions(visitor.root, node.expr)[0])

    shown = look_at(pl.LazyFrame({"b": [1]}).select(pl.lit(series)), find)

    assert shown is not None
    assert shown.equals(series)


def test_a_plan_over_a_delta_table_is_read_and_its_files_named(tmp_path: Path) -> None:
    uri = str(tmp_path / "silver" / "orders")
    pl.DataFrame({"id": [1], "amount": [2]}).write_delta(uri)
    frame = pl.scan_delta(DeltaTable(uri)).filter(pl.col("id") > 0).select("amount")

    flow = read_flow(
        frame, name_of=lambda paths: "silver.orders" if paths[0].startswith(uri) else None
    )

    assert flow.columns["amount"] == Flow(
        frozenset({("silver.orders", "amount")}), frozenset({("silver.orders", "id")})
    )


def test_nothing_is_computed_to_read_a_plan() -> None:
    computed: list[int] = []

    def count(frame: pl.DataFrame) -> pl.DataFrame:
        computed.append(frame.height)
        return frame

    read_flow(pl.LazyFrame({"a": [1]}).map_batches(count))

    assert computed == []


def test_what_the_one_who_looks_raises_arrives_unchanged() -> None:
    def look(visitor: Visitor) -> None:
        raise KeyError("mine")

    with pytest.raises(KeyError, match="mine"):
        look_at(pl.LazyFrame({"a": [1]}), look)


def test_a_frame_whose_plan_cannot_be_resolved_is_unreadable() -> None:
    with pytest.raises(UnreadablePlanError):
        read_flow(pl.LazyFrame({"a": [1]}).select("b"))


def test_a_version_of_polars_that_shows_no_plan_is_not_asked(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(visit, "_version", lambda: None)

    with pytest.raises(UnreadablePlanError, match="this version of Polars"):
        read_flow(pl.LazyFrame({"a": [1]}))


def test_plans_of_another_version_are_not_guessed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(visit, "VISITOR", 17)

    with pytest.raises(UnreadablePlanError, match="version 16"):
        read_flow(pl.LazyFrame({"a": [1]}))
