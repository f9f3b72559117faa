from __future__ import annotations

import json
from datetime import UTC, datetime

import pytest

from polster.cli import console
from polster.errors import UsageError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.scope import Scope, ScopeKind


def test_nothing_that_is_shown_steers_a_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    console.show("a\x1b[31mb\x07\x9b\r\tc\nd")
    console.note("\x1b[2J")
    console.show_json({"\x9b": "\x1b\x7f"})

    out, err = capsys.readouterr()
    assert out == 'a\\x1b[31mb\\x07\\x9b\\r\tc\nd\n{\n  "\\u009b": "\\u001b\\u007f"\n}\n'
    assert err == "\\x1b[2J\n"


def test_values_of_the_model_are_written_as_they_are_kept(
    capsys: pytest.CaptureFixture[str],
) -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    key = AssetKey(Layer.GOLD, "x")

    console.show_json(
        {"asset": key, "at": moment, "scope": Scope(ScopeKind.LOCAL, ("id",), rows=2)}
    )

    shown = json.loads(capsys.readouterr().out)
    assert (shown["asset"], shown["at"]) == ("gold.x", "2026-01-02T00:00:00+00:00")
    assert (shown["scope"]["kind"], shown["scope"]["by"]) == ("local", ["id"])


def test_a_cell_stays_on_its_line(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_rows(("name", "rows"), [("two\nlines", "7"), ("one", "10")], right=("rows",))

    assert capsys.readouterr().out.splitlines() == [
        "name       rows",
        "two lines     7",
        "one          10",
    ]


def test_an_error_is_code_message_place_and_hint(capsys: pytest.CaptureFixture[str]) -> None:
    console.show_error(UsageError("it is wrong", code="POL999", place="a.py:1", hint="mend it"))

    assert capsys.readouterr().err == (
        "error[POL999]: it is wrong\n  --> a.py:1\n\nhint: mend it\n"
    )


def test_what_is_printed_while_results_are_apart_goes_to_stderr(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with console.results_apart():
        print("printed")
    console.show("result")

    assert capsys.readouterr() == ("result\n", "printed\n")
