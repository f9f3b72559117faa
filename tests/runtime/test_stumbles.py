"""A mistake of Polster in a proof costs nothing but time, and is said."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import polars as pl
import pytest

from polster.plans import locality
from polster.plans.probes import ProbeFrame
from polster.runtime import in_parts

if TYPE_CHECKING:
    from tests.conftest import Pipeline

pytestmark = pytest.mark.in_this_process  # what is broken on purpose is broken here

PLAIN = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.select("id", pl.col("amount"))
"""
WANTS_ROWS = PLAIN.replace('pl.col("amount")', "amount=events.collect()['amount'].to_list()[0]")
WANTS_ROWS_LATER = PLAIN.replace(
    'pl.col("amount")',
    "pl.col('amount').map_batches(lambda all: all - all.to_list()[0], return_dtype=pl.Int64)",
)
WANTS_A_ROW = PLAIN.replace('pl.col("amount")', "amount=events.collect().row(0)[1]")


def project(pipeline: Pipeline, silver: str) -> None:
    pipeline.asset(
        "bronze.events",
        """
        @bronze(load="append")
        def events() -> pl.LazyFrame:
            return pl.scan_csv("landing/events.csv")
        """,
    )
    pipeline.asset("silver.tried", silver)


def arrive(pipeline: Pipeline, *ids: int) -> None:
    pipeline.write("landing/events.csv", "\n".join(["id,amount", *(f"{n},1" for n in ids), ""]))


def stumble(*_: Any, **__: Any) -> Any:
    raise KeyError("a value of the data")


def break_proof(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locality, "_is_row_local", stumble)


def break_a_question(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locality, "ask", stumble)


def refuse(*_: Any, **__: Any) -> Any:
    raise pl.exceptions.InvalidOperationError("a value of the data")


def ask_what_polars_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(locality, "ask", refuse)


def break_a_frame(monkeypatch: pytest.MonkeyPatch) -> None:
    def select(self: ProbeFrame, *_: Any) -> pl.LazyFrame:
        return self.nowhere  # type: ignore[attr-defined,no-any-return]

    select.__code__ = select.__code__.replace(co_filename=locality.__file__)
    monkeypatch.setattr(ProbeFrame, "select", select)


@pytest.mark.parametrize(
    "break_it", [break_proof, break_a_question, break_a_frame, ask_what_polars_refuses]
)
def test_where_polster_stumbles_over_the_proof_all_is_made_and_a_report_is_asked_for(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch, break_it: Any
) -> None:
    project(pipeline, PLAIN)
    arrive(pipeline, 1, 2)
    pipeline.run()
    arrive(pipeline, 3)

    with monkeypatch.context() as broken:
        break_it(broken)
        record = pipeline.run().assets[-1]
        repeated = pipeline.run()
    arrive(pipeline, 4)
    mended = pipeline.run().assets[-1]

    (warning,) = record.warnings
    assert (warning.code, record.status) == ("POL900", "published")
    assert "at polster/plans/" in warning.message
    assert "a value" not in warning.message
    assert "report this as a bug of Polster" in warning.hint
    assert record.scope is not None
    assert (record.scope.kind, record.scope.rows, record.scope.of) == ("whole", 3, 3)
    assert "Polster stumbled" in record.scope.why
    assert [each.since for each in repeated.standing] == [warning.since]
    assert mended.warnings == ()
    assert mended.scope is not None
    assert mended.scope.kind == "row-local"


@pytest.mark.parametrize("silver", [WANTS_ROWS, WANTS_ROWS_LATER, WANTS_A_ROW])
def test_a_function_that_wants_rows_is_no_mistake_of_polster(
    pipeline: Pipeline, silver: str
) -> None:
    project(pipeline, silver)
    arrive(pipeline, 1, 2)
    pipeline.run()
    arrive(pipeline, 3)

    record = pipeline.run().assets[-1]

    assert (record.status, record.warnings) == ("published", ())
    assert record.scope is not None
    assert (record.scope.kind, record.scope.rows) == ("whole", 3)
    assert "stumbled" not in record.scope.why


def test_where_polster_stumbles_over_how_to_divide_a_table_it_is_made_at_once(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(in_parts, "AT_WORK", 1_000_000)
    pipeline.write("pyproject.toml", '[tool.polster]\nmemory_limit = "1MiB"\n')
    project(pipeline, PLAIN)
    arrive(pipeline, 1, 2)
    break_a_question(monkeypatch)

    record = pipeline.run().assets[-1]

    (warning,) = record.warnings
    assert (record.rows_published, warning.code) == (2, "POL900")
    assert "how it is divided" in warning.message


def test_explain_says_that_polster_stumbled(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    project(pipeline, PLAIN)
    arrive(pipeline, 1, 2)
    pipeline.run()
    break_proof(monkeypatch)

    done = pipeline.cli("explain", "silver.tried")

    assert done.exit_code == 0
    assert "Polster stumbled" in done.stdout
    assert "report this as a bug" in done.stdout
