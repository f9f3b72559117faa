"""A resource of dlt as a source of bronze: what it remembers stands in Polster's commit."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from importlib import import_module
from typing import Any

import polars as pl

from polster.errors import AssetError
from polster.model.secrets import without_secrets
from polster.sources.api import ApiError
from polster.sources.rest_rows import Rows
from polster.sources.source import Batch, Forms, Known

SOURCE = "_source"
ITEMS_AT_ONCE = 10_000
INCREMENTAL = "incremental"
"""What dlt calls the part of its state in which it remembers how far it came."""


@dataclass(frozen=True, slots=True)
class DltSource:
    """A resource; see :class:`polster.sources.source.Source`."""

    resource: Any

    def ask(self, known: Known) -> Iterable[Batch]:
        """Give what the resource gives since it was asked last; all of a snapshot."""
        name = str(self.resource.name)
        memory = "" if known.is_whole else known.memory
        rows = Rows(nested_as_text=False, keeps_raw=False, moments=None)
        try:
            state = self._read(rows, memory)
        except (ApiError, pl.exceptions.PolarsError) as error:
            raise _failed(name, str(error)) from error
        except Exception as error:  # it is anybody's code
            raise _failed(name, f"{type(error).__name__}: {error}") from error
        if not known.is_whole and f'"{INCREMENTAL}"' not in state:
            raise AssetError(
                f"the resource `{name}` of dlt gives all rows each time, which would be added to "
                "those that are there",
                code="POL373",
                hint='let it ask for what is new: dlt.sources.incremental("updated_at"); or '
                'write load="snapshot"',
            )
        if not rows.count:
            return [] if not known.is_whole else [Batch(pl.LazyFrame())]
        source = pl.lit(f"dlt:{name}").alias(SOURCE)
        forms = Forms(rows.frame(apart=True).with_columns(source), rows.columns.several)
        return [Batch(rows.frame().with_columns(source), state, rows=rows.count, forms=forms)]

    def _read(self, rows: Rows, memory: str) -> str:
        """Take in what the resource gives, and return what it wants to remember."""
        typed = import_module("dlt.common.json").json
        container = import_module("dlt.common.configuration.container").Container()
        injected = import_module("dlt.common.pipeline").StateInjectableContext
        context = injected(state=typed.typed_loads(memory) if memory else {})
        with container.injectable_context(context):
            for frame in _frames(iter(self.resource)):
                rows.take(frame)
        return str(typed.typed_dumps(context.state))


def _frames(items: Iterator[Any]) -> Iterator[pl.DataFrame]:
    """Put records together; tables of Arrow, Pandas and Polars come as they are."""
    waiting: list[dict[str, Any]] = []
    for item in items:
        if isinstance(item, dict):
            waiting.append(item)
            if len(waiting) == ITEMS_AT_ONCE:
                yield _framed(waiting)
                waiting = []
            continue
        if waiting:
            yield _framed(waiting)
            waiting = []
        yield item if isinstance(item, pl.DataFrame) else pl.DataFrame(item)
    if waiting:
        yield _framed(waiting)


def _framed(records: list[dict[str, Any]]) -> pl.DataFrame:
    """Return records as rows; a column whose values go together in no type is text."""
    names = dict.fromkeys(name for record in records for name in record)
    columns: list[pl.Series] = []
    for name in names:
        values = [record.get(name) for record in records]
        try:
            columns.append(pl.Series(name, values, strict=True))
        except (TypeError, ValueError, OverflowError, pl.exceptions.PolarsError):
            texts = [None if value is None else str(value) for value in values]
            columns.append(pl.Series(name, texts, pl.String()))
    return pl.DataFrame(columns)


def _failed(name: str, said: str) -> AssetError:
    first = said.strip().partition("\n")[0]
    return AssetError(
        f"the resource `{name}` of dlt fails: {without_secrets(first)}",
        code="POL388",
        hint="try it alone: list(resource)",
    )


def dlt(resource: Any) -> DltSource:
    """Read a resource of dlt, as what a bronze function returns.

    With ``load="append"`` it has to ask for what is new (``dlt.sources.incremental``). What it
    remembers of that is kept in the commit that lands its rows: the two are there together, or
    neither is. Rows have ``_source``, ``dlt:`` and its name.

    Args:
        resource: What ``@dlt.resource`` makes, its arguments given.

    Raises:
        AssetError: It is none.
    """
    if not (hasattr(resource, "name") and hasattr(resource, "__iter__")):
        raise AssetError(
            f"`dlt` takes a resource of dlt, and got {type(resource).__name__}",
            code="POL388",
            hint="write dlt(orders()), where orders is decorated with @dlt.resource",
        )
    if hasattr(resource, "resources"):
        names = ", ".join(map(str, resource.resources))
        raise AssetError(
            f"`{resource.name}` is a source of several resources: {names}",
            code="POL388",
            hint=f'choose one, an asset each: dlt(source.resources["{names.split(", ")[0]}"])',
        )
    return DltSource(resource)
