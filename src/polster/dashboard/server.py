"""Serving the dashboard: one socket, one process, until it is stopped."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
import webbrowser
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from types import FrameType

import uvicorn
from fastapi import FastAPI
from nicegui import ui

from polster.dashboard.board import Board
from polster.dashboard.gate import Gate, is_loopback
from polster.dashboard.routes import add_routes
from polster.errors import UsageError

FIRST_PORT = 3000
PORTS_TRIED = 100
CLOSING_SECONDS = 3


def serve(
    root: Path,
    *,
    environment: str | None,
    host: str,
    port: int | None,
    token: str | None,
    open_browser: bool,
    run_first: bool,
    say: Callable[[str], None],
) -> None:
    """Serve the dashboard of the project in ``root`` until Ctrl-C or SIGTERM.

    Args:
        root: The project's folder.
        environment: As ``--env`` would say.
        host: Address to listen on.
        port: Port to listen on; None takes 3000, or the next one that is free.
        token: What one must know to sign in; needed on a host that others can reach.
        open_browser: Whether to open the page in this machine's browser.
        run_first: Whether to run the whole pipeline at once.
        say: Told the address, once pages are answered.

    Raises:
        UsageError: Others could reach ``host`` and there is no token, or the port is taken.
    """
    if token is None and not is_loopback(host):
        raise UsageError(
            f"others can reach {host}, so the dashboard wants a token there",
            code="POL522",
            hint="set POLSTER_DASHBOARD_TOKEN to a long random text, or leave --host out",
        )
    listener = _listen(host, port)
    taken = listener.getsockname()[1]
    shown = f"[{host}]" if ":" in host else host
    address = f"http://{shown}:{taken}"
    board = Board(root, environment)

    @asynccontextmanager
    async def life(_: FastAPI) -> AsyncIterator[None]:
        watching = asyncio.create_task(board.watch())
        if run_first:
            board.runner.submit()
        loop = asyncio.get_running_loop()
        loop.call_soon(say, address)
        if open_browser and _has_browser():
            loop.run_in_executor(None, webbrowser.open, address)
        yield
        watching.cancel()
        with suppress(asyncio.CancelledError):
            await watching
        await board.close()

    app = FastAPI(lifespan=life, openapi_url=None)
    add_routes(board)
    ui.run_with(
        app,
        title="Polster",
        favicon=Path(__file__).parent / "favicon.svg",
        dark=None,
        language="en-US",
        tailwind=False,
        show_welcome_message=False,
        gzip_middleware_factory=None,
    )
    config = uvicorn.Config(
        Gate(app, host=host, token=token, port=taken),
        log_level="warning",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        timeout_graceful_shutdown=CLOSING_SECONDS,
    )
    with listener:
        _Server(config).run(sockets=[listener])


class _Server(uvicorn.Server):
    """Returns in order after Ctrl-C or SIGTERM, however often it is told to stop.

    Left to itself, it raises each signal anew once it has stopped, as if the program had no more
    to tidy away, and after a second Ctrl-C it leaves out the end of ``life``.

    ``handle_exit`` is private to uvicorn, and known here alone. Under another name the server
    would stop as uvicorn does; a test stops one by each signal and wants an end without a word.
    """

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self.should_exit = True


def _listen(host: str, port: int | None) -> socket.socket:
    """Bind the port asked for, or the first free one from 3000 on.

    Raises:
        UsageError: It is taken, or may not be used.
    """
    ports = [port] if port is not None else range(FIRST_PORT, FIRST_PORT + PORTS_TRIED)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    reason = ""
    for candidate in ports:
        listener = socket.socket(family, socket.SOCK_STREAM)
        if os.name == "posix":
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((host, candidate))
            listener.listen()
        except (OSError, OverflowError) as error:
            listener.close()
            reason = getattr(error, "strerror", None) or str(error)
        else:
            listener.set_inheritable(True)
            return listener
    where = f"port {port}" if port is not None else f"any port from {FIRST_PORT} on"
    raise UsageError(
        f"the dashboard cannot listen on {where} of {host}: {reason.lower()}",
        code="POL521",
        hint="choose another with --port, or leave it out for the next free one",
    )


def _has_browser() -> bool:
    """Tell whether a browser would open in a window of its own, and not in this terminal."""
    if sys.platform in ("darwin", "win32"):
        return True
    return bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))
