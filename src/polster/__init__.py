"""Polster: data pipelines that enforce the medallion architecture.

What a project's code needs is here; everything else is the command ``polster``.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from polster._version import __version__
from polster.decorators import AssetFunction, bronze, gold, silver
from polster.errors import PolsterError
from polster.model.context import RunContext
from polster.model.expect import Expect
from polster.model.secret import secret
from polster.project.import_path import put_script_on_path

if TYPE_CHECKING:
    from polster.changes import history, latest

__all__ = [
    "AssetFunction",
    "Expect",
    "PolsterError",
    "RunContext",
    "__version__",
    "bronze",
    "gold",
    "history",
    "latest",
    "secret",
    "silver",
]

put_script_on_path()


def __getattr__(name: str) -> Any:
    """Load what needs Polars when it is asked for: a command may do without."""
    if name in ("history", "latest"):
        return getattr(import_module("polster.changes"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
