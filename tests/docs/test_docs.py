"""The documentation says what the code does: its commands are run, its lists are compared.

``python tests/docs/test_docs.py`` writes the outputs of the commands in the documents anew,
where they are no longer what the commands say.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from polster.checks.registry import RULES
from polster.cli.app import COMMANDS, app
from polster.cli.error_pages import error_pages

ROOT = Path(__file__).parents[2]
DOCUMENTS = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]
SESSIONS = [path for path in DOCUMENTS if "```console" in path.read_text(encoding="utf-8")]
HOME = "/home/you"
ELISION = "…"
CODE = re.compile(r"\bPOL\d{3}\b")
FENCE = re.compile(r"^```(?P<info>[^\n`]*)\n(?P<body>.*?)^```$", re.MULTILINE | re.DOTALL)
FILE_COMMENT = re.compile(r"# (?P<path>\S+\.py)\n")
CHANGING = (  # what differs from run to run, and what stands for it in a comparison
    (re.compile(r"\d{8}T\d{6}-[0-9a-f]{6}"), "RUN"),
    (re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(\.\d+)?(\+00:00)?"), "TIME"),
    (re.compile(r"\b\d+\.\d+ ?s\b"), "SECONDS"),
    (re.compile(r'("seconds": )[\d.]+'), r"\1SECONDS"),
    (re.compile(r" {2,}"), " "),
)
PROGRESS = re.compile(r"\w+\.\w+ (published|failed|skipped)")


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that a reader of a document does.

    Attributes:
        start: Where the shown output, or the file's content, begins in the document.
        end: Where it ends.
        command: What is typed; empty if a file is written.
        path: The file that is written.
    """

    start: int
    end: int
    command: str = ""
    path: str = ""


def steps(text: str) -> Iterator[Step]:
    """Yield the commands of ``console`` blocks, and the files of blocks that name one."""
    for fence in FENCE.finditer(text):
        language, _, path = fence["info"].strip().partition(" ")
        if language == "console":
            yield from _commands(fence["body"], fence.start("body"))
        elif path:
            yield Step(fence.start("body"), fence.end("body"), path=path)
        elif language == "python" and (named := FILE_COMMENT.match(fence["body"])):
            yield Step(fence.start("body"), fence.end("body"), path=named["path"])


def _commands(body: str, offset: int) -> Iterator[Step]:
    starts = [found.start() for found in re.finditer(r"^\$ ", body, re.MULTILINE)]
    for start, end in zip(starts, [*starts[1:], len(body)], strict=True):
        line = body[start:end].split("\n", maxsplit=1)[0]
        yield Step(offset + start + len(line) + 1, offset + end, command=line.removeprefix("$ "))


class Reader:
    """Does what a document says, in a folder of its own."""

    def __init__(self, home: Path) -> None:
        self.home = home.resolve()
        self.folder = self.home

    def do(self, step: Step, text: str) -> str:
        """Take a step and return what a terminal would show."""
        if step.path:
            path = self.folder / step.path
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text[step.start : step.end], encoding="utf-8")
            return ""
        if step.command.startswith("cd "):
            self.folder = (self.folder / step.command.removeprefix("cd ")).resolve()
            return ""
        done = subprocess.run(
            ["bash", "-c", step.command],
            cwd=self.folder,
            env=self._environment(),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            encoding="utf-8",
            check=False,
        )
        shown = done.stdout.replace(str(self.home), HOME)
        lines = [line.rstrip() for line in shown.splitlines() if not PROGRESS.fullmatch(line)]
        return "\n".join(lines).strip("\n")

    def _environment(self) -> dict[str, str]:
        kept = {name: value for name, value in os.environ.items() if not name.startswith("POLSTER")}
        path = os.pathsep.join([str(Path(sys.executable).parent), kept.get("PATH", "")])
        return {
            **kept,
            "PATH": path,
            "PYTHONUNBUFFERED": "1",
            "PYTEST_ADDOPTS": "-p no:cacheprovider",
        }


def same(shown: str, said: str) -> bool:
    """Tell whether a document shows what was said, but for times, identifiers and ``…``."""
    parts = re.split(rf"^{ELISION}$\n?", _plain(shown) + "\n", flags=re.MULTILINE)
    pattern = r"(?:[^\n]*\n)*?".join(re.escape(part) for part in parts)
    return re.fullmatch(pattern, _plain(said) + "\n") is not None


def _plain(text: str) -> str:
    for changing, stands_for in CHANGING:
        text = changing.sub(stands_for, text)
    return text.strip("\n")


@pytest.mark.parametrize("document", SESSIONS, ids=lambda path: path.name)
def test_the_commands_of_a_document_say_what_it_shows(document: Path, tmp_path: Path) -> None:
    text = document.read_text(encoding="utf-8")
    reader = Reader(tmp_path)

    for step in steps(text):
        said = reader.do(step, text)

        if step.command:
            shown = text[step.start : step.end].strip("\n")
            assert same(shown, said), (
                f"$ {step.command}\n{said}\n--- but the document shows\n{shown}"
            )


def test_every_python_block_is_python() -> None:
    for document in DOCUMENTS:
        for fence in FENCE.finditer(document.read_text(encoding="utf-8")):
            if fence["info"].startswith("python"):
                compile(fence["body"], str(document), "exec")


def test_every_code_is_described_and_every_described_code_exists() -> None:
    source = ROOT / "src" / "polster"
    used = {
        code
        for path in source.rglob("*.py")
        if path.parent.name != "rules"
        for code in CODE.findall(re.sub(r">>> .*", "", path.read_text(encoding="utf-8")))
    }
    headings = re.findall(r"^### (POL\d{3})", (ROOT / "docs/errors.md").read_text("utf-8"), re.M)

    assert sorted(set(headings)) == headings, "the codes are sorted, each described once"
    assert set(headings) <= used
    assert used <= {*headings, *RULES}


def test_every_described_code_can_be_read_in_the_terminal() -> None:
    headings = re.findall(r"^### (POL\d{3})", (ROOT / "docs/errors.md").read_text("utf-8"), re.M)

    pages = error_pages()

    assert list(pages) == headings
    assert all(page.title and page.text for page in pages.values())
    assert not any("](" in page.text or "\n##" in page.text for page in pages.values())


def test_the_page_of_rules_is_what_the_command_prints() -> None:
    """``polster rules --format markdown > docs/rules.md`` writes it anew."""
    printed = CliRunner().invoke(app, ["rules", "--format", "markdown"]).stdout

    assert (ROOT / "docs/rules.md").read_text(encoding="utf-8") == printed


def test_the_table_of_commands_names_every_command() -> None:
    table = (ROOT / "docs/commands.md").read_text(encoding="utf-8").partition("\n## ")[0]

    named = re.findall(r"^\| \[`([\w-]+)`\]\(#([\w-]+)\) \|", table, re.MULTILINE)

    assert sorted(named) == sorted((name, name) for name in COMMANDS)


@pytest.mark.parametrize("name", ["polster", *COMMANDS])
def test_every_option_is_described_with_its_command(name: str) -> None:
    described = _section((ROOT / "docs/commands.md").read_text(encoding="utf-8"), name)
    group = typer.main.get_command(app)
    command = group if name == "polster" else group.get_command(None, name)  # type: ignore[attr-defined]

    wanted = [
        option
        for parameter in command.params
        if parameter.param_type_name == "option"
        for option in (*parameter.opts, *parameter.secondary_opts)
    ]

    assert [option for option in wanted if f"`{option}" not in described] == []


def _section(text: str, command: str) -> str:
    found = re.search(rf"^## `{command}`\n(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert found, f"docs/commands.md has no section ## `{command}`"
    return found[1]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    broken = []
    for target in re.findall(r"\]\(([^)\s]+)\)", text):
        if "://" in target:
            continue
        path, _, anchor = target.partition("#")
        linked = (document.parent / path).resolve() if path else document
        if not linked.exists() or (anchor and anchor not in _anchors(linked)):
            broken.append(target)

    assert broken == []


def _anchors(document: Path) -> set[str]:
    """Return the anchors that GitHub gives the headings of a document."""
    text = FENCE.sub("", document.read_text(encoding="utf-8"))
    headings = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def update(document: Path) -> None:
    """Write the outputs in ``document`` anew, where they are no longer true."""
    text = document.read_text(encoding="utf-8")
    with tempfile.TemporaryDirectory() as home:
        reader = Reader(Path(home))
        done = [(step, reader.do(step, text)) for step in steps(text)]
    for step, said in reversed(done):
        shown = text[step.start : step.end].strip("\n")
        if step.command and not same(shown, said):
            ending = "\n" if said else ""
            text = text[: step.start] + said + ending + text[step.end :]
    document.write_text(text, encoding="utf-8")


if __name__ == "__main__":
    for path in SESSIONS:
        update(path)
