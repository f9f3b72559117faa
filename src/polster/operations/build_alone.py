"""A process that builds one asset for ``polster run --isolate``, and ends.

It is told the project, the environment and its end of a connection. Keys to an object store are
not among what it is told: it reads the settings and ``.env`` itself.
"""

from __future__ import annotations

import faulthandler
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.operations.open_project import open_project
from polster.operations.personal import personal
from polster.project.import_path import import_afresh
from polster.project.settings import choose_environment, read_settings
from polster.project.shared_process import shared_process
from polster.runtime.build import build
from polster.runtime.gate import Gate, InterruptedRunError
from polster.runtime.job import BehindError, Workplace
from polster.runtime.processes import Task, Word


class RemoteGate(Gate):
    """The gate of the run that started this process."""

    def __init__(self, connection: Connection[Any, Any]) -> None:
        super().__init__()
        self._connection = connection

    @contextmanager
    def open(self) -> Iterator[None]:
        """Ask for one commit.

        Raises:
            InterruptedRunError: The run was interrupted.
        """
        self._connection.send(Word.ENTER)
        if self._connection.recv() is not Word.GO:
            self._closed = True
            raise InterruptedRunError
        try:
            yield
        finally:
            self._connection.send(Word.LEAVE)


def command(root: Path, environment: str) -> tuple[str, ...]:
    """Return what starts such a process, the number of its end of the connection left out."""
    # -P: what lies in the project's folder must not stand in for an installed package;
    # -u: what is printed is there although the process is ended as soon as it has answered
    return (sys.executable, "-u", "-P", "-m", __name__, str(root), environment)


def main(root: Path, environment: str, connection: Connection[Any, Any]) -> None:
    """Build the one asset that comes, and send what became of it."""
    task: Task = connection.recv()
    chosen = choose_environment(read_settings(root), environment)
    lakehouse = Lakehouse(Store(chosen.lakehouse, chosen.storage_options))
    work = Workplace(
        root,
        lakehouse,
        task.context,
        RemoteGate(connection),
        tell=connection.send,
        personal=partial(personal, partial(open_project, root, environment=environment)),
    )
    import_afresh(root)
    os.chdir(root)
    try:
        with shared_process(root):
            built = build(task.job, work)
    except BehindError as behind:
        connection.send(behind)
        return
    work.discard_leftovers()
    connection.send(replace(built, table=built.table.pin if built.table else None))


if __name__ == "__main__":
    faulthandler.enable()
    try:
        main(Path(sys.argv[1]), sys.argv[2], Connection(int(sys.argv[3])))
    except EOFError:  # nobody had a job, or the run has ended
        sys.exit(0)
    except OSError:  # the asset's code closed the connection
        sys.exit(1)
