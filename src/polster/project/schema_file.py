"""The columns of bronze as they are committed beside the code: ``schemas/bronze.json``.

Without them, a machine that has no tables, such as one of a CI, could not say what a bronze table
without a contract holds.
"""

from __future__ import annotations

import json
import os
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from importlib import import_module
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

from polster.errors import SettingsError
from polster.model.asset import AssetKey
from polster.model.layer import Layer

SCHEMA_FILE = "schemas/bronze.json"

Columns = Mapping[str, str]
"""Type by name, as Polars shows the types."""


def read_schema_file(root: Path) -> dict[AssetKey, dict[str, str]]:
    """Read the columns of each bronze table that the project in ``root`` keeps; few or none.

    Raises:
        SettingsError: The file is there and says something else.
    """
    try:
        text = (root / SCHEMA_FILE).read_text(encoding="utf-8-sig")
        return dict(_entries(json.loads(text, object_pairs_hook=_without_twins)))
    except FileNotFoundError:
        return {}
    except (OSError, RecursionError, ValueError) as error:
        raise damaged(str(error)) from error


def damaged(why: str) -> SettingsError:
    """Return the error for a file that does not say what it should."""
    return SettingsError(
        f"the columns of bronze cannot be read: {why}",
        code="POL107",
        place=SCHEMA_FILE,
        hint=f"delete {SCHEMA_FILE}, and write it anew with: polster run",
    )


def update_schema_file(
    root: Path, found: Mapping[AssetKey, Columns], assets: Collection[AssetKey]
) -> bool:
    """Keep the columns ``found``, and forget every asset that is not among ``assets``.

    What others wrote meanwhile stays. Whoever reads meanwhile reads the old file or the new one.

    Args:
        root: The project's folder.
        found: Of some bronze assets or all.
        assets: Every asset that the project has.

    Returns:
        Whether anything had to be written.

    Raises:
        SettingsError: The file is damaged; it is left as it is.
        OSError: The file cannot be written.
    """
    if updated_schema_file(root, found, assets) is None:
        return False
    path = root / SCHEMA_FILE
    path.parent.mkdir(exist_ok=True)
    with _alone(path.parent):
        text = updated_schema_file(root, found, assets)
        if text is not None:
            _replace(path, text)
    return text is not None


def updated_schema_file(
    root: Path, found: Mapping[AssetKey, Columns], assets: Collection[AssetKey]
) -> str | None:
    """Return what the file says once it is updated; None if it says that already.

    Raises:
        SettingsError: The file is damaged.
    """
    known = read_schema_file(root)
    kept = {key: columns for key, columns in known.items() if key in assets}
    # columns keep their order, which may differ from one lakehouse to the next
    updated = kept | {key: _in_order(found[key], kept.get(key, {})) for key in found}
    return None if updated == known else _text(updated)


def _in_order(columns: Columns, before: Columns) -> dict[str, str]:
    first = [name for name in before if name in columns]
    return {name: columns[name] for name in dict.fromkeys([*first, *columns])}


def _text(tables: Mapping[AssetKey, Columns]) -> str:
    """Write one line a column, sorted by asset, so that a difference is a line."""
    named = {str(key): tables[key] for key in sorted(tables)}
    return json.dumps(named, indent=2, ensure_ascii=False) + "\n"


def _entries(written: Any) -> Iterator[tuple[AssetKey, dict[str, str]]]:
    if not isinstance(written, dict):
        raise ValueError("it is no object of tables")
    for name, columns in written.items():
        key = AssetKey.parse(name)
        if key is None or key.layer is not Layer.BRONZE:
            raise ValueError(f"`{name}` is no bronze asset")
        if not isinstance(columns, dict) or not all(isinstance(t, str) for t in columns.values()):
            raise ValueError(f"the columns of `{name}` are no object of types")
        "".join(columns).encode()  # halves of characters are no text
        yield key, columns


def _without_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        twins = {name for name, _ in pairs if [other for other, _ in pairs].count(name) > 1}
        raise ValueError(f"named twice: {', '.join(sorted(twins))}")
    return found


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Let one process at a time change what is in ``folder``, where the system can say so."""
    handle = os.open(folder, os.O_RDONLY) if os.name == "posix" else None
    try:
        if handle is not None:
            locks: Any = import_module("fcntl")
            with suppress(OSError):  # a network file system, say; the last one to write wins then
                locks.flock(handle, locks.LOCK_EX)
        yield
    finally:
        if handle is not None:
            os.close(handle)


def _replace(path: Path, text: str) -> None:
    mode = path.stat().st_mode & 0o777 if path.exists() else 0o644
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=".bronze-", delete=False
    ) as file:
        try:
            file.write(text)
            file.close()
            Path(file.name).chmod(mode)
            Path(file.name).replace(path)
        except OSError:
            Path(file.name).unlink(missing_ok=True)
            raise
