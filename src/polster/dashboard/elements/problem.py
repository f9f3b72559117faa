"""An error of Polster, as a page shows it."""

from __future__ import annotations

from polster.dashboard.elements.tag import Tag
from polster.errors import DefinitionError, PolsterError
from polster.model.finding import Finding

SHOWN = 20


def show_problem(error: PolsterError, *, mistakes: bool = True) -> None:
    """Show what is wrong, where and how to mend it.

    Args:
        error: What is wrong.
        mistakes: Whether to list the mistakes of definitions; otherwise only that there are some.
    """
    with Tag("section", classes="problem", role="alert"):
        if isinstance(error, DefinitionError):
            Tag("h2", error.message)
            if not mistakes:
                return
            for finding in error.findings[:SHOWN]:
                show_finding(finding)
            if len(error.findings) > SHOWN:
                Tag("p", f"and {len(error.findings) - SHOWN} more: polster validate")
            return
        show_finding(Finding(error.code, error.message, file=error.place, hint=error.hint))


def show_finding(finding: Finding) -> None:
    """Show one finding: code, message, place, hint."""
    with Tag("div", classes="finding"):
        with Tag("p"):
            Tag("code", finding.code)
            Tag("span", f" {finding.message}")
        if finding.place:
            Tag("p", finding.place, classes="place")
        if finding.hint:
            Tag("p", f"hint: {finding.hint}", classes="hint")
