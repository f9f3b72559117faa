"""Judging what the source of a project does: rules POL601 to POL608, and POL621."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from polster.checks.habits.addresses import addresses
from polster.checks.habits.asset_imports import asset_imports
from polster.checks.habits.cleaning import cleaning
from polster.checks.habits.clocks import clocks_and_chance
from polster.checks.habits.credentials import credentials
from polster.checks.habits.outside import outside
from polster.checks.habits.reach import Reach
from polster.checks.habits.sighting import Seen, Sighting, uses
from polster.checks.habits.source_tree import Module, Sources
from polster.checks.habits.unit import Unit
from polster.model.asset import Asset
from polster.model.finding import Finding
from polster.project.source import nothing_to_collect

NAMED = 3
"""How many assets a message names; the others are counted."""


Spot = tuple[str, str | None, int | None]
"""Code, file and line of a finding, which stay what they are whatever the settings say."""


@dataclass(frozen=True, slots=True)
class Habits:
    """What code does that it should not.

    Attributes:
        findings: One a place and rule, however many assets reach it; sorted by place.
        reached_from: Keys of the assets that come to a finding, if they are several.
    """

    findings: tuple[Finding, ...]
    reached_from: Mapping[Spot, frozenset[str]]


def check_habits(root: Path, assets: Sequence[Asset], *, sources: Sources | None = None) -> Habits:
    """Judge what the code of ``assets``, and of the project's helpers that they reach, does.

    Args:
        root: The project's folder.
        assets: Whose code is judged; others may be imported all the same.
        sources: The project's modules, if somebody reads them too.
    """
    eye = _Eye(sources or Sources(root))
    with nothing_to_collect():
        breaches = _breaches(eye, assets)
    findings: list[Finding] = []
    reached_from: dict[Spot, frozenset[str]] = {}
    for breach in breaches:
        finding = breach.finding()
        findings.append(finding)
        if len(breach.assets) > 1:
            reached_from[spot(finding)] = frozenset(str(each.key) for each in breach.assets)
    findings.sort(key=lambda each: (each.file or "", each.line or 0, each.code))
    return Habits(tuple(findings), reached_from)


def spot(finding: Finding) -> Spot:
    """Return what a finding is known by."""
    return finding.code, finding.file, finding.line


def _breaches(eye: _Eye, assets: Sequence[Asset]) -> list[_Breach]:
    reach = Reach(eye.sources)
    breaches: dict[tuple[str, int, str], _Breach] = {}
    for asset in sorted(assets, key=lambda asset: asset.key):
        leaking: dict[str, Module] = {}
        for module, unit in reach.of(asset):
            leaking[module.name] = module
            own = module.name == asset.module
            for sighting in eye.sees(module, unit):
                if sighting.code == "POL621" and not own:
                    continue
                _note(breaches, asset, module, sighting)
        for module in leaking.values():  # a credential is one wherever it stands
            for sighting in eye.leaks(module):
                _note(breaches, asset, module, sighting)
    return list(breaches.values())


@dataclass(slots=True)
class _Breach:
    """A sighting, and the assets that come to it."""

    module: Module
    sighting: Sighting
    assets: list[Asset] = field(default_factory=list)

    def finding(self) -> Finding:
        sighting = self.sighting
        owner = next((each for each in self.assets if each.module == self.module.name), None)
        if owner is not None:
            asset, subject = owner, f"`{owner.key}`"
        else:
            asset, subject = self.assets[0], f"the helper reached from {_listed(self.assets)}"
        return Finding(
            sighting.code,
            f"{subject} {sighting.does}",
            asset=str(asset.key),
            file=self.module.file,
            line=sighting.line,
            hint=sighting.hint,
            severity=sighting.severity,
            column=self.module.column(sighting.line, sighting.offset),
            fix=sighting.fix if owner is not None else None,
        )


@dataclass(slots=True)
class _Eye:
    """Looks at each unit once."""

    sources: Sources
    _seen: dict[tuple[str, str], tuple[Sighting, ...]] = field(default_factory=dict)
    _leaks: dict[str, tuple[Sighting, ...]] = field(default_factory=dict)

    def sees(self, module: Module, unit: Unit) -> tuple[Sighting, ...]:
        place = module.name, unit.name
        if place not in self._seen:
            self._seen[place] = tuple(_sightings(Seen(self.sources, module, unit)))
        return self._seen[place]

    def leaks(self, module: Module) -> tuple[Sighting, ...]:
        if module.name not in self._leaks:
            texts = [text for unit in module.units.values() for text in unit.texts]
            self._leaks[module.name] = tuple(credentials(texts))
        return self._leaks[module.name]


def _sightings(seen: Seen) -> Iterator[Sighting]:
    for use in uses(seen):
        yield from outside(seen, use)
        yield from clocks_and_chance(use)
        yield from cleaning(use)
    yield from addresses(seen)
    yield from asset_imports(seen)


def _note(
    breaches: dict[tuple[str, int, str], _Breach], asset: Asset, module: Module, sighting: Sighting
) -> None:
    """Keep a breach once a line and rule, and the leftmost of several."""
    if asset.key.layer not in sighting.layers:
        return
    breach = breaches.setdefault(
        (module.name, sighting.line, sighting.code), _Breach(module, sighting)
    )
    if sighting.offset < breach.sighting.offset:
        breach.sighting = sighting
    if not breach.assets or breach.assets[-1] is not asset:  # one is judged after the other
        breach.assets.append(asset)


def _listed(assets: Sequence[Asset]) -> str:
    named = [f"`{asset.key}`" for asset in assets[:NAMED]]
    if len(assets) > NAMED:
        named.append(f"{len(assets) - NAMED} more")
    return named[0] if len(named) == 1 else f"{', '.join(named[:-1])} and {named[-1]}"
