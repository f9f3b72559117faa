"""Source code, with line numbers, to read."""

from __future__ import annotations

import io
import keyword
import token
import tokenize
from collections.abc import Iterator

from nicegui.element import Element

Pieces = list[tuple[str, str]]
"""A line: what kind each piece of it is, empty for none in particular, and its text."""
HIGHLIGHTED = 200_000
"""A text with more characters is shown in one colour."""
TEXTS = tuple(
    number
    for number, name in token.tok_name.items()
    if name in ("STRING", "FSTRING_START", "FSTRING_MIDDLE", "FSTRING_END")
)


class Listing(Element, component="listing.js"):
    """Lines of Python.

    Args:
        text: Of the file.
        marked: The line that matters, from 1.
        label: What is shown.
    """

    def __init__(self, text: str, *, marked: int, label: str) -> None:
        super().__init__()
        self.props["lines"] = highlighted(text)
        self.props["marked"] = marked
        self.props["label"] = label


def highlighted(text: str) -> list[Pieces]:
    """Split Python into lines, and these into pieces of one kind.

    What is no Python comes back as it is, each line one piece.

    >>> highlighted("x = y  # one")
    [[('', 'x = y  '), ('comment', '# one')]]
    """
    lines = text.expandtabs(4).split("\n")
    if len(lines) > 1 and not lines[-1]:
        lines.pop()
    lines = [line.rstrip("\r") for line in lines]
    kinds: dict[int, list[tuple[int, int, str]]] = {}
    if len(text) <= HIGHLIGHTED:
        for row, start, end, kind in _marks(lines):
            kinds.setdefault(row, []).append((start, end, kind))
    return [list(_pieces(line, kinds.get(row, []))) for row, line in enumerate(lines)]


def _pieces(line: str, marks: list[tuple[int, int, str]]) -> Iterator[tuple[str, str]]:
    at = 0
    for start, end, kind in marks:
        if start > at:
            yield "", line[at:start]
        if end > start:
            yield kind, line[start:end]
        at = max(at, end)
    if at < len(line) or not line:
        yield "", line[at:]


def _marks(lines: list[str]) -> Iterator[tuple[int, int, int, str]]:
    """Say which parts of which lines are of which kind; stop where it is no Python any more."""
    plain = "\n".join(lines).replace("\r", " ")  # which Python 3.13 stumbles over
    source = io.StringIO(plain + "\n")
    before: tokenize.TokenInfo | None = None
    try:
        for each in tokenize.generate_tokens(source.readline):
            kind = _kind(each, before)
            before = each
            if kind is None:
                continue
            (first, start), (last, end) = each.start, each.end
            for row in range(first, last + 1):
                yield (
                    row - 1,
                    start if row == first else 0,
                    end if row == last else len(lines[row - 1]),
                    kind,
                )
    except (tokenize.TokenError, SyntaxError, IndexError, ValueError):
        return


def _kind(each: tokenize.TokenInfo, before: tokenize.TokenInfo | None) -> str | None:
    if each.type == tokenize.COMMENT:
        return "comment"
    if each.type in TEXTS:
        return "string"
    if each.type == tokenize.NUMBER:
        return "figure-text"
    if each.type != tokenize.NAME:
        return None
    if keyword.iskeyword(each.string):
        return "keyword"
    if before is not None and before.string in ("def", "class", "@"):
        return "defined"
    return None
