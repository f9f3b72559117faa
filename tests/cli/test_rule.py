from __future__ import annotations

import json

from typer.testing import CliRunner

from polster.cli.app import app


def test_the_code_of_an_error_leads_to_what_is_written_about_it() -> None:
    shown = CliRunner().invoke(app, ["rule", "pol306"])
    as_json = CliRunner().invoke(app, ["rule", "POL306", "--format", "json"])

    assert shown.exit_code == 0
    assert shown.stdout.splitlines() == [
        "POL306 is the code of an error, not a rule: rows break a rule that lets none pass",
        "what to do about it stands in Polster's documentation, docs/errors.md",
    ]
    assert json.loads(as_json.stdout)["described_in"] == "docs/errors.md"


def test_a_rule_that_is_an_error_too_is_explained() -> None:
    assert CliRunner().invoke(app, ["rule", "POL319"]).stdout.startswith("POL319 twin-columns")


def test_a_code_of_nothing_is_refused() -> None:
    assert CliRunner().invoke(app, ["rule", "POL999"]).exit_code == 2
