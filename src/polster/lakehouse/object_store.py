"""What is asked of an object store beside its tables, by ``obstore``, which not everybody has.

It finds keys in the environment, as delta-rs and Polars do, but not in profiles: where it is not
let in, or is not there, the way by delta-rs remains, which takes more requests.
"""

from __future__ import annotations

import os
from datetime import timedelta
from typing import TYPE_CHECKING

from polster.lakehouse.store import Store

if TYPE_CHECKING:
    from obstore.store import ClientConfig, ObjectStore, RetryConfig

RETRY: RetryConfig = {"max_retries": 3, "retry_timeout": timedelta(seconds=30)}
TIMEOUT = "15s"
ALLOW_HTTP = ("aws_allow_http", "azure_allow_http", "azure_storage_use_emulator")
"""Variables that let a store be reached without encryption, as in tests."""
_reached: dict[tuple[tuple[str, str], ...], ObjectStore | None] = {}
"""By the root of a lakehouse and its options; None where it is not let in."""


def reach(store: Store) -> ObjectStore:
    """Return a client of the store; nothing is asked of it yet.

    Raises:
        ImportError: ``obstore`` is not installed.
        ValueError: It does not know such a store; or a ``BaseError`` of ``obstore``.
    """
    from obstore.store import from_url

    own = {name: value for name, value in store.options.items() if name.upper() not in os.environ}
    endpoint = store.options.get("aws_endpoint_url", "")
    is_plain = endpoint.startswith("http://") or any(store.options.get(n) for n in ALLOW_HTTP)
    client: ClientConfig = {"allow_http": is_plain, "timeout": TIMEOUT}
    reached: ObjectStore = from_url(
        f"{store.root}/",
        config=own,  # type: ignore[call-overload]
        client_options=client,
        retry_config=RETRY,
    )
    return reached


def sizes_below(store: Store, folder: str) -> dict[str, int] | None:
    """Return the bytes of each file in a folder by name, in a request or a few; None if it cannot.

    Args:
        store: Of a lakehouse.
        folder: Its URL, in that lakehouse.
    """
    key = (("", store.root), *sorted(store.options.items()))
    if key not in _reached:
        try:
            _reached[key] = reach(store)
        except Exception:  # the way by delta-rs remains, and says what is wrong
            _reached[key] = None
    client = _reached[key]
    if client is None:
        return None
    try:
        pages = client.list(folder.removeprefix(store.root).lstrip("/"))
        return {each["path"].rpartition("/")[2]: each["size"] for page in pages for each in page}
    except Exception:  # as above
        _reached[key] = None
        return None
