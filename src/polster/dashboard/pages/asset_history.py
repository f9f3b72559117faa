"""What the runs did to an asset: the last one, the versions, and the share kept out over time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from polster.dashboard.elements.button import Button
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.over_time import Series, Unit, show_over_time
from polster.dashboard.elements.problem import show_finding
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import quarantine_address, run_address
from polster.dashboard.words import counted, duration, number, share
from polster.model.asset import Asset, Load
from polster.model.finding import Finding
from polster.model.layer import Layer
from polster.model.record import AssetRecord, AssetStatus, Failure
from polster.operations.history import HistoryEntry

LONGEST_HISTORY = 400
"""Runs that are looked back at."""
VERSIONS_SHOWN = 10


def versions(entries: Sequence[HistoryEntry]) -> list[HistoryEntry]:
    """Return of a history, newest first, what published a version."""
    return [entry for entry in entries if entry.record.status is AssetStatus.PUBLISHED]


def rows_over_time(entries: Sequence[HistoryEntry]) -> list[tuple[datetime, float]]:
    """Return how many rows each version had, oldest first."""
    return [
        (entry.record.started_at, entry.record.rows_now) for entry in reversed(versions(entries))
    ]


def share_over_time(entries: Sequence[HistoryEntry]) -> list[tuple[datetime, float]]:
    """Return which share of the rows that it judged each run kept out, oldest first."""
    return [
        (entry.record.started_at, entry.record.quarantined_now / entry.record.returned_now)
        for entry in reversed(entries)
        if entry.record.returned_now
        and entry.record.status in (AssetStatus.PUBLISHED, AssetStatus.FAILED)
    ]


def draw_last_run(entries: Sequence[HistoryEntry]) -> None:
    """Show what the newest run did, and why it failed if it did."""
    if not entries:
        Tag("p", "No run looked at it yet: run it to see here what came of it.", classes="soft")
        return
    _run(entries[0])
    quiet = entries[0].record.status in (AssetStatus.UNCHANGED, AssetStatus.SKIPPED)
    if quiet and (published := versions(entries)):
        Tag("h3", "The run that published its version")
        _run(published[0])


def _run(entry: HistoryEntry) -> None:
    run_id, record = entry.run_id, entry.record
    with Tag("div", classes="row"):
        Tag("span", record.status, classes=f"state {record.status}")
        Moment(record.started_at, "date").classes("soft small")
        if record.seconds:
            Tag("span", f"took {duration(record.seconds)}", classes="soft small")
        Tag("a", "the run", href=run_address(run_id)).classes("small")
    if record.reasons:
        Tag("p", "because " + "; ".join(record.why), classes="small reasons")
    with Tag("div", classes="tallies"):
        _rows(record)
        _rules(record, run_id)
    for note in record.notes:
        Tag("p", f"note: {note}", classes="small note")
    if record.error:
        _failure(record.error)


def _rows(record: AssetRecord) -> None:
    if not (record.rows_in or record.rows_returned or record.source_counts):
        return
    with Tag("div", classes="scroll"), Tag("table", classes="plain tally"):
        Tag("caption", "Rows of this run", classes="unseen")
        with Tag("tbody"):
            for upstream, rows in record.rows_in.items():
                _count(f"read from {upstream}", rows)
                matched = record.matched.get(upstream)
                if matched is not None and matched.kept is not None:
                    _count("kept of these by the joins", matched.kept)
            for what, each in record.source_counts.items():
                _count(f"{what} as the source says", each.said)
                _count(f"{what} that came", each.came)
            _count("returned", record.rows_returned)
            _count("published", record.rows_published, record.rows_now)
            _count("quarantined", record.rows_quarantined, record.quarantined_now)


def _count(what: str, rows: int | float | str, now: int | None = None) -> None:
    """Show a count, and of how many the table holds, or goes without, if it is a part of them."""
    with Tag("tr"):
        Tag("th", what, scope="row")
        of = "" if now is None or now == rows else f" of {number(now)}"
        Tag("td", (number(rows) if isinstance(rows, int) else str(rows)) + of, classes="count")


def _rules(record: AssetRecord, run_id: str) -> None:
    if not record.rules_now:
        return
    with Tag("div", classes="scroll"), Tag("table", classes="plain tally"):
        with Tag("thead"), Tag("tr"):
            Tag("th", "rule broken", scope="col")
            Tag("th", "rows", scope="col", classes="count")
        with Tag("tbody"):
            for rule, rows in sorted(record.rules_now.items(), key=lambda each: -each[1]):
                with Tag("tr"):
                    with Tag("td"):
                        address = quarantine_address(record.asset, rule, run_id)
                        Tag("a", rule, href=address, classes="mono")
                    Tag("td", number(rows), classes="count")


def _failure(error: Failure) -> None:
    with Tag("div", classes="problem"):
        show_finding(Finding(error.code, error.message, file=error.place, hint=error.hint))
        if error.traceback:
            Tag("h3", "Traceback")
            block = Tag("pre", error.traceback, classes="block traceback", tabindex="0")
            block.props["role"] = "region"
            block.props["aria-label"] = "Traceback"


def draw_versions(asset: Asset, entries: Sequence[HistoryEntry]) -> None:
    """Show the rows of the published versions as a chart, and the versions as a table."""
    published = versions(entries)
    if not published:
        Tag("p", "Nothing is published yet; each run that makes a new version adds it here.")
        return
    rows = rows_over_time(entries)
    noun = "rows landed" if asset.options.load is Load.APPEND else "rows"
    if len(rows) > 1:
        figures = [int(count) for _, count in rows]
        show_over_time(
            Series(noun, f"var(--{asset.key.layer})", rows, steps=True),
            unit=Unit.ROWS,
            says=f"{noun} of {asset.key} over {len(rows)} versions: from {number(figures[0])} to "
            f"{number(figures[-1])}, least {number(min(figures))}, most {number(max(figures))}",
        )
    else:
        Tag("p", "A chart of its rows begins with the second version.", classes="soft small")
    with Tag("div", classes="scroll"), Tag("table", classes="plain versions"):
        with Tag("thead"), Tag("tr"):
            for name in ("version", "published", noun, "quarantined", "took"):
                classes = "" if name == "published" else "count"
                Tag("th", name, scope="col", classes=classes)
        body = Tag("tbody")
    with body:
        for entry in published[:VERSIONS_SHOWN]:
            _version(entry)
    rest = published[VERSIONS_SHOWN:]
    if rest:

        def show_rest() -> None:
            more.delete()
            with body:
                for entry in rest:
                    _version(entry)

        more = Button(f"Show {counted(len(rest), 'older version')}", show_rest)
    if asset.key.layer is Layer.BRONZE and asset.options.load is Load.APPEND:
        Tag("p", "Each version adds the rows that it landed.", classes="soft small")


def _version(entry: HistoryEntry) -> None:
    record = entry.record
    with Tag("tr"):
        Tag("td", "\N{EN DASH}" if record.version is None else str(record.version), classes="count")
        with Tag("td"), Tag("a", href=run_address(entry.run_id), title=f"run {entry.run_id}"):
            Moment(record.started_at, "date")
        Tag("td", number(record.rows_now), classes="count")
        kept_out = number(record.quarantined_now)
        if record.quarantined_now and record.returned_now:
            kept_out += f" ({share(record.quarantined_now / record.returned_now)})"
        Tag("td", kept_out, classes="count")
        Tag("td", duration(record.seconds), classes="count")


def draw_share(asset: Asset, entries: Sequence[HistoryEntry]) -> None:
    """Show which share of its rows each run kept out, as a chart."""
    shares = share_over_time(entries)
    if not shares:
        Tag("p", "No run judged rows of it yet.", classes="soft")
        return
    newest = shares[-1][1]
    most = max(value for _, value in shares)
    with Tag("p", classes="row small"):
        Tag("span", f"{share(newest)} in the newest run, {share(most)} at most")
        Tag("a", "see the rows", href=quarantine_address(asset.key))
    if not most:
        Tag("p", "Every row kept every rule so far.", classes="soft small")
    if len(shares) > 1:
        show_over_time(
            Series("quarantined", "var(--bad)", shares),
            unit=Unit.SHARE,
            says=f"share of the rows of {asset.key} that was quarantined, over {len(shares)} "
            f"runs: {share(shares[0][1])} at first, {share(newest)} now, {share(most)} at most",
        )
    else:
        Tag("p", "A chart begins with the second run.", classes="soft small")
    if counts := _rules_of(entries):
        said = ", ".join(f"{rule} {number(rows)}" for rule, rows in list(counts.items())[:5])
        Tag("p", f"rows by rule, over these runs: {said}", classes="soft small")


def _rules_of(entries: Sequence[HistoryEntry]) -> Mapping[str, int]:
    counts: dict[str, int] = {}
    for entry in entries:
        for rule, rows in entry.record.rules_broken.items():
            counts[rule] = counts.get(rule, 0) + rows
    return dict(sorted(counts.items(), key=lambda each: -each[1]))
