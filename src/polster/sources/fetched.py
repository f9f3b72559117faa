"""Files that lie elsewhere, and are fetched to be read: each once, as it was listed."""

from __future__ import annotations

import hashlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import takewhile
from pathlib import Path
from threading import Lock
from urllib.parse import unquote, urlsplit

from polster.errors import AssetError
from polster.sources.file_list import (
    FoundFile,
    Listing,
    has_wildcard,
    is_hidden,
    is_unfinished,
    unreachable,
)
from polster.sources.file_pattern import Pattern
from polster.sources.login import Login
from polster.sources.scratch import scratch_folder

HELD_BYTES = 1024 * 1024 * 1024
"""So much of what was fetched stays on the disk of this machine until it has landed."""


class FetchedFiles(ABC):
    """The files of a pattern elsewhere; see :class:`polster.sources.file_list.Files`.

    Attributes:
        at_once: How many are fetched side by side.
    """

    at_once = 8

    def __init__(self, pattern: Pattern, login: Login) -> None:
        self.pattern = pattern
        self.login = login
        self._folder = scratch_folder(self)
        self._fetched: dict[str, Path] = {}
        self._lock = Lock()

    @abstractmethod
    def list(self) -> Listing:
        """List the files.

        Raises:
            AssetError: They cannot be listed.
        """

    @abstractmethod
    def download(self, file: FoundFile, target: Path) -> None:
        """Write the bytes of a file to ``target``.

        Raises:
            FileNotFoundError: It is not there any more as it was listed.
            AssetError: Where it lies cannot be reached, or refuses.
        """

    def is_as_found(self, file: FoundFile) -> bool:
        """Tell whether a file is the one that was listed: no other one is ever fetched."""
        del file
        return True

    def fetch(self, files: Iterable[FoundFile]) -> None:
        """Fetch the first of some files, as many as may lie on this machine."""
        wanted: list[FoundFile] = []
        left = HELD_BYTES
        for file in files:
            left -= file.size
            if left < 0:
                break
            wanted.append(file)
        with ThreadPoolExecutor(self.at_once) as pool:
            for fetching in [pool.submit(self.path, file) for file in wanted]:
                if fetching.exception() is None:
                    continue  # who needs a file that cannot be fetched hears of it

    def path(self, file: FoundFile) -> Path:
        """Return where the bytes of a file are on this machine.

        Raises:
            FileNotFoundError: It is not there any more as it was listed.
            AssetError: Where it lies cannot be reached, or refuses.
        """
        with self._lock:
            if (known := self._fetched.get(file.name)) is not None:
                return known
        named = hashlib.blake2b(file.name.encode(), digest_size=16).hexdigest()
        target = Path(self._folder, f"{named}-{file.name.rpartition('/')[2]}"[-200:])
        try:
            self.download(file, target)
        except BaseException:
            target.unlink(missing_ok=True)
            raise
        with self._lock:
            self._make_room(file.size)
            self._fetched[file.name] = target
        return target

    def _make_room(self, size: int) -> None:
        held = sum(path.stat().st_size for path in self._fetched.values())
        for name in [*self._fetched]:
            if held + size <= HELD_BYTES:
                return
            path = self._fetched.pop(name)
            held -= path.stat().st_size
            path.unlink()


class ServerFiles(FetchedFiles):
    """The files of a pattern on a server with folders, such as ``sftp://user@host/outbox/*.csv``.

    Attributes:
        port: Where it answers, unless the pattern says.
        usual_hint: How to mend it if it does not.
    """

    at_once = 1
    port: int
    usual_hint: str

    def __init__(self, pattern: Pattern, login: Login) -> None:
        super().__init__(pattern, login)
        parts = urlsplit(pattern.text)
        self.host, self.port = parts.hostname or "", parts.port or self.port
        self.user = unquote(parts.username) if parts.username else None
        scheme, _, rest = pattern.glob.partition("://")
        place, _, self._glob = rest.partition("/")
        self._start = f"{scheme}://{place}/"

    @abstractmethod
    def below(self, folder: str, *, is_deep: bool) -> Iterator[tuple[str, int, int]]:
        """Yield path, bytes and time of each file in a folder, and in those below it if deep.

        The time is in nanoseconds since 1970.

        Raises:
            AssetError: They cannot be listed.
        """

    def list(self) -> Listing:
        """List the files, one listing of each folder."""
        folders = self._glob.split("/")[:-1]
        fixed = list(takewhile(lambda part: not has_wildcard(part), folders))
        found: list[FoundFile] = []
        waiting: list[str] = []
        top = "/".join(["", *fixed])
        for path, size, modified in self.below(top, is_deep=len(fixed) < len(folders)):
            name, own = self._start + path.lstrip("/"), path.rpartition("/")[2]
            if is_hidden(own) or not self.pattern.matches(name):
                continue
            if is_unfinished(own) or not size:
                waiting.append(name)
                continue
            found.append(FoundFile(name, size, modified, 0))
        return Listing(tuple(sorted(found, key=lambda each: each.name)), tuple(sorted(waiting)))

    def path_there(self, file: FoundFile) -> str:
        """Return where a file is on the server."""
        return "/" + file.name.removeprefix(self._start)

    def refused(self, why: str, hint: str | None = None) -> AssetError:
        """Say why the files cannot be had."""
        return unreachable(self.pattern.text, why, hint=hint or self.usual_hint)
