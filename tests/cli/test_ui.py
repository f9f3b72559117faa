"""``polster ui``, used wrongly; the pages have tests of their own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

TOKEN = "long-enough-and-random"


@pytest.fixture
def taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "192.0.2.1"])
def test_a_host_that_others_can_reach_wants_a_token(shop: Pipeline, host: str) -> None:
    done = shop.process("-m", "polster", "ui", "--no-browser", "--host", host)

    assert done.returncode == 2
    assert f"error[POL522]: others can reach {host}" in done.stderr
    assert "hint: set POLSTER_DASHBOARD_TOKEN" in done.stderr


def test_a_token_that_could_be_guessed_is_refused_and_never_shown(shop: Pipeline) -> None:
    done = shop.process("-m", "polster", "ui", "--no-browser", "--token", "hunter2")

    assert done.returncode == 2
    assert "error[POL523]: the token is shorter than 16 characters" in done.stderr
    assert "hunter2" not in done.stderr


def test_a_port_that_was_asked_for_and_is_taken_is_told(shop: Pipeline, taken_port: int) -> None:
    done = shop.process("-m", "polster", "ui", "--no-browser", "--port", str(taken_port))

    assert done.returncode == 2
    assert f"error[POL521]: the dashboard cannot listen on port {taken_port}" in done.stderr
    assert "hint: choose another with --port" in done.stderr


@pytest.mark.parametrize(
    "arguments",
    [
        ["--port", "0"],
        ["--port", "70000"],
        ["--host", "no such host"],
        ["--host", "192.0.2.1", "--token", TOKEN],
        ["--env", "nope"],
        ["--project", "nowhere"],
    ],
)
def test_wrong_use_ends_with_exit_code_2_and_no_traceback(
    shop: Pipeline, arguments: list[str]
) -> None:
    done = shop.process("-m", "polster", "ui", "--no-browser", *arguments)

    assert done.returncode == 2
    assert "Traceback" not in done.stderr
