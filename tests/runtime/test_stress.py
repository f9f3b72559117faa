"""A little of what ``python -m tests.runtime.endurance`` does for longer."""

from __future__ import annotations

from tests.conftest import Pipeline
from tests.runtime import endurance


def test_runs_at_once_leave_what_some_order_of_them_leaves(pipeline: Pipeline) -> None:
    assert endurance.stress(pipeline, processes=5, seconds=6) > 5


def test_runs_that_are_killed_at_any_moment_lose_and_double_nothing(pipeline: Pipeline) -> None:
    assert endurance.kills(pipeline, count=8, at_once=2) == 8
