"""``polster ui``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli.options import EnvironmentOption, ProjectOption
from polster.cli.show_dashboard import show_dashboard

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    port: Annotated[
        int | None,
        typer.Option("--port", min=1, max=65535, help="Else 3000, or the next one that is free."),
    ] = None,
    host: Annotated[
        str,
        typer.Option(
            "--host", help="Address to listen on; others than this machine's want a token."
        ),
    ] = "127.0.0.1",
    token: Annotated[
        str | None,
        typer.Option("--token", help="What one signs in with; better set POLSTER_DASHBOARD_TOKEN."),
    ] = None,
    run: Annotated[
        bool, typer.Option("--run", help="Run the whole pipeline at once, and show it live.")
    ] = False,
    no_browser: Annotated[
        bool, typer.Option("--no-browser", help="Only print the address.")
    ] = False,
    env: EnvironmentOption = None,
    project: ProjectOption = None,
) -> None:
    """Show the pipeline's state in the browser, and run it from there."""
    show_dashboard(
        project,
        environment=env,
        host=host,
        port=port,
        token=token,
        open_browser=not no_browser,
        run_first=run,
    )
