"""The files of a pattern on a server of SFTP, by ``paramiko``."""

from __future__ import annotations

import stat
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from errno import EACCES, ENOENT
from functools import partial
from pathlib import Path
from threading import RLock
from typing import TypeVar
from weakref import finalize

import paramiko
from paramiko.ssh_exception import (
    AuthenticationException,
    BadHostKeyException,
    NoValidConnectionsError,
    PasswordRequiredException,
    SSHException,
)

from polster.sources.fetched import ServerFiles
from polster.sources.file_list import FoundFile
from polster.sources.file_pattern import Pattern
from polster.sources.login import Login

TIMEOUT_SECONDS = 30.0
TRIES = 3
PIECE_BYTES = 1 << 20
FINGERPRINT = "SHA256:"
LOST = (EOFError, ConnectionError, TimeoutError, SSHException)
"""How a connection says that it is no more."""

T = TypeVar("T")


class _Quiet:
    """Says nothing of a thread of paramiko that reads ahead when the connection is lost.

    Who waits for the bytes hears of that, too.
    """

    def __init__(self) -> None:
        self.before = threading.excepthook
        threading.excepthook = self

    def __call__(self, args: threading.ExceptHookArgs) -> None:
        """Take what ended a thread."""
        is_ahead = args.thread is not None and "prefetch" in args.thread.name
        if not (is_ahead and issubclass(args.exc_type, (*LOST, OSError))):
            self.before(args)


class _UnknownHostError(SSHException):
    """Nobody says that the server is the one that is meant."""


class _Pinned(paramiko.MissingHostKeyPolicy):
    """Takes a server whose key is the one that was written down, and no other.

    Args:
        wanted: The key, or its fingerprint; None if neither is known.
    """

    def __init__(self, wanted: str | None) -> None:
        self.wanted = wanted

    def missing_host_key(
        self, client: paramiko.SSHClient, hostname: str, key: paramiko.PKey
    ) -> None:
        """Refuse a server that is not known."""
        del client
        shown = f"{key.get_name()} {key.get_base64()}", key.fingerprint
        if self.wanted is None:
            raise _UnknownHostError(f"nobody knows the server {hostname}: its key is {shown[1]}")
        wanted = " ".join(self.wanted.split()[:2])
        if wanted not in shown:
            raise _UnknownHostError(
                f"the server {hostname} has another key than `host_key` says: {shown[1]}"
            )


class SftpFiles(ServerFiles):
    """The files of a pattern such as ``sftp://partner@host/outbox/*.csv``.

    A file is known by its size and its time, and fetched once. A connection that is lost is made
    anew, and what had come of a file stays.
    """

    port = 22
    usual_hint = "look whether it is up, and at its address, the user, and the password or key"

    def __init__(self, pattern: Pattern, login: Login) -> None:
        super().__init__(pattern, login)
        self._using = RLock()
        self._client: paramiko.SSHClient | None = None
        self._sftp: paramiko.SFTPClient | None = None

    def below(self, folder: str, *, is_deep: bool) -> Iterator[tuple[str, int, int]]:
        """Yield the files of a folder; a link is what it leads to, but for folders."""
        try:
            entries = self._do(partial(_entries, folder=folder or "/"))
        except OSError as error:
            gone = f"there is no folder {folder or '/'}"
            raise self.refused(gone if error.errno == ENOENT else _said(error)) from error
        for entry in entries:
            path = f"{folder.rstrip('/')}/{entry.filename}"
            about, is_link = entry, stat.S_ISLNK(entry.st_mode or 0)
            if is_link:
                try:
                    about = self._do(partial(_about, path=path))
                except OSError:  # it leads nowhere
                    continue
            if stat.S_ISDIR(about.st_mode or 0) and is_deep and not is_link:
                yield from self.below(path, is_deep=True)
            elif stat.S_ISREG(about.st_mode or 0):
                yield path, about.st_size or 0, _modified(about)

    def download(self, file: FoundFile, target: Path) -> None:
        """Fetch a file, and go on where a connection was lost."""
        path = self.path_there(file)

        def fetch(sftp: paramiko.SFTPClient) -> None:
            if not isinstance(threading.excepthook, _Quiet):
                _Quiet()
            begun = target.stat().st_size if target.exists() else 0
            with sftp.open(path, "rb") as there, target.open("ab") as here:
                there.seek(begun)
                there.prefetch(file.size)
                while piece := there.read(PIECE_BYTES):
                    here.write(piece)

        try:
            self._do(fetch)
            about = self._do(partial(_about, path=path))
        except FileNotFoundError:
            raise
        except OSError as error:
            raise self.refused(_said(error)) from error
        came = target.stat().st_size
        if (about.st_size, _modified(about)) != (file.size, file.modified) or came != file.size:
            raise FileNotFoundError(ENOENT, "it is another one by now", file.name)

    def _do(self, work: Callable[[paramiko.SFTPClient], T]) -> T:
        """Do something on the server; again, on a new connection, if this one is lost.

        Raises:
            AssetError: The server cannot be reached, is not known, or refuses.
            OSError: A file or folder is not there, or not to be read.
        """
        with self._using:
            for left in reversed(range(TRIES)):
                try:
                    return work(self._connected())
                except LOST as error:
                    self._close()
                    if left == 0:
                        raise self.refused(f"the connection was lost: {_said(error)}") from error
        raise AssertionError("a try returns or raises")

    def _connected(self) -> paramiko.SFTPClient:
        if self._sftp is not None:
            return self._sftp
        login, client = self.login, paramiko.SSHClient()
        password, key_file, passphrase = login.values()
        if login.host_key is None:
            with suppress(OSError):
                client.load_system_host_keys()
        client.set_missing_host_key_policy(_Pinned(login.host_key))
        is_said = password is not None or key_file is not None
        try:
            client.connect(
                self.host,
                self.port,
                self.user,
                password,
                key_filename=None if key_file is None else str(Path(key_file).expanduser()),
                passphrase=passphrase,
                allow_agent=not is_said,
                look_for_keys=not is_said,
                timeout=TIMEOUT_SECONDS,
                banner_timeout=TIMEOUT_SECONDS,
                auth_timeout=TIMEOUT_SECONDS,
            )
            sftp = client.open_sftp()
            channel = sftp.get_channel()
            if channel is not None:
                channel.settimeout(TIMEOUT_SECONDS)
        except BadHostKeyException as error:
            client.close()
            raise self.refused(
                f"the server {self.host} has another key than it had: {error.key.fingerprint}",
                "somebody may stand between; if the server has a new key, take the old one out of "
                "~/.ssh/known_hosts",
            ) from error
        except _UnknownHostError as error:
            client.close()
            raise self.refused(
                str(error),
                "ask its owner whether that is its key; then write it: "
                f'host_key="{FINGERPRINT}…", or add it to ~/.ssh/known_hosts',
            ) from error
        except (PasswordRequiredException, AuthenticationException) as error:
            client.close()
            raise self.refused(
                f"it does not let {self.user or 'you'} in: {_said(error)}"
            ) from error
        except (NoValidConnectionsError, SSHException, OSError, EOFError, ValueError) as error:
            client.close()
            raise self.refused(_said(error)) from error
        self._client, self._sftp = client, sftp
        finalize(self, client.close)
        return sftp

    def _close(self) -> None:
        if self._client is not None:
            self._client.close()
        self._client = self._sftp = None


def _entries(sftp: paramiko.SFTPClient, *, folder: str) -> list[paramiko.SFTPAttributes]:
    return sftp.listdir_attr(folder)


def _about(sftp: paramiko.SFTPClient, *, path: str) -> paramiko.SFTPAttributes:
    return sftp.stat(path)


def _modified(about: paramiko.SFTPAttributes) -> int:
    return (about.st_mtime or 0) * 1_000_000_000


def _said(error: BaseException) -> str:
    if isinstance(error, OSError) and error.errno == EACCES:
        return "this user may not read that"
    said = str(error).removeprefix("[Errno None]").strip()
    return said.partition("\n")[0] or type(error).__name__
