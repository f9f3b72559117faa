"""The difference to a revision as a comment on a pull request."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence

from polster.cli.diff_text import affected_column, named, owner, summary
from polster.model.diff import AffectedAsset, AssetChange, Diff
from polster.model.finding import Finding

ESCAPED = {character: f"&#{ord(character)};" for character in "|*`~<>&[]\\@#"}
"""What GitHub and GitLab would read as more than text: tables, emphasis, HTML, mentions."""
LONE_UNDERSCORE = re.compile(r"(?<![0-9A-Za-z])_|_(?![0-9A-Za-z])")
ROWS_SHOWN = 100


def diff_as_markdown(diff: Diff) -> str:
    """Write the difference in GitHub's Markdown."""
    return "\n".join(_lines(diff)).rstrip()


def _lines(diff: Diff) -> Iterator[str]:
    yield f"### Polster: {plain(summary(diff) if diff.assets else 'no asset changed')}"
    yield ""
    yield f"Compared with {plain(named(diff))}."
    yield ""
    yield from _mistakes("at that revision", diff.mistakes_then)
    yield from _mistakes("here", diff.mistakes_now)
    if diff.assets:
        yield from _table(
            ("Asset", "Change", "What", "For readers"),
            [row for change in diff.assets for row in _change_rows(change)],
        )
    if diff.affected:
        yield "<details open>" if diff.breaking else "<details>"
        yield f"<summary>What stands on that ({len(diff.affected)})</summary>"
        yield ""
        yield from _table(
            ("Asset", "Owner", "Stands on", "Columns"),
            [_affected_row(entry) for entry in diff.affected],
        )
        yield "</details>"


def plain(text: str) -> str:
    """Write ``text`` so that it is shown as it is, on one line.

    >>> plain("a|b *c*")
    'a&#124;b &#42;c&#42;'
    >>> plain("min_length of _x")
    'min_length of &#95;x'
    """
    escaped = "".join(ESCAPED.get(character, character) for character in text)
    return " ".join(LONE_UNDERSCORE.sub("&#95;", escaped).split())


def _change_rows(change: AssetChange) -> Iterator[tuple[str, ...]]:
    asset, presence = f"**{plain(str(change.asset))}**", change.presence.value
    impact = "**breaking**" if change.is_breaking and not change.table else ""
    if said := [*change.reasons, *([owner(change)] if owner(change) else [])]:
        yield asset, presence, plain("; ".join(said)), impact
        asset, presence, impact = "", "", ""
    if change.unknown:
        yield asset, presence, plain(f"not all columns compared: {change.unknown}"), impact
        asset, presence, impact = "", "", ""
    for each in change.table:
        what = plain(each.what)
        if each.column is not None:
            what = f"**{plain(each.column)}**: {what}"
        said_impact = each.impact.value
        yield (
            asset,
            presence,
            what,
            f"**{said_impact}**" if said_impact == "breaking" else said_impact,
        )
        asset, presence = "", ""
    if asset:
        yield asset, presence, "", impact


def _affected_row(entry: AffectedAsset) -> tuple[str, ...]:
    columns = "<br>".join(
        f"{plain(column.ref.column)}: {plain(affected_column(column))}" for column in entry.columns
    )
    if entry.unknown:
        columns += ("<br>" if columns else "") + plain(f"unknown: {entry.unknown}")
    name = plain(str(entry.asset))
    return (
        f"**{name}** (breaking)" if entry.is_breaking else name,
        plain(entry.owner or ""),
        plain(", ".join(map(str, entry.causes))),
        columns,
    )


def _table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    yield _row(headings)
    yield _row(["---"] * len(headings))
    yield from (_row(row) for row in rows[:ROWS_SHOWN])
    yield ""
    if len(rows) > ROWS_SHOWN:
        yield f"and {len(rows) - ROWS_SHOWN} more rows; see `polster diff` for all"
        yield ""


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _mistakes(where: str, findings: Sequence[Finding]) -> Iterator[str]:
    if findings:
        yield f"Mistakes {where}, which keep what they concern from being compared:"
        yield ""
        for finding in findings:
            place = f" ({plain(finding.place)})" if finding.place else ""
            yield f"- {finding.code}: {plain(finding.message)}{place}"
        yield ""
