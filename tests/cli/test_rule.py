from __future__ import annotations

import json

from typer.testing import CliRunner

from polster.cli.app import app


def test_what_is_written_about_an_error_is_shown() -> None:
    shown = CliRunner().invoke(app, ["rule", "pol306"])
    as_json = CliRunner().invoke(app, ["rule", "POL306", "--format", "json"])

    assert shown.exit_code == 0
    title, _, text = shown.stdout.partition("\n\n")
    assert title == "POL306: rows break a rule that lets none pass"
    assert "polster quarantine" in text
    assert json.loads(as_json.stdout) == {
        "code": "POL306",
        "title": "rows break a rule that lets none pass",
        "text": text.rstrip(),
    }


def test_a_rule_that_is_an_error_too_is_explained() -> None:
    assert CliRunner().invoke(app, ["rule", "POL319"]).stdout.startswith("POL319 twin-columns")


def test_a_code_of_nothing_is_refused() -> None:
    assert CliRunner().invoke(app, ["rule", "POL999"]).exit_code == 2
