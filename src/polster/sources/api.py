"""What an API is asked, and who asks: values, which load nothing that talks."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polster.model.secret import Secret


class ApiError(Exception):
    """An API does not give what it is asked for.

    Args:
        said: What is wrong, without secrets.
        hint: How to mend it; empty for the usual one.
        code: Of the error that is made of it.
    """

    def __init__(self, said: str, hint: str = "", *, code: str) -> None:
        super().__init__(said)
        self.said = said
        self.hint = hint
        self.code = code


@dataclass(frozen=True, slots=True)
class OAuth:
    """A login by which a program gets a token for itself: OAuth 2.0's client credentials.

    Attributes:
        token_url: Where it is asked for.
        scope: What for, if the API wants to know.
    """

    token_url: str
    client_id: str
    client_secret: Secret
    scope: str | None = None


@dataclass(frozen=True, slots=True)
class Paging:
    """How one page leads to the next; at most one of these is given.

    Attributes:
        next: Path in an answer to the next page's address; or to what ``next_param`` is to be.
        next_param: The parameter that takes it.
        link_header: Whether the header ``Link`` names the next page.
        page_param: The parameter that counts pages.
        first_page: Its first value.
        offset_param: The parameter that counts the records that came.
    """

    next: str | None = None
    next_param: str | None = None
    link_header: bool = False
    page_param: str | None = None
    first_page: int = 1
    offset_param: str | None = None


@dataclass(frozen=True, slots=True)
class Login:
    """Who asks.

    Attributes:
        headers: Values that are texts, or secrets.
        basic: User and password.
    """

    headers: Mapping[str, str | Secret] = field(default_factory=dict)
    bearer: Secret | None = None
    basic: tuple[str, Secret] | None = None
    oauth: OAuth | None = None
