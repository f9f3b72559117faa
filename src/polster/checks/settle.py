"""From what the checks found to what the user is told: settings, comments, and each fault once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType

from polster.checks.echoes import without_echoes
from polster.checks.habits.check import Spot
from polster.checks.ignores import (
    Ignore,
    apply_ignores,
    ignore_problems,
    read_ignores,
    unused_ignores,
)
from polster.checks.registry import RULES, as_chosen
from polster.model.finding import Finding
from polster.model.rule import RuleSettings


def settle(
    root: Path,
    findings: Iterable[Finding],
    settings: RuleSettings,
    files: Mapping[str, str],
    looked_at: Callable[[Ignore, str], bool],
    *,
    reached_from: Mapping[Spot, frozenset[str]] = MappingProxyType({}),
) -> list[Finding]:
    """Leave out what the project does not want to hear, and tell which comments are wrong.

    Args:
        root: The project's folder; the files in its ``src`` are read.
        findings: With the severities that the rules have by default.
        settings: What the project says of the rules.
        files: Key of the asset by its file.
        looked_at: Whether a rule was looked for at the place of a comment, so that a comment
            that left nothing out is known to be unused.
        reached_from: Keys of the assets that come to a finding in a helper, if several do.

    Returns:
        Each finding once, sorted by place.
    """
    ignores = read_ignores(root)
    kept, used = apply_ignores(as_chosen(findings, settings), ignores, RULES)
    kept = without_echoes(kept, reached_from)

    def judged(ignore: Ignore, code: str) -> bool:
        rule = RULES.get(code)
        return (
            rule is not None
            and not rule.is_structural
            and settings.severity(rule, files.get(ignore.file), rule.severity) is not None
            and looked_at(ignore, code)
        )

    comments = [
        *ignore_problems(ignores, RULES, files),
        *unused_ignores(ignores, used, judged, files),
    ]
    kept += as_chosen(comments, settings)
    return sorted(set(kept), key=_place)


def _place(finding: Finding) -> tuple[str, int, str, str]:
    return (finding.file or "", finding.line or 0, finding.code, finding.message)
