"""Processes that begin where Polars is imported already: forked from one that waits for that.

To start Python and import what Polster stands on takes a hundred times as long as to fork a process
that has. What is said to such a process, what it says and how it ends are as ever. A module of
tests that is about starting says ``STARTS_FROM_NOTHING = True``.
"""

from __future__ import annotations

import fcntl
import gc
import io
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from threading import Lock
from types import ModuleType
from typing import Any

PRELOADED = {
    "polster.checks.worker": ("polster.checks.worker.__main__", "dataframely"),
    "polster.operations.build_alone": ("polster.operations.build_alone", "dataframely"),
}
"""By the beginning of what is started with ``-m``: the module itself, and what else is imported."""
READ_AT_START = ("LD_", "MALLOC", "POLARS", "PYTHON")
"""Beginnings of variables that are too late for a process that has begun."""
FIRST_FREE = 200
"""Above all descriptors that a process is given."""
MOST_BYTES = 1 << 20
VARIABLES = dict(os.environ)


class Origin:
    """A process that imports, and forks one more for each request."""

    def __init__(self, flags: tuple[str, ...], module: str) -> None:
        self._socket, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._lock = Lock()
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, *flags, __file__, str(theirs.fileno()), module],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                env=VARIABLES,
                start_new_session=True,
            )

    def fork(self, request: dict[str, Any], descriptors: list[int]) -> tuple[int, socket.socket]:
        """Return the identifier of a new process, and what will say how it ended."""
        ours, theirs = socket.socketpair()
        with theirs, self._lock:
            message = json.dumps(request).encode()
            socket.send_fds(self._socket, [message], [theirs.fileno(), *descriptors])
        return int.from_bytes(_received(ours)), ours

    def close(self) -> None:
        self._socket.close()
        self._process.wait()


def _received(connection: socket.socket) -> bytes:
    said = connection.recv(8, socket.MSG_WAITALL)
    assert len(said) == 8, "the process that others are forked from has ended"
    return said


ORIGINS: dict[tuple[tuple[str, ...], str], Origin] = {}
STARTING = Lock()


def origin(flags: tuple[str, ...], module: str) -> Origin:
    with STARTING:
        if (flags, module) not in ORIGINS:
            ORIGINS[flags, module] = Origin(flags, module)
        return ORIGINS[flags, module]


class WarmPopen(subprocess.Popen[Any]):
    """Starts a process as ever, or forks it where it would only import the same again."""

    _ending: socket.socket | None = None
    _waitpid_lock: Lock

    def _execute_child(self, args: Any, *rest: Any) -> None:
        module = _preloaded(list(args))
        _, _, _, pass_fds, cwd, env, _, _, _, *ends = rest
        variables = {**os.environ} if env is None else dict(env)
        if module is None or _read_at_start(variables) != _read_at_start(VARIABLES):
            super()._execute_child(args, *rest)  # type: ignore[misc]
            return
        stdin, _, _, stdout, _, stderr = ends[:6]
        sys.audit("subprocess.Popen", sys.executable, list(args), cwd, env)
        at = list(args).index("-m")
        given = {0: stdin, 1: stdout, 2: stderr}
        given = {number: own if own != -1 else number for number, own in given.items()}
        given |= {number: number for number in pass_fds}
        request = {
            "arguments": list(args[at + 1 :]),
            "folder": str(cwd or Path.cwd()),
            "variables": variables,
            "as": list(given),
        }
        forked_from = origin(tuple(args[1:at]), module)
        self.pid, self._ending = forked_from.fork(request, list(given.values()))
        self._child_created = True
        self._close_pipe_fds(*ends[:6])  # type: ignore[attr-defined]

    def _try_wait(self, flags: int) -> tuple[int, int]:
        if self._ending is None:
            result: tuple[int, int] = super()._try_wait(flags)  # type: ignore[misc]
            return result
        if flags & os.WNOHANG and not select.select([self._ending], [], [], 0)[0]:
            return 0, 0
        status = int.from_bytes(_received(self._ending))
        self._ending.close()
        return self.pid, status

    def _internal_poll(self, *arguments: Any, **options: Any) -> int | None:
        if self._ending is None:
            return super()._internal_poll(*arguments, **options)  # type: ignore[misc,no-any-return]
        if self.returncode is None and self._waitpid_lock.acquire(blocking=False):
            try:
                if self.returncode is None:
                    pid, status = self._try_wait(os.WNOHANG)
                    if pid:
                        self._handle_exitstatus(status)  # type: ignore[attr-defined]
            finally:
                self._waitpid_lock.release()
        return self.returncode


def _preloaded(command: list[str]) -> str | None:
    if sys.platform != "linux" or command[0] != sys.executable or "-m" not in command:
        return None
    begins = " ".join(command[command.index("-m") + 1 :]) + " "
    return next((each for each in PRELOADED if begins.startswith(f"{each} ")), None)


def _read_at_start(variables: dict[str, str]) -> dict[str, str]:
    return {name: said for name, said in variables.items() if name.startswith(READ_AT_START)}


@contextmanager
def forked(*modules: ModuleType) -> Iterator[None]:
    """Have what modules start with ``subprocess`` be forked where it can be."""
    forking = ModuleType("subprocess")
    vars(forking).update(vars(subprocess), Popen=WarmPopen)
    for each in modules:
        each.subprocess = forking  # type: ignore[attr-defined]
    try:
        yield
    finally:
        for each in modules:
            each.subprocess = subprocess  # type: ignore[attr-defined]


def is_origin(command: object) -> bool:
    """Tell a process that others are forked from, which no test has asked for."""
    return isinstance(command, list) and __file__ in command


def end_origins() -> None:
    """End what was forked from."""
    for each in ORIGINS.values():
        each.close()
    ORIGINS.clear()


def serve(requests: socket.socket) -> list[str] | None:
    """Fork at every request; return in the new process what it is to do, and None at the end."""
    running: dict[int, socket.socket] = {}
    waking, wake = socket.socketpair()
    for each in (waking, wake):
        each.setblocking(False)
    signal.set_wakeup_fd(wake.fileno(), warn_on_full_buffer=False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    while True:
        ready = select.select([requests, waking], [], [])[0]
        if waking in ready:
            with suppress(BlockingIOError):
                waking.recv(4096)
            for pid in list(running):
                ended, status = os.waitpid(pid, os.WNOHANG)
                if ended:
                    with running.pop(pid) as ending, suppress(OSError):
                        ending.send(status.to_bytes(8))
        if requests not in ready:
            continue
        message, descriptors, _, _ = socket.recv_fds(requests, MOST_BYTES, 64)
        if not message:
            return None
        ending = socket.socket(fileno=descriptors[0])
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of threads: those of libraries, which wait
            pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for each in (requests, waking, wake, *running.values()):
                each.close()
            return _begin(json.loads(message), ending, descriptors[1:])
        for descriptor in descriptors[1:]:
            os.close(descriptor)
        running[pid] = ending


def _written_to(descriptor: int, **options: Any) -> io.TextIOWrapper:
    at_once = getattr(sys.__stdout__, "write_through", False)  # as with -u
    plain = os.fdopen(descriptor, "wb", 0 if at_once else -1, closefd=False)
    return io.TextIOWrapper(plain, write_through=at_once, **options)


def _begin(request: dict[str, Any], ending: socket.socket, descriptors: list[int]) -> list[str]:
    """Become the process that was asked for."""
    os.setsid()
    moved = [fcntl.fcntl(each, fcntl.F_DUPFD_CLOEXEC, FIRST_FREE) for each in descriptors]
    for each in descriptors:
        os.close(each)
    ending_at = fcntl.fcntl(ending.detach(), fcntl.F_DUPFD_CLOEXEC, FIRST_FREE)
    for each, number in zip(moved, request["as"], strict=True):
        os.dup2(each, number)
        os.close(each)
    sys.stdin = os.fdopen(0, closefd=False)  # those there are know what the others were
    sys.stdout = _written_to(1)
    sys.stderr = _written_to(2, errors="backslashreplace", line_buffering=True)
    os.chdir(request["folder"])
    os.environ.clear()
    os.environ.update(request["variables"])
    if not sys.flags.safe_path:
        sys.path[0] = request["folder"]
    os.write(ending_at, os.getpid().to_bytes(8))
    os.close(ending_at)
    arguments: list[str] = request["arguments"]
    return arguments


if __name__ == "__main__":
    connection, preloaded = socket.socket(fileno=int(sys.argv[1])), PRELOADED[sys.argv[2]]
    for name in preloaded:
        import_module(name)
    sys.modules.pop(preloaded[0])
    gc.collect()
    gc.freeze()
    arguments = serve(connection)
    if arguments is not None:
        sys.argv[1:] = arguments[1:]
        runpy.run_module(arguments[0], run_name="__main__", alter_sys=True)
