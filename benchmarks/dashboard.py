"""The dashboard: how soon its first page is answered, what it costs while nobody does anything.

A server is started over a generated project of 1,000 assets whose tables are all built, and over
one of 10. *First page* is from the start of the process until ``/`` is answered whole. *Idle* is
what the server's process and its children hold, and the share of one core that they use, while
one page is open and nothing happens. *Overview* is from the click until Chromium has drawn every
node, with a warm server and an empty browser cache.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from statistics import median

from playwright.sync_api import Browser, sync_playwright

from benchmarks.assets import write_project
from benchmarks.measure import ENVIRONMENT, POLSTER, Result, say, timed

CHROMIUM = "/usr/bin/chromium"
ARGUMENTS = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"]
SMALL, LARGE = 10, 1000
SETTLING_SECONDS = 45.0
"""Longer than the process that reads the lakehouse stays when nothing is asked."""
IDLE_SECONDS = 20.0
STARTING_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Server:
    """A dashboard that is being served."""

    process: subprocess.Popen[bytes]
    url: str
    first_page_seconds: float


@dataclass(frozen=True, slots=True)
class Idle:
    """What a process and its children hold and use while nothing happens.

    Attributes:
        resident_mib: As ``ps`` shows it, mapped files of libraries included.
        private_mib: Of that, what no other process could share.
        core_share: Of one core, 0 to 1.
    """

    resident_mib: float
    private_mib: float
    core_share: float


def measure(rounds: int) -> list[Result]:
    """Print what was measured; return the figures that have an aim."""
    first_pages: list[float] = []
    overviews: list[float] = []
    with tempfile.TemporaryDirectory(prefix="polster-dashboard-") as folder:
        small, large = Path(folder, "small"), Path(folder, "large")
        for project, size in ((small, SMALL), (large, LARGE)):
            say(f"dashboard: building {size} assets")
            project.mkdir()
            write_project(project, size)
            timed([*POLSTER, "run"], folder=project)
        for number in range(rounds + 1):
            say(f"dashboard: start {number} of {rounds}")
            with _served(small) as server:
                if number > 0:
                    first_pages.append(server.first_page_seconds)
        with sync_playwright() as playwright, _served(large) as server:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            for number in range(rounds + 1):
                say(f"dashboard: overview of {LARGE}, round {number} of {rounds}")
                seconds = _overview_seconds(browser, server.url)
                if number > 0:
                    overviews.append(seconds)
            browser.close()
        say("dashboard: idle")
        with sync_playwright() as playwright, _served(small) as server:
            browser = playwright.chromium.launch(executable_path=CHROMIUM, args=ARGUMENTS)
            browser.new_page().goto(server.url)
            time.sleep(SETTLING_SECONDS)
            idle = _idle(server.process.pid)
            browser.close()
    say("")
    print("\rdashboard")
    print(f"first page, {SMALL} assets: {_spread(first_pages)}")
    print(f"overview of {LARGE} assets drawn: {_spread(overviews)}")
    print(
        f"idle, one page open: {idle.resident_mib:.0f} MiB resident, {idle.private_mib:.0f} MiB "
        f"private, {idle.core_share:.1%} of one core\n"
    )
    return [
        Result("dashboard, start to first page", median(first_pages), 2.5, "s"),
        Result(f"dashboard, overview of {LARGE} drawn", median(overviews), 2.0, "s"),
        Result("dashboard, idle, resident", idle.resident_mib, 150, "MiB"),
        Result("dashboard, idle, share of a core", idle.core_share, 0.02),
    ]


def _spread(seconds: list[float]) -> str:
    return f"{median(seconds):.2f} s median, {min(seconds):.2f} s best"


@contextmanager
def _served(project: Path) -> Iterator[Server]:
    """Serve a project's dashboard; its first page is answered when the block begins."""
    command = [*POLSTER, "ui", "--no-browser", f"--project={project}"]
    begun = time.perf_counter()
    with subprocess.Popen(command, stderr=subprocess.PIPE, env=ENVIRONMENT) as process:
        try:
            assert process.stderr is not None
            address = re.search(rb"http://\S+", process.stderr.readline())
            if address is None:
                sys.exit(f"the dashboard did not start: {process.stderr.read().decode()}")
            url = address[0].decode()
            with urllib.request.urlopen(url, timeout=STARTING_SECONDS) as answer:
                answer.read()
            yield Server(process, url, time.perf_counter() - begun)
        finally:
            process.terminate()


def _overview_seconds(browser: Browser, url: str) -> float:
    """Return how long a window with an empty cache waits for the last node to be drawn."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    begun = time.perf_counter()
    page.goto(url, wait_until="commit")
    page.wait_for_function(f"document.querySelectorAll('[data-asset]').length >= {LARGE}")
    page.evaluate("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
    seconds = time.perf_counter() - begun
    context.close()
    return seconds


def _idle(process_id: int) -> Idle:
    """Watch a process and its children for a while."""
    family = [process_id, *_children(process_id)]
    before = sum(_core_seconds(each) for each in family)
    time.sleep(IDLE_SECONDS)
    used = sum(_core_seconds(each) for each in family) - before
    memory = [_memory(each) for each in family]
    return Idle(
        sum(entry["Rss"] for entry in memory) / 1024,
        sum(entry["Private_Clean"] + entry["Private_Dirty"] for entry in memory) / 1024,
        used / IDLE_SECONDS,
    )


def _children(process_id: int) -> list[int]:
    text = Path(f"/proc/{process_id}/task/{process_id}/children").read_text(encoding="ascii")
    direct = [int(each) for each in text.split()]
    return [*direct, *(below for each in direct for below in _children(each))]


def _core_seconds(process_id: int) -> float:
    fields = Path(f"/proc/{process_id}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(process_id: int) -> dict[str, int]:
    """Return the memory of a process in KiB by kind, as Linux counts it."""
    text = Path(f"/proc/{process_id}/smaps_rollup").read_text(encoding="ascii")
    return {name: int(value) for name, value in re.findall(r"^(\w+):\s+(\d+) kB$", text, re.M)}
