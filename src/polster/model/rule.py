"""A rule that a pipeline is judged by: its text, apart from the code that looks for breaches."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from fnmatch import fnmatchcase

from polster.model.finding import Severity


@dataclass(frozen=True, slots=True)
class Rule:
    """One rule of ``polster validate`` or ``polster rehearse``.

    The examples are files of a small project. Each begins with a comment that holds nothing but
    its path, such as ``# src/core/silver_orders.py``, and ends where the next one begins.

    Attributes:
        code: Stable code such as ``POL603``.
        name: Stable name in kebab-case, such as ``read-outside-bronze``.
        severity: How bad a breach is unless the settings say otherwise.
        summary: What is wrong where the rule is broken, one sentence without a full stop.
        reason: Why that is bad, one to three sentences.
        bad: Files that break the rule.
        good: The same files, mended; no rule at all is broken by them.
        is_structural: Whether a pipeline that breaks it cannot run, so that it cannot be ignored.
        fixable: Whether ``--fix`` mends some breaches.
        is_sensitive: Whether the line that breaks it may hold a secret, and so is never shown.
    """

    code: str
    name: str
    severity: Severity
    summary: str
    reason: str
    bad: str
    good: str
    is_structural: bool = False
    fixable: bool = False
    is_sensitive: bool = False


@dataclass(frozen=True, slots=True)
class RuleChoice:
    """What a project says of the rules, for all assets or for some.

    Attributes:
        ignore: Codes, or beginnings of codes such as ``POL7``, that are not looked at.
        severities: Severity by code or beginning of one; the longest beginning wins.
    """

    ignore: tuple[str, ...] = ()
    severities: Mapping[str, Severity] = field(default_factory=dict)

    def ignores(self, code: str) -> bool:
        """Tell whether breaches of ``code`` are left out.

        >>> RuleChoice(ignore=("POL71",)).ignores("POL711")
        True
        """
        return code.startswith(self.ignore)

    def severity(self, code: str) -> Severity | None:
        """Return the severity that is asked for; None if nothing is said of ``code``."""
        said = [start for start in self.severities if code.startswith(start)]
        return self.severities[max(said, key=len)] if said else None


@dataclass(frozen=True, slots=True)
class RuleSettings:
    """Which rules a project is judged by, and how severely.

    Attributes:
        select: Codes or beginnings of codes that are looked at; all by default.
        every: What holds for every asset.
        assets: What holds for the assets whose key fits a pattern such as ``gold.*``; later
            ones win.
        max_readers: How many assets may read one directly before that counts as fan-out.
    """

    select: tuple[str, ...] = ("POL",)
    every: RuleChoice = RuleChoice()
    assets: Mapping[str, RuleChoice] = field(default_factory=dict)
    max_readers: int = 20

    def severity(self, rule: Rule, asset: str | None, found: Severity) -> Severity | None:
        """Return how severe a breach of ``rule`` is that was found; None if it is left out."""
        if rule.is_structural:
            return found
        if not rule.code.startswith(self.select):
            return None
        choices = [self.every]
        if asset is not None:
            choices += [self.assets[name] for name in self.assets if fnmatchcase(asset, name)]
        if any(choice.ignores(rule.code) for choice in choices):
            return None
        said = [severity for choice in choices if (severity := choice.severity(rule.code))]
        return said[-1] if said else found

    @property
    def codes(self) -> tuple[str, ...]:
        """Return every code, or beginning of one, that the settings name."""
        choices = [self.every, *self.assets.values()]
        named = [code for choice in choices for code in (*choice.ignore, *choice.severities)]
        return (*self.select, *named)
