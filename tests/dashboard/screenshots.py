"""Pictures of every page for docs/dashboard.md: ``python -m tests.dashboard.screenshots``.

Runs examples/flights several times, over mistakes that are made in a copy of it on purpose, serves
its dashboard, and writes docs/images/dashboard-<page>-<light|dark>.png. Needs the ``dev`` extra and
Debian's ``chromium``; takes about two minutes.
"""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Literal

from playwright.sync_api import Page, expect, sync_playwright
from tests.dashboard.browser.conftest import ARGUMENTS, CHROMIUM, served

ROOT = Path(__file__).parents[2]
IMAGES = ROOT / "docs" / "images"
SIZE = (1360, 850)
SCHEMES: tuple[Literal["light", "dark"], ...] = ("light", "dark")


def main() -> None:
    """Take every picture in light and dark."""
    IMAGES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="polster-pictures-") as folder:
        project = Path(folder, "flights")
        shutil.copytree(
            ROOT / "examples" / "flights", project, ignore=shutil.ignore_patterns("data")
        )
        make_history(project)
        with served(project) as dashboard, sync_playwright() as playwright:
            browser = playwright.chromium.launch(executable_path=str(CHROMIUM), args=ARGUMENTS)
            for scheme in SCHEMES:
                context = browser.new_context(
                    viewport={"width": SIZE[0], "height": SIZE[1]},
                    color_scheme=scheme,
                    locale="en-GB",
                    timezone_id="Europe/Berlin",
                    reduced_motion="reduce",
                )
                take_pictures(context.new_page(), dashboard.url, scheme)
                context.close()
            browser.close()


def make_history(project: Path) -> None:
    """Run the pipeline as it is, with tightened contracts, and with a mistake in a function."""
    run(project)
    weather = project / "src" / "core" / "silver_weather.py"
    for old, new in (
        ("wind_gust = dy.Float64(nullable=True, min=0, max=200)", "max=200|max=45"),
        ("precip = dy.Float64(min=0, max=12)", "max=12|max=0.5"),
    ):
        before, after = new.split("|")
        edit(weather, old, old.replace(before, after))
        run(project)
    edit(weather, "max=45", "max=200")
    edit(weather, "max=0.5", "max=12")
    run(project)
    edit(
        project / "src" / "core" / "gold_weather_delays.py",
        "    return (",
        '    worst = {"visib": 0.25}["visibility"]\n    return (',
    )
    run(project, may_fail=True)
    edit(project / "src" / "core" / "gold_plane_utilisation.py", ".sort(", ".head(10_000).sort(")


def run(project: Path, *, may_fail: bool = False) -> None:
    """Run what changed."""
    done = subprocess.run(
        [sys.executable, "-m", "polster", "run", f"--project={project}"],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode and not may_fail:
        sys.exit(done.stdout + done.stderr)


def edit(file: Path, old: str, new: str) -> None:
    """Replace the first ``old`` in a file, which must be there."""
    text = file.read_text(encoding="utf-8")
    if old not in text:
        sys.exit(f"{file.name} has no longer: {old}")
    file.write_text(text.replace(old, new, 1), encoding="utf-8")


def take_pictures(page: Page, url: str, scheme: str) -> None:
    """Open each page, wait until all of it is there, and keep a picture."""

    def take(name: str, path: str, *, whole: bool = False) -> None:
        page.goto(url + path)
        page.wait_for_load_state("networkidle")
        for section in page.locator("main section").all() if whole else ():
            section.scroll_into_view_if_needed()  # a part is filled when it is seen
        page.wait_for_function("!document.querySelector('main [aria-busy=true]')")
        expect(page.get_by_role("main")).not_to_contain_text("reading \N{HORIZONTAL ELLIPSIS}")
        page.evaluate("scrollTo(0, 0)")
        page.screenshot(path=IMAGES / f"dashboard-{name}-{scheme}.png", full_page=whole)

    page.goto(f"{url}/health")
    expect(page.get_by_text("checked just now")).to_be_visible()  # its findings are told everywhere
    take("overview", "/")
    take("asset", "/asset/silver.weather", whole=True)
    take("quarantine", "/quarantine?asset=silver.weather")
    take("runs", "/runs")
    page.get_by_role("main").get_by_role("link", name="2026").first.click()
    page.wait_for_url("**/runs/*")
    take("run", page.url.removeprefix(url), whole=True)
    take("releases", "/releases")
    take("health", "/health")


if __name__ == "__main__":
    main()
