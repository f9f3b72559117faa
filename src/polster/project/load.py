"""Importing the user's code, when an asset has to run."""

from __future__ import annotations

import importlib
import traceback
from dataclasses import dataclass
from pathlib import Path
from threading import current_thread, main_thread
from types import ModuleType, TracebackType
from typing import TYPE_CHECKING, Any

import polars as pl

from polster.decorators import AssetFunction
from polster.errors import AssetError
from polster.model.asset import Asset
from polster.model.record import Trace
from polster.model.secrets import without_secrets
from polster.project.dataframely_private import code_of_rule, is_schema, schema_rules
from polster.project.import_path import SOURCE_FOLDER
from polster.project.shared_process import ReachedOutsideError

if TYPE_CHECKING:
    import dataframely as dy

OWN_FOLDER = str(Path(__file__).parents[1])
POLARS_FOLDER = str(Path(pl.__file__).parent)
CAUSED = "\n\nThe above exception was the direct cause of the following exception:\n\n"
MEANWHILE = "\n\nDuring handling of the above exception, another exception occurred:\n\n"
"""As Python writes them between two exceptions of a chain."""
NAMES_ALONE = (
    AttributeError,
    ImportError,
    IndentationError,
    ModuleNotFoundError,
    NameError,
    SyntaxError,
    ZeroDivisionError,
    pl.exceptions.ColumnNotFoundError,
)
"""Exceptions that say names of the code and of columns, and no value of the data."""


@dataclass(frozen=True, slots=True)
class LoadedAsset:
    """An asset with its imported function.

    Attributes:
        asset: What the source says.
        function: What the decorator returned.
    """

    asset: Asset
    function: AssetFunction[..., Any]


def load_asset(asset: Asset) -> LoadedAsset:
    """Import the file of ``asset``, whose project is on the import path.

    Raises:
        AssetError: The import fails, or a rule of the contract does; the user's traceback is kept.
    """
    try:
        module = importlib.import_module(asset.module)
    except ReachedOutsideError:
        raise
    except BaseException as error:  # the user's code may raise anything
        raise AssetError(
            f"the file cannot be imported: {in_short(error)}",
            code="POL213",
            place=place_in_file(error, asset),
            hint=_import_hint(error),
            trace=user_trace(error),
            kept=f"the file cannot be imported: {without_values(error)}",
        ) from error
    function = getattr(module, asset.key.name, None)
    if not isinstance(function, AssetFunction):
        raise AssetError(
            f"`{asset.key.name}` is no longer an asset once the file is imported",
            code="POL213",
            place=asset.place,
            hint="do not assign to that name again, and put the decorator of Polster on top",
        )
    if function.contract is not None and not is_schema(function.contract):
        raise AssetError(
            f"the contract {asset.options.contract} is not a schema of dataframely",
            code="POL210",
            place=asset.place,
            hint="derive it: class MyContract(dy.Schema)",
        )
    if function.contract is not None:
        _try_rules(function.contract, asset, _root(module, asset))
        _refuse_unread(function.contract, asset)
    return LoadedAsset(asset, function)


def _refuse_unread(contract: type[dy.Schema], asset: Asset) -> None:
    """Refuse a contract that says in the wrong place what a column refers to.

    Raises:
        AssetError: It does, and nobody would look whether the values are there.
    """
    for name, column in contract.columns().items():
        if target := (column.metadata or {}).get("references"):
            raise AssetError(
                f"the metadata of `{name}` says what it refers to, where nobody reads it",
                code="POL320",
                place=asset.place,
                hint=f'say it in the decorator: references={{"{name}": "{target}"}}',
            )


def _root(module: ModuleType, asset: Asset) -> Path:
    """Return the project's folder, from the file that was imported."""
    return Path(module.__file__ or "").parents[len(Path(asset.file).parts) - 1]


def _try_rules(contract: type[dy.Schema], asset: Asset, root: Path) -> None:
    """Have the rules of ``contract`` that are methods say once what they ask.

    dataframely calls them when rows are judged, which is too late to tell of a typing mistake.

    Raises:
        AssetError: A rule raises, or returns something else than an expression.
    """
    for name, rule in schema_rules(contract).items():
        described = f"the rule `{name}` of the contract {asset.options.contract}"
        try:
            asked: object = rule.expr
        except ReachedOutsideError:
            raise
        except BaseException as error:
            raise AssetError(
                f"{described} raises {in_short(error)}",
                code="POL316",
                place=user_place(error, root) or asset.place,
                hint="it is called once, with the class, and returns an expression of Polars",
                trace=user_trace(error),
                kept=f"{described} raises {without_values(error)}",
            ) from error
        if not isinstance(asked, pl.Expr):
            written = "nothing" if asked is None else f"a {type(asked).__name__}"
            raise AssetError(
                f"{described} returns {written}, not an expression of Polars",
                code="POL316",
                place=_rule_place(contract, name, root) or asset.place,
                hint="end it with `return` and what holds for a good row",
            )


def _rule_place(contract: type[dy.Schema], name: str, root: Path) -> str | None:
    """Return ``file:line`` of the method, if it is the project's."""
    code = code_of_rule(contract, name)
    if code is None or not Path(code.co_filename).is_relative_to(root):
        return None
    return f"{Path(code.co_filename).relative_to(root).as_posix()}:{code.co_firstlineno}"


def user_trace(error: BaseException) -> Trace:
    """Return the traceback of ``error`` with the frames of the user's code, ours left out."""
    kept = _skip_own(error.__traceback__)
    chain = _linked(error) is not None
    try:
        lines = traceback.format_exception(type(error), error, kept, chain=chain)
    except BaseException:  # it asks the exception for more than that can say
        lines = [_frames(error, kept)]
    frames = _frames(error, kept)
    seen, linked = {id(error)}, _linked(error)
    while linked is not None and id(linked[1]) not in seen:
        link, earlier = linked
        seen.add(id(earlier))
        frames = _frames(earlier, _skip_own(earlier.__traceback__)) + link + frames
        linked = _linked(earlier)
    return Trace(without_secrets("".join(lines).rstrip()), without_secrets(frames))


def _linked(error: BaseException) -> tuple[str, BaseException] | None:
    """Return the exception that ``error`` was raised for, and how Python says so."""
    if error.__cause__ is not None:
        return CAUSED, error.__cause__
    if error.__context__ is not None and not error.__suppress_context__:
        return MEANWHILE, error.__context__
    return None


def _frames(error: BaseException, trace: TracebackType | None) -> str:
    """Format one exception of a chain by its frames and its type; its message is left out."""
    extracted = traceback.extract_tb(trace)
    for frame in extracted:
        frame.filename = _file_shown(frame.filename)
    lines = ["Traceback (most recent call last):\n", *extracted.format(), kind_of(error)]
    return "".join(lines)


def _file_shown(file: str) -> str:
    """Name a file from the project on, or from the packages on; never by a folder outside."""
    path, project = Path(file), Path.cwd()  # it is the project's folder while its code runs
    outside, packages, packaged = path.as_posix().rpartition("site-packages/")
    if outside:
        return packages + packaged
    return path.relative_to(project).as_posix() if path.is_relative_to(project) else path.name


def without_values(error: BaseException) -> str:
    """Return what may be kept of an exception: its type, and what it says if that is harmless.

    >>> without_values(NameError("name 'ordres' is not defined")), without_values(ValueError("x"))
    ("NameError: name 'ordres' is not defined", 'ValueError')
    """
    name = kind_of(error)
    if type(error) not in NAMES_ALONE:
        return name
    said = said_by(error).split("\n", maxsplit=1)[0]
    return f"{name}: {said}" if said else name


def in_short(error: BaseException) -> str:
    """Return the type of an exception and the first line of what it says, if it says anything.

    >>> in_short(KeyError("nope")), in_short(SystemExit())
    ('KeyError: nope', 'SystemExit')
    """
    said = error.args[0] if isinstance(error, KeyError) and error.args else error
    text = said_by(said).split("\n", maxsplit=1)[0]
    return f"{kind_of(error)}: {text}" if text else kind_of(error)


def said_by(error: object) -> str:
    """Return what an exception says; nothing if its own ``__str__`` raises."""
    try:
        return str(error).strip()
    except BaseException:  # it is the user's code, and may raise anything
        return ""


def kind_of(error: BaseException) -> str:
    """Return the name of an exception's type, as that was written."""
    return str(type.__dict__["__name__"].__get__(type(error)))  # a metaclass may have another


def is_ctrl_c(error: BaseException) -> bool:
    """Tell whether somebody interrupts, which Python brings to the main thread alone."""
    return isinstance(error, KeyboardInterrupt) and current_thread() is main_thread()


def user_place(error: BaseException, root: Path) -> str | None:
    """Return ``file:line`` of the last line of the project in ``root`` that ``error`` passed."""
    places = [
        f"{Path(frame.filename).relative_to(root).as_posix()}:{frame.lineno}"
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).is_relative_to(root / SOURCE_FOLDER)
    ]
    return places[-1] if places else None


def raised_in_polster(error: BaseException) -> bool:
    """Tell whether ``error``, raised while Polars computed a frame, comes from a callback of ours.

    What is ours or of Polars until the user's code is on the way there, and tells nothing.
    """
    inside = False
    for frame in traceback.extract_tb(error.__traceback__):
        is_own = frame.filename.startswith(OWN_FOLDER)
        if inside and is_own:
            return True
        inside = inside or not is_own
    return not inside


def user_line(error: BaseException, file: Path) -> int | None:
    """Return the last line in ``file`` that ``error`` passed through."""
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename) == file
    ]
    return lines[-1] if lines else None


def _skip_own(trace: TracebackType | None) -> TracebackType | None:
    """Leave out the frames before the user's: ours, of importing, and of Polars calling back."""
    while trace is not None:
        file = trace.tb_frame.f_code.co_filename
        if not file.startswith((OWN_FOLDER, POLARS_FOLDER, "<frozen")) and "importlib" not in file:
            return trace
        trace = trace.tb_next
    return None


def place_in_file(error: BaseException, asset: Asset) -> str:
    """Return the last line of the asset's file that ``error`` passed, or the file alone."""
    root = Path(asset.file)  # from the end of the file's path, since the root is not known here
    lines = [
        frame.lineno
        for frame in traceback.extract_tb(error.__traceback__)
        if Path(frame.filename).parts[-len(root.parts) :] == root.parts
    ]
    return f"{asset.file}:{lines[-1]}" if lines else asset.file


def _import_hint(error: BaseException) -> str | None:
    if isinstance(error, ModuleNotFoundError) and isinstance(error.name, str) and error.name:
        return f"install it in the project's environment, or correct the name `{error.name}`"
    return None
