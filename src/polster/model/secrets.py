"""Keeping credentials out of every text that leaves: shown, logged or recorded."""

from __future__ import annotations

import re

HIDDEN = "***"
_NO_URL = r"\s\"'<>`"
_USER = re.compile(
    rf"(\b[a-zA-Z][a-zA-Z0-9+.-]*://)"
    rf"[^{_NO_URL}/:@]*:(?!\d+(?:[/?#{_NO_URL}]|$))[^{_NO_URL}]+@"
)
"""``user:password@``, up to the last ``@``: a password may hold another, or a slash, as keys of
Amazon do. A port is no password."""
_TOKEN = re.compile(rf"(\bhttps?://)[^{_NO_URL}/:@]+@")
"""``token@``; of other schemes, what stands there is a container or a user."""
_PARAMETER = re.compile(
    rf"([?&;][\w.-]*(?:sig|signature|token|secret|password|passwd|pwd|credential|key|keyid)=)"
    rf"[^{_NO_URL}&;\\]+",
    re.IGNORECASE,
)
"""A parameter of a URL or of a connection string: the signature of a SAS token, say."""
_ACCOUNT = re.compile(
    rf"\b((?:AccountKey|SharedAccessKey|SharedAccessSignature)=)[^{_NO_URL};]+", re.IGNORECASE
)


def without_secrets(text: str) -> str:
    """Return ``text`` with the credentials in URLs hidden; the rest of each URL stays.

    >>> without_secrets("cannot reach s3://KEY:a/b+c@lake/prod?x=1&sig=abc")
    'cannot reach s3://***@lake/prod?x=1&sig=***'
    >>> without_secrets("abfss://prod@acme.dfs.core.windows.net and http://127.0.0.1:9000/a@b")
    'abfss://prod@acme.dfs.core.windows.net and http://127.0.0.1:9000/a@b'
    """
    if "://" in text:
        text = _USER.sub(rf"\1{HIDDEN}@", text)
        text = _TOKEN.sub(rf"\1{HIDDEN}@", text)
    if "=" in text:
        text = _PARAMETER.sub(rf"\1{HIDDEN}", text)
        text = _ACCOUNT.sub(rf"\1{HIDDEN}", text)
    return text
