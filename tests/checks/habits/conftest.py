"""Projects of a few files, judged by their source alone."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent, indent

import pytest

from polster.checks.habits.check import check_habits
from polster.model.finding import Finding
from polster.operations.open_project import open_project

HEAD = """\
import dataframely as dy
import polars as pl
import polster
from polster import bronze, gold, silver
"""


@dataclass
class Source:
    """The files of a project."""

    root: Path

    def write(self, path: str, text: str) -> str:
        """Write a file; return its path."""
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return path

    def bronze(self, body: str, *, top: str = "", name: str = "orders") -> str:
        """Write a bronze asset that does ``body``, with ``top`` above it."""
        text = f"{HEAD}{dedent(top)}\n@bronze\ndef {name}() -> pl.LazyFrame:\n"
        return self.write(f"src/core/bronze_{name}.py", text + indent(dedent(body), "    "))

    def silver(
        self, body: str, *, top: str = "", name: str = "orders", returns: str = "pl.LazyFrame"
    ) -> str:
        """Write a silver asset that does ``body`` with ``rows``."""
        return self._table("silver", name, "bronze_orders", top, body, returns)

    def gold(self, body: str, *, top: str = "", name: str = "sales") -> str:
        """Write a gold asset that does ``body`` with ``rows``."""
        return self._table("gold", name, "silver_orders", top, body, "pl.LazyFrame")

    def findings(self) -> list[Finding]:
        project = open_project(self.root)
        assert all(each.code in ("POL201", "POL202") for each in project.discovery.findings)
        return list(check_habits(self.root, project.discovery.assets).findings)

    def codes(self) -> list[str]:
        return [finding.code for finding in self.findings()]

    def shown(self) -> list[tuple[str, str]]:
        """Return each finding's code with the code that it points at, to the end of the line."""
        found: list[tuple[str, str]] = []
        for finding in self.findings():
            assert finding.file is not None
            assert finding.line is not None
            assert finding.column is not None
            lines = (self.root / finding.file).read_text(encoding="utf-8").splitlines()
            found.append((finding.code, lines[finding.line - 1][finding.column - 1 :]))
        return found

    def _table(self, layer: str, name: str, read: str, top: str, body: str, returns: str) -> str:
        text = (
            f"{HEAD}{dedent(top)}\n"
            "class Contract(dy.Schema):\n    id = dy.Int64(primary_key=True)\n\n\n"
            f"@{layer}(contract=Contract)\n"
            f"def {name}({read}: pl.LazyFrame, run: polster.RunContext) -> {returns}:\n"
            f"    rows = {read}\n"
        )
        return self.write(f"src/core/{layer}_{name}.py", text + indent(dedent(body), "    "))


@pytest.fixture
def source(tmp_path: Path) -> Source:
    made = Source(tmp_path)
    made.write("pyproject.toml", "[tool.polster]\n")
    made.write("src/core/__init__.py", "")
    return made
