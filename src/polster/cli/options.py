"""The options that several commands share."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

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
