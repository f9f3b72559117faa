"""A lakehouse in Azure Data Lake Storage by variables alone, such as ``STORAGE_BACKEND=adls``."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from polster.errors import UsageError, nearest

VARIABLE = "STORAGE_BACKEND"
LOCAL, ADLS = "local", "adls"
PREFIX = "ADLS_"
CONTAINER, PATH = "ADLS_CONTAINER", "ADLS_PATH"
OPTIONS = {
    "ADLS_ACCOUNT_NAME": "azure_storage_account_name",
    "ADLS_ACCOUNT_KEY": "azure_storage_account_key",
    "ADLS_SAS_TOKEN": "azure_storage_sas_token",
    "ADLS_TENANT_ID": "azure_storage_tenant_id",
    "ADLS_CLIENT_ID": "azure_storage_client_id",
    "ADLS_CLIENT_SECRET": "azure_storage_client_secret",
}
"""What each variable is to delta-rs and Polars."""
NEEDED = (CONTAINER, "ADLS_ACCOUNT_NAME")


def in_storage_backend(root: Path, project: str | None) -> tuple[str, Mapping[str, str]] | None:
    """Return where the variables say that the lakehouse lies, and the keys to it; None if nowhere.

    Args:
        root: The project's folder.
        project: Its name, which is the path in the container unless ``ADLS_PATH`` is set.

    Raises:
        UsageError: They make no sense, or one is missing.
    """
    backend = os.environ.get(VARIABLE) or LOCAL
    if backend == LOCAL:
        return None
    place = str(root / ".env")
    if backend != ADLS:
        raise UsageError(
            f"`{VARIABLE}={backend}` is no way of storing that Polster knows",
            code="POL116",
            place=place,
            hint=f"{LOCAL}, or {ADLS}; for other object stores write their URL into the settings: "
            'lakehouse = "s3://bucket/shop"',
        )
    given = {name: value for name, value in os.environ.items() if name.startswith(PREFIX) and value}
    known = (CONTAINER, PATH, *OPTIONS)
    for name in given:
        if name not in known:
            close = nearest(name, known)
            raise UsageError(
                f"`{VARIABLE}={ADLS}` knows no variable {name}",
                code="POL116",
                place=place,
                hint=f"did you mean {close}?" if close else f"the variables: {', '.join(known)}",
            )
    path = (given.get(PATH) or project or "").strip("/")
    missing = [name for name in NEEDED if name not in given] + ([] if path else [PATH])
    if missing:
        raise UsageError(
            f"`{VARIABLE}={ADLS}` needs {' and '.join(missing)}, which "
            f"{'is' if len(missing) == 1 else 'are'} not set",
            code="POL116",
            place=place,
            hint="set them in the shell, in your CI's secrets or in .env",
        )
    options = {option: given[name] for name, option in OPTIONS.items() if name in given}
    return f"az://{given[CONTAINER]}/{path}", options
