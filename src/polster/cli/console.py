"""The only place that prints: results on stdout, everything else on stderr."""

from __future__ import annotations

import json
import os
import sys
import textwrap
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, redirect_stdout, suppress
from shutil import get_terminal_size
from typing import Any, TextIO

from polster.errors import PolsterError
from polster.model.codec import to_json
from polster.model.finding import Finding
from polster.model.secrets import without_secrets

GAP = "  "
NARROWEST = 20  # a last column of fewer characters is not worth wrapping


CONTROL_CHARACTERS = {
    code: chr(code).encode("unicode_escape").decode()
    for code in (*range(0x20), *range(0x7F, 0xA0))
    if chr(code) not in "\n\t"
}
"""What could steer a terminal, and how it is shown: data and messages are never trusted to it."""
JSON_CONTROL_CHARACTERS = {code: f"\\u{code:04x}" for code in range(0x7F, 0xA0)}


def show(text: str = "", *, is_data: bool = False) -> None:
    """Write a line of the result to stdout; credentials in URLs are hidden, but not in data."""
    print(_shown(text, is_data=is_data).translate(CONTROL_CHARACTERS))


def note(text: str) -> None:
    """Write a line about the work to stderr; that nobody reads it there stops no work."""
    with suppress(OSError, ValueError):  # a closed one, too
        shown = _shown(text, is_data=False).translate(CONTROL_CHARACTERS)
        print(shown, file=sys.stderr, flush=True)


def show_json(value: Any, *, is_data: bool = False) -> None:
    """Write ``value``, plain or of the model, as JSON on stdout; credentials as in :func:`show`."""
    text = json.dumps(value, indent=2, ensure_ascii=False, default=to_json)
    print(_shown(text, is_data=is_data).translate(JSON_CONTROL_CHARACTERS))


def _shown(text: str, *, is_data: bool) -> str:
    """Hide credentials, and write out halves of characters, which nothing can be written with."""
    whole = text.encode(errors="backslashreplace").decode()
    return whole if is_data else without_secrets(whole)


def write_line(text: str, out: TextIO) -> None:
    """Write a line to ``out`` at once; credentials as in :func:`show`."""
    print(_shown(text, is_data=False).translate(JSON_CONTROL_CHARACTERS), file=out, flush=True)


@contextmanager
def results_apart() -> Iterator[TextIO]:
    """While this lasts, stdout is stderr: what the user's code prints is not the result.

    That holds for the programs that it starts, too, which know nothing of ``sys.stdout``. Should
    it close the one or the other, they are open again afterwards, for the result.

    Yields:
        Where results go meanwhile.
    """
    sys.stdout.flush()
    with _kept_open(sys.stdout), _kept_open(sys.stderr), _stdout_on_stderr() as out:
        yield out


@contextmanager
def _kept_open(stream: TextIO) -> Iterator[None]:
    vars(stream)["close"] = stream.flush
    try:
        yield
    finally:
        vars(stream).pop("close", None)


@contextmanager
def _stdout_on_stderr() -> Iterator[TextIO]:
    try:
        stdout, stderr = sys.stdout.fileno(), sys.stderr.fileno()
    except (AttributeError, OSError, ValueError):  # replaced by something that is no file
        replaced = sys.stdout
        with redirect_stdout(sys.stderr):
            yield replaced
        return
    saved = {stdout: os.dup(stdout), stderr: os.dup(stderr)}
    os.dup2(stderr, stdout)
    try:
        with (
            redirect_stdout(sys.stderr),
            os.fdopen(saved[stdout], "w", encoding="utf-8", closefd=False) as out,
        ):
            yield out
    finally:
        sys.stdout.flush()
        for number, copy in saved.items():
            os.dup2(copy, number)
            os.close(copy)


def terminal_width() -> int | None:
    """Return how many characters a line of stdout holds; None where it is no terminal."""
    return get_terminal_size().columns if sys.stdout.isatty() else None


def show_rows(
    columns: Sequence[str],
    rows: Sequence[Sequence[str]],
    *,
    right: Sequence[str] = (),
    is_data: bool = False,
) -> None:
    """Write a table to stdout; on a terminal the last column wraps, in a pipe it never does.

    Args:
        columns: Headings.
        rows: Cells, one text a column.
        right: Columns that are aligned to the right.
        is_data: Whether the cells are rows of a table, which are shown as they are.
    """
    cells = [
        tuple(
            " ".join(_shown(cell, is_data=is_data).translate(CONTROL_CHARACTERS).split("\n"))
            for cell in row
        )
        for row in (columns, *rows)
    ]
    widths = [max(len(row[index]) for row in cells) for index in range(len(columns))]
    limit = terminal_width() or 0
    indent = sum(widths[:-1]) + len(GAP) * (len(columns) - 1)
    for row in cells:
        parts = [
            cell.rjust(width) if column in right else cell.ljust(width)
            for cell, width, column in zip(row, widths, columns, strict=True)
        ]
        line = GAP.join(parts).rstrip()
        if limit - indent < NARROWEST or len(line) <= limit:
            show(line, is_data=True)
            continue
        first, *rest = textwrap.wrap(row[-1], limit - indent)
        show(GAP.join([*parts[:-1], first]), is_data=True)
        for more in rest:
            show(" " * indent + more, is_data=True)


def show_error(error: PolsterError) -> None:
    """Write an error to stderr: code, message, place, hint."""
    note(render(error.code, error.message, place=error.place, hint=error.hint))


def show_mishap(trace: str) -> None:
    """Write a mistake of Polster to stderr, and what to do with it."""
    note(trace)
    note(
        render(
            "POL900",
            "Polster stumbled; this is a mistake of Polster, not yours",
            hint="please report it, with the lines above",
        )
    )


def show_findings(
    findings: Iterable[Finding],
    *,
    to_stderr: bool = False,
    excerpt: Callable[[Finding], str | None] = lambda _: None,
) -> None:
    """Write findings, a blank line between two.

    Args:
        findings: What was found.
        to_stderr: Whether they are an error and not a result.
        excerpt: The source that a finding is about, with a caret below, if it can be shown.
    """
    write = note if to_stderr else show
    for index, finding in enumerate(findings):
        if index:
            write("")
        write(
            render(
                finding.code,
                finding.message,
                severity=finding.severity,
                place=finding.place,
                excerpt=excerpt(finding),
                hint=finding.hint,
            )
        )


def render(
    code: str,
    message: str,
    *,
    severity: str = "error",
    place: str | None = None,
    excerpt: str | None = None,
    hint: str | None = None,
) -> str:
    """Write out an error or a finding, the one way it is done everywhere.

    >>> print(render("POL201", "`silver.x` is not an asset", place="src/core/gold_y.py:9"))
    error[POL201]: `silver.x` is not an asset
      --> src/core/gold_y.py:9
    """
    lines = [f"{severity}[{code}]: {message}"]
    if place:
        lines.append(f"  --> {place}")
    if excerpt:
        lines.append(excerpt)
    if hint:
        lines += ["", f"hint: {hint}"]
    return "\n".join(lines)


def is_interactive() -> bool:
    """Tell whether there is somebody to ask: stdin and stderr are a terminal."""
    return sys.stdin.isatty() and sys.stderr.isatty()


def ask(question: str, *, default: str | None = None) -> str:
    """Ask for a line of text; only where :func:`is_interactive`."""
    shown = f"{question} [{default}]: " if default is not None else f"{question}: "
    sys.stderr.write(shown)
    sys.stderr.flush()
    answer = sys.stdin.readline()
    if not answer:
        raise KeyboardInterrupt
    return answer.strip() or (default or "")


def confirm(question: str, *, default: bool) -> bool:
    """Ask a question of yes or no; only where :func:`is_interactive`."""
    while True:
        answer = ask(f"{question} (y/n)", default="y" if default else "n").lower()
        if answer in {"y", "yes"}:
            return True
        if answer in {"n", "no"}:
            return False
        note("please answer y or n")


def choose(question: str, answers: Sequence[str], *, default: str | None = None) -> str:
    """Ask for one of ``answers``, by number or by name; only where :func:`is_interactive`."""
    for number, answer in enumerate(answers, start=1):
        note(f"  {number}. {answer}")
    while True:
        given = ask(question, default=default)
        if given in answers:
            return given
        if given.isdecimal() and 1 <= int(given) <= len(answers):
            return answers[int(given) - 1]
        note(f"please answer a number from 1 to {len(answers)}, or a name from the list")
