"""Personal data: where a column that a contract marks ends up, by value.

A contract column with ``metadata={"pii": True}`` passes its mark on to every column that its
values go into; what it merely influences, such as a count of rows, is not marked. A field of a
struct may be marked by itself: then ``person.land`` is not personal, though ``person.email`` is. A
column, or a field, with
``metadata={"masked": True, "reason": "…"}`` ends the way. What reaches gold is an error.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace

from polster.checks.examined import Examined
from polster.model.asset import Asset, AssetKey
from polster.model.contract import ContractColumn
from polster.model.finding import Finding, Severity
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.lineage import FIELDS_NOT_SHOWN, ColumnOrigin, ColumnRef

NO_ORIGIN = ColumnOrigin()
DECLARATION = 'metadata={"masked": True, "reason": "…"}'
NOT_EXAMINED = "its columns could not be read"


@dataclass(frozen=True, slots=True)
class _Taint:
    """How personal data came to a column.

    Attributes:
        path: Columns from the marked one to this one.
        marked: Every marked column whose values come here.
        doubt: Why they only may; None if they do.
        is_unread: Whether that is because a plan could not be read.
    """

    path: tuple[ColumnRef, ...]
    marked: frozenset[ColumnRef]
    doubt: str | None = None
    is_unread: bool = False

    @property
    def rank(self) -> tuple[bool, int, tuple[ColumnRef, ...]]:
        """Return what the best way to show is chosen by: the certain, the short."""
        return self.doubt is not None, len(self.path), self.path

    @property
    def severity(self) -> Severity:
        """Return how it is told in gold: what nobody could look at is not let pass."""
        return Severity.ERROR if self.doubt is None or self.is_unread else Severity.WARNING


def check_personal(graph: AssetGraph, examined: Iterable[Examined]) -> list[Finding]:
    """Find personal data that reaches gold unmasked, and masks without a reason.

    Args:
        graph: The assets.
        examined: With their lineage; an asset that is missing is taken for unknown.

    Returns:
        Findings by asset, upstream first; nothing if no contract marks a column.
    """
    known = {entry.asset: entry for entry in examined}
    if not any(column.pii for entry in known.values() for column in entry.contract or ()):
        return [
            finding
            for asset in graph
            for finding in _unreasoned(asset, known.get(asset.key, Examined(asset.key)))
        ]
    walk = _Walk(graph, known)
    return [finding for asset in graph for finding in walk.step(asset)]


def personal_columns(
    graph: AssetGraph, examined: Iterable[Examined], key: AssetKey
) -> frozenset[str] | None:
    """Return the columns of an asset that hold, or may hold, personal data that nothing masks.

    Args:
        graph: The assets.
        examined: That asset and what it stands on, upstream first, with their lineage.
        key: The asset.

    Returns:
        None if nobody knows.
    """
    known = {entry.asset: entry for entry in examined}
    walk = _Walk(graph, known)
    for each in known:
        walk.step(graph[each])
    if known[key].contract is None or key in walk.hidden:
        return None
    return frozenset(ref.column for ref in walk.taints[key])


class _Walk:
    """Goes through the assets, upstream first, and remembers what it found marked."""

    def __init__(self, graph: AssetGraph, known: Mapping[AssetKey, Examined]) -> None:
        self.graph = graph
        self.known = known
        self.taints: dict[AssetKey, dict[ColumnRef, _Taint]] = {}
        self.hidden: dict[AssetKey, _Taint] = {}  # assets of unknown columns that may hold some

    def step(self, asset: Asset) -> list[Finding]:
        entry = self.known.get(asset.key, Examined(asset.key))
        contract = {column.name: column for column in entry.contract or ()}
        taints = self._marked(asset.key, contract)
        doubt = None
        if asset.key.layer is not Layer.BRONZE:
            doubt = _doubt(entry)
            if doubt is None:
                derived = self._derived(entry).items()
                marks = tuple(taints)
                taints |= {ref: each for ref, each in derived if not any(map(ref.overlaps, marks))}
            else:
                self._suspect(asset.key, entry, taints, doubt)
        for ref in [each for each in taints if _is_masked(contract.get(each.column), each.field)]:
            del taints[ref]
        self.taints[asset.key] = taints
        findings = _unreasoned(asset, entry)
        if asset.key.layer is Layer.GOLD:
            findings += self._reached(asset, entry, taints, doubt)
        return findings

    def _marked(
        self, key: AssetKey, contract: Mapping[str, ContractColumn]
    ) -> dict[ColumnRef, _Taint]:
        """Return the taints of the columns, and fields, that the contract itself marks."""
        refs = [ref for column in contract.values() for ref in _marked_in(key, column)]
        return {ref: _Taint((ref,), frozenset({ref})) for ref in refs}

    def _derived(self, entry: Examined) -> dict[ColumnRef, _Taint]:
        """Return the taints that come with the values of other columns.

        A struct of which every field has one is told as a whole.
        """
        if entry.lineage is None:
            return {}
        columns: dict[str, dict[ColumnRef, _Taint | None]] = {}
        for ref, origin in entry.lineage.parts():
            columns.setdefault(ref.column, {})[ref] = self._inherited(ref, origin)
        for name, parts in columns.items():
            if len(parts) > 1 and all(parts.values()):
                ref = ColumnRef(entry.asset, name)
                columns[name] = {ref: self._inherited(ref, entry.lineage.columns[name])}
        return {ref: each for parts in columns.values() for ref, each in parts.items() if each}

    def _inherited(self, ref: ColumnRef, origin: ColumnOrigin) -> _Taint | None:
        sources: list[_Taint] = []
        for source in origin.values:
            for place, taint in self.taints.get(source.asset, {}).items():
                if not place.overlaps(source):
                    continue
                is_inside = len(place.field) > len(source.field)
                certain = origin.unknown == FIELDS_NOT_SHOWN and not is_inside
                why = taint.doubt if certain else taint.doubt or origin.unknown
                sources.append(replace(taint, doubt=why))
            sources += self._hidden(source.asset)
        if not sources:
            return None
        best = min(sources, key=lambda taint: taint.rank)
        marked = frozenset().union(*(taint.marked for taint in sources))
        return _Taint((*best.path, ref), marked, best.doubt, best.is_unread)

    def _suspect(
        self, key: AssetKey, entry: Examined, taints: dict[ColumnRef, _Taint], doubt: str
    ) -> None:
        """Take every column of an asset of unknown lineage for marked, if it reads marked ones."""
        read = [
            taint
            for other in dict.fromkeys(self.graph.upstream(key))
            for taint in (*self.taints[other].values(), *self._hidden(other))
        ]
        if not read:
            return
        best = min(read, key=lambda taint: taint.rank)
        marked = frozenset().union(*(taint.marked for taint in read))
        unread = entry.is_unread or best.is_unread
        hidden = self.hidden[key] = _Taint(best.path, marked, doubt, unread)
        for column in entry.contract or ():
            ref = ColumnRef(key, column.name)
            taints.setdefault(ref, replace(hidden, path=(*best.path, ref)))
        if entry.columns is not None or entry.contract is not None:
            del self.hidden[key]  # its columns are known, so that masks among them count
            for name in entry.columns or ():
                ref = ColumnRef(key, name)
                taints.setdefault(ref, replace(hidden, path=(*best.path, ref)))

    def _hidden(self, key: AssetKey) -> list[_Taint]:
        return [self.hidden[key]] if key in self.hidden else []

    def _reached(
        self, asset: Asset, entry: Examined, taints: Mapping[ColumnRef, _Taint], doubt: str | None
    ) -> list[Finding]:
        """Write the findings of one gold asset, one for all that its unknown lineage may bring."""
        findings = [
            _finding(asset, entry, ref, taint)
            for ref, taint in taints.items()
            if doubt is None or taint.doubt is None
        ]
        if any(finding.severity is Severity.ERROR for finding in entry.findings):
            return findings  # what keeps it from being built is told; the rest after that
        suspected = [taint for taint in taints.values() if taint.doubt is not None]
        suspected += self._hidden(asset.key)
        if doubt is not None and suspected:
            findings.append(_suspicion(asset, suspected[0], doubt))
        return findings


def _doubt(entry: Examined) -> str | None:
    """Say why nothing is known of what the columns are made of; None if something is."""
    if entry.lineage is None:
        return entry.unchecked or NOT_EXAMINED
    return entry.lineage.unknown


def _marked_in(key: AssetKey, column: ContractColumn) -> Iterator[ColumnRef]:
    """Yield what is marked as personal: the column, or the fields that say so themselves."""
    for path, each in _below(column):
        if each.pii and not any(field.pii for field in each.fields):
            yield ColumnRef(key, column.name, path)


def _below(
    column: ContractColumn, path: tuple[str, ...] = ()
) -> Iterator[tuple[tuple[str, ...], ContractColumn]]:
    """Yield a column, and all that is known of the fields in it, with their paths."""
    yield path, column
    for field in column.fields:
        yield from _below(field, (*path, field.name))


def _is_masked(column: ContractColumn | None, path: tuple[str, ...] = ()) -> bool:
    """Tell whether a column, or a field in it, is declared masked.

    Without a reason that is a finding of its own.
    """
    if column is None:
        return False
    return any(
        each.masked is not None and path[: len(declared)] == declared
        for declared, each in _below(column)
    )


def _unreasoned(asset: Asset, entry: Examined) -> list[Finding]:
    return [
        Finding(
            "POL732",
            f"`{ColumnRef(asset.key, column.name, path)}` is declared masked, but not why",
            asset=str(asset.key),
            file=asset.file,
            line=entry.contract_lines.get(column.name, asset.line),
            hint=f"say what was done to it: {DECLARATION.replace('…', 'salted hash')}",
        )
        for column in entry.contract or ()
        for path, each in _below(column)
        if each.masked is not None and not each.masked.strip()
    ]


def _finding(asset: Asset, entry: Examined, ref: ColumnRef, taint: _Taint) -> Finding:
    column = ref.column
    if taint.doubt is None:
        message = f"`{ref}` holds personal data that nothing masks"
        hint = f"leave the column out, or, once it names nobody, declare that: {DECLARATION}"
    else:
        message = f"`{ref}` may hold personal data that nothing masks (not certain: {taint.doubt})"
        hint = f"if it does not, declare that in the contract: {DECLARATION}"
    if len(taint.path) > 1:
        message += ": " + " -> ".join(f"`{step}`" for step in taint.path)
    if more := _others(taint):
        message += f"; also from {more}"
    if column not in {known.name for known in entry.contract or ()}:
        hint = f"leave the column out, or name it in the contract, masked: {DECLARATION}"
    return Finding(
        "POL731",
        message,
        asset=str(asset.key),
        file=asset.file,
        line=entry.contract_lines.get(column, asset.line),
        hint=hint,
        severity=taint.severity,
    )


def _suspicion(asset: Asset, taint: _Taint, doubt: str) -> Finding:
    marked = " and ".join(f"`{ref}`" for ref in sorted(taint.marked)[:3])
    return Finding(
        "POL731",
        f"`{asset.key}` may hold personal data: it stands on {marked}, and which of its columns "
        f"are made of that is unknown ({doubt})",
        asset=str(asset.key),
        file=asset.file,
        line=asset.line,
        hint=f"declare its columns that are masked in the contract: {DECLARATION}",
        severity=taint.severity,
    )


def _others(taint: _Taint) -> str:
    others = sorted(taint.marked - {taint.path[0]})
    shown = [f"`{ref}`" for ref in others[:3]]
    if len(others) > len(shown):
        shown.append(f"{len(others) - len(shown)} more")
    return ", ".join(shown)
