"""Errors travel between processes whole."""

from __future__ import annotations

import pickle

import pytest

from polster.errors import AssetError, DefinitionError, PolsterError, UsageError
from polster.model.finding import Finding
from polster.model.record import Trace


@pytest.mark.parametrize(
    "error",
    [
        UsageError("unknown", code="POL201", hint="did you mean x?", place="a.py:1"),
        AssetError("raised", code="POL305", trace=Trace("text", "frames")),
        DefinitionError([Finding("POL202", "may not read", file="a.py", line=3)]),
    ],
)
def test_an_error_arrives_in_another_process_with_all_that_it_carries(error: PolsterError) -> None:
    arrived = pickle.loads(pickle.dumps(error))

    assert type(arrived) is type(error)
    assert str(arrived) == str(error)
    assert arrived.__dict__ == error.__dict__
