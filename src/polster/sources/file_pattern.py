"""What a pattern of files means: which names, and what the names say by placeholders."""

from __future__ import annotations

import fnmatch
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from polster.errors import AssetError

OWN_COLUMNS = ("_source", "_row", "_rescued", "_ingested_at", "_batch_id")
"""So neither a placeholder nor a column of a file is called: Polster adds these itself."""
TOKENS = re.compile(
    r"(?P<brace>\{\{|\}\})|\{(?P<name>[^{}/]*)\}|(?P<lone>[{}])"
    r"|(?P<folders>(?:(?<=/)|^)\*\*(?:/|\Z))|(?P<stars>\*+)|(?P<one>\?|\[!?\]?[^\]/]*\])"
)
BESIDE = "//"
"""Stands in no name, and so between a name and a value that is held against it."""

Values = tuple[tuple[str, str], ...]
"""Each placeholder, and its text in the name of one file."""


class AmbiguousNameError(Exception):
    """The name of a file can be read in several ways; the message says in which."""


@dataclass(frozen=True, slots=True)
class Pattern:
    """A pattern such as ``landing/{region}/*.csv``.

    Attributes:
        text: As it was written.
        glob: With ``*`` in the place of each placeholder.
        names: Of the placeholders, from left to right.
    """

    text: str
    glob: str
    names: tuple[str, ...]
    _name: re.Pattern[str]
    _others: tuple[re.Pattern[str], ...]

    @classmethod
    def of(cls, text: str, root: Path) -> Pattern:
        """Read a pattern.

        Args:
            text: As in a shell, and ``{name}`` for one or more characters between two slashes.
            root: The project's folder.

        Raises:
            AssetError: A placeholder makes no sense.
        """
        pieces = list(_pieces(text if "://" in text else name_of(root, root / text)))
        names = tuple(piece.name for piece in pieces if piece.name is not None)
        if mistakes := list(_mistakes(text, pieces, names)):
            raise AssetError(
                f"the pattern {text} cannot be read: {'; '.join(mistakes)}",
                code="POL368",
                hint="write a placeholder as {name}, each with a name of its own, and a brace that "
                "is part of a name as {{ or }}",
            )
        regex = "".join(piece.regex for piece in pieces)
        others = [re.compile(rf"{regex}{BESIDE}(?!(?P={name})\Z)") for name in names]
        glob = "".join(piece.glob for piece in pieces)
        return cls(text, glob, names, re.compile(regex), tuple(others))

    def matches(self, name: str) -> bool:
        """Tell whether the pattern means a file."""
        return self._name.fullmatch(name) is not None

    def values(self, name: str) -> Values:
        """Return what the placeholders are in the name of a file that the pattern means.

        Raises:
            AmbiguousNameError: It says one thing or another, as ``a_b_c`` does of ``{x}_{y}``.
        """
        found = self._name.fullmatch(name)
        assert found is not None, "the pattern means it"  # noqa: S101
        values = found.groupdict()
        for each, other in zip(self.names, self._others, strict=True):
            if again := other.match(f"{name}{BESIDE}{values[each]}"):
                raise AmbiguousNameError(
                    f"its name can be read in several ways: `{each}` is {again[each]} or "
                    f"{values[each]}"
                )
        return tuple(values.items())


@dataclass(frozen=True, slots=True)
class _Piece:
    """A part of a pattern.

    Attributes:
        name: Of a placeholder; None if it is none.
        is_open: Whether it stands for texts of any length.
        is_lone: Whether it is a brace without its partner.
    """

    glob: str
    regex: str
    name: str | None = None
    is_open: bool = False
    is_lone: bool = False


def name_of(root: Path, path: Path) -> str:
    """Return the name of a file of this machine: from the project's folder on, if it is there."""
    return path.relative_to(root).as_posix() if path.is_relative_to(root) else path.as_posix()


def _pieces(text: str) -> Iterator[_Piece]:
    end = 0
    for token in TOKENS.finditer(text):
        if before := text[end : token.start()]:
            yield _Piece(before, re.escape(before))
        end = token.end()
        yield _piece(token)
    if rest := text[end:]:
        yield _Piece(rest, re.escape(rest))


def _piece(token: re.Match[str]) -> _Piece:
    text, name = token[0], token["name"]
    if name is not None:
        return _Piece("*", f"(?P<{name}>[^/]+)", name, is_open=True)
    if token["lone"]:
        return _Piece(text, "", is_lone=True)
    if token["brace"]:
        return _Piece(text[0], re.escape(text[0]))
    if token["folders"]:
        own = "" if text.endswith("/") else "/*"
        return _Piece(f"{text}{own}", f"(?:[^/]+/)*{own and '[^/]*'}")
    if token["stars"]:
        return _Piece(text, "[^/]*", is_open=True)
    return _Piece(text, f"(?!/){fnmatch.translate(text)[:-2]}")  # without its end of the text


def _mistakes(text: str, pieces: Sequence[_Piece], names: Sequence[str]) -> Iterator[str]:
    """Say what of a pattern makes no sense."""
    for lone in (piece.glob for piece in pieces if piece.is_lone):
        yield f"nothing {'closes' if lone == '{' else 'opens'} a brace"
    counts = Counter(name.lower() for name in names)
    for name in dict.fromkeys(names):
        if not name.isidentifier():
            yield f"`{{{name}}}` is no name of a column: letters, digits and _"
        elif name.lower() in OWN_COLUMNS:
            yield f"`{{{name}}}` is a column that Polster adds itself"
        elif counts.pop(name.lower(), 1) > 1:
            yield f"`{{{name}}}` stands there more than once"
    for one, after in pairwise(pieces):
        if one.is_open and after.is_open and (one.name, after.name) != (None, None):
            yield "nothing says where a placeholder ends that touches another, or a `*`"
    _, remote, path = text.partition("://")
    if remote and "{" in path.partition("/")[0]:
        yield "a bucket is named as it is"
