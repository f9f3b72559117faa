"""What a shell offers while a command is typed: read from the names of files, and their text."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import typer

from polster.errors import PolsterError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.complete import (
    asset_files,
    find_project,
    written_columns,
    written_rules,
)


class Substitute(str):
    """What takes the place of a word though it begins otherwise, which Typer would leave out.

    That Typer asks ``startswith`` of what is offered, and where Bash's words stand, is private to
    it, and known here alone. Otherwise fewer words are offered, and nothing else happens.
    """

    __slots__ = ()

    def startswith(self, *_: object) -> bool:
        """Tell Typer to offer it."""
        return True


def complete_asset(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the assets, by key."""
    return [str(key) for key in _files(context) if str(key).startswith(incomplete)]


def complete_selection(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the assets and the layers, with the plus sign that was typed.

    Bash takes a colon for the end of a word: of ``layer:s`` it says ``layer``, ``:`` and ``s``, and
    puts what is offered behind the colon.
    """
    before = (context.params.get("selection") or [*context.args])[-2:]
    words = [*before, incomplete] if incomplete != ":" else [*before[-1:], ":", ""]
    if words[-2:-1] == [":"]:
        layers = Layer if words[-3:-2] in (["layer"], ["+layer"]) else ()
        return [Substitute(layer) for layer in layers if layer.startswith(words[-1])]
    plus = "+" if incomplete.startswith("+") else ""
    terms = [*complete_asset(context, ""), *(f"layer:{layer}" for layer in Layer)]
    return [plus + term for term in terms if term.startswith(incomplete.removeprefix("+"))]


def complete_column(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the assets, and behind the key of one the columns that its contract names."""
    columns = [
        f"{key}.{column}"
        for key, file in _files(context).items()
        if incomplete.startswith(f"{key}.")
        for column in written_columns(file)
    ]
    return complete_asset(context, incomplete) or [
        each for each in columns if each.startswith(incomplete)
    ]


def complete_rule_of_asset(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the rules that the contract of the asset that was typed writes out."""
    typed = {
        context.params.get("asset"),
        *context.args,
    }  # the latter while an option lacks its value
    return [
        _as_typed(rule)
        for key, file in _files(context).items()
        if str(key) in typed
        for rule in written_rules(file)
        if rule.startswith(incomplete)
    ]


def _as_typed(word: str) -> str:
    """Return a word as it must stand on the line, where a bar without a backslash is a pipe."""
    words = os.environ.get("COMP_WORDS", "").split("\n")
    is_bash = os.environ.get("_POLSTER_COMPLETE") == "complete_bash"
    quoted = any(each.startswith(("'", '"')) for each in words[-1:])
    return Substitute(word.replace("|", r"\|")) if is_bash and not quoted else word


def _files(context: typer.Context) -> dict[AssetKey, Path]:
    return dict(_found(context.params.get("project")))


def _found(project: Path | None) -> Iterator[tuple[AssetKey, Path]]:
    try:
        root = find_project(project or Path.cwd())
        for file in asset_files(root):
            key = AssetKey.parse(file.stem)
            if key is not None:
                yield key, file
    except (PolsterError, OSError):  # a shell wants no message in the middle of a line
        return
