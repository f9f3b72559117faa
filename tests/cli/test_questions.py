"""What is asked on a terminal: real processes on a pseudo-terminal."""

from __future__ import annotations

import os
import pty
import re
import select
import subprocess
import sys
import time
from pathlib import Path

import pytest

from polster.operations.init import init

TIMEOUT_SECONDS = 30.0


class Terminal:
    """A command on a terminal, and what it wrote so far."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        ours, theirs = pty.openpty()
        self.screen = ""
        self._file = ours
        self._process = subprocess.Popen(
            [sys.executable, "-m", "polster", *arguments],
            cwd=folder,
            stdin=theirs,
            stdout=theirs,
            stderr=theirs,
            start_new_session=True,
        )
        os.close(theirs)

    def answer(self, question: str, text: str) -> None:
        """Wait until ``question`` stands at the end of the screen, then type ``text``."""
        self._read(until=question)
        os.write(self._file, f"{text}\n".encode())

    def interrupt(self, question: str) -> None:
        """Wait for ``question``, then close the input, as Ctrl-D does."""
        self._read(until=question)
        os.write(self._file, b"\x04")

    def end(self) -> int:
        """Read to the end; return the exit code."""
        self._read(until=None)
        os.close(self._file)
        return self._process.wait(TIMEOUT_SECONDS)

    def _read(self, until: str | None) -> None:
        start = len(self.screen)
        ends = time.monotonic() + TIMEOUT_SECONDS
        while until is None or until not in self.screen[start:]:
            ready, _, _ = select.select([self._file], [], [], max(0.0, ends - time.monotonic()))
            assert ready, f"no {until!r} on the screen:\n{self.screen}"
            try:
                data = os.read(self._file, 4096)
            except OSError:  # the other side is closed
                data = b""
            if not data:
                assert until is None, f"ended without {until!r}:\n{self.screen}"
                return
            self.screen += data.decode().replace("\r\n", "\n")


@pytest.fixture
def shop(tmp_path: Path) -> Path:
    """Return a project with its sample assets."""
    return init("shop", parent=tmp_path, git=False, sample_assets=True).root


def test_init_asks_what_was_left_out(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "init", "--no-install-uv")
    terminal.answer("Name of the project [my_project]:", "not/so")
    terminal.answer("Name of the project [my_project]:", "shop")
    terminal.answer("With a sample pipeline? (y/n) [y]:", "perhaps")
    terminal.answer("With a sample pipeline? (y/n) [y]:", "n")
    terminal.answer("Make it a git repository? (y/n) [y]:", "")
    terminal.answer("Checks and a daily run on [none]:", "3")
    terminal.answer("Make its virtual environment? (y/n) [n]:", "")

    assert terminal.end() == 0
    assert "error[POL504]: `not/so` is a path" in terminal.screen
    assert "  1. none\n  2. github-actions\n  3. gitlab-ci\n" in terminal.screen
    assert (tmp_path / "shop/.gitlab-ci.yml").is_file()
    assert (tmp_path / "shop/.git").is_dir()
    assert not list((tmp_path / "shop/src/core").glob("*_example.py"))


def test_init_with_every_flag_asks_nothing(tmp_path: Path) -> None:
    flags = ["--no-git", "--sample-assets", "--no-install-uv", "--no-setup"]

    terminal = Terminal(tmp_path, "init", "shop", *flags, "--cicd", "gitlab-ci")

    assert terminal.end() == 0
    assert "[" not in terminal.screen


def test_an_interrupted_init_leaves_nothing(tmp_path: Path) -> None:
    terminal = Terminal(tmp_path, "init", "shop", "--no-git")
    terminal.interrupt("With a sample pipeline? (y/n) [y]:")

    assert terminal.end() == 130
    assert list(tmp_path.iterdir()) == []


def test_add_asset_offers_what_may_be_read(shop: Path) -> None:
    terminal = Terminal(shop, "add-asset")
    terminal.answer("Layer:", "2")
    terminal.answer("Name, lowercase snake_case:", "Clean")
    terminal.answer("Name, lowercase snake_case:", "clean")
    terminal.answer("What does it read, such as 1,3:", "7")
    terminal.answer("What does it read, such as 1,3:", "1")
    terminal.answer("Description, one line, may stay empty:", "Clean orders.")

    assert terminal.end() == 0
    assert "a silver asset may read bronze:\n  1. bronze.example\n" in terminal.screen
    assert "`7` is not on the list" in terminal.screen
    written = (shop / "src/core/silver_clean.py").read_text()
    assert written.startswith('"""Clean orders."""\n')
    assert "def clean(example: pl.LazyFrame)" in written


def test_add_asset_asks_for_a_template_of_bronze(shop: Path) -> None:
    terminal = Terminal(shop, "add-asset", "--name", "logs")
    terminal.answer("Layer:", "bronze")
    terminal.answer("Template [empty]:", "csv")
    terminal.answer("Description, one line, may stay empty:", "")

    assert terminal.end() == 0
    assert (shop / "landing/logs.csv").is_file()


def test_add_asset_with_layer_and_name_asks_nothing_for_bronze(shop: Path) -> None:
    terminal = Terminal(shop, "add-asset", "--layer", "bronze", "--name", "logs")

    assert terminal.end() == 0
    assert (shop / "src/core/bronze_logs.py").is_file()


def test_remove_asset_offers_a_list_and_asks_once_more(shop: Path) -> None:
    terminal = Terminal(shop, "remove-asset")
    terminal.answer("Remove which, such as 1,3-5:", "3")
    terminal.answer("Remove this asset? (y/n) [n]:", "y")

    assert terminal.end() == 0
    assert re.search(r"1\. bronze\.example\n +2\. silver\.example\n", terminal.screen)
    assert "would remove src/core/gold_example.py" in terminal.screen
    assert not (shop / "src/core/gold_example.py").exists()
    assert (shop / "src/core/silver_example.py").exists()


@pytest.mark.parametrize("answer", ["", "n"])
def test_remove_asset_does_nothing_without_a_yes(shop: Path, answer: str) -> None:
    terminal = Terminal(shop, "remove-asset", "--layer", "gold", "--name", "example")
    terminal.answer("Remove this asset? (y/n) [n]:", answer)

    assert terminal.end() == 1
    assert "nothing was removed" in terminal.screen
    assert (shop / "src/core/gold_example.py").exists()


@pytest.mark.parametrize(("typed", "gone"), [("CONFIRM", True), ("confirm", False), ("y", False)])
def test_more_than_three_need_a_typed_word(shop: Path, typed: str, gone: bool) -> None:
    (shop / "src/core/bronze_more.py").write_text("def broken(")
    terminal = Terminal(shop, "remove-asset")
    terminal.answer("Remove which, such as 1,3-5:", "1-4")
    terminal.answer("Type CONFIRM to remove 4 assets:", typed)

    assert terminal.end() == (0 if gone else 1)
    assert (shop / "src/core/bronze_more.py").exists() != gone
