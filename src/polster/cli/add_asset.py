"""``polster add-asset``."""

from __future__ import annotations

from typing import Annotated

import typer

from polster.cli import console
from polster.cli.changes import show_changes
from polster.cli.numbers import ask_numbers
from polster.cli.options import DryRunOption, ProjectOption
from polster.cli.projects import open_and_say
from polster.errors import UsageError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.add_asset import (
    OF_SILVER,
    AddedAsset,
    Template,
    add_asset,
    asset_file,
    check_new_asset,
    missing_dependencies,
    readable_keys,
)
from polster.operations.open_project import Project

app = typer.Typer(rich_markup_mode=None, add_completion=False)


@app.command()
def command(
    layer: Annotated[Layer | None, typer.Option(help="The layer of the asset.")] = None,
    name: Annotated[str | None, typer.Option(help="Its name, lowercase snake_case.")] = None,
    dependencies: Annotated[
        str | None,
        typer.Option(metavar="A,B", help="What it reads: clean_logs or silver_clean_logs."),
    ] = None,
    description: Annotated[str | None, typer.Option(help="One line for people.")] = None,
    template: Annotated[
        Template | None,
        typer.Option(
            help="What a bronze asset reads (default: empty), or what silver makes of changes: "
            "latest, history."
        ),
    ] = None,
    project: ProjectOption = None,
    dry_run: DryRunOption = False,
) -> None:
    """Add an asset with its test; both run as they are.

    What is left out is asked for on a terminal.
    """
    opened = open_and_say(project)
    asked = layer is None or name is None
    layer = layer or _ask_layer()
    name = name or _ask_name(opened, layer)
    key = check_new_asset(opened, layer, name)
    if dependencies is None and layer is not Layer.BRONZE:
        chosen = _ask_dependencies(opened, key)
    else:
        chosen = [part.strip() for part in (dependencies or "").split(",") if part.strip()]
    if asked and template is None and layer is Layer.BRONZE:
        of_bronze = [each for each in Template if each not in OF_SILVER]
        template = Template(console.choose("Template", of_bronze, default=Template.EMPTY))
    if asked and description is None:
        description = console.ask("Description, one line, may stay empty")
    added = add_asset(
        opened,
        layer,
        name,
        dependencies=chosen,
        description=description,
        template=template,
        dry_run=dry_run,
    )
    _report(opened, added, dry_run=dry_run)


def _ask_layer() -> Layer:
    if not console.is_interactive():
        raise _missing("--layer", f"one of {', '.join(Layer)}")
    return Layer(console.choose("Layer", list(Layer)))


def _ask_name(project: Project, layer: Layer) -> str:
    if not console.is_interactive():
        raise _missing("--name", "such as --name clean_logs")
    while True:
        name = console.ask("Name, lowercase snake_case")
        try:
            check_new_asset(project, layer, name)
        except UsageError as error:
            console.show_error(error)
        else:
            return name


def _ask_dependencies(project: Project, key: AssetKey) -> list[str]:
    allowed = readable_keys(project, key.layer)
    if not allowed or not console.is_interactive():
        raise missing_dependencies(project, key)
    readable = " and ".join(project.settings.rules.readable_by(key.layer))
    console.note(f"a {key.layer} asset may read {readable}:")
    return ask_numbers("What does it read, such as 1,3", [str(other) for other in allowed])


def _missing(flag: str, hint: str) -> UsageError:
    return UsageError(
        f"{flag} is missing, and there is no terminal to ask on", code="POL505", hint=hint
    )


def _report(project: Project, added: AddedAsset, *, dry_run: bool) -> None:
    folder = project.root.name if project.found_below else None
    show_changes(added.changes, dry_run=dry_run, folder=folder)
    if added.kept:
        console.note(f"{added.kept} is there already and is read as it is")
    if count := len(project.discovery.findings):
        noun = "mistake" if count == 1 else "mistakes"
        console.note(f"other files of the pipeline have {count} {noun}: polster validate")
    if not dry_run:
        console.show()
        file = asset_file(added.asset.key)
        console.show(f"next: edit {f'{folder}/{file}' if folder else file}, then")
        console.show(f"  polster run {added.asset.key}")
