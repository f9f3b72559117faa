"""Health: what ``validate`` finds, grouped by the rule that is broken."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.button import Button
from polster.dashboard.elements.choice import Choice, Option
from polster.dashboard.elements.figure import show_figure
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.dashboard.findings import narrowed
from polster.dashboard.links import asset_address
from polster.dashboard.words import ADD_ASSET, counted, number
from polster.model.finding import Finding, Severity
from polster.operations.explain import BrokenRule, ShownFinding, explain

SHOWN = 20
"""Findings of one rule that are shown at first."""
UNCHECKED_SHOWN = 20
LINE_LENGTH = 300


@dataclass(frozen=True, slots=True)
class Health:
    """What one check said.

    Attributes:
        assets: How many assets could be read.
        rules: The broken rules, errors first.
        unchecked: Why the columns of an asset could not be checked, by key.
        fixable: How many findings ``--fix`` mends.
        at: When the check began.
    """

    assets: int
    rules: Sequence[BrokenRule]
    unchecked: Mapping[str, str]
    fixable: int
    at: datetime

    @property
    def findings(self) -> list[Finding]:
        """List the findings, in the order in which they are shown."""
        return [shown.finding for rule in self.rules for shown in rule.findings]

    def count(self, severity: Severity) -> int:
        """Count the findings of ``severity``."""
        return sum(finding.severity is severity for finding in self.findings)


@dataclass(frozen=True, slots=True)
class Chosen:
    """Which findings one looks at, as the address says it; None stands for all."""

    severity: Severity | None = None
    asset: str | None = None

    @classmethod
    def parse(cls, query: Mapping[str, str]) -> Chosen:
        """Read the query of an address; what makes no sense in it is left out."""
        severities = {severity.value: severity for severity in Severity}
        return cls(severities.get(query.get("severity", "")), query.get("asset") or None)

    @property
    def address(self) -> str:
        """Return the address that shows these findings."""
        said = {"severity": self.severity, "asset": self.asset}
        query = urlencode({name: str(value) for name, value in said.items() if value})
        return f"/health?{query}" if query else "/health"


async def show_health(board: Board) -> None:
    """Show what ``validate`` finds, and show it anew when the source changes."""
    Tag("h1", "Health")
    filters = _Filters(Chosen.parse(ui.context.client.request.query_params))

    async def ask() -> Health:
        check = await board.checker.check()
        rules = await board.ask(explain, check.findings)
        return Health(check.assets, rules, check.unchecked, check.fixable, check.at)

    await show_answer(
        ask,
        lambda health: _draw(health, filters),
        key=lambda: board.judged,
        wait=_waiting,
    )


def _waiting() -> None:
    with Tag("section", classes="card empty", role="status"):
        Tag("span", "Checking", classes="state running")
        Tag(
            "p",
            "polster validate reads the code, and calls each asset over no rows of data.",
        )


def _draw(health: Health, filters: _Filters) -> None:
    with Tag("section", classes="card", aria_label="Summary"):
        _summary(health)
    if health.rules:
        filters.draw(health)
    else:
        _nothing_found(health)
    if health.unchecked:
        _unchecked(health.unchecked)


class _Filters:
    """What the viewer chose to see; it outlives a redraw."""

    def __init__(self, chosen: Chosen) -> None:
        self._chosen = chosen

    def draw(self, health: Health) -> None:
        """Show the choices, and below them the findings that are chosen."""
        severities = Counter(finding.severity for finding in health.findings)
        assets = Counter(finding.asset for finding in health.findings if finding.asset)
        if self._chosen.asset:
            assets.setdefault(self._chosen.asset, 0)
        with Tag("div", classes="row", role="group", aria_label="Filter"):
            Choice(
                "Severity",
                [
                    Option("", f"all ({number(len(health.findings))})"),
                    *(Option(each, f"{each}s ({number(severities[each])})") for each in Severity),
                ],
                self._chosen.severity or "",
                lambda value: change(severity=Severity(value) if value else None),
            )
            Choice(
                "Asset",
                [
                    Option("", "all"),
                    *(Option(key, f"{key} ({number(assets[key])})") for key in sorted(assets)),
                ],
                self._chosen.asset or "",
                lambda value: change(asset=value or None),
            )
        place = Tag("div", classes="part")

        def change(**chosen: Any) -> None:
            self._chosen = replace(self._chosen, **chosen)
            ui.navigate.history.replace(self._chosen.address)
            show()

        def show() -> None:
            severity, asset = self._chosen.severity, self._chosen.asset
            place.clear()
            with place:
                _rules(narrowed(health.rules, severity=severity, asset=asset))

        show()


def _summary(health: Health) -> None:
    with Tag("div", classes="row between"):
        with Tag("div", classes="figures"):
            for severity in Severity:
                count = health.count(severity)
                label = severity if count == 1 else f"{severity}s"
                show_figure(number(count), label, state=severity if count else "")
            rules = "rule broken" if len(health.rules) == 1 else "rules broken"
            show_figure(number(len(health.rules)), rules)
            assets = "asset checked" if health.assets == 1 else "assets checked"
            show_figure(number(health.assets), assets)
            show_figure(number(len(health.unchecked)), "not fully checked")
        with Tag("p", classes="soft small checked"):
            Tag("span", "checking again", classes="state running again", role="status")
            with Tag("span"):
                Tag("span", "checked ")
                Moment(health.at)
    if health.fixable:
        with Tag("p", classes="soft small health-fix"):
            Tag("span", f"{number(health.fixable)} can be mended by ")
            Tag("code", "polster validate --fix")


def _nothing_found(health: Health) -> None:
    with Tag("section", classes="card empty", role="status"):
        if not health.assets:
            Tag("strong", "There are no assets to check yet")
            Tag("p", "Add one with:")
            Tag("pre", ADD_ASSET, classes="block")
            return
        Tag("strong", "Nothing found")
        Tag(
            "p",
            "Layers, schemas, privacy and habits: none of the rules is broken "
            f"by {counted(health.assets, 'asset')}.",
        )


def _rules(rules: Sequence[BrokenRule]) -> None:
    if not rules:
        with Tag("section", classes="card empty", role="status"):
            Tag("strong", "Nothing of this kind")
            Tag("p", "Choose another severity or asset above.")
    for rule in rules:
        with Tag("section", classes="card rule", aria_label=rule.code):
            _rule(rule)


def _rule(rule: BrokenRule) -> None:
    with Tag("div", classes="row between"):
        with Tag("h2", classes="row"):
            Tag("span", rule.severity, classes=f"state {rule.severity}")
            Tag("code", rule.code)
            Tag("span", rule.name)
        Tag("span", counted(len(rule.findings), "finding"), classes="chip")
    if rule.summary:
        Tag("p", rule.summary)
    if rule.reason:
        Tag("p", rule.reason, classes="soft small")
    listed = Tag("ul", classes="breaches")
    with listed:
        for shown in rule.findings[:SHOWN]:
            _breach(shown, rule)
    rest = rule.findings[SHOWN:]
    if rest:

        def show_rest() -> None:
            more.delete()
            with listed:
                for shown in rest:
                    _breach(shown, rule)

        more = Button(f"Show {number(len(rest))} more", show_rest)


def _breach(shown: ShownFinding, rule: BrokenRule) -> None:
    finding = shown.finding
    with Tag("li"):
        with Tag("p", classes="row"):
            if finding.severity is not rule.severity:
                Tag("span", finding.severity, classes=f"state {finding.severity}")
            if finding.asset:
                Tag("a", finding.asset, href=asset_address(finding.asset))
            if finding.place:
                Tag("span", finding.place, classes="place")
        Tag("p", finding.message)
        if shown.source is not None and shown.source.strip():
            with Tag("pre", classes="source-line"):
                Tag("span", str(finding.line), classes="soft")
                Tag("code", _cut(shown.source))
        if finding.hint:
            Tag("p", f"hint: {finding.hint}", classes="hint small")


def _cut(line: str) -> str:
    shown = line.strip().expandtabs(4)
    return shown if len(shown) <= LINE_LENGTH else f"{shown[: LINE_LENGTH - 1]}…"


def _unchecked(unchecked: Mapping[str, str]) -> None:
    with Tag("section", classes="card", aria_label="Not fully checked"):
        Tag("h2", "Not fully checked")
        Tag("p", "What is in the columns of these assets could not be looked at.", classes="soft")
        with Tag("ul", classes="breaches"):
            for asset, why in list(unchecked.items())[:UNCHECKED_SHOWN]:
                with Tag("li"), Tag("p", classes="row"):
                    Tag("a", asset, href=asset_address(asset))
                    Tag("span", why)
        if len(unchecked) > UNCHECKED_SHOWN:
            Tag("p", f"and {number(len(unchecked) - UNCHECKED_SHOWN)} more", classes="soft")
