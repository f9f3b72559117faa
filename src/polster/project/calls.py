"""Where a function calls a method, as far as its source says."""

from __future__ import annotations

import ast
from collections.abc import Callable, Collection
from pathlib import Path
from typing import Any


def line_of_call(function: Callable[..., Any], methods: Collection[str]) -> int | None:
    """Return the line of the one call of any of ``methods`` in a function.

    None if there are several, if there is none, or if its file cannot be read.
    """
    code = getattr(function, "__code__", None)
    try:
        tree = ast.parse(Path(code.co_filename).read_bytes()) if code else None
    except (OSError, SyntaxError, ValueError):
        return None
    found = {
        each.func.end_lineno
        for within in ast.walk(tree or ast.Module([], []))
        if isinstance(within, ast.FunctionDef) and code and _is_it(within, code.co_firstlineno)
        for each in ast.walk(within)
        if isinstance(each, ast.Call)
        and isinstance(each.func, ast.Attribute)
        and each.func.attr in methods
    }
    return found.pop() if len(found) == 1 else None


def _is_it(function: ast.FunctionDef, line: int) -> bool:
    starts = [function.lineno, *(each.lineno for each in function.decorator_list)]
    return min(starts) == line
