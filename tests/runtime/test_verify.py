"""Parts of tables are compared with whole builds: how many, and what is told of a difference."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.record import AssetRecord
from polster.runtime.execute import is_verified
from polster.runtime.writes.difference import Difference, find_difference

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EVENTS = """
@bronze(load="append", repeated_batch="land")
def events() -> pl.LazyFrame:
    return pl.scan_csv("landing/events.csv", schema={
        "id": pl.Int64, "email": pl.String, "amount": pl.Int64
    })
"""
SOUND = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    return events.select("id", "amount")
"""
CHANGES_ITS_MIND = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    email = dy.String(nullable=True)
    amount = dy.Int64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    import os
    told = os.environ["TOLD"]
    return events.select(
        "id", email=pl.col("email") + told, amount=pl.col("amount") + len(told)
    )
"""
MARK = 'metadata={"pii": True}'
KEY = AssetKey(Layer.SILVER, "tried")


def arrive(pipeline: Pipeline, *ids: int) -> None:
    lines = [f"{each},p{each}@x.org,{each * 10}" for each in ids]
    pipeline.write("landing/events.csv", "\n".join(["id,email,amount", *lines, ""]))


def message(pipeline: Pipeline) -> str:
    """Run a function that gives other rows than the first time; return what is said of it."""
    arrive(pipeline, *range(5))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TOLD", "")
        pipeline.run()
        patch.setenv("TOLD", "!")
        arrive(pipeline, 7)
        (warning,) = pipeline.run(verify=True).assets[-1].warnings
    assert warning.code == "POL353"
    return warning.message


def has_verified(record: AssetRecord) -> bool:
    assert record.scope is not None
    assert str(record.scope.kind) == "row-local"
    assert record.scope.is_verified is record.why[-1].endswith("row-local, verified")
    return record.scope.is_verified


@pytest.mark.parametrize(("share", "expected"), [("0", False), ("1", True), ("1.0", True)])
def test_a_share_of_the_parts_is_verified_by_setting(
    pipeline: Pipeline, share: str, expected: bool
) -> None:
    pipeline.write("pyproject.toml", f"[tool.polster]\nverify = {share}\n")
    pipeline.asset("bronze.events", EVENTS)
    pipeline.asset("silver.tried", SOUND)
    arrive(pipeline, *range(5))
    first = pipeline.run().assets[-1]
    arrive(pipeline, 7)

    record = pipeline.run().assets[-1]

    assert first.scope is not None
    assert not first.scope.is_verified
    assert has_verified(record) is expected


def test_the_runs_that_verify_are_chosen_by_their_identifier_and_say_so(pipeline: Pipeline) -> None:
    pipeline.write("pyproject.toml", "[tool.polster]\nverify = 0.5\n")
    pipeline.asset("bronze.events", EVENTS)
    pipeline.asset("silver.tried", SOUND)
    arrive(pipeline, *range(5))
    pipeline.run()

    for number in range(10, 16):
        arrive(pipeline, number)
        run = pipeline.run()

        assert has_verified(run.assets[-1]) is is_verified(run.run_id, KEY, 0.5)


def test_the_share_that_is_verified_is_about_the_one_that_is_set() -> None:
    runs = [f"20260101T000000-{number:06x}" for number in range(4000)]

    chosen = [is_verified(each, KEY, 0.05) for each in runs]

    assert 140 < sum(chosen) < 260
    assert chosen == [is_verified(each, KEY, 0.05) for each in runs]
    assert chosen != [is_verified(each, AssetKey(Layer.GOLD, "tried"), 0.05) for each in runs]


@pytest.mark.parametrize("share", ["1.5", "-0.1", '"often"', "true", "nan"])
def test_a_share_that_is_none_is_refused(pipeline: Pipeline, share: str) -> None:
    pipeline.write("pyproject.toml", f"[tool.polster]\nverify = {share}\n")

    result = pipeline.cli("run")

    assert result.exit_code == 2
    assert "POL103" in result.stderr
    assert "polster.verify`" in result.stderr


def test_a_difference_names_rows_by_their_key_and_both_values(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.events", EVENTS)
    pipeline.asset("silver.tried", CHANGES_ITS_MIND)

    said = message(pipeline)

    assert "5 rows were missing, 5 were there that should not be" in said
    assert (
        "where `id` is 0, `email` was 'p0@x.org', not 'p0@x.org!', `amount` was 0, not 1;" in said
    )
    assert "where `id` is 2, " in said
    assert "where `id` is 3" not in said


def test_the_rows_stay_named_until_the_code_changes(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOLD", "!")
    pipeline.asset("bronze.events", EVENTS)
    pipeline.asset("silver.tried", CHANGES_ITS_MIND)
    said = message(pipeline)
    arrive(pipeline, 8)

    (warning,) = pipeline.run().assets[-1].warnings

    assert warning.message == said


SILVER_MARKS = "email = dy.String(nullable=True", f"email = dy.String(nullable=True, {MARK}"
BRONZE_MARKS = (
    "@bronze(",
    f"class Events(dy.Schema):\n    email = dy.String({MARK})\n\n@bronze(contract=Events, ",
)
READS_A_FILE = (
    'import os\n    told = os.environ["TOLD"]',
    (
        'import os\n    from pathlib import Path\n    told = os.environ["TOLD"]\n'
        '    Path("pyproject.toml").read_text()'
    ),
)


@pytest.mark.parametrize(
    ("edits", "told"),
    [
        ([SILVER_MARKS], "where `id` is 0, `email` was another, `amount` was 0, not 1"),
        ([BRONZE_MARKS], "where `id` is 0, `email` was another, `amount` was 0, not 1"),
        ([BRONZE_MARKS, READS_A_FILE], "where `id` is ***, `email` was another, `amount` was an"),
    ],
)
def test_what_is_personal_or_may_be_is_not_told(
    pipeline: Pipeline, edits: list[tuple[str, str]], told: str
) -> None:
    bronze, silver = EVENTS, CHANGES_ITS_MIND
    for old, new in edits:
        assert old in bronze + silver
        bronze, silver = bronze.replace(old, new), silver.replace(old, new)
    pipeline.asset("bronze.events", bronze)
    pipeline.asset("silver.tried", silver)

    said = message(pipeline)

    assert told in said
    assert "x.org" not in said


def test_where_nobody_knows_what_is_personal_no_value_is_told() -> None:
    ours, theirs = pl.LazyFrame({"id": [1], "v": ["a"]}), pl.LazyFrame({"id": [1], "v": ["b"]})

    found = find_difference(ours, theirs, ["id"], hidden=lambda: None)

    assert found == Difference(1, 1, "where `id` is ***, `v` was another")


def compared(
    ours: dict[str, Sequence[Any]], theirs: dict[str, Sequence[Any]], *key: str, **types: Any
) -> Difference | None:
    frames = [pl.LazyFrame(each, schema_overrides=types) for each in (ours, theirs)]
    return find_difference(frames[0], frames[1], key, hidden=set)


def test_rows_without_a_key_are_named_by_their_values() -> None:
    found = compared({"a": [1, 1, 2], "b": ["x", "x", "y"]}, {"a": [1, 2, 3], "b": ["x", "y", "z"]})

    assert found == Difference(
        1,
        1,
        "the row with `a` 3, `b` 'z' was missing; the row with `a` 1, `b` 'x' should not be there",
    )


def test_rows_that_are_missing_or_too_many_are_named_by_their_key() -> None:
    found = compared({"id": [1, 2], "v": [1, 2]}, {"id": [2, 3], "v": [2, 3]}, "id")

    assert found == Difference(
        1,
        1,
        "where `id` is 1, the row should not be there; where `id` is 3, the row was missing",
    )


SUM = 0.1 + 0.2 + 0.3, 0.3 + 0.2 + 0.1


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (*SUM, True),
        (0.0, -0.0, True),
        (math.nan, -math.nan, True),
        (math.inf, math.inf, True),
        (None, None, True),
        (0.1 + 0.2 - 0.3, 0.0, True),  # beside greater ones
        (1.0, 1.00001, False),
        (math.nan, 1.0, False),
        (math.inf, 1.0, False),
        (math.inf, -math.inf, False),
        (None, 0.0, False),
        (1e-5, 0.0, False),
    ],
)
@pytest.mark.parametrize("key", [("id",), ()])
def test_floats_are_the_same_but_for_the_order_of_addition(
    one: float | None, other: float | None, same: bool, key: tuple[str, ...]
) -> None:
    ids = [1, 2]

    found = compared({"id": ids, "v": [one, 500.0]}, {"id": ids, "v": [other, 500.0]}, *key)

    assert (found is None) is same


def test_short_floats_and_those_in_structs_may_differ_in_the_last_digits_too() -> None:
    short = compared({"v": [1.0]}, {"v": [1.0000001]}, v=pl.Float32)
    inside = compared({"v": [{"a": {"b": SUM[0]}}]}, {"v": [{"a": {"b": SUM[1]}}]})
    other = compared({"v": [{"a": {"b": 1.0}}]}, {"v": [{"a": {"b": 1.1}}]})
    null = compared({"v": [{"b": None}]}, {"v": [None]}, v=pl.Struct({"b": pl.Float64}))

    assert (short, inside) == (None, None)
    assert other == Difference(
        1,
        1,
        "the row with `v` {'a': {'b': 1.1}} was missing; "
        "the row with `v` {'a': {'b': 1.0}} should not be there",
    )
    assert null is not None


@settings(max_examples=40)
@given(
    st.lists(
        st.tuples(
            st.integers(0, 2),
            st.floats() | st.floats(-10, 10),
            st.sampled_from([1.0, -2.5, 0.0, None]),
        ),
        max_size=12,
    ),
    st.randoms(use_true_random=False),
)
def test_noise_alone_is_no_difference_and_a_row_less_is_one(
    rows: list[tuple[int, float, float | None]], chance: Any
) -> None:
    noisy = [(a, math.nextafter(b, 0), c) for a, b, c in rows if not math.isinf(b)]
    rows = [each for each in rows if not math.isinf(each[1])]
    chance.shuffle(noisy)
    types = {"a": pl.Int64, "b": pl.Float64, "c": pl.Float64}
    ours, theirs = (pl.LazyFrame(each, schema=types, orient="row") for each in (rows, noisy))

    assert find_difference(ours, theirs, (), hidden=set) is None
    if rows:
        found = find_difference(ours, theirs.slice(1), (), hidden=set)
        assert found is not None
        assert found.spare == found.missing + 1


SHARES = """
class Tried(dy.Schema):
    id = dy.Int64(primary_key=True)
    email = dy.String(nullable=True)
    share = dy.Float64(nullable=True)

@silver(contract=Tried)
def tried(events: pl.LazyFrame) -> pl.LazyFrame:
    floating = pl.col("amount") / 7
    return events.select("id", "email", share=floating / floating.sum().over("email"))
"""


def test_shares_of_a_sum_are_verified(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.events", EVENTS)
    pipeline.asset("silver.tried", SHARES)
    lines = [f"{each},{'abcdef'[each % 6]},{each * 37 % 1009}" for each in range(6000)]
    pipeline.write("landing/events.csv", "\n".join(["id,email,amount", *lines, ""]))
    pipeline.run()
    pipeline.write("landing/events.csv", "id,email,amount\n70000,a,5\n")

    record = pipeline.run(verify=True).assets[-1]

    assert record.scope is not None
    assert record.scope.text == "by email, verified"
    assert record.warnings == ()
