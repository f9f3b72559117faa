"""Polster: data pipelines that enforce the medallion architecture.

What a project's code needs is here; everything else is the command ``polster``.
"""

from polster._version import __version__
from polster.decorators import AssetFunction, bronze, gold, silver
from polster.errors import PolsterError
from polster.model.context import RunContext
from polster.model.expect import Expect
from polster.project.import_path import put_script_on_path

__all__ = [
    "AssetFunction",
    "Expect",
    "PolsterError",
    "RunContext",
    "__version__",
    "bronze",
    "gold",
    "silver",
]

put_script_on_path()
