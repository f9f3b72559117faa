"""What Bash makes of the completion that ``polster --install-completion`` puts into a home."""

from __future__ import annotations

import os
import pty
import re
import select
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PATIENCE_SECONDS = 60.0
TAB, EVERY_ANSWER, LINE_START, LINE_END = "\t", "\x1b*", "\x01", "\x05"
"""What one presses; Alt-* puts all that is offered on the line."""


class Shell:
    """A Bash with a terminal, whose home holds what ``polster --install-completion`` wrote."""

    def __init__(self, home: Path, folder: Path) -> None:
        scripts = Path(sys.executable).parent
        environment = {
            "HOME": str(home),
            "PATH": os.pathsep.join([str(scripts), os.environ["PATH"]]),
            "TERM": "dumb",
            "LANG": "C.UTF-8",
        }
        subprocess.run(
            ["bash", "-c", "polster --install-completion; exit"],  # it looks who called it
            env=environment,
            capture_output=True,
            check=True,
        )
        self._terminal, inside = pty.openpty()
        self._bash = subprocess.Popen(
            ["bash", "-i"],
            cwd=folder,
            env=environment,
            stdin=inside,
            stdout=inside,
            stderr=inside,
            start_new_session=True,
        )
        os.close(inside)
        self._enter(
            "PS1=; stty cols 2000; bind 'set enable-bracketed-paste off'; printf '<%s>\\n' "
        )

    def words(self, keys: str) -> list[str]:
        """Press ``keys``, and return the words of the line as the shell reads them then."""
        return self._enter(f"{keys}{LINE_START}printf '<%s>\\n' {LINE_END} ")

    def close(self) -> None:
        """End the shell."""
        self._bash.kill()
        self._bash.wait()
        os.close(self._terminal)

    def _enter(self, line: str) -> list[str]:
        os.write(self._terminal, f'{line}"$((40 + 2))"\n'.encode())
        said = ""
        while "<42>" not in said:
            ready, _, _ = select.select([self._terminal], [], [], PATIENCE_SECONDS)
            assert ready, said
            said += os.read(self._terminal, 65_536).decode()
        return re.findall(r"^<(.*)>\r$", said, re.MULTILINE)[:-1]


@pytest.fixture
def shell(shop: Pipeline, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    if shutil.which("bash") is None:
        pytest.fail("this test wants bash")
    shell = Shell(tmp_path_factory.mktemp("home"), shop.root)
    yield shell
    shell.close()


def test_what_is_typed_is_completed(shell: Shell) -> None:
    typed = {
        f"polster rele{TAB}": ["releases"],
        f"polster preview silver.{TAB}": ["preview", "silver.orders"],
        f"polster run layer:s{TAB}": ["run", "layer:silver"],
        f"polster run bronze.orders +layer:{EVERY_ANSWER}": [
            *("run", "bronze.orders", "+layer:bronze", "gold", "silver")
        ],
        f"polster doctor {EVERY_ANSWER}": [
            *("doctor", "bronze.orders", "gold.spending"),
            *("layer:bronze", "layer:gold", "layer:silver", "silver.orders"),
        ],
        f"polster lineage silver.o{TAB}": ["lineage", "silver.orders"],
        f"polster lineage silver.orders.{EVERY_ANSWER}": [
            *("lineage", "silver.orders.amount", "silver.orders.customer", "silver.orders.id")
        ],
        f"polster rule POL30{EVERY_ANSWER}": ["rule", *(f"POL30{digit}" for digit in range(1, 10))],
        f"polster rule layer-o{TAB}": ["rule", "layer-order"],
        f"polster quarantine silver.orders --rule prim{TAB}": [
            *("quarantine", "silver.orders", "--rule", "primary_key")
        ],
    }

    found = {keys: shell.words(keys)[-len(words) :] for keys, words in typed.items()}

    assert found == typed


@pytest.mark.parametrize("typed", [f"amount{TAB}m{TAB}", f"'amount|m{TAB}"])
def test_a_rule_with_a_bar_is_no_pipe(shell: Shell, typed: str) -> None:
    assert shell.words(f"polster quarantine silver.orders --rule {typed}")[-1] == "amount|min"
