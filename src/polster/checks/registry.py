"""Every rule by its code: what ``polster rules`` lists and the settings may name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from types import MappingProxyType

from polster.checks.rules import (
    definitions,
    habits,
    ignores,
    layers,
    privacy,
    references,
    rehearsal,
    schema,
)
from polster.errors import SettingsError, UsageError, nearest
from polster.model.finding import Finding
from polster.model.rule import Rule, RuleSettings

FAMILIES = (definitions, layers, schema, references, habits, ignores, privacy, rehearsal)
RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.code: rule
        for rule in sorted(
            (rule for family in FAMILIES for rule in family.RULES), key=lambda rule: rule.code
        )
    }
)
REHEARSED = frozenset(rule.code for rule in rehearsal.RULES)
"""Codes that only ``polster rehearse`` finds."""


def find_rule(text: str) -> Rule:
    """Return the rule with the code or the name ``text``.

    >>> find_rule("layer-order").code
    'POL202'

    Raises:
        UsageError: There is none.
    """
    by_name = {rule.name: rule for rule in RULES.values()}
    rule = RULES.get(text.upper()) or by_name.get(text.lower())
    if rule is None:
        close = nearest(text.upper(), RULES) or nearest(text.lower(), by_name)
        raise UsageError(
            f"`{text}` is not a rule",
            code="POL106",
            hint=f"did you mean `{close}`?" if close else "see the rules with: polster rules",
        )
    return rule


def check_settings(settings: RuleSettings, place: str) -> None:
    """Check that every code in the settings is one of a rule that can be chosen.

    Raises:
        SettingsError: One is not; all are named together.
    """
    problems: list[str] = []
    for code in dict.fromkeys(settings.codes):
        meant = [rule for rule in RULES.values() if rule.code.startswith(code)]
        if not meant:
            problems.append(f"`{code}` is not a rule")
        elif len(meant) == 1 and meant[0].is_structural and code not in settings.select:
            problems.append(f"{code} cannot be left out: a pipeline that breaks it does not run")
    if problems:
        raise SettingsError(
            "; ".join(problems),
            code="POL103",
            place=place,
            hint="see the rules with: polster rules",
        )


def as_chosen(findings: Iterable[Finding], settings: RuleSettings) -> list[Finding]:
    """Give ``findings`` the severity that the settings say, and leave out what they do not want."""
    kept: list[Finding] = []
    for finding in findings:
        rule = RULES.get(finding.code)
        if rule is None:
            kept.append(finding)
            continue
        severity = settings.severity(rule, finding.asset, finding.severity)
        if severity is finding.severity:
            kept.append(finding)
        elif severity is not None:
            kept.append(replace(finding, severity=severity))
    return kept
