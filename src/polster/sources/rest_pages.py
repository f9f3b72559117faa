"""Asking an API page after page: one request after the other, again where that may help."""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any
from urllib.parse import urlsplit

import httpx
from tenacity import RetryCallState, Retrying, retry_if_exception_type, stop_after_attempt
from tenacity.wait import wait_exponential_jitter

from polster.model.secret import Secret
from polster.sources.api import ApiError, Login, OAuth, Paging
from polster.sources.file_rows import Number

TRIES = 6
BACKOFF = wait_exponential_jitter(multiplier=0.5, max=30)
LONGEST_WAIT_SECONDS = 300.0
"""An API that asks for more patience than that is left alone."""
PASSING = frozenset({408, 425, 429, 500, 502, 503, 504})
"""Answers after which the same request may succeed."""
UNAUTHORIZED = 401
MOST_SHOWN = 200
MOST_EMPTY = 100
"""So many pages without a record are no end that comes late."""


class _PassingError(Exception):
    """A failure that may pass."""

    def __init__(self, said: str, seconds: float | None = None) -> None:
        super().__init__(said)
        self.seconds = seconds


@dataclass(frozen=True, slots=True)
class Asked:
    """One request.

    Attributes:
        params: Beside those in the address.
    """

    url: str
    params: Mapping[str, str]

    def but(self, name: str, value: object) -> Asked:
        """Return the request with another value of a parameter."""
        return Asked(self.url, {**self.params, name: str(value)})

    @property
    def key(self) -> tuple[object, ...]:
        """Return what tells it from other requests."""
        return self.url, *sorted(self.params.items())


@dataclass(frozen=True, slots=True)
class Page:
    """One answer.

    Attributes:
        number: From 1.
        url: That it was answered from.
        link: What its header ``Link`` names as the next page.
        said: Its JSON; numbers are as they are written.
        records: The list in it.
        count: How many records came until now, with these.
    """

    number: int
    url: httpx.URL
    link: str | None
    said: Any
    records: list[Any]
    count: int

    def number_at(self, path: str) -> int:
        """Return a whole number that the answer holds.

        Raises:
            ApiError: There is none.
        """
        found = _at(self.said, path)
        if not (isinstance(found, str) and found.isdigit()):
            raise ApiError(
                f"there is no whole number at `{path}`",
                "let total= name how many records there are in all; or leave it out",
                code="POL384",
            )
        return int(found)


class Api:
    """One conversation with an API.

    Args:
        url: Of the first page.
        params: Of every request but those whose address the API itself gives.
        login: Who asks.
        requests_per_second: At most; None for as many as go.
        timeout: Seconds without a byte after which a request is given up.
    """

    def __init__(
        self,
        url: str,
        params: Mapping[str, str | Secret],
        login: Login,
        *,
        requests_per_second: float | None,
        timeout: float,
    ) -> None:
        self.url = url
        self.secrets: list[str] = []
        self.params = {name: self._value(said) for name, said in params.items()}
        self.secret_params = {n: self.params[n] for n, s in params.items() if isinstance(s, Secret)}
        self.login = login
        self.pause = 1 / requests_per_second if requests_per_second else 0.0
        self.client = httpx.Client(timeout=timeout, follow_redirects=False)
        self.client.headers["Accept"] = "application/json"
        self.client.headers.update({n: self._value(said) for n, said in login.headers.items()})
        if login.basic is not None:
            self.client.auth = httpx.BasicAuth(login.basic[0], self._value(login.basic[1]))
        if login.bearer is not None:
            self.client.headers["Authorization"] = f"Bearer {self._value(login.bearer)}"
        self._asked_at = float("-inf")

    def _value(self, said: str | Secret) -> str:
        if not isinstance(said, Secret):
            return said
        self.secrets.append(said.value())
        return self.secrets[-1]

    def close(self) -> None:
        """End the conversation."""
        self.client.close()

    def pages(self, paging: Paging, records: str) -> Iterator[Page]:
        """Yield one page after the other.

        Args:
            paging: How one leads to the next.
            records: Path to the list of records.

        Raises:
            ApiError: The API gives something else, or the same again and again.
        """
        asked = Asked(self.url, self.params)
        if paging.page_param:
            asked = asked.but(paging.page_param, paging.first_page)
        if paging.offset_param:
            asked = asked.but(paging.offset_param, 0)
        before: set[tuple[object, ...]] = set()
        seen: dict[bytes, int] = {}
        number = count = empty = 0
        while asked.key not in before:
            before.add(asked.key)
            number += 1
            answer = self._answered(asked, number)
            said = _json_of(answer, number)
            found = _list_at(said, records, number)
            digest = hashlib.blake2b(answer.content, digest_size=16).digest()
            if found and digest in seen:
                raise ApiError(
                    f"page {number} is page {seen[digest]} once more",
                    "look how the API is told which page is asked for",
                    code="POL385",
                )
            seen[digest] = number
            count, empty = count + len(found), 0 if found else empty + 1
            if empty == MOST_EMPTY:
                raise ApiError(
                    f"{MOST_EMPTY} pages without records followed each other",
                    "look at what next= names: it may never come to an end",
                    code="POL385",
                )
            link = answer.links.get("next", {}).get("url")
            page = Page(number, answer.url, link, said, found, count)
            yield page
            following = self._next(asked, page, paging)
            if following is None:
                return
            asked = following
        raise ApiError(
            f"page {number} names as the next one a page that was read before",
            "its pages go round in a circle: look at what `next` names",
            code="POL385",
        )

    def _next(self, asked: Asked, page: Page, paging: Paging) -> Asked | None:
        """Return the request of the page that follows; None after the last one."""
        if paging.page_param or paging.offset_param:
            if not page.records:
                return None
            if paging.page_param:
                return asked.but(paging.page_param, paging.first_page + page.number)
            return asked.but(str(paging.offset_param), page.count)
        link = page.link if paging.link_header else None
        if paging.next is not None:
            link = _at(page.said, paging.next)
        if link in (None, "", False):
            return None
        if not isinstance(link, str):
            raise ApiError(
                f"`{paging.next}` of page {page.number} is no text that could lead to the next "
                "page",
                "let next= name what holds its address, or a token with next_param=",
                code="POL384",
            )
        if paging.next_param is not None:
            return asked.but(paging.next_param, link)
        address, own = page.url.join(link), httpx.URL(self.url)
        if (address.scheme, address.host) == ("http", own.host) and own.scheme == "https":
            address = address.copy_with(scheme="https", port=own.port)  # as behind a proxy
        if (address.scheme, address.host, address.port) != (own.scheme, own.host, own.port):
            raise ApiError(
                f"the next page lies at another host, {address.host}",
                "it is not asked, since it would be told who asks; read that API by a source of "
                "its own",
                code="POL385",
            )
        missing = self.secret_params.keys() - address.params.keys()
        told = {name: self.secret_params[name] for name in missing}
        return Asked(str(address.copy_merge_params(told)), {})

    def _answered(self, asked: Asked, number: int) -> httpx.Response:
        """Return what a request is answered; again as long as it may help.

        Raises:
            ApiError: It is answered otherwise, or not at all.
        """
        retrying = Retrying(
            stop=stop_after_attempt(TRIES),
            wait=_wait,
            retry=retry_if_exception_type(_PassingError),
            reraise=True,
        )
        try:
            return retrying(self._ask, asked, number)
        except _PassingError as error:
            raise ApiError(
                f"page {number}, asked for {TRIES} times: {error}", code="POL382"
            ) from error

    def _ask(self, asked: Asked, number: int) -> httpx.Response:
        def get() -> httpx.Response:
            return self.client.get(asked.url, params=asked.params or None)

        if self.login.oauth is not None and "Authorization" not in self.client.headers:
            self._log_in(self.login.oauth)
        answer = self._sent(get)
        if answer.status_code == UNAUTHORIZED and self.login.oauth is not None:
            self._log_in(self.login.oauth)  # tokens end
            answer = self._sent(get)
        if answer.is_redirect:
            host = urlsplit(answer.headers.get("Location", "")).hostname
            raise ApiError(
                f"it sends on to another address{f' at {host}' if host else ''}",
                "write the address that it sends to, if that is the API",
                code="POL383",
            )
        if not answer.is_success:
            raise ApiError(f"page {number}: {_refusal(answer)}", code="POL383")
        return answer

    def _sent(self, send: Callable[[], httpx.Response]) -> httpx.Response:
        """Send a request no earlier than allowed, and tell what may pass."""
        now = time.monotonic()
        if now < self._asked_at + self.pause:
            time.sleep(self._asked_at + self.pause - now)
        self._asked_at = time.monotonic()
        try:
            answer = send()
        except httpx.TransportError as error:
            raise _PassingError(_said(error)) from error
        except (httpx.InvalidURL, httpx.DecodingError) as error:
            raise ApiError(_said(error), code="POL384") from error
        if answer.status_code in PASSING:
            raise _PassingError(_refusal(answer), _retry_after(answer))
        return answer

    def _log_in(self, oauth: OAuth) -> None:
        form = {
            "grant_type": "client_credentials",
            "client_id": oauth.client_id,
            "client_secret": self._value(oauth.client_secret),
        }
        if oauth.scope is not None:
            form["scope"] = oauth.scope
        self.client.headers.pop("Authorization", None)
        answer = self._sent(lambda: self.client.post(oauth.token_url, data=form))
        token = None
        if answer.is_success:
            token = _at(_json_of(answer, 0), "access_token")
        if not isinstance(token, str):
            raise ApiError(
                f"{urlsplit(oauth.token_url).hostname} gives no token: {_refusal(answer)}",
                "look at the client's id and secret, and at the scope",
                code="POL383",
            )
        self.secrets.append(token)
        self.client.headers["Authorization"] = f"Bearer {token}"


def _wait(state: RetryCallState) -> float:
    """Return the seconds to the next try: as many as the API asks for, else more each time."""
    error = state.outcome.exception() if state.outcome else None
    asked = error.seconds if isinstance(error, _PassingError) else None
    if asked is None:
        return BACKOFF(state)
    if asked > LONGEST_WAIT_SECONDS:
        raise ApiError(
            f"it asks to be left alone for {asked:.0f} s",
            "run it later; or ask less often: requests_per_second=",
            code="POL382",
        )
    return asked


def _retry_after(answer: httpx.Response) -> float | None:
    """Return the seconds that an answer asks to wait, written as a number or as a moment."""
    said = answer.headers.get("Retry-After", "").strip()
    if said.isdigit():
        return float(said)
    try:
        at = parsedate_to_datetime(said)
    except (ValueError, TypeError):
        return None
    at = at if at.tzinfo else at.replace(tzinfo=UTC)
    return max(0.0, (at - datetime.now(UTC)).total_seconds())


def _refusal(answer: httpx.Response) -> str:
    said = f"{answer.status_code} {answer.reason_phrase}".strip()
    kind = answer.headers.get("Content-Type", "")
    text = " ".join(answer.text.split()) if "html" not in kind else ""
    return f"{said}: {text[:MOST_SHOWN]}" if text else said


def _said(error: Exception) -> str:
    return str(error).strip().partition("\n")[0] or type(error).__name__


def _json_of(answer: httpx.Response, number: int) -> Any:
    try:
        return json.loads(
            answer.content, parse_int=Number, parse_float=Number, parse_constant=_no_number
        )
    except (ValueError, RecursionError) as error:
        kind = answer.headers.get("Content-Type", "")
        is_page = answer.content.lstrip()[:1] == b"<"
        what = "a page of HTML or XML" if is_page else f"no JSON: {_said(error)}"
        raise ApiError(
            f"page {number} is {what}" + (f" ({kind})" if kind else ""),
            "look at the address: it may be that of a page for people, or of a login",
            code="POL384",
        ) from error


def _no_number(said: str) -> None:
    raise ValueError(f"{said} is no number of JSON")


def _at(said: Any, path: str) -> Any:
    """Return what lies at a path such as ``data.items``; None if nothing does."""
    for name in path.split(".") if path else ():
        if not isinstance(said, dict):
            return None
        said = said.get(name)
    return said


def _list_at(said: Any, path: str, number: int) -> list[Any]:
    found = _at(said, path)
    if isinstance(found, list):
        return found
    if isinstance(found, dict):  # one record alone
        return [found]
    names = f": it has {', '.join(said)}" if isinstance(said, dict) else ""
    where = f"nothing at `{path}`" if path else "no list"
    raise ApiError(
        f"page {number} has {where} that could be records{names}"[: 2 * MOST_SHOWN],
        'let records= name the list, such as records="data.items"',
        code="POL384",
    )
