"""``# polster: ignore[POL603] reason``: a breach that somebody looked at and accepted.

The comment stands behind the code that it is about, or alone on the lines above; another one may
stand before or behind it: ``# noqa: E501  # polster: ignore[POL605] small``. It covers the whole
statement, and above or on a decorator the ``def`` line too. The reason is required.
"""

from __future__ import annotations

import io
import re
import tokenize
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from polster.errors import nearest
from polster.model.finding import Edit, Finding, Severity
from polster.model.rule import Rule
from polster.project.import_path import SOURCE_FOLDER

MARK = b"polster:"
COMMENT = re.compile(r"(?<!\S)#\s*polster:\s*(?P<rest>.*?)(?=\s{2,}#|\s#\s|$)", re.IGNORECASE)
"""Up to the next comment; ``see #12`` is none."""
WRITTEN = re.compile(r"ignore\[(?P<codes>[^\]]*)\]\s*(?P<reason>.*)$", re.IGNORECASE)
QUIET = frozenset({tokenize.NL, tokenize.COMMENT, tokenize.INDENT, tokenize.DEDENT})


@dataclass(frozen=True, slots=True)
class Ignore:
    """One comment.

    Attributes:
        file: Relative to the project's folder.
        line: Where the comment stands.
        column: Its first character, the blanks before it included behind code or another
            comment, from 0, in UTF-8 bytes.
        end_column: Behind its last character.
        character: Where its ``#`` stands, from 1, in characters.
        first: First line that it covers.
        last: Last line that it covers.
        codes: What it names.
        reason: Why, in the user's words; may be empty, which is a mistake.
        gap: The blanks between it and what it stands behind.
        is_alone: Whether the line holds nothing else.
        is_readable: Whether it is written as it should be.
    """

    file: str
    line: int
    column: int
    end_column: int
    character: int
    first: int
    last: int
    codes: tuple[str, ...]
    reason: str
    gap: str
    is_alone: bool
    is_readable: bool

    def covers(self, finding: Finding) -> bool:
        """Tell whether ``finding`` is accepted by this comment."""
        return (
            finding.code in self.codes
            and finding.file == self.file
            and self.first <= (finding.line or 0) <= self.last
        )

    def without(self, code: str) -> Edit:
        """Return the edit that takes ``code`` out, and the whole comment with the last one."""
        left = [other for other in self.codes if other != code]
        if not left and self.is_alone:
            return Edit(self.file, self.line, 0, self.line + 1, 0, "")
        text = f"{self.gap}# polster: ignore[{', '.join(left)}] {self.reason}" if left else ""
        return Edit(self.file, self.line, self.column, self.line, self.end_column, text)


def read_ignores(root: Path) -> list[Ignore]:
    """Read the comments of every Python file in the project's ``src``, sorted by place."""
    found: list[Ignore] = []
    for path in sorted((root / SOURCE_FOLDER).rglob("*.py")):
        try:
            content = path.read_bytes()
        except OSError:  # which discovery tells
            continue
        if MARK in content.lower():
            found += _of_file(path.relative_to(root).as_posix(), content)
    return found


def apply_ignores(
    findings: Iterable[Finding], ignores: Collection[Ignore], rules: Mapping[str, Rule]
) -> tuple[list[Finding], set[tuple[Ignore, str]]]:
    """Leave out what the comments accept.

    Returns:
        The findings that stay, and each comment with a code that left something out.
    """
    kept: list[Finding] = []
    used: set[tuple[Ignore, str]] = set()
    by_file: dict[str, list[Ignore]] = {}
    for ignore in ignores:
        by_file.setdefault(ignore.file, []).append(ignore)
    for finding in findings:
        rule = rules.get(finding.code)
        covering = [
            ignore
            for ignore in by_file.get(finding.file or "", ())
            if ignore.reason and ignore.covers(finding)
        ]
        if rule is not None and not rule.is_structural and covering:
            used.update((ignore, finding.code) for ignore in covering)
        else:
            kept.append(finding)
    return kept, used


def ignore_problems(
    ignores: Iterable[Ignore], rules: Mapping[str, Rule], assets: Mapping[str, str]
) -> Iterator[Finding]:
    """Find comments that cannot work: no reason, no such code, or one that cannot be ignored.

    Args:
        ignores: All comments.
        rules: All rules by code.
        assets: Key of the asset by its file.
    """
    for ignore in ignores:
        asset = assets.get(ignore.file)
        if not ignore.is_readable:
            yield _finding(
                ignore,
                "POL693",
                "the comment is not understood",
                asset,
                "write it as: # polster: ignore[POL603] the reason",
            )
            continue
        if not ignore.reason:
            yield _finding(
                ignore,
                "POL691",
                f"the reason for ignoring {', '.join(ignore.codes)} is missing",
                asset,
                f"write why: # polster: ignore[{', '.join(ignore.codes)}] the reason",
            )
        for code in ignore.codes:
            rule = rules.get(code)
            if rule is None:
                yield _finding(
                    ignore,
                    "POL693",
                    f"`{code}` is not a rule",
                    asset,
                    _guess(code, rules),
                )
            elif rule.is_structural:
                yield _finding(
                    ignore,
                    "POL693",
                    f"{code} cannot be ignored: a pipeline that breaks it does not run",
                    asset,
                    f"mend it; see: polster rule {code}",
                )


def unused_ignores(
    ignores: Iterable[Ignore],
    used: Collection[tuple[Ignore, str]],
    judged: Callable[[Ignore, str], bool],
    assets: Mapping[str, str],
) -> Iterator[Finding]:
    """Find comments that accept what is not there any more.

    Args:
        ignores: All comments.
        used: Those that left something out.
        judged: Whether a rule was looked for where a comment stands.
        assets: Key of the asset by its file.
    """
    for ignore in ignores:
        for code in ignore.codes:
            if ignore.reason and (ignore, code) not in used and judged(ignore, code):
                yield _finding(
                    ignore,
                    "POL692",
                    f"nothing here breaks {code} any more",
                    assets.get(ignore.file),
                    "take the comment away, or let `polster validate --fix` do it",
                    Severity.WARNING,
                    ignore.without(code),
                )


def _guess(text: str, rules: Mapping[str, Rule]) -> str:
    """Name the rule that is probably meant, by its code or its name, in whatever case."""
    by_name = {rule.name: code for code, rule in rules.items()}
    name = nearest(text.lower(), by_name)
    close = nearest(text.upper(), rules) or (by_name[name] if name else None)
    return f"did you mean `{close}`?" if close else "see the rules with: polster rules"


def _finding(
    ignore: Ignore,
    code: str,
    message: str,
    asset: str | None,
    hint: str,
    severity: Severity = Severity.ERROR,
    fix: Edit | None = None,
) -> Finding:
    return Finding(
        code,
        message,
        asset=asset,
        file=ignore.file,
        line=ignore.line,
        hint=hint,
        severity=severity,
        column=ignore.character,
        fix=fix,
    )


def _of_file(file: str, content: bytes) -> Iterator[Ignore]:
    """Yield the comments of one file; one that Python cannot read has none."""
    try:
        tokens = list(tokenize.tokenize(io.BytesIO(content).readline))
    except (tokenize.TokenError, SyntaxError):
        return
    statements = list(_statements(tokens))
    for token in tokens:
        if token.type == tokenize.COMMENT:
            for said in COMMENT.finditer(token.string):
                yield _read(file, token, said, statements)


def _read(
    file: str,
    token: tokenize.TokenInfo,
    said: re.Match[str],
    statements: Iterable[tuple[int, int]],
) -> Ignore:
    line, start = token.start
    if token.line[:start].strip():
        covering = (part for part in statements if part[0] <= line <= part[1])
    else:
        covering = (part for part in statements if part[0] > line)
    first, last = next(covering, (line, line))
    before = token.line[: start + said.start()]
    kept = before.rstrip() or before
    written = WRITTEN.match(said["rest"])
    codes = tuple(code.strip() for code in written["codes"].split(",")) if written else ()
    return Ignore(
        file,
        line,
        len(kept.encode()),
        len(token.line[: start + said.end()].encode()),
        start + said.start() + 1,
        first,
        last,
        codes,
        written["reason"].strip() if written else "",
        before[len(kept) :],
        not before.strip() and said.end() == len(token.string),
        written is not None and all(codes),
    )


def _statements(tokens: Iterable[tokenize.TokenInfo]) -> Iterator[tuple[int, int]]:
    """Yield the lines of each logical line, a decorator together with what it decorates."""
    first: int | None = None
    decorating = False
    for token in tokens:
        if token.type in QUIET or token.type == tokenize.ENCODING:
            continue
        if token.type == tokenize.NEWLINE:
            if not decorating and first is not None:
                yield first, token.start[0]
                first = None
            decorating = False
            continue
        if token.type == tokenize.OP and token.string == "@" and token.start[1] == _indent(token):
            decorating = True
        if first is None:
            first = token.start[0]


def _indent(token: tokenize.TokenInfo) -> int:
    return len(token.line) - len(token.line.lstrip())
