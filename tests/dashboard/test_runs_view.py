"""What the list of runs says of requests that are over."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from polster.dashboard.runner import RequestState, RunRequest
from polster.dashboard.runs_view import Listed, unrecorded

NOW = datetime(2026, 1, 2, tzinfo=UTC)


@pytest.mark.parametrize("year", [1970, 2026, 9999])
def test_a_request_counts_as_recorded_by_the_ledger_whatever_its_clock_said(year: int) -> None:
    run_id = f"{year}0102T030405-abcdef"
    request = RunRequest(1, (), False, NOW, RequestState.ENDED, run_id=run_id)
    asked = Listed(has_more=True, over=frozenset({1}))

    lost = unrecorded([request], asked)
    further_down = unrecorded(
        [request], Listed(has_more=True, over=frozenset({1}), known=frozenset({run_id}))
    )

    assert lost == [request]
    assert further_down == []


def test_a_run_that_ended_after_the_list_was_asked_for_is_not_told_as_lost() -> None:
    request = RunRequest(1, (), False, NOW, RequestState.ENDED, run_id="run")

    assert unrecorded([request], Listed()) == []
