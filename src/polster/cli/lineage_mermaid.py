"""Lineage as a Mermaid flowchart, which GitHub and many wikis draw."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from polster.model.asset import AssetKey
from polster.model.graph import AssetGraph
from polster.model.lineage import Arrow, ColumnRef
from polster.operations.lineage import Direction, LineageAnswer

SAFE = frozenset(" .,:;_-/+()")
"""Characters beside letters and digits that mean nothing to Mermaid inside of quotes."""


def tables_as_mermaid(graph: AssetGraph) -> str:
    """Write the tables of a pipeline and what each reads; what it refers to alone is dotted."""
    names = {key: f"t{number}" for number, key in enumerate(graph.assets)}
    lines = ["flowchart LR"]
    lines += [f'    {names[key]}["{quoted(str(key))}"]' for key in graph.assets]
    lines += [
        f"    {names[upstream]} --> {names[key]}"
        for key in graph.assets
        for upstream in graph.upstream(key)
    ]
    lines += [
        f"    {names[target]} -. refers to .-> {names[key]}"
        for key in graph.assets
        for target in graph.referred(key)
    ]
    return "\n".join(lines)


def answer_as_mermaid(answer: LineageAnswer, directions: Collection[Direction]) -> str:
    """Write the columns on the way from or to a target, one box a table.

    Values are drawn through, influence dotted; what is not certain says so.
    """
    arrows = answer.arrows(directions)
    target = answer.target
    refs = {target.ref: None} if target.ref else {}
    if target.column is None:
        refs |= {
            ColumnRef(target.asset, name): None for name in answer.lineage.columns(target.asset)
        }
    for start, arrow in arrows:
        refs |= {start: None, arrow.end: None}
    names = {ref: f"c{number}" for number, ref in enumerate(refs)}
    lines = ["flowchart LR", *_boxes(answer.graph, names)]
    lines += [f"    {names[start]} {_line(arrow)} {names[arrow.end]}" for start, arrow in arrows]
    return "\n".join(lines)


def _boxes(graph: AssetGraph, names: dict[ColumnRef, str]) -> Iterator[str]:
    by_asset: dict[AssetKey, list[ColumnRef]] = {}
    for ref in names:
        by_asset.setdefault(ref.asset, []).append(ref)
    order = [key for key in graph.assets if key in by_asset]
    for number, key in enumerate(order):
        yield f'    subgraph t{number}["{quoted(str(key))}"]'
        for ref in by_asset[key]:
            shown = ".".join((ref.column, *ref.field))
            yield f'        {names[ref]}["{quoted(shown)}"]'
        yield "    end"


def _line(arrow: Arrow) -> str:
    if arrow.unknown is not None:
        return "-. perhaps .->" if arrow.by_value else "-. perhaps influence .->"
    return "-->" if arrow.by_value else "-. influence .->"


def quoted(text: str) -> str:
    """Write ``text`` so that Mermaid shows it as it is, inside of quotes.

    >>> quoted('a "b" #1 <c>')
    'a #34;b#34; #35;1 #60;c#62;'
    """
    return (
        "".join(
            character if character.isalnum() or character in SAFE else f"#{ord(character)};"
            for character in text
        )
        or " "
    )
