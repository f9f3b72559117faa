"""What a run on legal rows says of the functions: do they fail, refuse, or drop rows?"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from polster.model.asset import Asset, AssetKey
from polster.model.finding import Finding, Severity, finding_about
from polster.model.graph import AssetGraph
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus, Failure
from polster.rehearsal.fixtures import fixture_name
from polster.rehearsal.sources import Source
from polster.rehearsal.theatre import Performance
from polster.runtime.failures import MISUSED
from polster.runtime.refusal import REFUSALS


def legal_input(graph: AssetGraph, key: AssetKey, legal: Mapping[AssetKey, bool]) -> bool:
    """Tell whether what ``key`` reads is known to be legal: by contract, or by a fixture.

    Rows of silver and gold are, since their own contracts let them pass.
    """
    return all(
        legal.get(upstream, False) for upstream in graph.upstream(key) if _is_bronze(upstream)
    )


def review_usual(
    graph: AssetGraph, done: Performance, sources: Mapping[AssetKey, Source]
) -> list[Finding]:
    """Tell what goes wrong with rows as they usually come."""
    legal = {key: source.is_legal for key, source in sources.items()}
    found: list[Finding] = []
    for key, record in done.records.items():
        if record.status is AssetStatus.SKIPPED:
            continue
        if record.error is not None:
            found.append(
                _failed(graph[key], record, record.error, legal=legal_input(graph, key, legal))
            )
        elif record.rows_quarantined and not any(map(_is_bronze, graph.upstream(key))):
            found += [_refused(graph[key], record)] if not _is_bronze(key) else []
        elif not _is_bronze(key) and not record.rows_published and not _starves(graph, key, done):
            found.append(_nothing_left(graph, graph[key], record))
    return found


def review_legal(graph: AssetGraph, done: Performance, keys: Collection[AssetKey]) -> list[Finding]:
    """Tell which of the functions ``keys`` fail on rows sampled from the contracts below them.

    That they find no rows that go together, as in a join, is no fault of theirs.
    """
    return [
        _failed(graph[key], record, record.error, legal=True)
        for key, record in done.records.items()
        if key in keys and record.error is not None and record.status is not AssetStatus.SKIPPED
    ]


def review_unusual(
    graph: AssetGraph, done: Performance, sources: Mapping[AssetKey, Source]
) -> list[Finding]:
    """Tell which functions fail on rows that are odd but legal, and which drop rows."""
    legal = {key: source.edges_are_legal for key, source in sources.items()}
    found: list[Finding] = []
    for key, record in done.records.items():
        if record.error is not None and record.error.code not in REFUSALS:
            if not _is_bronze(key) and legal_input(graph, key, legal):
                found.append(_failed(graph[key], record, record.error, legal=True))
        elif key in done.returned and (dropped := _dropped(key, done, record)):
            found.append(_drops(graph[key], record, dropped))
    return found


def _starves(graph: AssetGraph, key: AssetKey, done: Performance) -> bool:
    """Tell whether something that ``key`` reads is empty itself, which is told there."""
    return any(
        not done.records[upstream].rows_published
        for upstream in graph.upstream(key)
        if not _is_bronze(upstream)
    )


def _dropped(key: AssetKey, done: Performance, record: AssetRecord) -> int:
    """Count the rows of the only input that a silver function does not return.

    What aggregates returns fewer rows by its nature, and of an eager frame nothing is known.
    """
    if key.layer is not Layer.SILVER or len(record.rows_in) != 1 or record.rows_returned == 1:
        return 0
    plan = done.returned[key].explain(optimized=False)
    if "SCAN" not in plan or "AGGREGATE" in plan:
        return 0
    return max(0, next(iter(record.rows_in.values())) - record.rows_returned)


def _failed(asset: Asset, record: AssetRecord, error: Failure, *, legal: bool) -> Finding:
    place = error.place if error.place and error.place.startswith("src/") else asset.place
    file, _, line = place.partition(":")
    if error.code == MISUSED:
        return Finding(
            "POL804",
            f"`{asset.key}` fails: {error.message}",
            asset=str(asset.key),
            file=file,
            line=int(line) if line.isdecimal() else None,
            hint=error.hint,
        )
    if not legal:
        return Finding(
            "POL805",
            f"`{asset.key}` cannot be rehearsed with sampled rows: {error.message}",
            asset=str(asset.key),
            file=file,
            line=int(line) if line.isdecimal() else None,
            hint="put rows as the source sends them into "
            + _fixtures(asset, record)
            + ", or give bronze a contract that says how they look",
            severity=Severity.WARNING,
        )
    what = "refuses" if error.code in REFUSALS else "fails on"
    return Finding(
        "POL804",
        f"`{asset.key}` {what} rows that the contracts of its inputs allow: {error.message}",
        asset=str(asset.key),
        file=file,
        line=int(line) if line.isdecimal() else None,
        hint=error.hint
        if error.code not in REFUSALS and error.hint
        else "narrow the contract of the input, or let the function and its contract take such "
        "rows, too",
    )


def _refused(asset: Asset, record: AssetRecord) -> Finding:
    rules = _broken(record)
    return finding_about(
        asset,
        "POL804",
        f"`{asset.key}` quarantines {record.rows_quarantined} of {record.rows_returned} rows made "
        f"of input that its contracts allow: {rules}",
        hint="narrow the contract of the input, or let this one take such rows, too",
    )


def _nothing_left(graph: AssetGraph, asset: Asset, record: AssetRecord) -> Finding:
    rules = _broken(record)
    why = f"every row is quarantined: {rules}" if rules else "its function returns no rows"
    return finding_about(
        asset,
        "POL805",
        f"`{asset.key}` is left empty by the sampled rows: {why}",
        hint=f"put rows {'as the source sends them' if rules else 'that go together'} into "
        + " and ".join(
            fixture_name(key) for key in sorted(graph.ancestors([asset.key])) if _is_bronze(key)
        ),
        severity=Severity.WARNING,
    )


def _drops(asset: Asset, record: AssetRecord, dropped: int) -> Finding:
    upstream, rows = next(iter(record.rows_in.items()))
    return finding_about(
        asset,
        "POL803",
        f"`{asset.key}` drops rows in silence: {dropped} of {rows} rows of `{upstream}` are "
        "neither published nor quarantined",
        hint="let the contract turn them away, so that they are counted and kept; if they are no "
        "rows of this table: # polster: ignore[POL803] and the reason",
        severity=Severity.WARNING,
    )


def _fixtures(asset: Asset, record: AssetRecord) -> str:
    keys = [key for name in record.rows_in if (key := AssetKey.parse(name)) is not None]
    return " and ".join(fixture_name(key) for key in keys if _is_bronze(key)) or asset.file


def _broken(record: AssetRecord) -> str:
    return ", ".join(f"{rule} ({count})" for rule, count in record.rules_broken.items())


def _is_bronze(key: AssetKey) -> bool:
    return key.layer is Layer.BRONZE
