"""Files of ``.polster_cache``: read whole, written whole, never trusted.

One line an entry, each with a digest of itself; the first line says for what all of them hold.
Whatever is not as it should be counts as nothing.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

FOLDER = ".polster_cache"
DIGEST_SIZE = 16


def read_kept(root: Path, name: str) -> list[Any]:
    """Read the lines of a file that the project in ``root`` keeps.

    Raises:
        OSError: It cannot be read, such as because there is none.
        ValueError: It is damaged.
    """
    lines = (root / FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [json.loads(_checked(line)) for line in lines]


def keep(root: Path, name: str, lines: Iterable[Any]) -> None:
    """Keep values that JSON can hold, one a line; where nothing can be written, nothing is.

    Whoever reads meanwhile reads the old file or the new one, never a part.
    """
    folder = root / FOLDER
    with suppress(OSError):
        folder.mkdir(exist_ok=True)
        ignore = folder / ".gitignore"
        if not ignore.exists():
            ignore.write_text("*\n", encoding="utf-8")
        _replace(folder / name, map(_line, lines))


def digest(content: bytes) -> str:
    """Return what tells these bytes from others."""
    return hashlib.blake2b(content, digest_size=DIGEST_SIZE).hexdigest()


def _replace(path: Path, lines: Iterable[str]) -> None:
    with NamedTemporaryFile(
        "w", encoding="utf-8", newline="\n", dir=path.parent, prefix=f"{path.name}-", delete=False
    ) as file:
        try:
            file.writelines(f"{line}\n" for line in lines)
            file.close()
            os.replace(file.name, path)  # noqa: PTH105 - as atomic as it gets
        except OSError:
            with suppress(OSError):
                Path(file.name).unlink()
            raise


def _line(written: Any) -> str:
    text = json.dumps(written, separators=(",", ":"))
    return f"{digest(text.encode())} {text}"


def _checked(line: str) -> str:
    said, _, text = line.partition(" ")
    if said != digest(text.encode()):
        raise ValueError("a damaged line")
    return text
