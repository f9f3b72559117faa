"""The rules of the house, proved with the tests: one command checks everything."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.sentences import SENTENCES

ROOT = Path(__file__).parents[1]
HEAVY = ("polars", "deltalake", "dataframely", "pydantic", "jinja2", "nicegui", "dagster")
CHECKS = {
    "lint": ["-m", "ruff", "check", "."],
    "format": ["-m", "ruff", "format", "--check", "."],
    "types": ["-m", "mypy"],
    "rooms": ["-c", "from importlinter.cli import lint_imports_command as c; c()"],
}
PRIVATE_PARTS = {
    "cli/completion.py",  # of Typer
    "dashboard/server.py",  # of uvicorn
    "lakehouse/deltalake_private.py",
    "plans/probes.py",  # of Polars: what makes a frame of another class
    "plans/visit.py",  # of Polars
    "project/dataframely_private.py",
}
"""The only modules that know what a library does not promise, one for each such thing."""
UNPROMISED = frozenset(
    {"DeltaFileSystemHandler", "handle_exit", "post_opt_callback", "validation_fn"}
    | {"view_current_node", "view_expression"}
)
"""Names that are private though they do not begin with an underscore."""
OF_PYTHON = frozenset(
    {"_base_executable", "_exit", "_fields", "_getframe", "_initializing", "_name_", "_value_"}
)


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


@pytest.mark.parametrize(
    ("loads", "never"),
    [
        ("cli.run", "checks"),
        ("cli.plan", "checks"),
        ("cli.plan", "contracts"),
        ("checks.worker.zero_rows", "lakehouse.table"),  # it sees no tables
    ],
)
def test_no_part_waits_for_what_it_does_not_need(loads: str, never: str) -> None:
    code = f"import sys, polster.{loads}; print([n for n in sys.modules if 'polster.{never}' in n])"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "[]\n"


def test_what_a_library_does_not_promise_is_known_to_one_module() -> None:
    package = ROOT / "src" / "polster"

    knowing = {
        path.relative_to(package).as_posix(): sorted(names)
        for path in package.rglob("*.py")
        if "templates" not in path.parts
        and (names := {*_private_names(ast.parse(path.read_text(encoding="utf-8")))})
    }

    assert {path: knowing[path] for path in knowing.keys() - PRIVATE_PARTS} == {}


@pytest.mark.parametrize(
    "code",
    [
        "from deltalake._internal import RawDeltaTable",
        "import polars._typing",
        "frame._ldf.collect()",
        "contract._schema_validation_rules()",
        "getattr(contract, '_schema_validation_rules')()",
        "frame.collect(post_opt_callback=see)",
        "sys.modules['dataframely']",
        "sys.modules.get('dataframely.random')",
    ],
)
def test_reaching_into_a_library_is_noticed(code: str) -> None:
    assert list(_private_names(ast.parse(code)))


def _private_names(tree: ast.Module) -> Iterator[str]:
    """Yield the names by which a module reaches into what a library does not promise."""
    for node in ast.walk(tree):
        found: list[str] = []
        match node:
            case ast.Import(names=names):
                found = [part for each in names for part in each.name.split(".")]
            case ast.ImportFrom(module=str(module), names=names, level=0):
                is_own = module.split(".")[0] == "polster"
                found = [*module.split("."), *(each.name for each in names)] * (not is_own)
            case ast.Attribute(value=ast.Name(id="self" | "cls")):
                continue
            case ast.Attribute(attr=name) | ast.keyword(arg=str(name)):
                found = [name]
            case ast.Call(func=ast.Name(id="getattr" | "hasattr" | "setattr"), args=[_, named, *_]):
                found = [str(named.value)] if isinstance(named, ast.Constant) else []
            case ast.FunctionDef(name=name) if name in UNPROMISED:
                found = [name]
            case ast.Subscript(value=ast.Attribute(attr="modules"), slice=ast.Constant(value=name)):
                yield f"sys.modules[{name!r}]"
            case ast.Call(
                func=ast.Attribute(value=ast.Attribute(attr="modules"), attr="get"),
                args=[ast.Constant(value=str(name)), *_],
            ) if name.split(".")[0] in HEAVY:
                yield f"sys.modules[{name!r}]"
        for name in found:
            is_private = name.startswith("_") and not name.startswith("__")
            if (is_private and name not in OF_PYTHON) or name in UNPROMISED:
                yield name


def test_each_sentence_of_what_incremental_means_has_a_test() -> None:
    marked = re.compile(r"^@pytest\.mark\.sentence\((\d+)\)", re.MULTILINE)
    texts = (path.read_text("utf-8") for path in (ROOT / "tests").rglob("test_*.py"))
    held = {int(number) for text in texts for number in marked.findall(text)}

    assert held == set(SENTENCES)
