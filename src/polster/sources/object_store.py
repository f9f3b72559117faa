"""The files of a pattern in an object store, by ``obstore``."""

from __future__ import annotations

import hashlib
import os
from datetime import timedelta
from errno import ENOENT
from pathlib import Path
from typing import TYPE_CHECKING

from polster.errors import AssetError
from polster.model.secrets import without_secrets
from polster.sources.fetched import FetchedFiles
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

if TYPE_CHECKING:
    from obstore.store import ObjectStore, RetryConfig

RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
HINT = "check the address, the network, and the keys in the environment or in .env"
ALLOW_HTTP = ("AWS_ALLOW_HTTP", "AZURE_ALLOW_HTTP", "AZURE_STORAGE_USE_EMULATOR")
"""Variables that let a store be reached without encryption, as in tests."""


class StoredFiles(FetchedFiles):
    """The files of a pattern such as ``s3://bucket/landing/orders/*.csv``.

    Keys and secrets are what the environment says, as for a lakehouse in a store. An object is
    fetched once, under the condition that it is the one which was listed.
    """

    def __init__(self, pattern: Pattern, login: Login) -> None:
        super().__init__(pattern, login)
        self._tags: dict[str, str | None] = {}
        try:
            from obstore.exceptions import BaseError
            from obstore.store import from_url
        except ImportError as error:
            raise AssetError(
                f"the files {self.pattern.text} lie in an object store: obstore is not installed",
                code="POL366",
                hint="pip install 'polster[object-store]'",
            ) from error
        scheme, _, path = self.pattern.glob.partition("://")
        bucket, *parts = path.split("/")
        fixed: list[str] = []
        for part in parts[:-1]:
            if has_wildcard(part):
                break
            fixed.append(part)
        self._start = "/".join([f"{scheme}://{bucket}", *fixed]) + "/"
        endpoint = os.environ.get("AWS_ENDPOINT_URL", "")
        plain = endpoint.startswith("http://") or any(map(os.environ.get, ALLOW_HTTP))
        try:
            self._store: ObjectStore = from_url(
                self._start, client_options={"allow_http": plain}, retry_config=RETRY
            )
        except (BaseError, ValueError) as error:
            raise unreachable(self.pattern.text, _said(error), hint=HINT) from error

    def list(self) -> Listing:
        """List the files, in one listing of what lies below the fixed part of the pattern.

        Raises:
            AssetError: The store cannot be reached, or refuses.
        """
        from obstore.exceptions import BaseError

        found: list[FoundFile] = []
        waiting: list[str] = []
        try:
            for each in (each for page in self._store.list() for each in page):
                path = each["path"]
                name, own = self._start + path, path.rpartition("/")[2]
                if not own or is_hidden(own) or not self.pattern.matches(name):
                    continue
                if is_unfinished(own) or not each["size"]:
                    waiting.append(name)
                    continue
                tag = each["e_tag"]
                self._tags[name] = tag
                modified = int(each["last_modified"].timestamp() * 1_000_000_000)
                found.append(FoundFile(name, each["size"], modified, _number(tag)))
        except BaseError as error:
            raise unreachable(self.pattern.text, _said(error), hint=HINT) from error
        return Listing(tuple(sorted(found, key=lambda each: each.name)), tuple(sorted(waiting)))

    def download(self, file: FoundFile, target: Path) -> None:
        """Fetch an object, if it is the one that was listed."""
        from obstore.exceptions import BaseError, NotFoundError, PreconditionError

        tag = self._tags.get(file.name)
        try:
            answer = self._store.get(
                file.name.removeprefix(self._start),
                options={"if_match": tag} if tag else None,
            )
            with target.open("wb") as opened:
                for chunk in answer.stream():
                    opened.write(chunk)
        except (NotFoundError, PreconditionError, FileNotFoundError) as error:
            raise FileNotFoundError(ENOENT, "it is another one by now", file.name) from error
        except BaseError as error:
            raise unreachable(self.pattern.text, _said(error), hint=HINT) from error

    def is_as_found(self, file: FoundFile) -> bool:
        """Tell whether a file is the one that was listed: no other one is ever fetched."""
        return file.name in self._tags


def _number(tag: str | None) -> int:
    """Return what stands for the version of an object, as the inode does for a file's."""
    return int.from_bytes(hashlib.blake2b((tag or "").encode(), digest_size=8).digest())


def _said(error: BaseException) -> str:
    return without_secrets(str(error).strip().partition("\n")[0][:300])
