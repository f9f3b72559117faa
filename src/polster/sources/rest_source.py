"""APIs that answer with JSON, page by page, as a source of bronze."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any, Literal
from urllib.parse import parse_qsl, urlsplit

import polars as pl

from polster.errors import AssetError
from polster.model.secret import NoSecretError, Secret
from polster.model.secrets import without_secrets
from polster.model.since import Since
from polster.sources.api import ApiError, Login, OAuth, Paging
from polster.sources.source import Batch, Forms, Known

CURSOR = "cursor="
SOURCE = "_source"
TIMEOUT_SECONDS = 60.0
LEAST_SECRET = 4
"""What is shorter is no secret, and stands in any text."""
CREDENTIALS = ("authorization", "apikey", "accesstoken", "token", "secret", "password", "sig")
"""Names of headers and parameters, in lower case and letters alone, whose values are secrets."""
SCALARS = (str, int, float, Decimal, bool, Secret)


@dataclass(frozen=True, slots=True)
class RestSource:
    """An API; see :class:`polster.sources.source.Source`.

    Attributes:
        records: Path to the list of records in an answer.
        since: The cursor by which it is asked for what is new; None if it is read whole.
        since_param: The parameter that takes the cursor's value.
        total: Path to how many records there are; None if the API does not say.
    """

    url: str
    params: Mapping[str, str | Secret]
    login: Login
    records: str
    paging: Paging
    since: Since | None
    since_param: str | None
    total: str | None
    nested_as_text: bool
    keeps_raw: bool
    requests_per_second: float | None
    timeout: float

    @property
    def is_all(self) -> bool:
        """Tell whether it gives the same rows again each time."""
        return self.since is None

    def ask(self, known: Known) -> Iterable[Batch]:
        """Give all rows."""
        del known
        return [self.read(None)]

    def read(self, start: Any) -> Batch:
        """Give the rows whose cursor is ``start`` or more; all of them if it is None.

        Raises:
            AssetError: The API cannot be reached, refuses, or gives something else.
        """
        try:
            from polster.sources.rest_pages import Api
            from polster.sources.rest_rows import Rows
        except ImportError as error:
            raise AssetError(
                f"the API {self.url} cannot be asked: {error.name} is not installed",
                code="POL387",
                hint="pip install 'polster[rest]'",
            ) from error
        params = dict(self.params)
        if start is not None and self.since_param is not None:
            params[self.since_param] = _written(start)
        is_duration = self.since is not None and isinstance(self.since.overlap, str | timedelta)
        moments = self.since.column if self.since is not None and is_duration else None
        rows = Rows(self.nested_as_text, self.keeps_raw, moments)
        total: int | None = None
        api = None
        try:
            api = Api(
                self.url,
                params,
                self.login,
                requests_per_second=self.requests_per_second,
                timeout=self.timeout,
            )
            for number, page in enumerate(api.pages(self.paging, self.records), 1):
                if self.total is not None and number == 1:
                    total = page.number_at(self.total)
                rows.add(page.records, number)
            rows.end()
        except NoSecretError as error:
            raise AssetError(error.message, code="POL374", hint=error.hint) from error
        except UnicodeEncodeError as error:
            odd = ApiError("a header or its secret holds what no header can", code="POL386")
            raise self._failed(odd, ()) from error
        except ApiError as error:
            raise self._failed(error, () if api is None else api.secrets) from error
        finally:
            if api is not None:
                api.close()
        if not rows.count:
            return Batch(pl.LazyFrame(), rows=total)
        source = pl.lit(self.url).alias(SOURCE)
        forms = Forms(rows.frame(apart=True).with_columns(source), rows.columns.several)
        return Batch(rows.frame().with_columns(source), rows=total, forms=forms)

    def _failed(self, error: ApiError, secrets: Iterable[str]) -> AssetError:
        said = without_secrets(error.said)
        for secret in secrets:  # an API may quote what it was told
            if len(secret) >= LEAST_SECRET:
                said = said.replace(secret, "***")
        usual = {
            "POL382": "look whether it is up, and run it again later",
            "POL383": "look at the address, the parameters, and what the key may read",
            "POL384": "look at what it answers, and at records=",
        }
        verb = {"POL382": "cannot be reached", "POL383": "refuses"}.get(error.code, "answers amiss")
        return AssetError(
            f"the API {self.url} {verb}: {said}",
            code=error.code,
            hint=error.hint or usual.get(error.code),
        )


def rest(
    url: str,
    *,
    records: str = "",
    params: Mapping[str, str | float | Decimal | bool | Secret] | None = None,
    headers: Mapping[str, str | Secret] | None = None,
    bearer: Secret | None = None,
    basic: tuple[str, Secret] | None = None,
    oauth: OAuth | None = None,
    next: str | None = None,
    next_param: str | None = None,
    link_header: bool = False,
    page_param: str | None = None,
    first_page: int = 1,
    offset_param: str | None = None,
    cursor: str | None = None,
    since_param: str | None = None,
    overlap: str | float | Decimal | timedelta | None = None,
    initial: Any = None,
    total: str | None = None,
    nested: Literal["struct", "text"] = "struct",
    keep_raw: bool = False,
    requests_per_second: float | None = None,
    timeout: float = TIMEOUT_SECONDS,
) -> RestSource:
    """Read an API that answers with JSON, as what a bronze function returns.

    One page is asked for after the other, and again where that may help: after an error of the
    network, 429 and 5xx, as late as the API asks for (``Retry-After``). Nothing lands before all
    pages are there. Rows have ``_source``, the address.

    Args:
        url: Of the first page, without a query.
        records: Path to the list of records in an answer, such as ``data.items``; by default the
            answer is the list.
        params: Of the request; a value may be ``polster.secret("API_KEY")``.
        headers: Of the request, like the parameters.
        bearer: A token, such as ``polster.secret("API_TOKEN")``.
        basic: User and password.
        oauth: What a program asks a token with: ``sources.OAuth(token_url, client_id, secret)``.
        next: Path in an answer to the address of the next page, which is null or absent in the
            last one; with ``next_param``, to a token that this parameter takes.
        next_param: That parameter.
        link_header: Whether the header ``Link`` names the next page.
        page_param: The parameter that counts pages; the last page is one without records.
        first_page: What it begins with.
        offset_param: The parameter that counts records; the last page is one without records.
        cursor: With ``load="append"``, the field by which what is new is told; see
            :meth:`polster.RunContext.since`.
        since_param: The parameter that takes its greatest value that has landed, less the overlap.
        overlap: What is read once more, for records that turn up late. A duration such as ``"2h"``
            makes the cursor a moment, whose text is to be one of ISO 8601.
        initial: From where on to read as long as nothing has landed; all if it is not given.
        total: Path to how many records the API says that there are; nothing lands if others come.
        nested: Whether objects and lists in a record stay structs and lists, or become JSON text.
        keep_raw: Whether each row also holds the JSON of its record, in ``_raw``.
        requests_per_second: At most.
        timeout: Seconds without a byte after which a request is tried again.

    Raises:
        AssetError: An argument makes no sense.
        SinceError: Cursor, overlap or initial value make no sense.
    """
    given = {**(params or {})}
    _check_address(url)
    _check_credentials(given, headers or {}, bearer, basic)
    if oauth is not None:
        _check_address(oauth.token_url)
        if not isinstance(oauth.client_secret, Secret):
            raise _in_code("client_secret")
    if wrong := [name for name, value in given.items() if not isinstance(value, SCALARS)]:
        raise _wrong(f"the parameter `{wrong[0]}` is no text and no number", "write it as text")
    ways = {
        "next": next is not None,
        "link_header": link_header,
        "page_param": page_param is not None,
        "offset_param": offset_param is not None,
    }
    if len(chosen := [name for name, is_chosen in ways.items() if is_chosen]) > 1:
        raise _wrong(
            f"{' and '.join(f'`{name}`' for name in chosen)} are two ways to the next page",
            "leave one out",
        )
    if next_param is not None and next is None:
        raise _wrong("`next_param` is about `next`", "let next= name what the parameter takes")
    if nested not in ("struct", "text"):
        raise _wrong(f"`nested` is {nested!r}", 'write nested="struct" or nested="text"')
    if (cursor is None) is not (since_param is None):
        raise _wrong(
            "`cursor` and `since_param` belong together",
            'write both, such as cursor="updated_at", since_param="updated_since"',
        )
    if cursor is None and (overlap is not None or initial is not None):
        raise _wrong("`overlap` and `initial` are about a cursor", 'write cursor="updated_at", too')
    for name, number in (("requests_per_second", requests_per_second), ("timeout", timeout)):
        if number is not None and not number > 0:
            raise _wrong(f"`{name}` is {number}", "write a number above 0")
    return RestSource(
        url,
        {
            name: value if isinstance(value, Secret) else _written(value)
            for name, value in given.items()
        },
        Login(dict(headers or {}), bearer, basic, oauth),
        records,
        Paging(next, next_param, link_header, page_param, first_page, offset_param),
        Since(cursor, overlap, initial, CURSOR) if cursor is not None else None,
        since_param,
        total,
        nested == "text",
        keep_raw,
        requests_per_second,
        timeout,
    )


def _check_address(url: str) -> None:
    parts = urlsplit(url)
    shown = without_secrets(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise _wrong(f"`{shown}` is no address of an API", "begin it with https://")
    if parts.username is not None or parts.password is not None:
        raise _wrong(
            "credentials stand in the address",
            'write basic=("user", polster.secret("API_PASSWORD"))',
        )
    if parts.query or parts.fragment:
        names = ", ".join(name for name, _ in parse_qsl(parts.query, keep_blank_values=True))
        raise _wrong(
            f"the address ends with a query{f' ({names})' if names else ''}",
            'write it as params={"name": "value"}',
        )


def _check_credentials(
    params: Mapping[str, object],
    headers: Mapping[str, object],
    bearer: object,
    basic: tuple[str, object] | None,
) -> None:
    for name, value in (*params.items(), *headers.items()):
        plain = "".join(char for char in name.lower() if char.isalpha())
        if not isinstance(value, Secret) and plain.removeprefix("x").endswith(CREDENTIALS):
            raise _in_code(name)
    if bearer is not None and not isinstance(bearer, Secret):
        raise _in_code("bearer")
    if basic is not None and not (len(basic) == 2 and isinstance(basic[1], Secret)):
        raise _in_code("basic")


def _in_code(name: str) -> AssetError:
    return _wrong(
        f"`{name}` is a text, and would stand in the code",
        'write polster.secret("API_TOKEN"), and put it into the environment',
    )


def _written(value: object) -> str:
    """Return a value as a parameter has it."""
    match value:
        case bool():
            return "true" if value else "false"
        case datetime() if value.tzinfo is not None:
            return value.astimezone(UTC).isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
    return str(value)


def _wrong(message: str, hint: str) -> AssetError:
    return AssetError(f"`rest`: {message}", code="POL386", hint=hint)
