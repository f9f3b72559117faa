"""What Polster needs of deltalake and deltalake does not promise; nothing else asks for it.

``deltalake._internal.DeltaFileSystemHandler`` deletes and writes files of an object store; the
public way to it, ``deltalake.fs``, wants PyArrow. Files that were staged and not published are
deleted by it. Without it they would pile up unseen, so Polster then refuses to open a lakehouse in
an object store. A lakehouse in a folder does not need it.

The tests beside it say what it must do; they fail by name when a version no longer does it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from contextlib import suppress
from typing import Any

import deltalake
from deltalake import _internal
from deltalake.exceptions import DeltaError

from polster._version import __version__
from polster.errors import LakehouseError

HANDLER = "DeltaFileSystemHandler"


def check_can_delete(root: str) -> None:
    """Check that files can be deleted from an object store, before any is written there.

    Raises:
        LakehouseError: This version of deltalake has no way to.
    """
    if _handler() is None:
        version = deltalake.__version__
        raise LakehouseError(
            f"Polster {__version__} does not know how deltalake {version} deletes files "
            "from an object store",
            code="POL900",
            place=root,
            hint=f"install an earlier one: pip install 'deltalake<{version}'",
        )


def delete_from_store(folder: str, names: Iterable[str], options: Mapping[str, str]) -> None:
    """Delete files below ``folder``; a file or a store that is not there is fine."""
    handler = _handler()
    with suppress(OSError, DeltaError):  # a store that was never there holds no file, either
        files = handler(folder, dict(options))
        for name in names:
            with suppress(OSError):
                files.delete_file(name)


def write_to_store(folder: str, name: str, data: bytes, options: Mapping[str, str]) -> None:
    """Write a file below ``folder`` of an object store."""
    with _handler()(folder, dict(options)).open_output_stream(name, None) as stream:
        stream.write(data)


def _handler() -> Any:
    return getattr(_internal, HANDLER, None)
