"""A browser, and dashboards to look at: real servers over real projects."""

from __future__ import annotations

import os
import re
import selectors
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import (
    Browser,
    ConsoleMessage,
    Error,
    Locator,
    Page,
    expect,
    sync_playwright,
)

CHROMIUM = Path("/usr/bin/chromium")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]
STARTING_SECONDS = 60.0
STOPPING_SECONDS = 30.0
PATIENCE_MILLISECONDS = 30_000
ADDRESS = re.compile(r"http://\S+")

expect.set_options(timeout=PATIENCE_MILLISECONDS)


@dataclass
class Dashboard:
    """A dashboard that is being served.

    Attributes:
        url: Such as ``http://127.0.0.1:41234``.
        root: The project's folder.
    """

    url: str
    root: Path
    process: subprocess.Popen[str]

    def stop(self, how: int = signal.SIGTERM) -> int:
        """Stop the server, and return its exit code."""
        self.process.send_signal(how)
        return self.process.wait(STOPPING_SECONDS)


@contextmanager
def served(
    root: Path, *arguments: str, port: int | None = 0, **variables: str
) -> Iterator[Dashboard]:
    """Serve the dashboard of a project until the block ends.

    Args:
        root: The project's folder.
        arguments: More arguments of ``polster ui``.
        port: 0 takes a free port which no server of another test takes next, so that a page which
            tries to connect again finds its own server or none; None lets the dashboard choose.
        variables: More variables of its environment.
    """
    if port is not None:
        arguments = (*arguments, "--port", str(port or _free_port()))
    process = subprocess.Popen(
        [sys.executable, "-m", "polster", "ui", "--no-browser", f"--project={root}", *arguments],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, **variables},
    )
    try:
        yield Dashboard(_address(process), root, process)
    finally:
        if process.poll() is None:
            process.terminate()
            try:
                process.wait(STOPPING_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        assert process.stderr is not None
        process.stderr.close()


def _free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    said = ""
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        deadline = time.monotonic() + STARTING_SECONDS
        while selector.select(max(0.0, deadline - time.monotonic())):
            line = process.stderr.readline()
            said += line
            if found := ADDRESS.search(line):
                return found[0]
            if not line:
                break
    raise AssertionError(f"the dashboard did not start: {said}")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start Debian's Chromium once a module.

    Playwright keeps an event loop running; while it does, asynchronous tests can have none.
    """
    if not CHROMIUM.exists():
        if os.environ.get("POLSTER_CI"):
            pytest.fail("chromium is missing, and here nothing may be skipped")
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
        yield browser
        browser.close()


CONTRAST = """each => {
    const canvas = new OffscreenCanvas(1, 1).getContext("2d", { willReadFrequently: true });
    const parts = (colour) => {
        canvas.clearRect(0, 0, 1, 1);
        canvas.fillStyle = colour;
        canvas.fillRect(0, 0, 1, 1);
        return [...canvas.getImageData(0, 0, 1, 1).data];
    };
    const light = (colour) => parts(colour).slice(0, 3).map((part) => part / 255)
        .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4))
        .reduce((sum, part, index) => sum + part * [0.2126, 0.7152, 0.0722][index], 0);
    let behind = each;
    while (parts(getComputedStyle(behind).backgroundColor)[3] < 255) behind = behind.parentElement;
    const ground = getComputedStyle(behind).backgroundColor;
    const both = [light(getComputedStyle(each).color), light(ground)];
    return (Math.max(...both) + 0.05) / (Math.min(...both) + 0.05);
}"""


def contrast(text: Locator) -> float:
    """Return the contrast of a text to what is behind it as WCAG 2 counts it, from 1 to 21."""
    return float(text.evaluate(CONTRAST))


Open = Callable[..., Page]


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    """Open a window; what its pages complain of fails the test."""
    context = browser.new_context(viewport={"width": 1440, "height": 900}, locale="en-GB")
    page = context.new_page()
    page.set_default_timeout(PATIENCE_MILLISECONDS)
    complaints: list[str] = []

    def heard(message: ConsoleMessage) -> None:
        # That socket or server are gone says only that a test ended its server before its page
        about = message.location.get("url", "")
        if message.type not in ("error", "warning"):
            return
        if "ERR_CONNECTION_REFUSED" in message.text:
            return
        if "WebSocket" in message.text or "/_nicegui_ws/" in about:
            return
        if "status of 404" in message.text and about == page.url:
            return  # a test that opens a page that there is not looks at its status
        complaints.append(f"{message.text} ({about})")

    def failed(error: Error) -> None:
        if "Failed to fetch dynamically imported module" not in str(error):
            complaints.append(str(error))

    page.on("console", heard)
    page.on("pageerror", failed)
    yield page
    context.close()
    assert complaints == []
