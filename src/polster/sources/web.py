"""Files at addresses of the web, by ``httpx``."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from errno import ENOENT
from pathlib import Path
from urllib.parse import urlsplit
from weakref import finalize

import httpx

from polster.errors import AssetError
from polster.sources.fetched import FetchedFiles
from polster.sources.file_list import FoundFile, Listing, unreachable
from polster.sources.file_pattern import Pattern
from polster.sources.file_text import PACKED
from polster.sources.login import Login

TIMEOUT_SECONDS = 60.0
TRIES = 3
HINT = "look whether it is up, and at its address"
HTML = ("text/html", "application/xhtml+xml")
NOT_MODIFIED_BY = ("etag", "last-modified")


class WebFiles(FetchedFiles):
    """The file at an address such as ``https://example.com/data/2024.csv``.

    It is known by what the server calls its version (``ETag``), its time and its length; where the
    server says none of these, it is fetched each time, and known by its content.
    """

    at_once = 1

    def __init__(self, pattern: Pattern, login: Login) -> None:
        super().__init__(pattern, login)
        parts = urlsplit(pattern.text)
        user = parts.username
        password = login.values()[0]
        self._client = httpx.Client(
            timeout=TIMEOUT_SECONDS,
            headers={"Accept-Encoding": "identity"},
            auth=None if user is None else httpx.BasicAuth(user, password or ""),
            follow_redirects=user is None,  # nobody else is told who asks
        )
        finalize(self, self._client.close)
        self._url = pattern.text.replace(f"{user}@", "", 1) if user else pattern.text
        self._said: dict[str, str] = {}

    def list(self) -> Listing:
        """Ask what lies at the address, without its content."""
        answer = self._head()
        if answer.status_code in (httpx.codes.METHOD_NOT_ALLOWED, httpx.codes.NOT_IMPLEMENTED):
            answer = httpx.Response(httpx.codes.OK, headers={})  # it says nothing beforehand
        self._check(answer)
        said = {name: answer.headers[name] for name in NOT_MODIFIED_BY if name in answer.headers}
        self._said = said
        length = int(answer.headers.get("Content-Length", "0") or 0)
        if "Content-Encoding" in answer.headers:
            length = 0  # what comes is longer
        told = said or {"asked by": str(id(self))}  # another one each time, as far as is known
        modified = _moment(said.get("last-modified"))
        return Listing((FoundFile(self.pattern.text, length, modified, _number(told)),), ())

    def download(self, file: FoundFile, target: Path) -> None:
        """Fetch it, if it is the one that was asked about; again where the connection is lost."""
        for left in reversed(range(TRIES)):
            try:
                with (
                    self._client.stream("GET", self._url) as answer,
                    target.open("wb") as opened,
                ):
                    self._check(answer)
                    now = {n: answer.headers[n] for n in NOT_MODIFIED_BY if n in answer.headers}
                    if self._said and now != self._said:
                        raise FileNotFoundError(ENOENT, "it is another one by now", file.name)
                    is_packed = self._url.lower().endswith(PACKED)  # a server may say so, too
                    for piece in answer.iter_raw() if is_packed else answer.iter_bytes():
                        opened.write(piece)
            except httpx.TransportError as error:
                if left == 0:
                    raise self._refused(_text(error)) from error
            else:
                return

    def _head(self) -> httpx.Response:
        for left in reversed(range(TRIES)):
            try:
                return self._client.head(self._url)
            except httpx.TransportError as error:
                if left == 0:
                    raise self._refused(_text(error)) from error
            except httpx.InvalidURL as error:
                raise self._refused(_text(error)) from error
        raise AssertionError("a try returns or raises")

    def _check(self, answer: httpx.Response) -> None:
        if answer.is_redirect:
            raise self._refused(
                "it sends on to another address, which is not told who asks",
                "write that address, if it is the one that is meant",
            )
        if not answer.is_success:
            raise self._refused(f"{answer.status_code} {answer.reason_phrase}".strip())
        if answer.headers.get("Content-Type", "").partition(";")[0].strip() in HTML:
            raise self._refused(
                "it is a page of HTML, and no file",
                "look at the address: it may be that of a page for people, or of a login",
            )

    def _refused(self, why: str, hint: str = HINT) -> AssetError:
        return unreachable(self.pattern.text, why, hint=hint)


def _number(said: Mapping[str, str]) -> int:
    text = "\n".join(f"{name}: {each}" for name, each in sorted(said.items()))
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest())


def _moment(said: str | None) -> int:
    """Return nanoseconds since 1970; 0 if it is no moment."""
    try:
        return int(parsedate_to_datetime(said or "").timestamp()) * 1_000_000_000
    except (ValueError, TypeError):
        return 0


def _text(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__
