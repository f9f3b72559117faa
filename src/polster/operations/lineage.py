"""Saying which columns a column is made of, and where it goes."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace
from enum import StrEnum

from polster.checks.cache.memory import Memory
from polster.checks.examine import Examination, examine
from polster.checks.examined import Examined
from polster.errors import UsageError, nearest
from polster.lakehouse.lakehouse import Lakehouse
from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.model.graph import AssetGraph, unknown_finding
from polster.model.layer import Layer
from polster.model.lineage import Arrow, AssetLineage, ColumnOrigin, ColumnRef, Lineage
from polster.operations.open_project import Session
from polster.project.settings import Environment

NOT_EXAMINED = "it cannot be computed: see polster validate"
NEVER_SEEN = "it has no contract and was never run"
NOT_RECORDED = "it was last published by a version of Polster, or a program, that kept none"
COLUMNS_SHOWN = 20


class Direction(StrEnum):
    """Which way lineage is followed."""

    UPSTREAM = "upstream"
    DOWNSTREAM = "downstream"


@dataclass(frozen=True, slots=True)
class Target:
    """What ``polster lineage`` was asked about.

    Attributes:
        column: None if the whole asset is meant.
        field: Names of the fields on the way into structs; empty for the column as a whole.
    """

    asset: AssetKey
    column: str | None = None
    field: tuple[str, ...] = ()

    @property
    def ref(self) -> ColumnRef | None:
        """Return the column, or the field of one, if one is meant."""
        return None if self.column is None else ColumnRef(self.asset, self.column, self.field)


@dataclass(frozen=True, slots=True)
class LineageAnswer:
    """The lineage of a target, and of everything that is needed to show it.

    Attributes:
        graph: The whole pipeline.
        lineage: Of the target, what it stands on and what stands on it.
    """

    graph: AssetGraph
    target: Target
    lineage: Lineage

    def arrows(self, directions: Collection[Direction]) -> list[tuple[ColumnRef, Arrow]]:
        """List every arrow, in the direction of the data, on a way from or to the target.

        Of a whole asset, those that begin or end at one of its columns.
        """
        lineage = self.lineage
        names = lineage.columns(self.target.asset)
        ref = self.target.ref
        starts = [ref] if ref else [ColumnRef(self.target.asset, name) for name in names]
        found: dict[tuple[ColumnRef, ColumnRef], Arrow] = {}
        if Direction.UPSTREAM in directions:
            below = (
                [*starts, *(reached.ref for reached in lineage.upstream(ref))] if ref else starts
            )
            for end in below:
                for arrow in lineage.sources(end):
                    found[arrow.end, end] = replace(arrow, end=end)
        if Direction.DOWNSTREAM in directions:
            above = (
                [*starts, *(reached.ref for reached in lineage.downstream(ref))] if ref else starts
            )
            for start in above:
                for arrow in lineage.readers(start):
                    found[start, arrow.end] = arrow
        return [(start, arrow) for (start, _), arrow in found.items()]


def lineage_of(session: Session, name: str) -> LineageAnswer:
    """Return the lineage of ``name``: an asset, a column such as ``bronze.orders.email``, a field.

    The functions are called over zero rows; no data is read.

    Args:
        session: Whose assets.
        name: The asset as everywhere, then a dot and the column, which may hold dots itself, then
            the names of fields on the way into structs.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: There is no such asset, column or environment.
    """
    graph = session.graph
    target = find_target(graph, name)
    place = session.environment
    wanted = {target.asset, *graph.ancestors([target.asset]), *graph.descendants([target.asset])}
    lineage = examined_lineage(session, graph, place, wanted)
    if target.ref is not None:
        found = _known_column(target.ref, lineage)
        target = Target(found.asset, found.column, found.field)
    return LineageAnswer(graph, target, lineage)


def examined_lineage(
    session: Session,
    graph: AssetGraph,
    environment: Environment | None,
    keys: Collection[AssetKey] | None = None,
) -> Lineage:
    """Return the lineage as the source says it, by calling the functions over zero rows.

    What did not change since it was called last is not called again.
    """
    examination = Examination(
        session.root,
        graph,
        keys,
        environment=environment,
        lineage=True,
        memory=Memory(session.root),
    )
    return complete(graph, examine(examination))


def recorded_lineage(session: Session) -> Lineage:
    """Return the lineage of the tables that are published now; no code of the user is run.

    Raises:
        DefinitionError: The pipeline has mistakes.
        LakehouseError: The lakehouse cannot be read.
    """
    graph = session.graph
    lakehouse = session.lakehouse
    versions = lakehouse.versions(graph.assets, lakehouse.ledger.last_versions(graph.assets))
    recorded = lakehouse.ledger.lineages(versions)
    found: list[AssetLineage] = []
    for key, version in versions.items():
        entry = recorded.get(key) or _from_commit(lakehouse, key, version)
        found.append(entry or AssetLineage(key, unknown=NOT_RECORDED))
    return Lineage(_with_doubt(graph, found))


def _from_commit(lakehouse: Lakehouse, key: AssetKey, version: int) -> AssetLineage | None:
    """Read what the commit says, where the ledger does not know a version: the run was killed."""
    table = lakehouse.table(key).open(version)
    published = lakehouse.published(table) if table else None
    return published.record.lineage if published else None


def complete(graph: AssetGraph, examined: Iterable[Examined]) -> Lineage:
    """Connect what was examined; of what could not be, the columns at least are named."""
    entries: list[AssetLineage] = []
    for entry in examined:
        if entry.lineage is not None:
            entries.append(entry.lineage)
            continue
        names = [column.name for column in entry.contract or ()]
        columns = dict.fromkeys([*names, *(entry.columns or ())], ColumnOrigin())
        unknown: str | None = entry.unchecked or NOT_EXAMINED
        if entry.asset.layer is Layer.BRONZE:  # it is made of what lies outside
            unknown = None if columns else entry.unchecked or NEVER_SEEN
        entries.append(AssetLineage(entry.asset, columns, unknown))
    return Lineage(_with_doubt(graph, entries))


def _with_doubt(graph: AssetGraph, entries: Collection[AssetLineage]) -> list[AssetLineage]:
    """Let the columns of an asset of unknown lineage perhaps be made of all that it reads.

    So a walk goes on behind such an asset, and says that it is not certain.
    """
    names: dict[AssetKey, list[str]] = {entry.asset: list(entry.columns) for entry in entries}
    for entry in entries:  # a column that somebody reads is there, whoever else knows it
        for origin in entry.columns.values():
            for ref in origin.values | origin.influences:
                if ref.asset in names and ref.column not in names[ref.asset]:
                    names[ref.asset].append(ref.column)
    found: list[AssetLineage] = []
    for entry in entries:
        if entry.unknown is None or entry.asset not in graph.assets:
            found.append(entry)
            continue
        perhaps = frozenset(
            ColumnRef(other, name)
            for other in graph.upstream(entry.asset)
            for name in names.get(other, ())
        )
        origin = ColumnOrigin(perhaps, unknown=entry.unknown)
        columns = dict.fromkeys(names[entry.asset], origin)
        found.append(AssetLineage(entry.asset, columns, entry.unknown))
    return found


def find_target(graph: AssetGraph, text: str) -> Target:
    """Read the name of an asset or of a column of one.

    The longest name of an asset that ``text`` begins with is meant, so a column may be called
    anything.

    Raises:
        UsageError: No asset is called so, or several are.
    """
    best = ""
    meant: list[AssetKey] = []
    for key in graph.assets:
        for spelling in (str(key), key.identifier, key.name):
            if text != spelling and not text.startswith(spelling + "."):
                continue
            if len(spelling) > len(best):
                best, meant = spelling, []
            if spelling == best:
                meant.append(key)
    column = text[len(best) + 1 :] or None
    if not meant:
        finding = unknown_finding(_asset_part(text), graph.assets)
        raise UsageError(finding.message, code=finding.code, hint=finding.hint)
    if len(meant) > 1:
        finding = _several(text, meant, column)
        raise UsageError(finding.message, code=finding.code, hint=finding.hint)
    return Target(meant[0], column)


def _asset_part(text: str) -> str:
    """Return what of ``text`` was probably meant to be the asset."""
    first, *rest = text.split(".")
    return ".".join([first, *rest[:1]]) if first in list(Layer) else first


def _several(text: str, meant: Collection[AssetKey], column: str | None) -> Finding:
    tail = f".{column}" if column else ""
    return Finding(
        "POL204",
        f"`{text}` could mean " + " or ".join(f"`{key}{tail}`" for key in meant),
        hint="write the layer too",
    )


def _known_column(ref: ColumnRef, lineage: Lineage) -> ColumnRef:
    """Return the column that is called as ``ref``, or the field in one."""
    columns = lineage.columns(ref.asset)
    if ref.column in columns:
        return ref
    for path in lineage.fields(ref.asset):
        if ".".join(path) == ref.column:
            return ColumnRef(ref.asset, path[0], path[1:])
    entry = lineage.assets.get(ref.asset)
    if not columns:
        why = f": {entry.unknown}" if entry and entry.unknown else ""
        raise UsageError(
            f"the columns of `{ref.asset}` are not known{why}",
            code="POL219",
            hint=f"give it a contract, or build it once: polster run {ref.asset}",
        )
    holding = [name for name in columns if ref.column.startswith(f"{name}.")]
    if holding:
        whole = ColumnRef(ref.asset, max(holding, key=len))
        below = [".".join(path) for path in lineage.fields(ref.asset) if path[0] == whole.column]
        close = nearest(ref.column, below)
        raise UsageError(
            f"no field `{ref.column}` of `{ref.asset}` is known",
            code="POL218",
            hint=f"did you mean `{close}`?" if close else f"ask for its column: `{whole}`",
        )
    close = nearest(ref.column, columns)
    shown = ", ".join(columns[:COLUMNS_SHOWN]) + (" …" if len(columns) > COLUMNS_SHOWN else "")
    raise UsageError(
        f"`{ref.asset}` has no column `{ref.column}`",
        code="POL218",
        hint=f"did you mean `{close}`?" if close else f"its columns: {shown}",
    )
