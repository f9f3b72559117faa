"""Tries the newest releases of what Polster stands on, and says which could be allowed.

    python .ci/newest.py FOLDER

makes an environment in FOLDER with the newest release of every dependency of ``pyproject.toml``,
upper bounds left out, and runs the tests that are marked ``private_part_of``: they hold what a
library does not promise and Polster needs. What they say stands in one block; nothing fails.
"""

from __future__ import annotations

import re
import subprocess
import sys
import tomllib
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from textwrap import indent

from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[1]
MARK = "private_part_of"
TOOLS = ("pytest", "hypothesis")  # what the tests' own conftest imports; processes are not needed
BROKEN = re.compile(r"^(\S+) \S+ breaks: (.*)$", re.MULTILINE)
NOT_BEGUN = re.compile(r"^ERROR ([^\s:]+\.py)(?: |$)", re.MULTILINE)
TIMEOUT_SECONDS = 300


def dependencies() -> list[Requirement]:
    """Return what Polster needs to run, as ``pyproject.toml`` says."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    return [Requirement(each) for each in project["dependencies"]]


def without_cap(requirement: Requirement) -> str:
    """Return a requirement without its upper bounds.

    >>> without_cap(Requirement("polars>=2.1,<2.2"))
    'polars>=2.1'
    """
    lower = [each for each in requirement.specifier if each.operator in (">", ">=", "!=")]
    return requirement.name + str(SpecifierSet(",".join(map(str, lower))))


def marked_tests() -> dict[Path, list[str]]:
    """Return the files with tests of private parts, and the libraries that they are about."""
    files = sorted((ROOT / "tests").rglob("test_*.py"))
    found = {
        file: re.findall(rf'mark\.{MARK}\("([\w-]+)"\)', file.read_text(encoding="utf-8"))
        for file in files
    }
    return {file: libraries for file, libraries in found.items() if libraries}


def run(*command: str | Path) -> subprocess.CompletedProcess[str]:
    """Run a command in the project's folder, its errors among its output."""
    return subprocess.run(
        list(map(str, command)),
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        timeout=TIMEOUT_SECONDS,
    )


def versions_in(python: Path) -> dict[str, str]:
    """Return the version of each library in an environment, by its normalized name."""
    lines = run(python, "-m", "pip", "list", "--format=freeze").stdout.splitlines()
    pairs = [line.split("==") for line in lines if "==" in line]
    return {canonicalize_name(name): version for name, version in pairs}


def broken_by(output: str, tests: Mapping[Path, Sequence[str]]) -> dict[str, list[str]]:
    """Return by library what the tests say that it no longer does."""
    broken: dict[str, list[str]] = {}
    for library, sentence in BROKEN.findall(output):
        broken.setdefault(library, []).append(sentence)
    for name in NOT_BEGUN.findall(output):
        for library in tests.get(ROOT / name, ()):
            broken.setdefault(library, []).append(f"{name} cannot be imported")
    return broken


def report(
    requirements: Sequence[Requirement],
    versions: Mapping[str, str],
    tested: set[str],
    broken: Mapping[str, Sequence[str]],
    *,
    is_told: bool,
) -> Iterator[str]:
    """Yield a line for each library: what is allowed, what is newest, and whether that passed.

    Args:
        requirements: What ``pyproject.toml`` allows.
        versions: Of what is installed, by normalized name.
        tested: Libraries that tests are about.
        broken: By library what it no longer does.
        is_told: Whether the tests ran at all.
    """
    bounds = {each.name: str(each.specifier) for each in requirements}
    may_be_raised = []
    for library in [*bounds, *sorted(tested - bounds.keys())]:
        newest = versions.get(canonicalize_name(library), "?")
        if library in broken:
            said = "FAILED"
        elif library in tested:
            said = "passed" if is_told else "not tried"
        else:
            said = "nothing private of it is used"
        bound = bounds.get(library, "(of another)")
        yield f"{library:15}{bound:15} newest {newest:12} {said}"
        cases = Counter(each.partition("[")[0] for each in broken.get(library, ()))
        for sentence, count in cases.items():
            times = f" ({count} cases)" if count > 1 else ""
            yield f"    {library} {newest} breaks: {sentence}{times}"
        if said == "passed" and not SpecifierSet(bounds.get(library, "")).contains(newest):
            may_be_raised.append(f"{library} {newest}")
    if may_be_raised:
        yield f"raise the bound in pyproject.toml, and run everything: {', '.join(may_be_raised)}"


def main(folder: Path) -> None:
    """Make the environment, run the tests in it, and print the block."""
    python = folder / "bin" / "python"
    newest = [without_cap(each) for each in dependencies()]
    install = (python, "-m", "pip", "install", "-q", "--no-compile")
    steps: list[tuple[str | Path, ...]] = [
        (sys.executable, "-m", "venv", folder),
        (*install, *newest, *TOOLS),
        (*install, "--no-deps", "-e", "."),
    ]
    for step in steps:
        done = run(*step)
        if done.returncode:
            print(done.stdout)
            print("the newest releases cannot be installed together")
            return
    tests = marked_tests()
    options = ("-q", "--tb=short", "-p", "no:cacheprovider", "--continue-on-collection-errors")
    own = ("-o", "addopts=--import-mode=importlib --strict-markers", "-m", MARK)
    tried = run(python, "-m", "pytest", *options, *own, *tests)
    broken = broken_by(tried.stdout, tests)
    if tried.returncode and not broken:
        print(indent(tried.stdout, "    "))
    tested = {library for libraries in tests.values() for library in libraries}
    is_told = tried.returncode == 0 or bool(broken)
    print(*report(dependencies(), versions_in(python), tested, broken, is_told=is_told), sep="\n")


if __name__ == "__main__":
    main(Path(sys.argv[1]).absolute())
