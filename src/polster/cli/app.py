"""The command ``polster``: which commands there are, and what happens to errors.

A command's module is imported when the command is called, so that ``polster --help`` is quick
and ``polster list-assets`` never waits for Polars.
"""

from __future__ import annotations

import faulthandler
import gc
import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import import_module
from io import TextIOWrapper
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from polster._version import __version__
from polster.cli import console
from polster.errors import DefinitionError, PolsterError, UsageError, nearest

SECTIONS = {
    "Set up": {
        "init": "Make a new project that runs as it is.",
        "setup": "Make the project's virtual environment.",
        "add-asset": "Add an asset with its test.",
        "list-assets": "List the assets and what they read.",
        "remove-asset": "Remove assets that nothing depends on.",
    },
    "Check before you run": {
        "validate": "Check the pipeline without touching data.",
        "lineage": "Say which columns a column is made of, and where it goes.",
        "diff": "Say what changed since a git revision, and what stands on it.",
        "rehearse": "Run on sampled rows, and break every rule on purpose.",
        "rules": "List the rules that a pipeline is judged by.",
        "rule": "Explain one rule, or the code of an error.",
    },
    "Run": {
        "plan": "Say what a run would do and why.",
        "explain": "Say how much of a table is made anew, and why.",
        "run": "Run what changed: judge, publish, record.",
        "upkeep": "Merge small files, and remove what nobody needs any more.",
    },
    "Look": {
        "status": "Say for each asset whether it can be trusted now.",
        "doctor": "Examine every table: log, files, rows, ledger, quarantine.",
        "acknowledge": "Record that what is amiss in a table was seen.",
        "preview": "Show the first rows of a table.",
        "quarantine": "Show the rows that broke the contract.",
        "history": "List what the runs did to one asset.",
        "runs": "List the runs, or show what one of them did.",
        "releases": "List the releases, or what changed between two.",
        "ui": "Show the pipeline in the browser, and run it from there.",
    },
}
"""Every command with its line in ``polster --help``; its module is named after it."""
COMMANDS = {name: line for section in SECTIONS.values() for name, line in section.items()}

GARBAGE = 50_000
"""New objects between two looks for garbage: a run makes many, and hardly any garbage."""

SHARED_PROCESS = "polster.project.shared_process"
"""Imported where the user's code is called, which may have left a handler for the end."""

EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_INTERRUPTED = 130


class LazyGroup(TyperGroup):
    """The commands by name; each is imported when it is called."""

    def invoke(self, ctx: Any) -> Any:
        """Run the command; errors of ours become their exit code: 1, 2 or 130."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            console.note("interrupted")
            raise typer.Exit(EXIT_INTERRUPTED) from None
        except BrokenPipeError:  # the reader, such as `head`, has seen enough
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            raise typer.Exit from None
        except DefinitionError as error:
            console.show_findings(error.findings, to_stderr=True)
            raise typer.Exit(EXIT_FAILED) from None
        except PolsterError as error:
            console.show_error(error)
            code = EXIT_USAGE if isinstance(error, UsageError) else EXIT_FAILED
            raise typer.Exit(code) from None

    def list_commands(self, ctx: Any) -> list[str]:
        """List the names in the order in which they are documented."""
        return list(COMMANDS)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the command's module; None if there is no such command."""
        if cmd_name not in COMMANDS:
            return None
        module = import_module(f"polster.cli.{cmd_name.replace('-', '_')}")
        if not gc.isenabled():
            _end_start_up()
        command = typer.main.get_command(module.app)
        command.name = cmd_name
        return command

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Find the command that is called.

        Raises:
            UsageError: There is no such command.
        """
        name = args[0] if args else ""
        if name in COMMANDS or name.startswith("-") or ctx.resilient_parsing:
            return super().resolve_command(ctx, args)
        close = nearest(name, COMMANDS)
        raise UsageError(
            f"`{name}` is not a command",
            code="POL106",
            hint=f"did you mean `polster {close}`?"
            if close
            else "see the commands with: polster --help",
        )

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """Write the tables of commands without importing them."""
        width = max(map(len, COMMANDS))
        for title, commands in SECTIONS.items():
            with formatter.section(title):
                formatter.write_dl([(name.ljust(width), line) for name, line in commands.items()])


app = typer.Typer(
    cls=LazyGroup, rich_markup_mode=None, no_args_is_help=True, pretty_exceptions_enable=False
)


def _show_version(value: bool) -> None:
    if value:
        console.show(f"polster {__version__}")
        raise typer.Exit


@app.callback()
def polster(
    _version: Annotated[
        bool,
        typer.Option(
            "--version", callback=_show_version, is_eager=True, help="Show the version and exit."
        ),
    ] = False,
) -> None:
    """Data pipelines that enforce the medallion architecture: bronze, silver, gold."""


def main(arguments: Sequence[str] | None = None) -> None:
    """Run the command line, by default as it was typed, and end the process with its exit code."""
    if arguments is None:  # the process is ours
        gc.disable()  # until what the command needs is imported
    with suppress(OSError, ValueError):  # where stderr is no file, a crash has nowhere to speak
        faulthandler.enable()
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):  # a character that a terminal lacks stops nothing
            stream.reconfigure(errors="backslashreplace")
    try:
        app(arguments, prog_name="polster")
    except SystemExit as ended:
        if ended.code == EXIT_INTERRUPTED:
            _leave_at_once()
        if shared := sys.modules.get(SHARED_PROCESS):
            shared.refuse_from_now_on(Path.cwd())
        raise
    except Exception:
        console.show_mishap(traceback.format_exc())
        raise SystemExit(EXIT_FAILED) from None


def _end_start_up() -> None:
    """Look for garbage from now on, and never in what was imported, which stays to the end.

    Python would look through all of it once more when the process ends.
    """
    gc.freeze()
    gc.set_threshold(GARBAGE)
    gc.enable()


def _leave_at_once() -> None:
    """End the process, though threads that were interrupted may still be at work in it."""
    for stream in (sys.stdout, sys.stderr):
        with suppress(OSError, ValueError):
            stream.flush()
    os._exit(EXIT_INTERRUPTED)
