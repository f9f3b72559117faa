"""``polster list-assets``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.options import ListFormatOption, ProjectOption, TableOrJson
from polster.cli.projects import open_and_say
from polster.model.codec import to_json
from polster.model.layer import Layer
from polster.operations.list_assets import ListedAsset, list_assets

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    layer: Annotated[Layer | None, typer.Option(help="Only this layer.")] = None,
    project: ProjectOption = None,
    format: ListFormatOption = TableOrJson.TABLE,
) -> None:
    """List the assets, what they read and what judges them."""
    opened = open_and_say(project)
    listed = list_assets(opened, layer)
    if format is TableOrJson.JSON:
        console.show_json([_as_json(entry) for entry in listed])
    elif listed:
        _show(listed)
    else:
        console.show(f"no {layer or ''} assets yet".replace("  ", " "))
        console.note("add one with: polster add-asset --layer bronze --name my_source")
    if opened.discovery.findings:
        count = len(opened.discovery.findings)
        noun = "mistake" if count == 1 else "mistakes"
        console.note(f"the pipeline has {count} {noun}: polster validate")


def _as_json(entry: ListedAsset) -> dict[str, object]:
    asset = entry.asset
    return {
        "asset": asset.key,
        **to_json(asset.key, "layer", "name"),
        "file": asset.file,
        **to_json(entry, "depends_on", "refers_to"),
        **to_json(asset.options, "contract", "description", "owner", "tags"),
    }


def _show(listed: list[ListedAsset]) -> None:
    console.show_rows(
        ("asset", "reads", "contract", "description"),
        [
            (
                str(entry.asset.key),
                ", ".join(entry.depends_on),
                entry.asset.options.contract or "",
                entry.asset.options.description or "",
            )
            for entry in listed
        ],
    )
