"""What the names of a project's files do to others: rule POL227."""

from __future__ import annotations

import sys
from pathlib import Path

from polster.model.finding import Finding, Severity
from polster.project.discovery import ASSET_FOLDER
from polster.project.import_path import SOURCE_FOLDER

LIBRARIES = sys.stdlib_module_names | {"dataframely", "deltalake", "polars", "polster"}


def check_file_names(root: Path) -> list[Finding]:
    """Find the modules that stand in for a library, in a project's ``src`` and ``src/core``.

    Python looks in ``src`` before it looks for a library, and in ``src/core`` when an asset's file
    is run by itself.
    """
    return [
        Finding(
            "POL227",
            f"`{path.stem}` is the name of a library, too, and code that wants one gets the other",
            file=path.relative_to(root).as_posix(),
            line=1,
            hint=f"rename the file, for example to {path.stem}_of_project{path.suffix}",
            severity=Severity.WARNING,
        )
        for folder in (SOURCE_FOLDER, ASSET_FOLDER)
        for path in sorted((root / folder).glob("*"))
        if path.stem in LIBRARIES and (path.suffix == ".py" or (path / "__init__.py").is_file())
    ]
