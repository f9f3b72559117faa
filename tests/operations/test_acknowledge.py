"""Standing warnings stay until what is amiss is mended, or somebody acknowledges it."""

from __future__ import annotations

import json

import polars as pl
import pytest
from tests.conftest import Pipeline

from polster.operations.overview import attention, overview, standings

TITLE = "warning[POL326]: bronze.flights: the column `dep_time` is no longer in its source (since "


@pytest.fixture
def flights(pipeline: Pipeline) -> Pipeline:
    pipeline.asset(
        "bronze.flights",
        """
        @bronze
        def flights() -> pl.LazyFrame:
            return pl.scan_csv("flights.csv")
        """,
    )
    pipeline.write("flights.csv", "id,dep_time\n1,9\n2,10\n")
    pipeline.run()
    return pipeline


def _lose_a_column(flights: Pipeline, rows: int = 2) -> None:
    flights.write("flights.csv", "id\n" + "".join(f"{each}\n" for each in range(rows)))


def test_a_column_that_vanished_stands_at_the_end_of_each_run_and_in_the_status(
    flights: Pipeline,
) -> None:
    _lose_a_column(flights)
    shown = [flights.cli("run").stdout, flights.cli("run").stdout, flights.cli("status").stdout]
    record = flights.run()

    assert [text.count(TITLE) for text in shown] == [1, 1, 1]
    assert "1 unchanged" in shown[1]
    assert all("polster acknowledge bronze.flights" in text for text in shown)
    assert record.assets[0].notes == ()
    assert [warning.subject for warning in record.standing] == ["dep_time"]


def test_a_warning_is_dated_from_the_run_that_published_it_first(flights: Pipeline) -> None:
    _lose_a_column(flights)
    first = flights.run()
    _lose_a_column(flights, rows=5)
    second = flights.run()

    assert [warning.run_id for warning in second.standing] == [first.run_id]
    assert second.assets[0].status == "published"
    assert second.standing[0].since == first.standing[0].since


def test_an_acknowledged_warning_is_shown_no_more_and_says_who(
    flights: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LOGNAME", "ann")
    _lose_a_column(flights)
    flights.run()

    said = flights.cli("acknowledge", "bronze.flights")
    again = flights.cli("acknowledge", "bronze.flights")
    _lose_a_column(flights, rows=5)
    record = flights.run()
    state = json.loads(flights.cli("status", "--format", "json").stdout)["assets"][0]

    assert said.stdout == (
        "acknowledged: bronze.flights: the column `dep_time` is no longer in its source\n"
    )
    assert again.stdout == "bronze.flights has no open warning\n"
    assert record.standing == ()
    assert TITLE not in flights.cli("status").stdout
    assert [warning["acknowledged_by"] for warning in state["warnings"]] == ["ann"]
    kept = pl.read_delta(str(flights.data / "_polster" / "acknowledgements"))
    assert kept.select("asset", "subject", "acknowledged_by").rows() == [
        ("bronze.flights", "dep_time", "ann")
    ]


def test_a_column_that_comes_back_and_vanishes_again_is_another_warning(
    flights: Pipeline,
) -> None:
    _lose_a_column(flights)
    flights.run()
    flights.cli("acknowledge", "bronze.flights")
    flights.write("flights.csv", "id,dep_time\n1,9\n2,10\n")
    mended = flights.run()
    _lose_a_column(flights)
    anew = flights.run()

    assert mended.standing == ()
    assert [warning.run_id for warning in anew.standing] == [anew.run_id]


def test_a_clone_elsewhere_knows_the_warning_from_the_tables_alone(flights: Pipeline) -> None:
    _lose_a_column(flights)
    flights.run()
    ledger = flights.data / "_polster"
    for file in sorted(ledger.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()

    assert TITLE in flights.cli("status").stdout


def test_an_asset_with_an_open_warning_needs_attention(flights: Pipeline) -> None:
    _lose_a_column(flights)
    flights.run()
    seen = overview(flights.open())

    wanting = attention(seen, standings(seen, []))

    assert [str(entry.key) for entry in wanting] == ["bronze.flights"]


def test_silver_that_reads_a_column_that_vanished_fails(flights: Pipeline) -> None:
    flights.asset(
        "silver.flights",
        """
        class Flights(dy.Schema):
            id = dy.Int64()
            dep_time = dy.Int64(nullable=True)

        @silver(contract=Flights)
        def flights(bronze_flights: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_flights.select("id", "dep_time")
        """,
    )
    flights.run()
    _lose_a_column(flights)

    outcome = flights.outcome()

    assert outcome == {"bronze.flights": "published", "silver.flights": "failed"}
    assert flights.table("silver.flights")["dep_time"].null_count() == 0


def test_an_unknown_asset_is_refused_with_the_nearest(flights: Pipeline) -> None:
    said = flights.cli("acknowledge", "bronze.flight")

    assert said.exit_code == 2
    assert "did you mean `bronze.flights`?" in said.stderr
