"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from polster.cli.completion import complete_asset, complete_selection

AssetArgument = Annotated[
    str, typer.Argument(help="silver.clean_logs, or clean_logs.", autocompletion=complete_asset)
]
SelectionArgument = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="SELECTION",
        help="silver.clean_logs, clean_logs, layer:gold, tag:daily, owner:ops, 'silver.*'; "
        "+x adds what x stands on, x+ what stands on x. Nothing means everything.",
        autocompletion=complete_selection,
    ),
]
ProjectOption = Annotated[
    Path | None,
    typer.Option("--project", metavar="DIR", help="The project's folder, if not found from here."),
]
EnvironmentOption = Annotated[
    str | None,
    typer.Option("--env", metavar="NAME", help="The environment, else POLSTER_ENV, else dev."),
]


class TextOrJson(StrEnum):
    """How a result is written."""

    TEXT = "text"
    JSON = "json"


class TableOrJson(StrEnum):
    """How a list is written."""

    TABLE = "table"
    JSON = "json"


FormatOption = Annotated[TextOrJson, typer.Option("--format", help="For people or for machines.")]
ListFormatOption = Annotated[
    TableOrJson, typer.Option("--format", help="For people or for machines.")
]
DryRunOption = Annotated[
    bool, typer.Option("--dry-run", help="Only list the files that would change.")
]
