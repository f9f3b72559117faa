"""``polster lineage``."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated, Any

import typer

from polster.cli import console
from polster.cli.completion import complete_column
from polster.cli.lineage_mermaid import answer_as_mermaid, tables_as_mermaid
from polster.cli.lineage_text import answer_as_text
from polster.cli.options import EnvironmentOption, ProjectOption
from polster.cli.projects import open_and_say
from polster.model.graph import AssetGraph
from polster.model.lineage import Arrow, ColumnRef, Lineage, Reached
from polster.operations.lineage import Direction, LineageAnswer, lineage_of

app = typer.Typer(rich_markup_mode=None, add_completion=False)


class Format(StrEnum):
    """How lineage is written."""

    TEXT = "text"
    JSON = "json"
    MERMAID = "mermaid"


@app.command()
def command(
    name: Annotated[
        str | None,
        typer.Argument(
            metavar="ASSET[.COLUMN[.FIELD]]",
            help="Such as bronze.orders.email; the tables without it.",
            autocompletion=complete_column,
        ),
    ] = None,
    upstream: Annotated[bool, typer.Option("--upstream", help="Only what it is made of.")] = False,
    downstream: Annotated[bool, typer.Option("--downstream", help="Only where it goes.")] = False,
    env: EnvironmentOption = None,
    format: Annotated[
        Format, typer.Option("--format", help="For people, machines or a page.")
    ] = Format.TEXT,
    project: ProjectOption = None,
) -> None:
    """Say which columns a column is made of, and where it goes; no data is read."""
    opened = open_and_say(project, env)
    if name is None:
        _show_tables(opened.graph, format)
        return
    with console.results_apart():
        answer = lineage_of(opened, name)
    directions = _directions(upstream=upstream, downstream=downstream)
    match format:
        case Format.JSON:
            console.show_json(_as_json(answer, directions))
        case Format.MERMAID:
            console.show(answer_as_mermaid(answer, directions))
        case Format.TEXT:
            for line in answer_as_text(answer, directions):
                console.show(line)


def _directions(*, upstream: bool, downstream: bool) -> tuple[Direction, ...]:
    if upstream is downstream:
        return (Direction.UPSTREAM, Direction.DOWNSTREAM)
    return (Direction.UPSTREAM if upstream else Direction.DOWNSTREAM,)


def _show_tables(graph: AssetGraph, format: Format) -> None:
    match format:
        case Format.JSON:
            assets = [
                {
                    "asset": asset.key,
                    "reads": graph.upstream(asset.key),
                    "owner": asset.options.owner,
                }
                for asset in graph
            ]
            console.show_json({"assets": assets})
        case Format.MERMAID:
            console.show(tables_as_mermaid(graph))
        case Format.TEXT:
            if not len(graph):
                console.show("no assets yet")
                return
            rows = [
                (
                    str(key),
                    ", ".join(map(str, graph.upstream(key))),
                    ", ".join(map(str, graph.downstream(key))),
                )
                for key in graph.assets
            ]
            console.show_rows(("asset", "reads", "read by"), rows)


def _as_json(answer: LineageAnswer, directions: tuple[Direction, ...]) -> dict[str, Any]:
    target, lineage = answer.target, answer.lineage
    entry = lineage.assets.get(target.asset)
    shown: dict[str, Any] = {
        "asset": target.asset,
        "column": target.column,
        "unknown": entry and entry.unknown,
    }
    if target.ref is not None:
        shown |= _ref(target.ref)
        for direction in directions:
            walk = lineage.upstream if direction is Direction.UPSTREAM else lineage.downstream
            shown[direction.value] = [_reached(reached) for reached in walk(target.ref)]
        shown["arrows"] = [
            {"from": _ref(start), "to": _ref(arrow.end)} | _arrow(arrow)
            for start, arrow in answer.arrows(directions)
        ]
        return shown
    if Direction.UPSTREAM in directions:
        shown["reads"] = answer.graph.upstream(target.asset)
    if Direction.DOWNSTREAM in directions:
        shown["read_by"] = answer.graph.downstream(target.asset)
    shown["columns"] = [
        _column(lineage, ColumnRef(target.asset, name), directions)
        for name in lineage.columns(target.asset)
    ]
    return shown


def _column(lineage: Lineage, ref: ColumnRef, directions: tuple[Direction, ...]) -> dict[str, Any]:
    shown: dict[str, Any] = {"name": ref.column}
    for direction in directions:
        arrows = lineage.sources if direction is Direction.UPSTREAM else lineage.readers
        shown[direction.value] = [_ref(arrow.end) | _arrow(arrow) for arrow in arrows(ref)]
    return shown


def _reached(reached: Reached) -> dict[str, Any]:
    return _ref(reached.ref) | {
        "steps": reached.steps,
        "by_value": reached.by_value,
        "certain": reached.is_certain,
    }


def _ref(ref: ColumnRef) -> dict[str, Any]:
    field = {"field": ".".join(ref.field)} if ref.field else {}
    return {"asset": ref.asset, "column": ref.column} | field


def _arrow(arrow: Arrow) -> dict[str, Any]:
    return {"by_value": arrow.by_value, "unknown": arrow.unknown}
