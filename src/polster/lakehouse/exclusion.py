"""Whether an object store keeps writers apart: whether it refuses to write what is there.

Each commit is a file with a number. Of two writers of one number the second is to be refused, which
is asked of the store by a condition of the request. Some that speak the language of S3 pass over
it; there, two runs would publish over each other, and one be lost without a word.
"""

from __future__ import annotations

import json
from contextlib import suppress
from datetime import UTC, datetime
from secrets import token_hex

from polster.errors import LakehouseError
from polster.lakehouse.object_store import reach
from polster.lakehouse.store import Store
from polster.model.secrets import without_secrets

FOLDER, NAME = "_polster", "exclusion.json"
KEEPS_APART = "keeps_writers_apart"
ENDPOINTS = ("aws_endpoint_url", "aws_endpoint_url_s3", "aws_endpoint")
"""Variables that let another store than Amazon's answer to ``s3://``."""


def keeps_apart(store: Store) -> bool:
    """Tell whether a lakehouse may have several writers; what is not known is asked once.

    Folders, Amazon, Microsoft and Google are known to keep them apart.

    Raises:
        LakehouseError: The store cannot be reached, or ``obstore`` is not installed.
    """
    if not any(name in store.options for name in ENDPOINTS) or not store.root.startswith("s3"):
        return True
    known = _remembered(store)
    return ask(store) if known is None else known


def _remembered(store: Store) -> bool | None:
    lines = store.read_lines(store.uri(FOLDER), NAME)
    with suppress(ValueError, KeyError, TypeError):
        found: bool = json.loads("".join(lines or ()))[KEEPS_APART]
        return found
    return None


def ask(store: Store) -> bool:
    """Ask the store, and remember its answer in the lakehouse.

    Raises:
        LakehouseError: It cannot be reached, or ``obstore`` is not installed.
    """
    try:
        from obstore import delete, put
        from obstore.exceptions import AlreadyExistsError, BaseError
    except ImportError as error:
        raise LakehouseError(
            "whether the store keeps writers apart can be asked with obstore alone, which is not "
            "installed",
            code="POL425",
            place=store.root,
            hint="pip install 'polster[object-store]'",
        ) from error
    name = f"{FOLDER}/probe-{token_hex(8)}"
    try:
        reached = reach(store)
        put(reached, name, b"1", mode="create")
        try:
            put(reached, name, b"2", mode="create")
        except AlreadyExistsError:
            answer = True
        else:
            answer = False
        finally:
            delete(reached, name)
    except (BaseError, ValueError) as error:
        raise LakehouseError(
            f"the store cannot be reached: {_said(error)}",
            code="POL401",
            place=store.root,
            hint="check the address, the network, and the keys in the environment or in .env",
        ) from error
    at = datetime.now(UTC).isoformat(timespec="seconds")
    store.write_text(store.uri(FOLDER), NAME, json.dumps({KEEPS_APART: answer, "asked_at": at}))
    return answer


def _said(error: Exception) -> str:
    return without_secrets(str(error).strip().partition("\n")[0])
