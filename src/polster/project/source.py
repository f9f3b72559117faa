"""Reading and parsing the files of a project, quietly, and each of them once."""

from __future__ import annotations

import ast
import gc
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path


def parse(path: Path, *, name: str | None = None) -> ast.Module:
    """Parse the Python file at ``path``.

    What Python would warn of, such as an old escape in a string, it says when the file is
    imported; here it is not said, and no filter makes an error of it.

    Args:
        path: Which file.
        name: How it is called in errors.

    Raises:
        SyntaxError: It is not valid Python.
        ValueError: It holds a null byte.
        OSError: It cannot be read.
    """
    return parsed(path.read_bytes(), name or str(path))


def parsed(content: bytes, name: str) -> ast.Module:
    """Parse the bytes of a Python file, as :func:`parse` does.

    Raises:
        SyntaxError: It is not valid Python.
        ValueError: It holds a null byte.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return ast.parse(content, filename=name)
        except (RecursionError, MemoryError) as error:
            raise SyntaxError("it is nested too deeply") from error


@dataclass(slots=True)
class SourceFiles:
    """Files of which several readers want the syntax tree: each is read and parsed once.

    The trees are kept until they are forgotten, so it is for one command, not for a server.
    Nobody may change a tree.
    """

    _contents: dict[Path, bytes] = field(default_factory=dict)
    _trees: dict[Path, ast.Module] = field(default_factory=dict)

    def content(self, path: Path) -> bytes:
        """Return the bytes of a file, as they were when somebody first asked.

        Raises:
            OSError: It cannot be read.
        """
        found = self._contents.get(path)
        if found is None:
            found = self._contents[path] = path.read_bytes()
        return found

    def parse(self, path: Path, *, name: str | None = None) -> ast.Module:
        """Parse a file, as :func:`parse` does."""
        tree = self._trees.get(path)
        if tree is None:
            tree = self._trees[path] = parsed(self.content(path), name or str(path))
        return tree

    def forget(self) -> None:
        """Let go of everything: Python would look through it all once more when it ends."""
        self._contents.clear()
        self._trees.clear()


@contextmanager
def nothing_to_collect() -> Iterator[None]:
    """Hold Python's search for circular garbage: code is many objects, and all are in use.

    The search took two fifths of the time. What was read meanwhile counts as old afterwards, so
    that it is not searched at once.
    """
    if not gc.isenabled():
        yield
        return
    gc.disable()
    try:
        yield
    finally:
        if not gc.get_freeze_count():  # what was frozen stays so
            gc.freeze()
            gc.unfreeze()
        gc.enable()
