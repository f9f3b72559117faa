"""Parsing a file of the project, quietly."""

from __future__ import annotations

import ast
import warnings
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
    content = path.read_bytes()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return ast.parse(content, filename=name or str(path))
