"""Rules of the whole table look at the table that will be, also where rows are added to it."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EVENTS = """
class Events(dy.Schema):
    id = dy.String(primary_key=True)
    person = dy.String(nullable=True)
    amount = dy.Int64()
{rules}

@bronze(load="append", contract=Events{options})
def events() -> pl.LazyFrame:
    {slowly}return pl.scan_csv("landing/events.csv", schema={{
        "id": pl.String, "person": pl.String, "amount": pl.Int64
    }})
"""
BUDGET = """
    @dy.rule()
    def budget(cls) -> pl.Expr:
        return pl.col("amount").sum().over("person") <= 100
"""
ENOUGH = """
    @dy.rule()
    def at_least_three(cls) -> pl.Expr:
        return pl.len() >= 3
"""


def events(pipeline: Pipeline, *, rules: str = "", options: str = "", slowly: str = "") -> None:
    code = EVENTS.format(rules=rules, options=options, slowly=slowly)
    pipeline.asset("bronze.events", code)


def arrive(pipeline: Pipeline, *rows: str) -> None:
    pipeline.write("landing/events.csv", "\n".join(["id,person,amount", *rows, ""]))


def land(pipeline: Pipeline, *rows: str) -> None:
    """Let rows arrive, and run."""
    arrive(pipeline, *rows)
    record = pipeline.run()
    assert [asset.error for asset in record.assets] == [None]


def ids(pipeline: Pipeline) -> list[Any]:
    return sorted(pipeline.table("bronze.events")["id"])


def rejects(pipeline: Pipeline) -> list[tuple[str, list[str]]]:
    rejected = pipeline.rejected("bronze.events")
    return sorted(rejected.select("id", "_rules").rows())


def test_a_key_that_the_table_has_is_rejected_and_the_others_land(pipeline: Pipeline) -> None:
    events(pipeline)
    land(pipeline, "1,ann,10", "2,bob,20")

    land(pipeline, "2,bob,21", "3,cid,30", "3,cid,31")

    assert ids(pipeline) == ["1", "2", "3"]
    assert rejects(pipeline) == [("2", ["primary_key"]), ("3", ["primary_key"])]
    first_come = pipeline.table("bronze.events").filter(id="2")["amount"].item()
    assert first_come == 20


def test_a_batch_of_known_keys_alone_is_refused_unless_it_may_be(pipeline: Pipeline) -> None:
    events(pipeline)
    land(pipeline, "1,ann,10", "2,bob,20")
    arrive(pipeline, "1,ann,11")

    refused = pipeline.run().assets[0].error
    events(pipeline, options=", max_quarantined=1.0")
    land(pipeline, "1,ann,11")

    assert refused is not None
    assert refused.message == "the only row breaks the contract, so nothing would be added"
    assert ids(pipeline) == ["1", "2"]
    assert rejects(pipeline) == [("1", ["primary_key"])] * 2


def test_a_group_that_the_table_begins_is_judged_whole(pipeline: Pipeline) -> None:
    events(pipeline, rules=BUDGET)
    land(pipeline, "1,ann,60", "2,bob,60")

    land(pipeline, "3,ann,60", "4,bob,40", "5,cid,100")

    assert ids(pipeline) == ["1", "2", "4", "5"]
    assert rejects(pipeline) == [("3", ["budget"])]


def test_a_rule_of_the_table_as_a_whole_counts_what_is_there(pipeline: Pipeline) -> None:
    events(pipeline, rules=ENOUGH)
    land(pipeline, "1,ann,1", "2,ann,1", "3,ann,1")

    land(pipeline, "4,ann,1")

    assert ids(pipeline) == ["1", "2", "3", "4"]
    assert pipeline.version("bronze.events") == 1


def test_rows_of_an_earlier_contract_stay_and_break_nothing(pipeline: Pipeline) -> None:
    events(pipeline, options=', repeated_batch="land"')
    pipeline.edit("src/core/bronze_events.py", "primary_key=True", "nullable=True")
    land(pipeline, "1,ann,10", "1,ann,11")
    pipeline.edit(
        "src/core/bronze_events.py",
        "id = dy.String(nullable=True",
        "id = dy.String(primary_key=True",
    )

    land(pipeline, "2,bob,20", "1,ann,12")

    assert ids(pipeline) == ["1", "1", "2"]
    assert rejects(pipeline) == [("1", ["primary_key"])]


def test_a_key_whose_type_has_changed_is_still_known(pipeline: Pipeline) -> None:
    events(pipeline)
    pipeline.edit("src/core/bronze_events.py", "dy.String(primary_key", "dy.Int32(primary_key")
    land(pipeline, "1,ann,10", "2,bob,20")
    pipeline.edit("src/core/bronze_events.py", "dy.Int32(primary_key", "dy.Int64(primary_key")

    land(pipeline, "2,bob,21", "3000000000,cid,30")

    assert ids(pipeline) == [1, 2, 3_000_000_000]
    assert rejects(pipeline) == [("2", ["primary_key"])]


def test_a_rule_that_only_warns_counts_keys_that_the_table_has(pipeline: Pipeline) -> None:
    events(pipeline, options=', on_violation={"primary_key": "warn"}')
    land(pipeline, "1,ann,10")

    land(pipeline, "1,ann,11", "2,bob,20", "2,bob,21")

    assert ids(pipeline) == ["1", "1", "2", "2"]
    assert pipeline.runs[-1].assets[0].rules_broken == {"primary_key": 2}


@pytest.mark.parametrize("isolate", [(), ("--isolate",)], ids=["threads", "processes"])
def test_of_two_runs_at_once_one_lands_a_key(pipeline: Pipeline, isolate: tuple[str, ...]) -> None:
    """Both judged their rows beside an empty table; the second has to look again."""
    events(pipeline, slowly="from core import turns; turns.wait()\n    ")
    pipeline.let_first_wait()
    arrive(pipeline, "1,ann,10", "2,bob,20")
    slow = pipeline.start("-m", "polster", "run", "--format", "json", *isolate)
    while not (pipeline.root / "here").exists():
        assert slow.poll() is None
    pipeline.run()
    arrive(pipeline, "2,bob,21", "3,cid,30")
    pipeline.write("go", "")

    stdout, stderr = slow.communicate(timeout=60)

    assert slow.returncode == 0, stdout + stderr
    assert ids(pipeline) == ["1", "2", "3"]
    assert rejects(pipeline) == [("2", ["primary_key"])]
    assert pipeline.staged_files() == []
