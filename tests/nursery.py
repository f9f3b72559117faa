"""Children of ``validate`` for tests, forked from one process that has imported what all need.

A child imports Polars and dataframely, which takes longer than most of what tests let it examine.
It is the same child, with the same task and the same pipes; how one is started by itself is tested
in ``tests/checks/test_children.py``.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path
from threading import Lock
from types import TracebackType
from typing import IO, Self

WORKER = "polster.checks.worker.__main__"
STEP_SECONDS = 0.002


class Child:
    """A child, with what its parent uses of :class:`subprocess.Popen`."""

    def __init__(self, pid: int, stdin: int, stdout: int, status: int) -> None:
        self.pid = pid
        self.stdin: IO[bytes] | None = os.fdopen(stdin, "wb")
        self.stdout: IO[bytes] | None = os.fdopen(stdout, "rb")
        self.returncode: int | None = None
        self._status = status

    def poll(self) -> int | None:
        return self._await(0)

    def wait(self, timeout: float | None = None) -> int:
        code = self._await(timeout)
        if code is None:
            raise subprocess.TimeoutExpired([WORKER], timeout or 0)
        return code

    def kill(self) -> None:
        if self.poll() is None:
            os.kill(self.pid, signal.SIGKILL)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for pipe in (self.stdin, self.stdout):
            if pipe is not None:
                pipe.close()
        self.wait()

    def _await(self, timeout: float | None) -> int | None:
        if self.returncode is None:
            with selectors.DefaultSelector() as selector:
                selector.register(self._status, selectors.EVENT_READ)
                if selector.select(timeout):
                    self.returncode = int(os.read(self._status, 16) or b"-9")
                    os.close(self._status)
        return self.returncode


class Nursery:
    """The process that children are forked from; it is started when the first is wanted."""

    def __init__(self) -> None:
        self._ours: socket.socket | None = None
        self._process: subprocess.Popen[bytes] | None = None
        self._lock = Lock()

    def child(self, root: Path) -> Child:
        """Start a child for the project in ``root``; several threads may ask at once."""
        with self._lock:
            return self._forked(root)

    def _forked(self, root: Path) -> Child:
        if self._ours is None:
            self._ours, theirs = socket.socketpair()
            with theirs:
                command = [sys.executable, "-P", __file__, str(theirs.fileno())]
                self._process = subprocess.Popen(command, pass_fds=[theirs.fileno()])
        there_in, stdin = os.pipe()
        stdout, there_out = os.pipe()
        status, there_status = os.pipe()
        wanted = json.dumps({"folder": str(root), "environment": dict(os.environ)}).encode()
        passed = [there_in, there_out, 2, there_status]
        socket.send_fds(self._ours, [len(wanted).to_bytes(4)], passed)
        self._ours.sendall(wanted)
        pid = int.from_bytes(_exactly(self._ours, 4))
        for each in (there_in, there_out, there_status):
            os.close(each)
        return Child(pid, stdin, stdout, status)

    def end(self) -> None:
        """End it, and with it nothing: its children have their own parents to end them."""
        if self._ours is not None and self._process is not None:
            self._ours.close()
            self._process.wait()


def _exactly(connection: socket.socket, count: int) -> bytes:
    read = b""
    while len(read) < count:
        if not (more := connection.recv(count - len(read))):
            raise EOFError("the nursery is gone")
        read += more
    return read


def _serve(connection: socket.socket) -> None:
    """Fork children as they are wanted, and tell how each ended."""
    from importlib import import_module

    for name in ("dataframely", WORKER):
        import_module(name)
    statuses: dict[int, int] = {}
    while True:
        _tell(statuses)
        with selectors.DefaultSelector() as selector:
            selector.register(connection, selectors.EVENT_READ)
            if not selector.select(STEP_SECONDS if statuses else None):
                continue
        head, passed, _, _ = socket.recv_fds(connection, 4, 4)
        if not head:
            break
        wanted = json.loads(_exactly(connection, int.from_bytes(head)))
        pid = os.fork()
        if not pid:
            connection.close()
            for each in statuses.values():
                os.close(each)
            _become(wanted, passed)
        statuses[pid] = passed.pop()
        for each in passed:
            os.close(each)
        connection.sendall(pid.to_bytes(4))
    while statuses:
        _tell(statuses)
        time.sleep(STEP_SECONDS)


def _tell(statuses: dict[int, int]) -> None:
    for pid in list(statuses):
        ended, status = os.waitpid(pid, os.WNOHANG)
        if ended:
            told = statuses.pop(pid)
            os.write(told, str(os.waitstatus_to_exitcode(status)).encode())
            os.close(told)


def _become(wanted: dict[str, object], passed: list[int]) -> None:
    """Be the child that was wanted; never comes back."""
    code = 1
    try:
        os.setsid()
        for number, each in enumerate(passed[:3]):
            os.dup2(each, number)
        for each in passed:
            os.close(each)
        os.chdir(str(wanted["folder"]))
        os.environ.clear()
        environment = wanted["environment"]
        assert isinstance(environment, dict)
        os.environ.update(environment)
        sys.modules[WORKER].main()
        code = 0
    except BaseException:
        sys.excepthook(*sys.exc_info())
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve(socket.socket(fileno=int(sys.argv[1])))
