"""Importing the user's code, when an asset has to run."""

from __future__ import annotations

import importlib
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any

from polster.decorators import AssetFunction
from polster.errors import AssetError
from polster.model.asset import Asset
from polster.project.discovery import SOURCE_FOLDER


@dataclass(frozen=True, slots=True)
class LoadedAsset:
    """An asset with its imported function.

    Attributes:
        asset: What the source says.
        function: What the decorator returned.
    """

    asset: Asset
    function: AssetFunction[..., Any]


def put_on_path(root: Path) -> None:
    """Make ``from core.tax import RATE`` work, and drop modules of another project."""
    source = str(root / SOURCE_FOLDER)
    if source not in sys.path:
        sys.path.insert(0, source)
    package = sys.modules.get("core")
    folders = [str(folder) for folder in getattr(package, "__path__", [])]
    if package is not None and str(root / SOURCE_FOLDER / "core") not in folders:
        for name in [name for name in sys.modules if name.split(".")[0] == "core"]:
            del sys.modules[name]
        sys.path.remove(source)
        sys.path.insert(0, source)


def load_asset(asset: Asset) -> LoadedAsset:
    """Import the file of ``asset``; call :func:`put_on_path` first.

    Raises:
        AssetError: The import fails; the user's traceback is kept.
    """
    try:
        module = importlib.import_module(asset.module)
    except Exception as error:
        raise AssetError(
            f"the file cannot be imported: {type(error).__name__}: {error}",
            code="POL213",
            place=asset.file,
            hint=_import_hint(error),
            traceback=user_traceback(error),
        ) from error
    function = getattr(module, asset.key.name, None)
    if not isinstance(function, AssetFunction):
        raise AssetError(
            f"`{asset.key.name}` is no longer an asset once the file is imported",
            code="POL213",
            place=asset.place,
            hint="do not assign to the name of the function, and put the decorator of Polster on top",
        )
    return LoadedAsset(asset, function)


def user_traceback(error: BaseException) -> str:
    """Format ``error`` with the frames of the user's code, ours left out."""
    kept = _skip_own(error.__traceback__)
    lines = traceback.format_exception(type(error), error, kept, chain=error.__cause__ is not None)
    return "".join(lines).rstrip()


def user_line(error: BaseException, file: Path) -> int | None:
    """Return the last line in ``file`` that ``error`` passed through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == file
    ]
    return lines[-1] if lines else None


def _skip_own(trace: TracebackType | None) -> TracebackType | None:
    own = str(Path(__file__).parents[1])
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((own, "<frozen")) and "importlib" not in file:
            return trace
        trace = trace.tb_next
    return None


def _import_hint(error: Exception) -> str | None:
    if isinstance(error, ModuleNotFoundError) and error.name:
        return f"install it in the project's environment, or correct the name `{error.name}`"
    return None
