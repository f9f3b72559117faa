from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from polster.checks.children import Children, processes_for

STARTS_FROM_NOTHING = True  # see tests/warm.py
SECONDS = 60.0


def running() -> set[str]:
    """Return the processes that this one has started and not yet seen the end of."""
    return {
        child
        for thread in Path("/proc/self/task").iterdir()
        for child in (thread / "children").read_text(encoding="ascii").split()
    }


def test_a_child_that_is_not_needed_ends_by_itself_and_in_silence(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    with Children() as children, children.take(tmp_path) as child:
        assert child.stdin is not None
        child.stdin.close()

        assert child.wait(SECONDS) == 0

    assert capfd.readouterr() == ("", "")


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_that_was_started_ahead_is_the_one_that_is_taken(tmp_path: Path) -> None:
    before = running()
    with Children() as children:
        children.start(tmp_path, 1)
        ahead = running() - before

        with children.take(tmp_path) as child:
            child.kill()

    assert ahead == {str(child.pid)}


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_no_child_is_left_when_nobody_takes_it(tmp_path: Path) -> None:
    before = running()

    with Children() as children:
        children.start(tmp_path, 2)
        started = running() - before

    assert len(started) == 2
    assert running() == before


@pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")
def test_a_child_of_another_project_is_not_taken(tmp_path: Path) -> None:
    here, there = tmp_path / "here", tmp_path / "there"
    here.mkdir()
    there.mkdir()

    with Children() as children:
        children.start(there, 1)
        with children.take(here) as child:
            folder = Path(f"/proc/{child.pid}/cwd").resolve()
            child.kill()

    assert folder == here


def test_small_projects_get_one_child_and_none_gets_more_than_two() -> None:
    assert [processes_for(assets) for assets in (0, 1, 50)] == [0, 1, 1]
    assert processes_for(100_000) == min(2, os.cpu_count() or 1)
