"""The files of a pattern on a server of FTP, by Python's own module."""

from __future__ import annotations

import ftplib
import ssl
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from errno import ENOENT
from pathlib import Path
from threading import RLock
from typing import TypeVar
from weakref import finalize

from polster.sources.fetched import ServerFiles
from polster.sources.file_list import FoundFile
from polster.sources.file_pattern import Pattern
from polster.sources.login import Login

TIMEOUT_SECONDS = 30.0
TRIES = 3
PIECE_BYTES = 1 << 16
LOST = (
    EOFError,
    ConnectionError,
    TimeoutError,
    ssl.SSLError,
    ftplib.error_temp,
    ftplib.error_proto,
)
GONE = "550"
"""Begins the answer of a server that has no such file."""

T = TypeVar("T")


class FtpFiles(ServerFiles):
    """The files of a pattern such as ``ftp://partner@host/outbox/*.csv``, or ``ftps://…``.

    A file is known by its size and its time, as ``MLSD`` lists them, and fetched once. What comes
    by ``ftp://`` is not encrypted, nor is the password.
    """

    port = ftplib.FTP_PORT
    usual_hint = "look whether it is up, and at its address, the user and the password"

    def __init__(self, pattern: Pattern, login: Login) -> None:
        super().__init__(pattern, login)
        self._is_encrypted = pattern.text.startswith("ftps:")
        self._user = self.user or "anonymous"
        self._using = RLock()
        self._ftp: ftplib.FTP | None = None

    def below(self, folder: str, *, is_deep: bool) -> Iterator[tuple[str, int, int]]:
        """Yield what ``MLSD`` lists."""
        asked = ["type", "size", "modify"]
        entries = self._do(lambda ftp: list(ftp.mlsd(folder or "/", asked)), folder or "/")
        for name, facts in entries:
            kind = facts.get("type", "file").lower()
            path = f"{folder.rstrip('/')}/{name}"
            if kind == "dir" and is_deep:
                yield from self.below(path, is_deep=True)
            elif kind == "file":
                yield path, int(facts.get("size", "0")), _moment(facts.get("modify", ""))

    def download(self, file: FoundFile, target: Path) -> None:
        """Fetch a file, and go on where a connection was lost."""
        path = self.path_there(file)

        def fetch(ftp: ftplib.FTP) -> int:
            begun = target.stat().st_size if target.exists() else 0
            try:
                with target.open("ab") as here:
                    ftp.retrbinary(f"RETR {path}", here.write, PIECE_BYTES, rest=begun or None)
                return ftp.size(path) or 0
            except ftplib.error_perm as error:
                if str(error).startswith(GONE):
                    raise FileNotFoundError(ENOENT, "it is not there any more", path) from error
                raise

        size = self._do(fetch, path)
        if not size == target.stat().st_size == file.size:
            raise FileNotFoundError(ENOENT, "it is another one by now", file.name)

    def _do(self, work: Callable[[ftplib.FTP], T], what: str) -> T:
        """Do something on the server; again, on a new connection, if this one is lost.

        Raises:
            AssetError: The server cannot be reached, or refuses.
        """
        with self._using:
            for left in reversed(range(TRIES)):
                try:
                    return work(self._connected())
                except ftplib.error_perm as error:
                    raise self.refused(f"{what}: {_said(error)}") from error
                except LOST as error:
                    self._close()
                    if left == 0:
                        raise self.refused(f"the connection was lost: {_said(error)}") from error
        raise AssertionError("a try returns or raises")

    def _connected(self) -> ftplib.FTP:
        if self._ftp is not None:
            return self._ftp
        password = self.login.values()[0] or ""
        ftp: ftplib.FTP
        if self._is_encrypted:
            secure = ssl.create_default_context()
            ftp = ftplib.FTP_TLS(context=secure, timeout=TIMEOUT_SECONDS)  # noqa: S321 - encrypted
        else:
            ftp = ftplib.FTP(timeout=TIMEOUT_SECONDS)  # noqa: S321 - as the user has asked for
        ftp.encoding = "utf-8"
        try:
            ftp.connect(self.host, self.port)
            ftp.login(self._user, password)
            if isinstance(ftp, ftplib.FTP_TLS):
                ftp.prot_p()
        except ftplib.error_perm as error:
            ftp.close()
            raise self.refused(f"it does not let {self._user} in: {_said(error)}") from error
        except (ftplib.Error, OSError, EOFError) as error:
            ftp.close()
            raise self.refused(_said(error)) from error
        self._ftp = ftp
        finalize(self, ftp.close)
        return ftp

    def _close(self) -> None:
        if self._ftp is not None:
            self._ftp.close()
        self._ftp = None


def _moment(said: str) -> int:
    """Return nanoseconds since 1970 of what is written as ``20260102030405``; 0 if it is none."""
    try:
        return int(datetime.strptime(said[:14], "%Y%m%d%H%M%S").replace(tzinfo=UTC).timestamp()) * (
            1_000_000_000
        )
    except ValueError:
        return 0


def _said(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
