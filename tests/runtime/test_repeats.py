"""What would make rows of bronze count twice is refused, and said how to go on."""

from __future__ import annotations

import pytest
from deltalake import DeltaTable
from tests.conftest import Pipeline

from polster.model.record import AssetRecord, RunRecord

EVENTS = """
@bronze(load="append"{options})
def events() -> pl.LazyFrame:
    return pl.scan_csv("events.csv", schema={{"id": pl.Int64, "kind": pl.String}})
"""
SILVER = """
class Events(dy.Schema):
    id = dy.Int64()

@silver(contract=Events)
def events(bronze_events: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_events.select("id"){step}
"""
FILE = "src/core/bronze_events.py"


@pytest.fixture
def events(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.events", EVENTS.format(options=""))
    pipeline.write("events.csv", "id,kind\n1,a\n2,b\n")
    assert pipeline.outcome() == {"bronze.events": "published"}
    return pipeline


def _only(run: RunRecord) -> AssetRecord:
    return run.assets[0]


def _failure(run: RunRecord) -> str:
    error = _only(run).error
    assert error is not None
    return f"{error.code}: {error.message} / {error.hint}"


def test_the_batch_that_landed_last_is_refused_in_any_order_and_each_time(
    events: Pipeline,
) -> None:
    events.write("events.csv", "id,kind\n2,b\n1,a\n")

    first, again, refreshed = events.run(), events.run(), events.run(full_refresh=True)

    assert _failure(first) == (
        "POL331: the batch is the one that landed last, and landing it again would double its 2 "
        "rows / let the function return new records only; if its source may deliver a batch "
        'twice, write repeated_batch="skip"; if the same rows are new ones, repeated_batch="land"'
    )
    assert _failure(again) == _failure(refreshed) == _failure(first)
    assert events.table("bronze.events").height == 2
    assert events.staged_files() == []


def test_many_harmless_commits_do_not_hide_that_a_batch_is_the_same(events: Pipeline) -> None:
    delta = DeltaTable(events.data / "bronze/events")
    for _ in range(51):
        delta.alter.set_table_properties({"delta.logRetentionDuration": "interval 30 days"})

    assert _failure(events.run()).startswith("POL331")


def test_a_batch_that_differs_in_one_value_lands(events: Pipeline) -> None:
    events.write("events.csv", "id,kind\n1,a\n2,c\n")

    assert events.outcome() == {"bronze.events": "published"}
    assert events.table("bronze.events").height == 4


@pytest.mark.parametrize(
    ("option", "status", "rows"), [("skip", "unchanged", 2), ("land", "published", 4)]
)
def test_an_option_says_what_a_repeated_batch_is(
    events: Pipeline, option: str, status: str, rows: int
) -> None:
    events.asset("bronze.events", EVENTS.format(options=f', repeated_batch="{option}"'))

    assert events.outcome() == {"bronze.events": status}
    assert events.table("bronze.events").height == rows


def test_after_a_run_that_failed_elsewhere_the_same_batch_is_the_same_load(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.events", EVENTS.format(options=""))
    pipeline.asset("silver.events", SILVER.format(step='.cast({"id": pl.Int8}).select(x=1)'))
    pipeline.write("events.csv", "id,kind\n1,a\n2,b\n")
    failed = [pipeline.outcome(), pipeline.outcome()]
    pipeline.asset("silver.events", SILVER.format(step=""))
    mended, after = pipeline.outcome(), pipeline.outcome()

    assert failed == [
        {"bronze.events": "published", "silver.events": "failed"},
        {"bronze.events": "unchanged", "silver.events": "failed"},
    ]
    assert mended == {"bronze.events": "unchanged", "silver.events": "published"}
    assert after == {"bronze.events": "failed", "silver.events": "skipped"}
    assert pipeline.table("silver.events").height == 2


def test_a_run_that_failed_elsewhere_later_does_not_make_a_batch_the_same_load(
    events: Pipeline,
) -> None:
    """The batch had landed in a run that ended well."""
    landed = (events.root / "events.csv").read_text()
    events.write("events.csv", "id,kind\n")
    events.asset("silver.events", SILVER.format(step='.select("nothing")'))
    assert events.outcome() == {"bronze.events": "unchanged", "silver.events": "failed"}
    events.write("events.csv", landed)

    assert _failure(events.run("bronze.events")).startswith("POL331")


def test_after_a_kill_between_commit_and_ledger_the_same_batch_is_the_same_load(
    events: Pipeline,
) -> None:
    ledger = events.data / "_polster" / "runs"
    for file in sorted(ledger.rglob("*"), reverse=True):
        file.unlink() if file.is_file() else file.rmdir()
    ledger.rmdir()

    after = events.outcome()

    assert after == {"bronze.events": "unchanged"}
    assert events.table("bronze.events").height == 2


@pytest.mark.parametrize("was", ["snapshot", "append"])
def test_another_way_of_loading_is_refused_and_planned_so(pipeline: Pipeline, was: str) -> None:
    asset = EVENTS.format(options="").replace('"append"', f'"{was}"')
    pipeline.asset("bronze.events", asset)
    for batch in "1,a", "2,b":
        pipeline.write("events.csv", f"id,kind\n{batch}\n")
        pipeline.run()
    other = {"snapshot": "append", "append": "snapshot"}[was]
    read = pipeline.table("bronze.events")
    pipeline.edit(FILE, f'"{was}"', f'"{other}"')
    pipeline.write("events.csv", "id,kind\n3,c\n")

    planned = pipeline.cli("plan").stdout
    refused = pipeline.run()
    stayed = pipeline.table("bronze.events")
    pipeline.edit(FILE, f'"{other}"', f'"{was}"')
    back = pipeline.outcome()

    assert f'its table was loaded with load="{was}": this will fail' in planned
    assert _failure(refused).startswith(
        f'POL332: its table was loaded with load="{was}"; with load='
    )
    assert f'write load="{was}" again' in _failure(refused)
    assert stayed.equals(read)
    assert back == {"bronze.events": "published"}


def test_a_folder_that_is_moved_away_begins_another_way_of_loading(events: Pipeline) -> None:
    events.edit(FILE, '"append"', '"snapshot"')
    events.run()

    (events.data / "bronze/events").rename(events.root / "away")

    assert events.outcome() == {"bronze.events": "published"}


COUNTED = """
class Events(dy.Schema):
    id = dy.Int64()

    @dy.rule()
    def at_least_five(cls) -> pl.Expr:
        return pl.len() >= 5

    @dy.rule()
    def rising(cls) -> pl.Expr:
        return pl.col("id") >= pl.col("id").min().over("id")

@silver(contract=Events{options})
def events() -> pl.LazyFrame:
    return pl.LazyFrame({{"id": range({rows})}}, schema={{"id": pl.Int64}})
"""


@pytest.mark.parametrize(("rows", "code"), [(0, "POL330"), (3, "POL307"), (5, None)])
def test_a_rule_of_the_whole_table_fails_on_no_rows_as_on_three(
    pipeline: Pipeline, rows: int, code: str | None
) -> None:
    pipeline.asset("silver.events", COUNTED.format(options="", rows=rows))

    error = _only(pipeline.run()).error

    assert (error.code if error else None) == code


@pytest.mark.parametrize(("rows", "code"), [(0, "POL330"), (3, "POL306")])
def test_where_the_rule_lets_none_pass_an_empty_table_may_not_either(
    pipeline: Pipeline, rows: int, code: str
) -> None:
    options = ', on_violation="fail", max_quarantined=1.0, allow_empty=True'
    pipeline.asset("silver.events", COUNTED.format(options=options, rows=rows))

    error = _only(pipeline.run()).error

    assert error is not None
    assert error.code == code


@pytest.mark.parametrize("options", [', on_violation="warn"', ", max_quarantined=1.0"])
def test_what_lets_three_rows_pass_lets_none_pass_and_tells(
    pipeline: Pipeline, options: str
) -> None:
    pipeline.asset("silver.events", COUNTED.format(options=options, rows=0))

    record = _only(pipeline.run())

    assert record.status == "published"
    assert "the rule at_least_five does not hold of a table without rows" in record.notes


def test_the_hint_of_a_rule_of_the_whole_table_permits_an_empty_one(pipeline: Pipeline) -> None:
    pipeline.asset(
        "silver.events",
        COUNTED.format(options="", rows=0).replace(
            "pl.len() >= 5", "(pl.len() == 0) | (pl.len() >= 5)"
        ),
    )

    assert pipeline.outcome() == {"silver.events": "published"}


def test_a_check_over_zero_rows_says_nothing_of_rules_of_the_whole_table(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("silver.events", COUNTED.format(options="", rows=0))

    assert "POL330" not in pipeline.cli("validate").stdout
