"""Passwords, keys and tokens that are written into the code.

Nothing here repeats what it found: a message is read by more people than the code.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from polster.checks.habits.known import COLUMN_METHODS
from polster.checks.habits.sighting import EVERY_LAYER, Sighting
from polster.checks.habits.unit import Text
from polster.model.finding import Severity

SHORTEST = 6
NAME = re.compile(
    r"(^|[_\-.])(pass(word|wd|phrase)|pwd|(client_?)?secret|(auth_?|access_?|api_?|bearer_?)?token"
    r"|(secret_?)?(api|access|account|private|auth)_?key|secret_access_key|credentials?)$",
    re.IGNORECASE,
)
PASSWORD = re.compile(r"(pass(word|wd|phrase)|pwd)$", re.IGNORECASE)
ENVIRONMENT_NAME = re.compile(r"[A-Z][A-Z0-9]*(_[A-Z0-9]+)+")
PLAIN_NAME = re.compile(r"[a-z]+([_\-.][a-z]+)*|[A-Za-z]+")
PLACEHOLDER = re.compile(
    r"[$<{%*]|x{3,}|\.{3}|…|change[ _-]?me|your[ _-]|placeholder|example|dummy|redacted|"
    r"not[ _-]?set|replace[ _-]|none$|todo",
    re.IGNORECASE,
)

USER_INFO = re.compile(r"\b[a-z][a-z0-9+.\-]*://[^\s/:@{}$<>]*:(?P<password>[^\s/@{}$<>]+)@")
SHAPES = (
    (re.compile(r"\b(AKIA|ASIA)[0-9A-Z]{16}\b"), "an access key of AWS"),
    (re.compile(r"-----BEGIN ([A-Z0-9]+ )*PRIVATE KEY-----"), "a private key"),
    (re.compile(r"\b(gh[pousr]_|github_pat_|glpat-)[A-Za-z0-9_\-]{20,}"), "an access token"),
    (re.compile(r"\bxox[abeprs]-[A-Za-z0-9\-]{10,}"), "an access token"),
    (re.compile(r"\b[rs]k_live_[A-Za-z0-9]{16,}"), "a secret key"),
    (re.compile(r"\bAccountKey=[A-Za-z0-9+/]{20,}"), "an account key of Azure"),
    (re.compile(r"[?&]sig=[A-Za-z0-9%+/]{20,}"), "a signed address"),
)
STAND_INS = frozenset({"password", "passwd", "pass", "pwd", "secret"})


def credential(text: Text) -> str | None:
    """Say which kind of credential a text is, in words that do not give it away; None if none.

    A word that is a column's name, a variable's name or a placeholder is none.
    """
    for shape, kind in SHAPES:
        if (found := shape.search(text.value)) and not PLACEHOLDER.search(found[0]):
            return kind
    for found in USER_INFO.finditer(text.value):
        word = found["password"]
        if word.lower() not in STAND_INS and not PLACEHOLDER.search(word):
            return "an address with a password"
    return _by_name(text)


def credentials(texts: list[Text]) -> Iterator[Sighting]:
    """Yield the texts that are credentials: POL602, in every layer."""
    for text in texts:
        kind = credential(text)
        if kind is not None:
            yield Sighting(
                "POL602",
                text.node.lineno,
                text.node.col_offset,
                f"holds {kind}",
                'put it into `.env`, which git ignores, and read it with `os.environ["…"]`; '
                "whoever has seen the code knows it, so replace it at its source",
                Severity.ERROR,
                EVERY_LAYER,
            )


def _by_name(text: Text) -> str | None:
    name, value = text.name, text.value
    if name is None or text.is_compared or not NAME.search(name):
        return None
    if len(value) < SHORTEST or re.search(r"\s|://", value) or PLACEHOLDER.search(value):
        return None
    if ENVIRONMENT_NAME.fullmatch(value):
        return None
    is_word = PLAIN_NAME.fullmatch(value) is not None
    if is_word and (text.in_dict or not value.isalpha() or not PASSWORD.search(name)):
        return None
    if is_word and value.lower() in STAND_INS:
        return None
    method = getattr(text.call.func, "attr", None) if text.call is not None else None
    if method in COLUMN_METHODS:
        return None
    return f"a credential, `{name}`"
