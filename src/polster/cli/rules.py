"""``polster rules``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

import typer

from polster.cli import console
from polster.cli.rule_text import rule_as_json, rule_as_markdown
from polster.operations.rules import REHEARSED, RULES

app = typer.Typer(rich_markup_mode=None, add_completion=False)

INTRODUCTION = """\
# Rules

What `polster validate` and `polster rehearse` look for. This page is what
`polster rules --format markdown` prints; `polster rule CODE` shows one rule in the terminal.

Which rules count, and how severely, is said in [the settings](configuration.md#rules). A single
breach is accepted with a comment that gives the reason, behind the code or alone above it:

```python
frame = frame.collect()  # polster: ignore[POL605] the lookup has twelve rows
```

A rule marked *structural* cannot be ignored: a pipeline that breaks it does not run. One marked
*fixable* is mended by `polster validate --fix`, where the breach is of the simple kind.
"""


class Format(StrEnum):
    """How the rules are written."""

    TABLE = "table"
    JSON = "json"
    MARKDOWN = "markdown"


@app.command()
def command(
    format: Annotated[Format, typer.Option("--format", help="For whom.")] = Format.TABLE,
) -> None:
    """List the rules that a pipeline is judged by."""
    match format:
        case Format.JSON:
            console.show_json([rule_as_json(rule) for rule in RULES.values()])
        case Format.MARKDOWN:
            console.show(_page())
        case Format.TABLE:
            console.show_rows(
                ("code", "name", "severity", "what is wrong"),
                [
                    (rule.code, rule.name, rule.severity.value, rule.summary)
                    for rule in RULES.values()
                ],
            )


def _page() -> str:
    lines = [
        INTRODUCTION,
        "| code | name | severity | what is wrong |",
        "| --- | --- | --- | --- |",
    ]
    for rule in RULES.values():
        anchor = f"{rule.code}-{rule.name}".lower()
        link = f"[{rule.code}](#{anchor})"
        where = ", found by `rehearse`" if rule.code in REHEARSED else ""
        lines.append(f"| {link} | {rule.name} | {rule.severity}{where} | {rule.summary} |")
    return "\n".join(lines) + "\n\n" + "\n".join(map(rule_as_markdown, RULES.values())).rstrip()
