"""``@bronze``, ``@silver`` and ``@gold``: a function becomes an asset.

The decorators register nothing anywhere. Polster reads their options from the source, and what
they return stays callable as the plain function, so that a unit test is ``clean_logs(frame)``.
"""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import update_wrapper
from pathlib import Path
from typing import TYPE_CHECKING, Any, Generic, Literal, Never, ParamSpec, TypeVar, overload

from polster.model.expect import Expect
from polster.model.layer import Layer

if TYPE_CHECKING:
    import dataframely as dy

P = ParamSpec("P")
R = TypeVar("R")
PolicyName = Literal["quarantine", "fail", "warn"]
Violations = PolicyName | Mapping[str, PolicyName]
Extra = Literal["keep", "drop", "fail"]
References = Mapping[str, str] | Mapping[str | tuple[str, ...], str | tuple[str, ...]]


class AssetFunction(Generic[P, R]):
    """A function that was made an asset; calling it calls the function.

    Attributes:
        layer: The layer of its decorator.
        contract: The dataframely schema that its result is judged by, if any.
    """

    def __init__(
        self, function: Callable[P, R], layer: Layer, contract: type[dy.Schema] | None
    ) -> None:
        self.function = function
        self.layer = layer
        self.contract = contract
        update_wrapper(self, function)

    def __call__(self, *args: P.args, **kwargs: P.kwargs) -> R:
        """Call the plain function."""
        return self.function(*args, **kwargs)

    def run(self) -> None:
        """Run this asset alone, its upstream as published, and print what happened.

        The same as typing ``polster run layer.name`` in the project's folder, arguments of the
        script included. Ends the process with the exit code of that command.
        """
        file = Path(self.function.__code__.co_filename).absolute()  # a link's own place counts
        key = f"{self.layer}.{self.function.__name__}"
        sys.argv = ["polster", "run", key, "--project", str(file.parents[2]), *sys.argv[1:]]
        runpy.run_module("polster", run_name="__main__", alter_sys=True)


@overload
def bronze(function: Callable[P, R], /) -> AssetFunction[P, R]: ...


@overload
def bronze(
    *,
    contract: type[dy.Schema] | None = None,
    load: Literal["snapshot", "append"] = "snapshot",
    repeated_batch: Literal["fail", "skip", "land"] = "fail",
    source: str | None = None,
    on_violation: Violations = "quarantine",
    max_quarantined: float | None = None,
    extra_columns: Extra = "keep",
    allow_empty: bool = False,
    expect: Expect | None = None,
    owner: str | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
) -> Callable[[Callable[P, R]], AssetFunction[P, R]]: ...


def bronze(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a bronze asset: it returns what a source holds, exactly as it is.

    Args:
        function: The function, when written as plain ``@bronze``.
        options: ``contract``, a dataframely schema to judge the rows by.
            ``load``, ``"snapshot"`` if the function returns the source's whole state (readers
            get the latest batch; an identical one lands nothing) or ``"append"`` if it returns
            new records (readers get all).
            ``repeated_batch``, what happens if an append load returns the batch that landed last:
            ``"fail"``, ``"skip"`` (nothing lands) or ``"land"``.
            ``source``, where the rows come from, kept in the column ``_source``.
            ``on_violation``, ``"quarantine"``, ``"fail"`` or ``"warn"``, or a mapping from rule
            to one of these with ``"*"`` for the others.
            ``max_quarantined``, the share of rows above which nothing is published; by default
            nothing is if every row is rejected.
            ``extra_columns``, ``"keep"``, ``"drop"`` or ``"fail"``.
            ``allow_empty``, ``True`` if a table that had rows may have none.
            ``expect``, an :class:`~polster.Expect`: what a batch may be beside the last one.
            ``owner``, ``tags`` and ``description``, for people.
    """
    return _decorator(Layer.BRONZE, function, options)


@overload
def silver(function: Never, /) -> Any: ...  # without a contract it is none


@overload
def silver(
    *,
    contract: type[dy.Schema],
    on_violation: Violations = "quarantine",
    max_quarantined: float | None = None,
    extra_columns: Extra = "keep",
    allow_empty: bool = False,
    expect: Expect | None = None,
    references: References | None = None,
    frozen: str | None = None,
    slice_by: str | None = None,
    owner: str | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
) -> Callable[[Callable[P, R]], AssetFunction[P, R]]: ...


def silver(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a silver asset: validated rows of the bronze tables that it names.

    Args:
        function: Not to be given: silver has a contract.
        options: ``contract``, the dataframely schema that the returned rows are judged by.
            ``on_violation``, ``"quarantine"``, ``"fail"`` or ``"warn"``, or a mapping from rule
            to one of these with ``"*"`` for the others.
            ``max_quarantined``, the share of rows, 0 to 1, above which nothing is published; by
            default nothing is if every row is rejected.
            ``extra_columns``, what happens to columns that the contract does not name:
            ``"keep"``, ``"drop"`` or ``"fail"``.
            ``allow_empty``, ``True`` if a table that had rows may have none.
            ``expect``, an :class:`~polster.Expect`: what a version may be beside the last one.
            ``references``, for a column that must hold values of another table, of silver
            or gold and not above its own layer, which column that is:
            ``{"product_id": "products.product_id"}``. A row whose value is not there breaks the
            rule ``product_id|references``; null refers to nothing. For a key of several columns
            both are tuples. The table is built before, and is not handed to the function.
            ``frozen``, a condition in SQL over the columns of the contract: published rows for
            which it holds stay as they are, and none are added to them.
            ``slice_by``, a column that the function returns as it stands in its inputs, where
            Polster cannot prove by which parts can be made: rows with a value of it depend on
            nothing but the inputs' rows with this value, in whichever order. It is checked.
            ``owner``, who answers for the table. ``tags``, words to select by.
            ``description``, one line; by default the docstring.
    """
    return _decorator(Layer.SILVER, function, options)


@overload
def gold(function: Never, /) -> Any: ...  # without a contract it is none


@overload
def gold(
    *,
    contract: type[dy.Schema],
    on_violation: Violations = "fail",
    max_quarantined: float | None = None,
    extra_columns: Extra = "keep",
    allow_empty: bool = False,
    expect: Expect | None = None,
    references: References | None = None,
    frozen: str | None = None,
    slice_by: str | None = None,
    owner: str | None = None,
    tags: Sequence[str] = (),
    description: str | None = None,
) -> Callable[[Callable[P, R]], AssetFunction[P, R]]: ...


def gold(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a function a gold asset: what decisions rest on, made of the silver tables it names.

    The options are those of :func:`silver`; a row that breaks the contract fails the asset
    unless ``on_violation`` says otherwise.
    """
    return _decorator(Layer.GOLD, function, options)


def _decorator(layer: Layer, function: object, options: Mapping[str, Any]) -> Any:
    """Return the asset, or what makes one.

    A mistake here, such as a missing contract, is told by whoever reads the source, with its place;
    also when the file is run by itself, for which it must come to its end.
    """

    def make(function: Callable[P, R]) -> AssetFunction[P, R]:
        return AssetFunction(function, layer, options.get("contract"))

    return make(function) if callable(function) else make
