"""``polster rule``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.error_pages import error_pages
from polster.cli.options import FormatOption, TextOrJson
from polster.cli.rule_text import rule_as_json, rule_as_text
from polster.operations.rules import RULES, find_rule

app = typer.Typer(rich_markup_mode=None, add_completion=False)


def _complete_code(incomplete: str) -> list[str]:
    known = [*dict.fromkeys([*RULES, *error_pages()]), *(rule.name for rule in RULES.values())]
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
    """Explain a rule, with code that breaks and keeps it, or an error and how to mend it."""
    page = error_pages().get(rule.upper())
    if page is not None and page.code not in RULES:
        if format is TextOrJson.JSON:
            console.show_json(page)
        else:
            console.show(f"{page.code}: {page.title}\n\n{page.text}")
        return
    found = find_rule(rule)
    if format is TextOrJson.JSON:
        console.show_json(rule_as_json(found))
    else:
        console.show(rule_as_text(found))
