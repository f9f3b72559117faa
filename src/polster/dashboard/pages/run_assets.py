"""What a run did to each asset, and why some failed."""

from __future__ import annotations

from collections.abc import Sequence

from polster.dashboard.elements.button import Button
from polster.dashboard.elements.problem import show_finding
from polster.dashboard.elements.tag import Tag
from polster.dashboard.links import asset_address, quarantine_address
from polster.dashboard.run_view import RunShown
from polster.dashboard.words import NOTHING, counted, duration, number
from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.model.record import AssetRecord, AssetStatus

ROWS_SHOWN = 200
FAILURES_SHOWN = 20
COLUMNS = ("asset", "state", "took", "rows in", "published", "quarantined", "why")
COUNTS = ("took", "rows in", "published", "quarantined")


def draw_failures(records: Sequence[AssetRecord]) -> None:
    """Show why assets failed, each with the user's own traceback."""
    failed = [record for record in records if record.status is AssetStatus.FAILED]
    for record in failed[:FAILURES_SHOWN]:
        with Tag("section", classes="problem"):
            with Tag("h2"):
                Tag("a", str(record.asset), href=asset_address(record.asset), classes="mono")
                Tag("span", " failed")
            error = record.error
            if error is None:
                continue
            show_finding(Finding(error.code, error.message, file=error.place, hint=error.hint))
            if error.traceback:
                block = Tag("pre", error.traceback, classes="block traceback", tabindex="0")
                block.props["role"] = "region"
                block.props["aria-label"] = f"Traceback of {record.asset}"
    if more := failed[FAILURES_SHOWN:]:
        Tag("p", f"{counted(len(more), 'more asset')} failed: see the table", classes="soft")


def draw_assets(shown: RunShown) -> None:
    """Show what was done to each asset, what failed first, what is still to do last."""
    records = shown.worst_first()
    with Tag("section", classes="card"):
        Tag("h2", "Assets")
        with Tag("div", classes="scroll"), Tag("table", classes="plain"):
            with Tag("thead"), Tag("tr"):
                for name in COLUMNS:
                    Tag("th", name, scope="col", classes="count" if name in COUNTS else "")
            body = Tag("tbody")
        with body:
            for key in shown.running:
                _pending(key, "running", shown.live.state(key) if shown.live else "running")
            for record in records[:ROWS_SHOWN]:
                _record(record, shown.run_id)
            for key in shown.waiting[: max(0, ROWS_SHOWN - len(records))]:
                _pending(key, "waiting", "waiting")
        if rest := records[ROWS_SHOWN:]:

            def show_rest() -> None:
                more.delete()
                with body:
                    for record in rest:
                        _record(record, shown.run_id)

            more = Button(f"Show {counted(len(rest), 'more asset')}", show_rest)


def _pending(key: AssetKey, state: str, says: str) -> None:
    with Tag("tr"):
        with Tag("td"):
            Tag("a", str(key), href=asset_address(key), classes="mono")
        with Tag("td"):
            Tag("span", says, classes=f"state {state}")
        for name in COLUMNS[2:]:
            Tag("td", classes="count" if name in COUNTS else "")


def _record(record: AssetRecord, run_id: str) -> None:
    with Tag("tr"):
        with Tag("td"):
            Tag("a", str(record.asset), href=asset_address(record.asset), classes="mono")
        with Tag("td"):
            Tag("span", record.status.value, classes=f"state {record.status.value}")
        Tag("td", duration(record.seconds) if record.seconds else NOTHING, classes="count")
        Tag("td", _rows(sum(record.rows_in.values()) or record.rows_returned), classes="count")
        made = _rows(record.rows_published)
        if record.rows_now != record.rows_published:
            made += f" of {number(record.rows_now)}"
        Tag("td", made, classes="count")
        with Tag("td", classes="count"):
            if record.rows_quarantined:
                Tag(
                    "a",
                    number(record.rows_quarantined),
                    href=quarantine_address(record.asset, run=run_id),
                )
            else:
                Tag("span", NOTHING)
        with Tag("td"):
            why = "; ".join(record.why)
            if record.error is not None:
                why = f"{record.error.code}: {record.error.message}"
            Tag("span", why)
            for note in record.notes:
                Tag("p", f"note: {note}", classes="small note")


def _rows(count: int) -> str:
    return number(count) if count else NOTHING
