"""The difference to a revision as lines for a terminal."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from polster.model.diff import AffectedAsset, AffectedColumn, AssetChange, Diff, TableChange
from polster.model.finding import Finding
from polster.model.layer import Layer

GAP = "  "
MISTAKES_SHOWN = 5


def diff_as_text(diff: Diff) -> Iterator[str]:
    """Yield the lines: what changed, what stands on it, and the sum of it."""
    yield f"compared with {named(diff)}"
    yield from _mistakes("at that revision", diff.mistakes_then)
    yield from _mistakes("in the working tree", diff.mistakes_now)
    if not diff.assets:
        yield ""
        yield "no asset changed"
        return
    for change in diff.assets:
        yield ""
        yield from _change(change)
    if diff.affected:
        yield ""
        yield "what stands on that"
        for entry in diff.affected:
            yield from _affected(entry)
    yield ""
    yield summary(diff)


def named(diff: Diff) -> str:
    """Return the revision as the user called it, and its commit in short."""
    short = diff.commit[:9]
    return diff.revision if diff.commit.startswith(diff.revision) else f"{diff.revision} ({short})"


def summary(diff: Diff) -> str:
    """Say in one sentence how much changed, and whom that concerns."""
    breaking, gold = len(diff.breaking), diff.gold
    said = f"{_count(len(diff.assets), 'asset')} changed, {breaking or 'none'} in a breaking way"
    if gold:
        said += f"; {_count(len(gold), 'gold table')} affected"
    if owners := sorted({entry.owner for entry in gold if entry.owner}):
        said += f", owned by {', '.join(owners)}"
    return said


def table_change(change: TableChange) -> str:
    """Return a change of a table in words, the column first."""
    return change.what if change.column is None else f"{change.column}: {change.what}"


def affected_column(column: AffectedColumn) -> str:
    """Say how changed columns go into another one, the breaking changes first."""
    said: dict[str, list[str]] = {}
    for cause in sorted(column.causes, key=lambda cause: not cause.is_breaking):
        broken = "breaking: " if cause.is_breaking else ""
        perhaps = "" if cause.is_certain else "perhaps "
        kind = "value" if cause.by_value else "influence"
        said.setdefault(f"{broken}{perhaps}{kind} of ", []).append(str(cause.ref))
    return "; ".join(how + ", ".join(refs) for how, refs in said.items())


def owner(entry: AssetChange | AffectedAsset) -> str:
    """Return who answers for an asset, where that is somebody's business."""
    if entry.owner:
        return f"owner: {entry.owner}"
    return "no owner" if entry.asset.layer is Layer.GOLD else ""


def _change(change: AssetChange) -> Iterator[str]:
    marks = [mark for mark in ("breaking" if change.is_breaking else "", owner(change)) if mark]
    after = f" ({', '.join(marks)})" if marks else ""
    yield f"{change.presence.value} {change.asset}{after}"
    for reason in change.reasons:
        yield f"{GAP}{reason}"
    if change.unknown:
        yield f"{GAP}not all of its columns can be compared: {change.unknown}"
    width = max((len(each.impact.value) for each in change.table), default=0)
    for each in change.table:
        yield f"{GAP}{each.impact.value.ljust(width)}{GAP}{table_change(each)}"


def _affected(entry: AffectedAsset) -> Iterator[str]:
    marks = [mark for mark in ("breaking" if entry.is_breaking else "", owner(entry)) if mark]
    after = f" ({', '.join(marks)})" if marks else ""
    yield f"{GAP}{entry.asset}{after} stands on {', '.join(map(str, entry.causes))}"
    for column in entry.columns:
        yield f"{GAP * 2}{column.ref.column}: {affected_column(column)}"
    if entry.unknown:
        yield f"{GAP * 2}which of its columns is unknown: {entry.unknown}"


def _mistakes(where: str, findings: Sequence[Finding]) -> Iterator[str]:
    if not findings:
        return
    yield ""
    concerned = "it concerns" if len(findings) == 1 else "they concern"
    yield f"{_count(len(findings), 'mistake')} {where}; what {concerned} is not compared"
    for finding in findings[:MISTAKES_SHOWN]:
        place = f" ({finding.place})" if finding.place else ""
        yield f"{GAP}{finding.code}: {finding.message}{place}"
    if len(findings) > MISTAKES_SHOWN:
        yield f"{GAP}and {len(findings) - MISTAKES_SHOWN} more"


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"
