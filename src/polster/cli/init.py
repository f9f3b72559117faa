"""``polster init``."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from polster.cli import console
from polster.cli.changes import show_changes
from polster.cli.options import DryRunOption
from polster.cli.setup import report
from polster.errors import PolsterError, UsageError
from polster.operations.init import (
    NewProject,
    Platform,
    Storage,
    check_new_folder,
    check_project_name,
    find_uv,
    has_git,
    in_repository,
    init,
)
from polster.operations.setup import ensure_uv, setup

NO_PIPELINE = "none"

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    name: Annotated[
        str | None, typer.Argument(help="Of the project and its folder.", metavar="NAME")
    ] = None,
    git: Annotated[
        bool | None,
        typer.Option("--git/--no-git", help="Make it a git repository. Default: if git is there."),
    ] = None,
    sample_assets: Annotated[
        bool | None,
        typer.Option(
            "--sample-assets/--no-sample-assets", help="With a sample pipeline. Default: yes."
        ),
    ] = None,
    cicd: Annotated[
        Platform | None,
        typer.Option(help="With a pipeline of checks and a daily run. Default: none."),
    ] = None,
    storage: Annotated[
        Storage,
        typer.Option(help="Where production keeps its tables; dev keeps them in a folder."),
    ] = Storage.LOCAL,
    install_uv: Annotated[
        bool | None,
        typer.Option("--install-uv/--no-install-uv", help="Install uv if absent. Default: no."),
    ] = None,
    make_environment: Annotated[
        bool | None,
        typer.Option("--setup/--no-setup", help="Make the virtual environment. Default: no."),
    ] = None,
    start_dagster: Annotated[
        bool, typer.Option("--start-dagster", help="Not needed: Polster runs without Dagster.")
    ] = False,
    dry_run: DryRunOption = False,
) -> None:
    """Make a new project that runs as it is.

    What is left out is asked for on a terminal, and takes its default elsewhere.
    """
    if start_dagster:
        raise UsageError(
            "`--start-dagster` starts nothing: Polster runs without Dagster",
            code="POL508",
            hint="leave it out; the state of a project: polster status",
        )
    parent = Path.cwd()
    name = name or _ask_name(parent)
    check_project_name(name)
    check_new_folder(parent / name)
    sample_assets = _decide(sample_assets, "With a sample pipeline?", default=True)
    git = _decide_git(git, parent)
    platform = cicd or _ask_platform(cicd)
    if find_uv() is None:
        install_uv = _decide(install_uv, "Install uv, a fast installer?", default=False)
    make_environment = _decide(make_environment, "Make its virtual environment?", default=False)
    made = init(
        name,
        parent=parent,
        git=git,
        sample_assets=sample_assets,
        platform=platform,
        storage=storage,
        dry_run=dry_run,
    )
    show_changes(made.changes, dry_run=dry_run, folder=name)
    if dry_run:
        _show_rest(git=git, uv=bool(install_uv), environment=make_environment)
        return
    if git:
        console.note(f"{name} is a git repository; nothing is committed yet")
    if install_uv:
        _install_uv()
    if make_environment:
        console.note("making the environment: this can take a minute")
        report(setup(made.root))
    _show_next(made, sample_assets=sample_assets, environment=make_environment)


def _ask_name(parent: Path) -> str:
    if not console.is_interactive():
        raise UsageError(
            "NAME is missing: how is the project called?",
            code="POL505",
            hint="polster init my_project",
        )
    while True:
        name = console.ask("Name of the project", default="my_project")
        try:
            check_project_name(name)
            check_new_folder(parent / name)
        except UsageError as error:
            console.show_error(error)
        else:
            return name


def _decide(given: bool | None, question: str, *, default: bool) -> bool:
    if given is not None:
        return given
    return console.confirm(question, default=default) if console.is_interactive() else default


def _decide_git(given: bool | None, parent: Path) -> bool:
    if given is not None:
        return given
    if in_repository(parent):
        console.note("this folder is in a git repository already, so the project gets none")
        return False
    return has_git() and _decide(None, "Make it a git repository?", default=True)


def _ask_platform(given: Platform | None) -> Platform | None:
    if given is not None or not console.is_interactive():
        return given
    answers = [NO_PIPELINE, *Platform]
    chosen = console.choose("Checks and a daily run on", answers, default=NO_PIPELINE)
    return None if chosen == NO_PIPELINE else Platform(chosen)


def _install_uv() -> None:
    """Install uv; the project is there and whole, so a failure is only told."""
    try:
        console.note("uv is installed now" if ensure_uv() else "uv is there already")
    except PolsterError as error:
        console.show_error(error)
        console.note("going on without uv")


def _show_rest(*, git: bool, uv: bool, environment: bool) -> None:
    if git:
        console.show("would make it a git repository")
    if uv:
        console.show("would install uv")
    if environment:
        console.show("would make its virtual environment, .venv")


def _show_next(made: NewProject, *, sample_assets: bool, environment: bool) -> None:
    console.show()
    console.show("next:")
    console.show(f"  cd {made.root.name}")
    if environment:
        console.show("  source .venv/bin/activate")
    if sample_assets:
        console.show("  polster run")
        console.show("  polster quarantine silver.example")
    else:
        console.show("  polster add-asset --layer bronze --name my_source")
