"""The rules of the house, proved with the tests: one command checks everything."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
HEAVY = ("polars", "deltalake", "dataframely", "pydantic", "jinja2", "nicegui", "dagster")
CHECKS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "rooms": ["-c", "from importlinter.cli import lint_imports_command as c; c()"],
}


@pytest.mark.parametrize("check", CHECKS)
def test_the_code_passes(check: str) -> None:
    done = subprocess.run(
        [sys.executable, *CHECKS[check]], cwd=ROOT, capture_output=True, text=True, check=False
    )

    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(
    "code",
    [
        "import polster",
        "import sys; sys.argv = ['polster', '--help']; from polster.cli.app import main; main()",
        "import sys; sys.argv = ['polster', '--version']; from polster.cli.app import main; main()",
    ],
)
def test_nothing_heavy_is_imported_where_it_is_not_needed(code: str) -> None:
    ask = f"import sys, atexit; heavy = {HEAVY}; atexit.register(lambda: print("
    ask += "'loaded:', [name for name in heavy if name in sys.modules])); "

    done = subprocess.run(
        [sys.executable, "-c", ask + code], capture_output=True, text=True, check=True
    )

    assert done.stdout.splitlines()[-1] == "loaded: []"


def test_no_module_of_ours_imports_the_package_itself() -> None:
    own = re.compile(r"^\s*(from polster import|import polster$)", re.MULTILINE)

    offenders = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src" / "polster").rglob("*.py")
        if not {"templates", "rules"} & {*path.parts}
        and own.search(path.read_text(encoding="utf-8"))
    ]

    assert offenders == []


def test_only_the_console_prints() -> None:
    printing = re.compile(r"\bprint\(|sys\.stdout\.write|sys\.stderr\.write")

    offenders = [
        path.relative_to(ROOT).as_posix()
        for path in (ROOT / "src" / "polster").rglob("*.py")
        if path.name != "console.py"
        and "templates" not in path.parts
        and printing.search(re.sub(r">>> .*", "", path.read_text(encoding="utf-8")))
    ]

    assert offenders == []


def test_a_check_waits_for_neither_polars_nor_tables_in_the_process_that_is_interrupted() -> None:
    """Its children load them; Polars takes Ctrl-C for itself where it is loaded."""
    code = f"import sys, polster.cli.validate; print([n for n in {HEAVY} if n in sys.modules])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert "polars" not in done.stdout
    assert "deltalake" not in done.stdout
