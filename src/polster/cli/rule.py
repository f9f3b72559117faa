"""``polster rule``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.checks.registry import RULES, find_rule
from polster.cli import console
from polster.cli.error_titles import ERROR_TITLES
from polster.cli.options import FormatOption, TextOrJson
from polster.cli.rule_text import rule_as_json, rule_as_text

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _complete_code(incomplete: str) -> list[str]:
    known = [*RULES, *ERROR_TITLES, *(rule.name for rule in RULES.values())]
    return [each for each in known if each.startswith(incomplete)]


@app.command()
def command(
    rule: Annotated[
        str,
        typer.Argument(
            metavar="RULE", help="Code or name, such as POL603.", autocompletion=_complete_code
        ),
    ],
    format: FormatOption = TextOrJson.TEXT,
) -> None:
    """Explain one rule: why it is there, and how code looks that breaks and keeps it."""
    code = rule.upper()
    if (title := ERROR_TITLES.get(code)) is not None:
        place = "docs/errors.md"
        if format is TextOrJson.JSON:
            console.show_json({"code": code, "title": title, "described_in": place})
        else:
            console.show(f"{code} is the code of an error, not a rule: {title}")
            console.show(f"what to do about it stands in Polster's documentation, {place}")
        return
    found = find_rule(rule)
    if format is TextOrJson.JSON:
        console.show_json(rule_as_json(found))
    else:
        console.show(rule_as_text(found))
