"""Real object stores for tests: on loopback, ended with the test."""

from __future__ import annotations

import base64
import hashlib
import hmac
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Collection, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from http.client import HTTPConnection, HTTPException
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from typing import IO
from urllib.parse import unquote
from urllib.request import Request, urlopen

import pytest

SECRET = "not-to-be-seen-anywhere"
PATIENCE_SECONDS = 60
MOTO = """
import logging, sys
from moto.server import ThreadedMotoServer

logging.getLogger("werkzeug").setLevel(logging.ERROR)
server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
server.start()
print(server.get_host_and_port()[1], flush=True)
sys.stdin.read()
"""
ACCOUNT = "devstoreaccount1"
KEY = base64.b64encode(SECRET.encode() * 3).decode()
CONTAINER = "lake"
ROOT = Path(__file__).parents[1]
LEFT_OUT = {"connection", "content-length", "transfer-encoding"}


@contextmanager
def moto() -> Iterator[int]:
    """Serve the language of S3; give the port.

    It is a process of its own: delta-rs keeps the lock of Python while it waits for it.
    """
    with subprocess.Popen(
        [sys.executable, "-c", MOTO], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdin is not None
        assert server.stdout is not None
        yield int(server.stdout.readline())
        server.stdin.close()


def variables_of_s3(port: int) -> dict[str, str]:
    """Return the variables with which Polster reaches :func:`moto`."""
    return {
        "AWS_ENDPOINT_URL": f"http://127.0.0.1:{port}",
        "AWS_ALLOW_HTTP": "true",
        "AWS_ACCESS_KEY_ID": "somebody",
        "AWS_SECRET_ACCESS_KEY": SECRET,
        "AWS_REGION": "us-east-1",
    }


@contextmanager
def azurite() -> Iterator[dict[str, str]]:
    """Serve Azure's blobs, with a container; give the variables with which Polster reaches it."""
    program = shutil.which("azurite-blob", path=f"{os.environ['PATH']}:{ROOT}/.azurite/bin")
    if program is None:
        if os.environ.get("POLSTER_CI"):
            pytest.fail("azurite is missing, and here nothing may be skipped")
        pytest.skip("azurite is not installed: npm install --global --prefix .azurite azurite")
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))
        port = int(bound.getsockname()[1])
    command = [program, "--silent", "--skipApiVersionCheck", "--inMemoryPersistence"]
    command += ["--disableTelemetry", "--blobHost", "127.0.0.1", "--blobPort", str(port)]
    accounts = {**os.environ, "AZURITE_ACCOUNTS": f"{ACCOUNT}:{KEY}"}
    with subprocess.Popen(command, stdout=subprocess.DEVNULL, env=accounts) as server:
        try:
            deadline = time.monotonic() + PATIENCE_SECONDS
            while not _answers(port):
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            _make_container(port)
            yield {
                "AZURE_STORAGE_ACCOUNT_NAME": ACCOUNT,
                "AZURE_STORAGE_ACCOUNT_KEY": KEY,
                "AZURE_STORAGE_USE_EMULATOR": "true",
                "AZURITE_BLOB_STORAGE_URL": f"http://127.0.0.1:{port}",
                "AZURE_ALLOW_HTTP": "true",
            }
        finally:
            server.terminate()


def _answers(port: int) -> bool:
    with socket.socket() as trying:
        return trying.connect_ex(("127.0.0.1", port)) == 0


def _make_container(port: int) -> None:
    """Ask for one as Azure's protocol has it, signed with the account's key."""
    at = datetime.now(UTC).strftime("%a, %d %b %Y %H:%M:%S GMT")
    headers = {"x-ms-date": at, "x-ms-version": "2021-08-06"}
    named = "".join(f"{name}:{value}\n" for name, value in headers.items())
    said = "PUT" + "\n" * 12 + named + f"/{ACCOUNT}/{ACCOUNT}/{CONTAINER}\nrestype:container"
    digest = hmac.new(base64.b64decode(KEY), said.encode(), hashlib.sha256).digest()
    headers |= {
        "Authorization": f"SharedKey {ACCOUNT}:{base64.b64encode(digest).decode()}",
        "Content-Length": "0",
    }
    url = f"http://127.0.0.1:{port}/{ACCOUNT}/{CONTAINER}?restype=container"
    with urlopen(Request(url, method="PUT", headers=headers)) as answer:
        assert answer.status == 201


class Between:
    """What stands between Polster and a store, in a process of its own as that is.

    Attributes:
        port: Where Polster asks.
        asked: Method, and path with query, of each request so far.
    """

    def __init__(self, said: IO[str]) -> None:
        self.port = int(said.readline())
        self.asked: list[tuple[str, str]] = []
        self._thread = Thread(target=self._listen, args=(said,), daemon=True)
        self._thread.start()

    def until_now(self) -> list[tuple[str, str]]:
        """Return what was asked, once all of it is told; it is told before it is passed on."""
        mark = f"/told-{len(self.asked)}"
        with suppress(OSError, HTTPException):
            connection = HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE_SECONDS)
            connection.request("GET", mark)
            connection.getresponse().read()
            connection.close()
        deadline = time.monotonic() + PATIENCE_SECONDS
        while ("GET", mark) not in self.asked:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        return self.asked[: self.asked.index(("GET", mark))]

    def _listen(self, said: IO[str]) -> None:
        for line in said:
            method, _, path = line.strip().partition(" ")
            self.asked.append((method, path))


@contextmanager
def between(store: int, ignores: tuple[str, ...] = ()) -> Iterator[Between]:
    """Stand between Polster and a store; headers that it ignores do not come to the store."""
    command = [sys.executable, __file__, str(store), *ignores]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield Between(process.stdout)
        finally:
            process.terminate()


class PassedOn(BaseHTTPRequestHandler):
    """Passes requests on to a store on this machine, and tells of each."""

    protocol_version = "HTTP/1.1"
    store: int
    ignores: Collection[str]

    def pass_on(self) -> None:
        sys.stdout.write(f"{self.command} {unquote(self.path)}\n")  # at once: there are threads
        sys.stdout.flush()
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        kept = {
            name: said for name, said in self.headers.items() if name.lower() not in self.ignores
        }
        connection = HTTPConnection("127.0.0.1", self.store)
        connection.request(self.command, self.path, body, kept)
        answer = connection.getresponse()
        content = answer.read()
        self.send_response(answer.status)
        length = str(len(content))
        for name, said in answer.getheaders():
            if name.lower() not in LEFT_OUT:
                self.send_header(name, said)
            elif name.lower() == "content-length" and self.command == "HEAD":
                length = said
        self.send_header("Content-Length", length)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(content)
        connection.close()

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = pass_on  # noqa: N815

    def log_message(self, *_: object) -> None:
        pass


if __name__ == "__main__":
    PassedOn.store, PassedOn.ignores = int(sys.argv[1]), sys.argv[2:]
    serving = ThreadingHTTPServer(("127.0.0.1", 0), PassedOn)
    print(serving.server_address[1], flush=True)
    serving.serve_forever()
