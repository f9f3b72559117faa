"""Every page, over the sample project and over one of 300 assets, as a new user opens them."""

from __future__ import annotations

import os
import re
import selectors
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from benchmarks.assets import write_project
from playwright.sync_api import Browser, Page, expect
from tests.dashboard.browser.conftest import ADDRESS, Dashboard, served

POLSTER = (sys.executable, "-m", "polster")
PAGES = {
    "/": "Pipeline",
    "/asset/ASSET": "ASSET",
    "/quarantine": "Quarantine",
    "/runs": "Runs",
    "/runs/RUN": "Run RUN",
    "/releases": "Releases",
    "/health": "Health",
}
TOO_WIDE = "document.documentElement.scrollWidth > document.documentElement.clientWidth"


def _run(project: Path) -> str:
    """Run the project; return the run's identifier."""
    done = subprocess.run(
        [*POLSTER, "run", f"--project={project}"], capture_output=True, text=True, check=True
    )
    found = re.search(r"\d{8}T\d{6}-[0-9a-f]{6}", done.stdout)
    assert found is not None
    return found[0]


def _sample(folder: Path) -> Path:
    """Make the sample project, as the README says."""
    subprocess.run(
        [*POLSTER, "init", "shop", "--no-git"],
        cwd=folder,
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=True,
    )
    return folder / "shop"


@pytest.fixture(scope="module", params=["sample", "300 assets"])
def opened(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Dashboard, str, str]]:
    """A dashboard over a project that ran, a silver asset of it, and its run."""
    folder = tmp_path_factory.mktemp("every-page")
    if request.param == "sample":
        project, asset = _sample(folder), "silver.example"
    else:
        project = folder
        write_project(project, 300)
        found = sorted((project / "src" / "core").glob("silver_*.py"))
        asset = found[0].stem.replace("silver_", "silver.", 1)
    run = _run(project)
    with served(project) as dashboard:
        yield dashboard, asset, run


@pytest.mark.parametrize("path", PAGES)
def test_a_page_opens_whole_in_wide_and_narrow_windows(
    page: Page, opened: tuple[Dashboard, str, str], path: str
) -> None:
    dashboard, asset, run = opened
    title = PAGES[path].replace("ASSET", asset).replace("RUN", run)
    page.goto(dashboard.url + path.replace("ASSET", asset).replace("RUN", run))

    expect(page.get_by_role("heading", name=title).first).to_be_visible()
    page.wait_for_function("!document.querySelector('#content [aria-busy=true]')")
    assert not page.evaluate(TOO_WIDE)

    page.set_viewport_size({"width": 390, "height": 800})
    expect(page.get_by_role("heading", name=title).first).to_be_visible()
    assert not page.evaluate(TOO_WIDE)


def test_run_polster_with_ui_runs_the_pipeline_and_shows_it(
    browser: Browser, tmp_path: Path
) -> None:
    project = _sample(tmp_path)
    with subprocess.Popen(
        [sys.executable, "run_polster.py", "--ui", "--no-browser"],
        cwd=project,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    ) as process:
        try:
            page = browser.new_context().new_page()
            page.goto(_address(process))
            expect(page.get_by_text("3 published").first).to_be_visible()
            expect(
                page.get_by_role("link", name=re.compile("silver.example")).first
            ).to_be_visible()
            page.context.close()
        finally:
            process.send_signal(signal.SIGINT)
            ended = process.wait(30)

    assert ended == 0


def _address(process: subprocess.Popen[str]) -> str:
    assert process.stderr is not None
    with selectors.DefaultSelector() as selector:
        selector.register(process.stderr, selectors.EVENT_READ)
        assert selector.select(60)
    found = ADDRESS.search(process.stderr.readline())
    assert found is not None
    return found[0]
