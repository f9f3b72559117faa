"""The rows that were kept out, by asset and by rule, and the way to have them as a file."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlencode

from fastapi.responses import FileResponse, PlainTextResponse, Response
from nicegui import app, ui
from starlette.background import BackgroundTask

from polster.dashboard.board import Board
from polster.dashboard.elements.answer import show_answer
from polster.dashboard.elements.chart import show_chart
from polster.dashboard.elements.choice import Choice, Option
from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.dashboard.frame import answer_missing
from polster.dashboard.links import EVERY_RUN, asset_address, quarantine_address
from polster.dashboard.pages.quarantine_files import draw_files
from polster.dashboard.pages.quarantine_rows import draw_rows
from polster.dashboard.quarantine_view import Tally, bars, chart_options, judged_current, tallies
from polster.dashboard.shared import Itself
from polster.dashboard.words import NOTHING, counted, number
from polster.errors import PolsterError, UsageError
from polster.model.asset import AssetKey
from polster.model.set_aside import SetAsideFile
from polster.operations.export_quarantine import ExportFormat, export_quarantine
from polster.operations.history import asset_named
from polster.operations.quarantine import QuarantineCount, files_set_aside, quarantine_counts

DOWNLOAD = "/quarantine/download"
MEDIA_TYPES = {
    ExportFormat.CSV: "text/csv; charset=utf-8",
    ExportFormat.PARQUET: "application/vnd.apache.parquet",
}
TALLIES_SHOWN = 50
CURRENT = "current version"


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which rows are wanted; None stands for all assets and all rules.

    Attributes:
        run_id: Of a run, or :data:`EVERY_RUN`; None for the one that judged the current version.
    """

    asset: AssetKey | None
    rule: str | None
    run_id: str | None

    def address(self, path: str = "/quarantine") -> str:
        """Return the address under which just these rows are shown."""
        asked = {"asset": self.asset, "rule": self.rule, "run": self.run_id}
        query = urlencode({name: str(value) for name, value in asked.items() if value})
        return f"{path}?{query}" if query else path

    @property
    def is_of_all(self) -> bool:
        """Tell whether the rows of all runs are wanted."""
        return self.run_id == EVERY_RUN

    def of_all(self) -> Wanted:
        """Return the same of all runs."""
        return replace(self, run_id=EVERY_RUN)


async def show_quarantine(
    board: Board, asset: str | None, rule: str | None, run_id: str | None
) -> None:
    """Show what was kept out of all assets, or the rows of one.

    Raises:
        UsageError: There is no such asset.
    """
    Tag("h1", "Quarantine")
    project = (await board.current()).project
    try:
        key = asset_named(project, asset).key if project and asset else None
    except UsageError:
        answer_missing()
        raise
    wanted = Wanted(key, rule if key else None, run_id if key or run_id == EVERY_RUN else None)

    async def ask() -> tuple[list[QuarantineCount], dict[AssetKey, list[SetAsideFile]]]:
        return await board.ask(quarantine_counts), await board.ask(files_set_aside)

    def draw(
        answer: tuple[list[QuarantineCount], dict[AssetKey, list[SetAsideFile]]],
    ) -> None:
        counts, files = answer
        draw_files(files, wanted.asset)
        if counts or not files:
            _draw(board, counts, wanted)

    await show_answer(
        ask,
        draw,
        key=lambda: Itself(board.snapshot.overview),
    )


def _draw(board: Board, counts: Sequence[QuarantineCount], wanted: Wanted) -> None:
    found = tallies(counts)
    if not found:
        _nothing_yet(board)
        return
    _choices(counts, found, wanted)
    shown = bars(counts, asset=wanted.asset)
    if wanted.asset is not None and not shown.total:
        with Tag("section", classes="card empty"):
            Tag("strong", f"No row of {wanted.asset} was ever kept out")
        return
    with Tag("section", classes="card"):
        Tag("h2", f"Rows by {'rule' if wanted.asset else 'asset'}, run by run")
        where = f" of {wanted.asset}" if wanted.asset else ""
        parts = ", ".join(f"{name} {number(sum(rows))}" for name, rows in shown.rows.items())
        says = f"rows{where} that were kept out in {counted(len(shown.times), 'run')}: {parts}"
        show_chart(chart_options(shown), says=says)
    if wanted.asset is not None:
        _rows(board, counts, wanted, wanted.asset)
    _tallies([each for each in found if wanted.asset in (None, each.asset)], wanted)


def _rows(board: Board, counts: Sequence[QuarantineCount], wanted: Wanted, asset: AssetKey) -> None:
    """Show the rows: of all runs, of one, or of the one that judged the current version."""
    newest = judged_current(counts)[asset]
    run_id = None if wanted.is_of_all else wanted.run_id or newest.run_id
    if wanted.run_id is None:
        kept = _kept(newest, wanted.rule)
        others = (each for each in counts if each.asset == asset and each is not newest)
        rest = sum(_kept(each, wanted.rule) for each in others)
        if not kept:
            with Tag("section", classes="card empty"):
                by = f" by {wanted.rule}" if wanted.rule else ""
                Tag("strong", f"No row is kept out of the current version of {asset}{by}")
                said = f"see the {counted(rest, 'row')} of other runs"
                Tag("a", said, href=wanted.of_all().address())
            return
        with Tag("p", classes="row small"):
            Tag("span", f"{counted(kept, 'row')} kept out of the current version, judged ")
            Moment(newest.at)
            if rest:
                said = f"see all, with {counted(rest, 'row')} of other runs"
                Tag("a", said, href=wanted.of_all().address())
    draw_rows(board, asset, wanted.rule, run_id, _downloads(replace(wanted, run_id=run_id)))


def _kept(count: QuarantineCount, rule: str | None) -> int:
    return count.rows_quarantined if rule is None else count.rules.get(rule, 0)


def _nothing_yet(board: Board) -> None:
    overview = board.snapshot.overview
    never = overview is None or all(each.state.last is None for each in overview.assets.values())
    with Tag("section", classes="card empty"):
        if never:
            Tag("strong", "Nothing ran yet")
            Tag("p", "Run the pipeline: rows that break a contract are kept apart and shown here.")
            return
        Tag("strong", "No row was ever kept out")
        Tag("p", "Every row kept the rules of its contract. One that breaks a rule is not lost:")
        Tag("p", "it stays out of the table, and is kept here in its original values.")


def _choices(counts: Sequence[QuarantineCount], found: Sequence[Tally], wanted: Wanted) -> None:
    def choose_asset(name: str) -> None:
        _go(Wanted(AssetKey.parse(name), None, wanted.run_id if wanted.is_of_all else None))

    def choose_rule(rule: str) -> None:
        _go(Wanted(wanted.asset, rule or None, wanted.run_id))

    def choose_run(run_id: str) -> None:
        _go(Wanted(wanted.asset, wanted.rule, run_id or None))

    assets = sorted({each.asset for each in found} | ({wanted.asset} if wanted.asset else set()))
    with Tag("div", classes="row choices"):
        Choice(
            "Asset",
            [Option("", "all"), *(Option(str(key), str(key)) for key in assets)],
            str(wanted.asset or ""),
            choose_asset,
        )
        if wanted.asset is None:
            which = [Option("", CURRENT), Option(EVERY_RUN, "all runs")]
            Choice("Run", which, wanted.run_id or "", choose_run)
            return
        rules = sorted({each.rule for each in found if each.asset == wanted.asset})
        if wanted.rule and wanted.rule not in rules:
            rules.append(wanted.rule)
        Choice(
            "Rule",
            [Option("", "all"), *(Option(rule, rule) for rule in rules)],
            wanted.rule or "",
            choose_rule,
        )
        runs = [
            Option(each.run_id, counted(each.rows_quarantined, "row"), each.at)
            for each in reversed(counts)
            if each.asset == wanted.asset and each.rows_quarantined
        ]
        runs.insert(0, Option(EVERY_RUN, "all runs"))
        if wanted.run_id and wanted.run_id not in {run.value for run in runs}:
            runs.append(Option(wanted.run_id, wanted.run_id))
        Choice("Run", [Option("", CURRENT), *runs], wanted.run_id or "", choose_run)


def _go(wanted: Wanted) -> None:
    ui.navigate.to(wanted.address())


def _tallies(found: Sequence[Tally], wanted: Wanted) -> None:
    current = found if wanted.run_id else [each for each in found if each.newest]
    earlier = len(found) - len(current)
    with Tag("section", classes="card"):
        Tag("h2", "Rules that kept rows out")
        if earlier:
            with Tag("p", classes="row small"):
                said = "No rule keeps a row out now." if not current else ""
                Tag("span", said, classes="soft")
                said = f"see {counted(earlier, 'rule')} more, of other runs"
                Tag("a", said, href=wanted.of_all().address())
        if not current:
            return
        with Tag("div", classes="scroll"), Tag("table", classes="plain"):
            with Tag("thead"), Tag("tr"):
                for name in ("asset", "rule", "current version", "all runs", "since", "last"):
                    Tag("th", name, scope="col", classes="count" if " " in name else "")
            with Tag("tbody"):
                for each in current[:TALLIES_SHOWN]:
                    _tally(each, wanted)
        if len(current) > TALLIES_SHOWN:
            Tag("p", f"and {number(len(current) - TALLIES_SHOWN)} more", classes="soft small")


def _tally(each: Tally, wanted: Wanted) -> None:
    with Tag("tr", classes="chosen" if each.rule == wanted.rule else ""):
        with Tag("td"):
            Tag("a", str(each.asset), href=asset_address(each.asset), classes="mono")
        with Tag("td"):
            run = None if each.newest and not wanted.is_of_all else EVERY_RUN
            address = quarantine_address(each.asset, each.rule, run)
            Tag("a", each.rule, href=address, classes="mono")
        Tag("td", number(each.newest), classes="count")
        Tag("td", number(each.total), classes="count")
        with Tag("td"):
            if each.since is None:
                Tag("span", NOTHING)
            else:
                Moment(each.since, "day")
        with Tag("td"):
            Moment(each.last_at)


def _downloads(wanted: Wanted) -> dict[str, str]:
    """Return the address of each file of the rows that are shown, by format."""
    rest = Wanted(None, wanted.rule, wanted.run_id)
    names = {ExportFormat.CSV: "CSV", ExportFormat.PARQUET: "Parquet"}
    return {name: rest.address(f"{DOWNLOAD}/{wanted.asset}/{kind}") for kind, name in names.items()}


def add_download(board: Board) -> None:
    """Answer the addresses from which the rows are downloaded."""

    @app.get(DOWNLOAD + "/{asset}/{format}")
    async def download(
        asset: str, format: str, rule: str | None = None, run: str | None = None
    ) -> Response:
        if format not in list(ExportFormat):
            return PlainTextResponse(f"rows are written as {' or '.join(ExportFormat)}", 404)
        folder = Path(tempfile.mkdtemp(prefix="polster-download-"))
        try:
            project = (await board.current()).project
            key = asset_named(project, asset).key if project else None
            await board.ask(
                export_quarantine,
                str(key or asset),
                folder / "rows",
                format=ExportFormat(format),
                rule=rule or None,
                run_id=run or None,
            )
        except PolsterError as error:
            shutil.rmtree(folder, ignore_errors=True)
            said = f"{error.message}\n" + (f"hint: {error.hint}\n" if error.hint else "")
            return PlainTextResponse(said, 404 if isinstance(error, UsageError) else 500)
        except BaseException:
            shutil.rmtree(folder, ignore_errors=True)
            raise
        return FileResponse(
            folder / "rows",
            media_type=MEDIA_TYPES[ExportFormat(format)],
            filename=f"quarantine_{key.identifier if key else 'rows'}.{format}",
            background=BackgroundTask(shutil.rmtree, folder, ignore_errors=True),
        )
