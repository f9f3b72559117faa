"""Real servers of databases for tests: on loopback, in a folder of their own, ended with it."""

from __future__ import annotations

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "s3cr3t/p@ss:w%rd"
PATIENCE_SECONDS = 60


def needed(name: str, folders: str) -> str:
    """Return the path of a program of Debian's; it has to be there where nothing may be skipped."""
    found = [*Path("/").glob(folders)]
    if found:
        return str(sorted(found)[-1])
    if os.environ.get("POLSTER_CI"):
        pytest.fail(f"{name} is missing, and here nothing may be skipped")
    pytest.skip(f"{name} is not installed: apt-get install {name}")


def free_port() -> int:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        return int(bound.getsockname()[1])


@contextmanager
def folder_of(user: str) -> Iterator[tuple[Path, list[str]]]:
    """Give a folder, and what stands before a command so that the folder's owner runs it."""
    folder = Path(tempfile.mkdtemp(prefix="polster-server-"))
    before: list[str] = []
    if os.geteuid() == 0:
        there = pwd.getpwnam(user)
        os.chown(folder, there.pw_uid, there.pw_gid)
        before = ["setpriv", f"--reuid={user}", f"--regid={there.pw_gid}", "--clear-groups"]
    try:
        yield folder, before
    finally:
        shutil.rmtree(folder)


@contextmanager
def running(command: list[str], is_ready: list[str]) -> Iterator[None]:
    """Run a server until the block ends; another command tells whether it is ready."""
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while subprocess.run(is_ready, check=False, capture_output=True).returncode:
                assert time.monotonic() < deadline
                assert server.poll() is None
                time.sleep(0.02)
            yield
        finally:
            server.terminate()


@contextmanager
def postgres() -> Iterator[int]:
    """Serve PostgreSQL, whose user ``shop`` has a password; give the port."""
    programs = Path(needed("postgresql", "usr/lib/postgresql/*/bin/postgres")).parent
    with folder_of("postgres") as (folder, before):
        known = folder / "password"
        known.write_text(PASSWORD)
        known.chmod(0o644)
        made = [str(programs / "initdb"), "-D", str(folder / "data"), "-U", "shop", "--no-sync"]
        made += ["-A", "scram-sha-256", "--pwfile", str(known), "-E", "UTF8", "--locale=C.UTF-8"]
        subprocess.run([*before, *made], check=True, capture_output=True)
        port = free_port()
        server = [str(programs / "postgres"), "-D", str(folder / "data"), "-p", str(port)]
        server += ["-c", "listen_addresses=127.0.0.1", "-c", f"unix_socket_directories={folder}"]
        server += ["-c", "fsync=off"]
        ready = [str(programs / "pg_isready"), "-h", "127.0.0.1", "-p", str(port)]
        with running([*before, *server], ready):
            yield port


@contextmanager
def mariadb() -> Iterator[int]:
    """Serve MariaDB, whose user ``shop`` has a password and a database ``shop``; give the port."""
    program = needed("mariadb-server", "usr/sbin/mariadbd")
    with folder_of("mysql") as (folder, before):
        made = ["mariadb-install-db", "--no-defaults", f"--datadir={folder}/data"]
        made += ["--auth-root-authentication-method=normal", "--skip-test-db"]
        subprocess.run([*before, *made], check=True, capture_output=True)
        begins = folder / "begin.sql"
        begins.write_text(
            "CREATE DATABASE shop;\n"
            f"CREATE USER shop@'127.0.0.1' IDENTIFIED BY '{PASSWORD}';\n"
            f"CREATE USER shop@localhost IDENTIFIED BY '{PASSWORD}';\n"
            "GRANT ALL ON shop.* TO shop@'127.0.0.1', shop@localhost;\n"
        )
        begins.chmod(0o644)
        port = free_port()
        server = [program, "--no-defaults", f"--datadir={folder}/data", f"--port={port}"]
        server += ["--bind-address=127.0.0.1", f"--socket={folder}/socket", "--sql-mode="]
        server += [f"--init-file={begins}", "--skip-log-bin"]
        ready = ["mariadb", "--no-defaults", "-h", "127.0.0.1", "-P", str(port), "-u", "shop"]
        with running([*before, *server], [*ready, f"-p{PASSWORD}", "-e", "SELECT 1"]):
            yield port
