"""Names that a user chooses: are they fit for files, modules and packages?"""

from __future__ import annotations

import builtins
import keyword
import re

from polster.errors import UsageError
from polster.model.asset import NAME_LENGTH, AssetKey, name_problem

PROJECT_NAME = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9_-]*[A-Za-z0-9])?")
PROJECT_NAME_LENGTH = 100
PACKAGES = frozenset({"dataframely", "deltalake", "polars", "polster", "pytest"})
"""Packages that a project needs, so it cannot be one of them."""

IMPORTED = frozenset({"UTC", "bronze", "core", "datetime", "dy", "gold", "pl", "polster", "silver"})
"""Names that the files of assets import."""

LOCAL = IMPORTED | {"Path", "asset", "monkeypatch", "returned", "rows"}
"""Names that the generated tests use; a dependency of such a name is written with its layer."""


def check_project_name(name: str) -> None:
    """Refuse a name that cannot be a folder's and a package's.

    Raises:
        UsageError: Says why, and what to write instead.
    """
    if "/" in name or "\\" in name:
        raise UsageError(
            f"`{name}` is a path, but a project is made in the current folder",
            code="POL504",
            hint="go to the folder first, then: polster init my_project",
        )
    if not PROJECT_NAME.fullmatch(name):
        raise UsageError(
            f"`{name}` cannot be the name of a project: letters a to z, digits, `-` and `_`, "
            "a letter or digit first and last",
            code="POL504",
            hint=f"such as: polster init {_fitting(name) or 'my_project'}",
        )
    if len(name) > PROJECT_NAME_LENGTH:
        raise UsageError(f"the name is longer than {PROJECT_NAME_LENGTH} characters", code="POL504")
    if name.lower() in PACKAGES:
        raise UsageError(
            f"`{name}` is a package that every project needs, so a project cannot be called so",
            code="POL504",
            hint=f"such as: polster init {name}_project",
        )


def check_asset_name(key: AssetKey) -> None:
    """Refuse a name that a new asset cannot have.

    Raises:
        UsageError: Says why, and what to write instead.
    """
    name = key.name
    if problem := name_problem(name):
        fitting = _fitting(name).replace("-", "_").lower()
        usable = name_problem(fitting) is None
        raise UsageError(
            f"the name `{name}` {problem}",
            code="POL209",
            hint=f"such as: --name {fitting if usable else 'clean_logs'}",
        )
    if name in IMPORTED:
        raise UsageError(
            f"the name `{name}` is one that the files of assets import",
            code="POL209",
            hint=f"such as: --name {name}_table",
        )
    rest = name.removeprefix(f"{key.layer}_")
    if rest != name:
        raise UsageError(
            f"the name `{name}` repeats the layer: the asset would be `{key}`",
            code="POL209",
            hint=f"leave the layer out: --name {rest}" if rest else None,
        )


def contract_name(name: str) -> str:
    """Return the name of the contract class of an asset.

    >>> contract_name("clean_logs")
    'CleanLogs'
    >>> contract_name("value_error")
    'ValueErrorRow'
    """
    camel = "".join(part[:1].upper() + part[1:] for part in name.split("_"))
    return f"{camel}Row" if hasattr(builtins, camel) or keyword.iskeyword(camel) else camel


def _fitting(name: str) -> str:
    """Return what is left of ``name`` when everything odd becomes an underscore."""
    plain = re.sub(r"[^A-Za-z0-9_-]+", "_", name.strip())
    return plain.strip("_-")[:NAME_LENGTH]
