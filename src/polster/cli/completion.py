"""What a shell offers while a command is typed: read from the names of files, and their text."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import typer

from polster.errors import PolsterError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.project.discovery import asset_files
from polster.project.locate import find_project
from polster.project.written_contract import written_columns, written_rules


def complete_asset(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the assets, by key."""
    return [str(key) for key in _files(context) if str(key).startswith(incomplete)]


def complete_selection(context: typer.Context, incomplete: str) -> list[str]:
    """Offer the assets and the layers, with the plus sign that was typed."""
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
        rule
        for key, file in _files(context).items()
        if str(key) in typed
        for rule in written_rules(file)
        if rule.startswith(incomplete)
    ]


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
