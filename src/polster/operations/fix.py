"""Mending what is mended mechanically."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from polster.errors import ScaffoldError
from polster.model.finding import Edit, Finding


def fix(root: Path, findings: Iterable[Finding]) -> list[Finding]:
    """Make the edits that ``findings`` offer; return those that were mended.

    Of edits that overlap only the first is made: the next check offers the others again. A file
    is replaced in one step, so that nobody finds half of it.

    Raises:
        ScaffoldError: A file cannot be written; the files before it are mended already.
    """
    by_file: dict[str, list[Finding]] = {}
    for finding in findings:
        if finding.fix is not None:
            by_file.setdefault(finding.fix.file, []).append(finding)
    mended: list[Finding] = []
    for file, offered in by_file.items():
        path = root / file
        try:
            content = path.read_bytes()
            made, after = _apply(content, offered)
            _replace(path, after)
        except OSError as error:
            raise ScaffoldError(
                f"the file cannot be mended: {error.strerror}",
                code="POL512",
                place=str(path),
                hint="check its permissions and the free space, and try again",
            ) from error
        mended += made
    return mended


def _apply(content: bytes, offered: Sequence[Finding]) -> tuple[list[Finding], bytes]:
    lines = content.splitlines(keepends=True)
    starts = [0]
    for line in lines:
        starts.append(starts[-1] + len(line))
    made: list[Finding] = []
    spans: list[tuple[int, int, bytes]] = []
    for finding in offered:
        if finding.fix is None or finding.fix.end_line > len(starts):
            continue
        begin, end = _span(finding.fix, starts)
        if all(end <= first or last <= begin for first, last, _ in spans):
            spans.append((begin, end, finding.fix.text.encode()))
            made.append(finding)
    for begin, end, text in sorted(spans, reverse=True):
        content = content[:begin] + text + content[end:]
    return made, content


def _span(edit: Edit, starts: Sequence[int]) -> tuple[int, int]:
    return starts[edit.line - 1] + edit.column, starts[edit.end_line - 1] + edit.end_column


def _replace(path: Path, content: bytes) -> None:
    mode = path.stat().st_mode
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            file.write(content)
        Path(name).chmod(mode)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
