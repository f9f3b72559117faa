"""``polster run``."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import (
    EnvironmentOption,
    ProjectOption,
    SelectionArgument,
)
from polster.cli.progress import json_lines, watch
from polster.cli.projects import open_and_say
from polster.cli.run_report import run_as_json, show_run
from polster.model.event import nobody
from polster.model.record import RunStatus
from polster.operations.run import run
from polster.operations.user import user_name

app = typer.Typer(rich_markup_mode=None, add_completion=False)
STOPPED_BY = "POLSTER_STOPPED_BY"
"""Names the file in which who started a run says who stops it, before it sends SIGTERM."""
EXIT_CODES = {RunStatus.SUCCEEDED: 0, RunStatus.FAILED: 1, RunStatus.INTERRUPTED: 130}


class RunFormat(StrEnum):
    """How a run is told."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"


@app.command()
def command(
    selection: SelectionArgument = None,
    full_refresh: Annotated[
        bool, typer.Option("--full-refresh", help="Build even what did not change.")
    ] = False,
    adopt: Annotated[
        bool, typer.Option("--adopt", help="Take over tables that another program made.")
    ] = False,
    verify: Annotated[
        bool,
        typer.Option("--verify", help="Compare each part that is made anew with a whole build."),
    ] = False,
    where: Annotated[
        str,
        typer.Option(
            "--where",
            metavar="SQL",
            help="Make the rows of SELECTION anew for which this holds, and what stands on them.",
            show_default=False,
        ),
    ] = "",
    isolate: Annotated[
        bool, typer.Option("--isolate", help="Build each asset in a process of its own.")
    ] = False,
    jobs: Annotated[
        int | None, typer.Option("--jobs", min=1, help="Assets at a time; else cores, at most 4.")
    ] = None,
    env: EnvironmentOption = None,
    format: Annotated[
        RunFormat,
        typer.Option("--format", help="For people, or for machines: whole, or line by line."),
    ] = RunFormat.TEXT,
    project: ProjectOption = None,
) -> None:
    """Run what changed: judge, publish, record."""
    opened = open_and_say(project, env)
    with (
        interruptible() as interrupted,
        console.results_apart() as out,
        watch() if format is RunFormat.TEXT else nullcontext(nobody) as watching,
    ):
        record = run(
            opened,
            selection or (),
            listener=json_lines(out) if format is RunFormat.JSONL else watching,
            interrupted=interrupted.is_set,
            interrupted_by=lambda: interrupted.by,
            full_refresh=full_refresh,
            adopt=adopt,
            verify=verify,
            where=where,
            isolate=isolate,
            threads=jobs,
        )
    if format is RunFormat.TEXT:
        show_run(record, environment=env)
    else:
        if format is RunFormat.JSON:
            console.show_json(run_as_json(record))
        console.show_findings(record.warnings, to_stderr=True)
    raise typer.Exit(EXIT_CODES[record.status])


@dataclass
class Interruption:
    """Whether somebody interrupted, and who.

    Attributes:
        by: As a clause: ``by ann with Ctrl-C``; empty while nobody has.
    """

    by: str = ""

    def is_set(self) -> bool:
        """Tell whether somebody interrupted."""
        return bool(self.by)


@contextmanager
def interruptible() -> Iterator[Interruption]:
    """Let SIGTERM, which schedulers send, interrupt a run as Ctrl-C does.

    Polars brings a handler of its own for Ctrl-C, after which every query of the process fails
    while one that was interrupted still holds on, the ledger's too: ours takes its place. Where
    the shell had Ctrl-C ignored, it stays ignored.

    Yields:
        Whether somebody interrupted. The run asks, so that no exception comes out of the middle
        of anything; a second Ctrl-C does raise one.
    """
    interrupted = Interruption()

    def interrupt(number: int, _: object) -> None:
        if interrupted.is_set():  # the second time, whatever is going on
            raise KeyboardInterrupt
        interrupted.by = _who(number)

    numbers = [signal.SIGTERM]
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        numbers.append(signal.SIGINT)
    before = {number: signal.signal(number, interrupt) for number in numbers}
    try:
        yield interrupted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _who(number: int) -> str:
    """Say who sent a signal, as far as that can be known."""
    if number == signal.SIGINT:
        user = user_name()
        return f"by {user} with Ctrl-C" if user else "with Ctrl-C"
    try:
        said = Path(os.environ[STOPPED_BY]).read_text(encoding="utf-8").strip()
    except (KeyError, OSError, ValueError):  # somebody else sent it
        said = ""
    return said or "by SIGTERM"
