"""Comparing the working tree with a revision of git: what changed, and what stands on it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from polster.checks.examine import Examination, examine
from polster.checks.examined import Examined
from polster.checks.table_changes import table_changes
from polster.errors import SettingsError
from polster.model.asset import OPTIONS, Asset, AssetKey
from polster.model.diff import (
    AffectedAsset,
    AffectedColumn,
    AssetChange,
    Cause,
    Diff,
    Impact,
    Presence,
    TableChange,
)
from polster.model.finding import Finding, Severity
from polster.model.graph import AssetGraph
from polster.model.layer import Layer, LayerRules
from polster.model.lineage import ColumnOrigin, ColumnRef, Lineage
from polster.model.reason import texts
from polster.model.record import Fingerprint
from polster.operations.lineage import NOT_EXAMINED, complete
from polster.operations.open_project import Session
from polster.operations.validate import sound_part
from polster.project.discovery import Discovery, discover
from polster.project.fingerprints import CodeReader
from polster.project.revision import Repository
from polster.project.settings import Environment, read_settings


def diff(
    session: Session,
    revision: str = "HEAD",
    *,
    at_fork: bool = False,
) -> Diff:
    """Compare the working tree of the project with ``revision``.

    The functions of what changed, and of what stands on it, are called over zero rows, those of
    the revision from files that are written to a temporary folder; no data is read.

    Args:
        session: Definitions with mistakes are told, and the rest compared.
        revision: What git calls the older state: a branch, a tag, ``HEAD~1``.
        at_fork: Compare with the commit where the current branch left ``revision``.

    Raises:
        UsageError: There is no git, repository, revision, project at it, or environment.
    """
    place = session.environment
    repository = Repository(session.root)
    found = repository.find(revision, at_fork=at_fork)
    with TemporaryDirectory(prefix="polster-") as folder:
        root = Path(folder).resolve()
        repository.write(found, root)
        then = _Side.of(root, discover(root, _rules(root, session.settings.rules)))
        now = _Side.of(session.root, session.discovery, session.settings.rules)
        changes = list(_asset_changes(then, now))
        if changes:
            concerned = {change.asset for change in changes}
            then.examine(concerned, place)
            now.examine(concerned, place)
            changes = [_with_table(change, then, now) for change in changes]
        affected = tuple(_affected(changes, then, now))
    return Diff(
        found.name,
        found.commit,
        tuple(changes),
        affected,
        _mistakes(then.discovery),
        _mistakes(now.discovery),
    )


def _rules(root: Path, otherwise: LayerRules) -> LayerRules:
    """Return the layer rules of then; today's if the settings of then cannot be read."""
    try:
        return read_settings(root).rules
    except SettingsError:
        return otherwise


def _mistakes(discovery: Discovery) -> tuple[Finding, ...]:
    return tuple(each for each in discovery.findings if each.severity is Severity.ERROR)


@dataclass(slots=True)
class _Side:
    """One of the two states that are compared."""

    root: Path
    discovery: Discovery
    graph: AssetGraph
    assets: Mapping[AssetKey, Asset]
    code: CodeReader
    examined: Mapping[AssetKey, Examined]
    lineage: Lineage

    @classmethod
    def of(cls, root: Path, discovery: Discovery, rules: LayerRules | None = None) -> _Side:
        graph = discovery.graph or sound_part(discovery.assets, rules or LayerRules())
        assets = {asset.key: asset for asset in discovery.assets}
        return cls(root, discovery, graph, assets, CodeReader(root), {}, Lineage([]))

    @property
    def unreadable(self) -> set[AssetKey]:
        """Return the assets whose file is there, but is no definition."""
        stems = {Path(each.file).stem for each in self.discovery.findings if each.file}
        keys = {key for stem in stems if (key := AssetKey.parse(stem)) is not None}
        return keys - self.assets.keys()

    def fingerprint(self, key: AssetKey) -> Fingerprint:
        """Return what the asset is made from; all versions of its inputs count as the same."""
        inputs = self.graph.upstream(key) if key in self.graph.assets else ()
        return replace(
            self.code.fingerprint(self.assets[key]), inputs={str(other): 0 for other in inputs}
        )

    def examine(self, changed: Collection[AssetKey], place: Environment) -> None:
        """Call what changed, what it stands on and what stands on it."""
        here = [key for key in changed if key in self.graph.assets]
        wanted = {*here, *self.graph.descendants(here)}
        wanted |= self.graph.ancestors(wanted)
        if not wanted:
            return
        examined = examine(
            Examination(self.root, self.graph, wanted, environment=place, lineage=True)
        )
        self.examined = {entry.asset: entry for entry in examined}
        self.lineage = complete(self.graph, examined)


def _asset_changes(then: _Side, now: _Side) -> Iterator[AssetChange]:
    """Yield what became of each asset, its columns not compared yet; equal ones are left out."""
    unreadable = then.unreadable | now.unreadable
    for key in sorted({*then.assets, *now.assets} - unreadable):
        old, new = then.assets.get(key), now.assets.get(key)
        if old is None and new is not None:
            yield AssetChange(key, Presence.ADDED, _made_from(now, key), owner=new.options.owner)
        elif new is None and old is not None:
            yield AssetChange(key, Presence.REMOVED, _read_by(then, key), owner=old.options.owner)
        elif old is not None and new is not None:
            reasons = (
                *texts(now.fingerprint(key).changes_since(then.fingerprint(key))),
                *_option_changes(old, new),
            )
            if reasons:
                yield AssetChange(key, Presence.CHANGED, reasons, owner=new.options.owner)


def _made_from(side: _Side, key: AssetKey) -> tuple[str, ...]:
    reads = side.graph.upstream(key) if key in side.graph.assets else ()
    return (f"it reads {', '.join(map(str, reads))}",) if reads else ()


def _read_by(side: _Side, key: AssetKey) -> tuple[str, ...]:
    readers = side.graph.downstream(key) if key in side.graph.assets else ()
    return (f"read by {', '.join(map(str, readers))} until now",) if readers else ()


def _option_changes(old: Asset, new: Asset) -> Iterator[str]:
    for name, option in OPTIONS.items():
        was, becomes = getattr(old.options, name), getattr(new.options, name)
        if was == becomes:
            continue
        if name == "owner":
            yield f"{option.words} changed: {was or 'nobody'} -> {becomes or 'nobody'}"
        else:
            yield f"{option.words} changed"


def _with_table(change: AssetChange, then: _Side, now: _Side) -> AssetChange:
    """Compare the table of an asset that is there on both sides."""
    if change.presence is not Presence.CHANGED:
        return change
    old, new = then.examined.get(change.asset), now.examined.get(change.asset)
    if old is None or new is None:
        return replace(change, unknown="its definition, or that of what it reads, has mistakes")
    table = [*table_changes(old, new), *_origin_changes(change.asset, then.lineage, now.lineage)]
    return replace(change, table=tuple(table), unknown=_unknown(old, new))


def _unknown(old: Examined, new: Examined) -> str | None:
    """Say why not all columns could be compared."""
    for when, entry in (("then", old), ("now", new)):
        if entry.columns is None and entry.asset.layer is not Layer.BRONZE:
            if entry.unchecked:
                return f"{when}: {entry.unchecked}"
            errors = [each for each in entry.findings if each.severity is Severity.ERROR]
            if errors:
                return f"{when}: {errors[0].message}"
    return None


def _origin_changes(key: AssetKey, then: Lineage, now: Lineage) -> Iterator[TableChange]:
    """Yield the columns that are made of other columns than before."""
    for name in now.columns(key):
        ref = ColumnRef(key, name)
        change = _remade(then.origin(ref), now.origin(ref)) if name in then.columns(key) else None
        if change:
            yield TableChange(name, change, Impact.COMPATIBLE, is_remade=True)


def _remade(old: ColumnOrigin, new: ColumnOrigin) -> str | None:
    if old.unknown or new.unknown or old.values == new.values:
        return None
    was, becomes = _listed(old), _listed(new)
    return f"made of {becomes}, before of {was}"


def _listed(origin: ColumnOrigin) -> str:
    return ", ".join(map(str, sorted(origin.values))) or "no column"


def _affected(changes: Collection[AssetChange], then: _Side, now: _Side) -> Iterator[AffectedAsset]:
    """Yield what stands on a change, upstream first, and last what did but is gone."""
    changed = {change.asset: change for change in changes}
    reached = _reached_columns(changes, then, now)
    both = [*now.graph.assets, *(key for key in then.graph.assets if key not in now.assets)]
    for key in both:
        if key in changed and changed[key].presence is not Presence.CHANGED:
            continue  # that it came or went is said already
        sides = [side for side in (then, now) if key in side.graph.assets]
        below = {other for side in sides for other in side.graph.ancestors([key])}
        causes = tuple(sorted(below & changed.keys()))
        if not causes:
            continue
        side = sides[-1]
        entry = side.lineage.assets.get(key)
        unknown = entry.unknown if entry else NOT_EXAMINED
        columns = tuple(reached.get(key, ()))
        yield AffectedAsset(
            key,
            side.assets[key].options.owner,
            causes,
            columns,
            _breaks([changed[cause] for cause in causes], columns, unknown),
            unknown,
        )


def _breaks(
    causes: Collection[AssetChange], columns: Collection[AffectedColumn], unknown: str | None
) -> bool:
    """Tell whether a breaking change comes to an asset, or may, as far as is known.

    One of a column does where its lineage leads; one of a whole table, such as of its key, does
    wherever the table is read.
    """
    if any(cause.is_breaking for column in columns for cause in column.causes):
        return True
    breaking = [each for each in causes if each.is_breaking]
    return bool(breaking) and (
        unknown is not None or any(each.breaks_as_a_whole for each in breaking)
    )


def _reached_columns(
    changes: Collection[AssetChange], then: _Side, now: _Side
) -> dict[AssetKey, list[AffectedColumn]]:
    """Follow each changed column: as things are now, or, if it is gone, as they were."""
    causes: dict[ColumnRef, dict[ColumnRef, Cause]] = {}
    for start, lineage, breaking in _starts(changes, then, now):
        for reached in lineage.downstream(start):
            known = causes.setdefault(reached.ref, {})
            before = known.get(start)
            known[start] = Cause(
                start,
                reached.by_value or (before is not None and before.by_value),
                reached.is_certain or (before is not None and before.is_certain),
                breaking or (before is not None and before.is_breaking),
            )
    by_asset: dict[AssetKey, list[AffectedColumn]] = {}
    for ref in sorted(causes):
        column = AffectedColumn(ref, tuple(causes[ref].values()))
        by_asset.setdefault(ref.asset, []).append(column)
    return by_asset


def _starts(
    changes: Collection[AssetChange], then: _Side, now: _Side
) -> Iterator[tuple[ColumnRef, Lineage, bool]]:
    for change in changes:
        if change.presence is Presence.REMOVED:
            for name in then.lineage.columns(change.asset):
                yield ColumnRef(change.asset, name), then.lineage, True
        for table in change.table:
            if table.column is not None and table.concerns_readers:
                lineage = then.lineage if table.is_gone else now.lineage
                ref = ColumnRef(change.asset, table.column)
                yield ref, lineage, table.impact is Impact.BREAKING
