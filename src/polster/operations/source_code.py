"""Reading the source of an asset."""

from __future__ import annotations

from dataclasses import dataclass

from polster.errors import UsageError
from polster.model.secrets import without_secrets
from polster.operations.history import asset_named
from polster.operations.open_project import Project

LONGEST = 1_000_000


@dataclass(frozen=True, slots=True)
class SourceCode:
    """The file of an asset.

    Attributes:
        file: Relative to the project's folder.
        text: What stands in it; characters that are no UTF-8 replaced, credentials in URLs hidden.
        line: Line of the function, from 1.
        is_cut: Whether it is so long that only its beginning was read.
    """

    file: str
    text: str
    line: int
    is_cut: bool


def source_code(project: Project, name: str) -> SourceCode:
    """Read the file of the asset ``name``.

    Raises:
        UsageError: There is no such asset, or its file cannot be read.
    """
    asset = asset_named(project, name)
    try:
        with (project.root / asset.file).open("rb") as file:
            read = file.read(LONGEST + 1)
    except OSError as error:
        raise UsageError(
            f"the file cannot be read: {error.strerror}", code="POL503", place=asset.file
        ) from error
    text = without_secrets(read[:LONGEST].decode("utf-8", "replace"))
    return SourceCode(asset.file, text, asset.line, len(read) > LONGEST)
