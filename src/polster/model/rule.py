"""A rule that a pipeline is judged by: its text, apart from the code that looks for breaches."""

from __future__ import annotations

from dataclasses import dataclass

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
