"""Opening the dashboard, for ``polster ui`` and for ``run_polster.py --ui``."""

from __future__ import annotations

import os
from pathlib import Path

from polster.cli import console
from polster.cli.projects import open_and_say
from polster.dashboard.server import serve
from polster.errors import UsageError

TOKEN_VARIABLE = "POLSTER_DASHBOARD_TOKEN"  # noqa: S105 - the name of the variable
SHORTEST_TOKEN = 16


def show_dashboard(
    folder: Path | None,
    *,
    environment: str | None,
    host: str,
    port: int | None,
    token: str | None,
    open_browser: bool,
    run_first: bool,
) -> None:
    """Serve the dashboard until it is stopped, and say where it is.

    Raises:
        UsageError: There is no project or environment, the port is taken, the token is missing
            or so short that it could be guessed.
    """
    session = open_and_say(folder, environment)
    chosen = session.environment  # reads .env, too
    inherited = os.environ.pop(TOKEN_VARIABLE, None)  # so that no process of ours hands it on
    token = token or inherited or None
    if token is not None and len(token) < SHORTEST_TOKEN:
        raise UsageError(
            f"the token is shorter than {SHORTEST_TOKEN} characters",
            code="POL523",
            hint="make a long random one with: openssl rand -hex 24",
        )

    def say(address: str) -> None:
        console.note(f"dashboard of {session.root.name} ({chosen.name}): {address}")
        console.note("stop it with Ctrl-C")

    serve(
        session.root,
        environment=environment,
        host=host,
        port=port,
        token=token,
        open_browser=open_browser,
        run_first=run_first,
        say=say,
    )
