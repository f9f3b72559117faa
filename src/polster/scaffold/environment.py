"""The virtual environment of a project: made beside the old one, which comes back on failure."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path
from urllib.parse import urlsplit
from urllib.request import url2pathname

from polster._version import __version__
from polster.errors import ScaffoldError

FOLDER = ".venv"
LAST_LINES = 15  # of what a failing installer says


@dataclass(frozen=True, slots=True)
class MadeEnvironment:
    """What was made, or left alone.

    Attributes:
        folder: The environment.
        made: False if there was one already and nothing was done.
        tool: ``uv`` or ``venv``.
        polster: What was installed as Polster, as an installer's argument.
    """

    folder: Path
    made: bool
    tool: str
    polster: tuple[str, ...]


def make_environment(root: Path, *, replace: bool) -> MadeEnvironment:
    """Make ``.venv`` in the project ``root`` and install the project with its extra ``dev``.

    Polster itself is installed as it runs here: from the same folder, or the same version.
    Reads the network, as installers do; takes seconds with uv, a minute or so without.

    Args:
        root: The project's folder.
        replace: Whether an environment that exists is made anew; else it is left alone.

    Raises:
        ScaffoldError: It cannot be made; the old one, if there was one, is back in its place.
    """
    folder = root / FOLDER
    uv = find_uv()
    own = own_requirement()
    tool = "venv" if uv is None else "uv"
    if not replace and has_environment(root):
        return MadeEnvironment(folder, False, tool, own)
    base = getattr(sys, "_base_executable", None) or sys.executable
    with _swapped(folder) as aside:
        if uv is not None and Path(uv).is_relative_to(folder):
            uv = str(aside / Path(uv).relative_to(folder))  # a program of its own, so it may move
        if uv is None:
            _call([base, "-m", "venv", str(folder)], root, "the environment cannot be made")
            python = str(python_of(folder))
            installer = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        else:
            _call(
                [uv, "venv", "--quiet", "--python", base, str(folder)],
                root,
                "the environment cannot be made",
            )
            installer = [uv, "pip", "install", "--quiet", "--python", str(python_of(folder))]
        _call([*installer, *own, "-e", ".[dev]"], root, "the project cannot be installed")
    return MadeEnvironment(folder, True, tool, own)


def has_environment(root: Path) -> bool:
    """Tell whether there is something at the place of the project's environment."""
    return (root / FOLDER).exists() or (root / FOLDER).is_symlink()


def python_of(folder: Path) -> Path:
    """Return the interpreter of an environment."""
    return folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")


def find_uv() -> str | None:
    """Return the command ``uv``: on the path, or beside the interpreter that runs this."""
    beside = Path(sys.executable).with_name("uv.exe" if os.name == "nt" else "uv")
    return shutil.which("uv") or (str(beside) if beside.is_file() else None)


def install_uv() -> None:
    """Install uv with pip into the environment that runs this.

    Raises:
        ScaffoldError: pip refuses.
    """
    command = [sys.executable, "-m", "pip", "install", "--quiet", "uv"]
    _call(command, Path.cwd(), "uv cannot be installed")


def own_requirement() -> tuple[str, ...]:
    """Return the arguments with which an installer gets the very Polster that runs here.

    A local folder if Polster was installed from one (or runs from its source), the same address
    if it came from one, else the same version from the package index.
    """
    source = Path(__file__).parents[3]
    from_source = ("-e", str(source)) if (source / "pyproject.toml").is_file() else None
    try:
        written = distribution("polster").read_text("direct_url.json")
    except PackageNotFoundError:
        return from_source or (f"polster=={__version__}",)
    if written is None:
        return (f"polster=={__version__}",)
    return _from_address(json.loads(written))


def _from_address(origin: dict[str, object]) -> tuple[str, ...]:
    """Read a ``direct_url.json``, as the packaging specifications define it."""
    url = str(origin["url"])
    folder, archive = origin.get("dir_info"), origin.get("vcs_info")
    if isinstance(folder, dict):
        path = url2pathname(urlsplit(url).path)
        return ("-e", path) if folder.get("editable") else (path,)
    if isinstance(archive, dict):
        return (f"polster @ {archive['vcs']}+{url}@{archive['commit_id']}",)
    return (f"polster @ {url}",)


@contextmanager
def _swapped(folder: Path) -> Iterator[Path]:
    """Put ``folder`` aside while a new one is made; bring it back if that fails.

    Yields where the old one lies meanwhile. Environments hold their own path, so the new one
    is made in its final place.
    """
    aside = folder.with_name(f"{folder.name}-old-{secrets.token_hex(4)}")
    existed = folder.exists() or folder.is_symlink()
    try:
        if existed:
            folder.rename(aside)
    except OSError as error:
        raise ScaffoldError(
            f"the environment `{folder.name}` cannot be replaced: {error.strerror or error}",
            code="POL509",
            place=str(folder),
            hint="leave the environment (deactivate) and stop programs that use it",
        ) from error
    try:
        yield aside
    except BaseException:
        _remove(folder)
        if existed:
            aside.rename(folder)
        raise
    _remove(aside)


def _remove(folder: Path) -> None:
    if folder.is_symlink() or folder.is_file():
        folder.unlink()
    else:
        shutil.rmtree(folder, ignore_errors=True)


def _call(command: Sequence[str], folder: Path, failure: str) -> None:
    # an environment that happens to be active must not take the place of the one meant
    kept = {name: value for name, value in os.environ.items() if name != "VIRTUAL_ENV"}
    kept.pop("PYTHONPATH", None)
    kept.pop("PYTHONHOME", None)
    try:
        done = subprocess.run(
            list(command), cwd=folder, env=kept, capture_output=True, text=True, check=False
        )
    except OSError as error:
        raise ScaffoldError(
            f"{failure}: {Path(command[0]).name}: {error.strerror or error}",
            code="POL509",
            place=str(folder),
        ) from error
    if done.returncode != 0:
        said = (done.stderr.strip() or done.stdout.strip()).splitlines()[-LAST_LINES:]
        tool = Path(command[0]).name if "-m" not in command[:2] else f"python -m {command[2]}"
        raise ScaffoldError(
            f"{failure}: {tool} ended with {done.returncode}\n"
            + "\n".join(f"  {line}" for line in said),
            code="POL509",
            place=str(folder),
            hint="mend what it says, then: polster setup",
        )
