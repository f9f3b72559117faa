"""``polster rule``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.checks.registry import find_rule
from polster.cli import console
from polster.cli.options import FormatOption, TextOrJson
from polster.cli.rule_text import rule_as_json, rule_as_text

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    rule: Annotated[str, typer.Argument(metavar="RULE", help="Code or name, such as POL603.")],
    format: FormatOption = TextOrJson.TEXT,
) -> None:
    """Explain one rule: why it is there, and how code looks that breaks and keeps it."""
    found = find_rule(rule)
    if format is TextOrJson.JSON:
        console.show_json(rule_as_json(found))
    else:
        console.show(rule_as_text(found))
