"""What the documentation says of each error, at hand without a network."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

INSTALLED = Path(__file__).with_name("errors.md")
IN_A_CLONE = Path(__file__).parents[3] / "docs" / "errors.md"
SECTION = re.compile(
    r"^### (?P<code>POL\d{3}): (?P<title>.+)\n(?P<text>(?:(?!^##).*\n?)*)", re.MULTILINE
)
LINK = re.compile(r"\[([^\]]+)\]\([^)]+\)")


@dataclass(frozen=True, slots=True)
class ErrorPage:
    """What the documentation says of one error.

    Attributes:
        title: Its heading.
        text: What it means and how to mend it, Markdown, links left out.
    """

    code: str
    title: str
    text: str


@cache
def error_pages() -> Mapping[str, ErrorPage]:
    """Return what is described in docs/errors.md, by code."""
    page = INSTALLED if INSTALLED.is_file() else IN_A_CLONE
    return {
        found["code"]: ErrorPage(
            found["code"], found["title"], LINK.sub(r"\1", found["text"]).strip()
        )
        for found in SECTION.finditer(page.read_text(encoding="utf-8"))
    }
