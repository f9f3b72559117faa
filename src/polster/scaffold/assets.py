"""The files of a new asset: the asset, its test and, for a file template, a sample to read."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.project.discovery import ASSET_FOLDER
from polster.scaffold.changes import Changes, NewFile
from polster.scaffold.names import LOCAL, contract_name
from polster.scaffold.render import TEMPLATES, WIDTH, docstring, render

TEST_FOLDER = "tests"
LANDING_FOLDER = "landing"


class Template(StrEnum):
    """What a new bronze asset reads, or what a new silver asset makes of changes."""

    EMPTY = "empty"  # no file: typed sample rows in the code
    CSV = "csv"
    PARQUET = "parquet"
    JSON = "json"  # one object a line
    FILES = "files"  # a folder of files that arrive, each landed once
    LATEST = "latest"  # the newest state of each key
    HISTORY = "history"  # what was true of each key, and when


OF_SILVER = (Template.LATEST, Template.HISTORY)
LANDING_SUFFIX = {Template.CSV: "csv", Template.PARQUET: "parquet", Template.JSON: "jsonl"}
OWN_KIND = (Template.FILES, *OF_SILVER)
TESTED_ALIKE = {"silver_history": "silver_latest"}
QUARANTINED = {
    Template.LATEST: '{"id|nullability": 1}',
    Template.HISTORY: '{"id|nullability": 1, "valid_from|nullability": 1}',
}


@dataclass(frozen=True, slots=True)
class Dependency:
    """What a new asset reads.

    Attributes:
        parameter: The name that the function gives it.
    """

    parameter: str
    key: AssetKey


@dataclass(frozen=True, slots=True)
class NewAsset:
    """An asset to be written.

    Attributes:
        dependencies: In the order of the parameters; empty for bronze, and only there.
        description: One line for people; a plain one is made if there is none.
        template: One of its layer; None for a plain asset above bronze.
    """

    key: AssetKey
    dependencies: tuple[Dependency, ...] = ()
    description: str | None = None
    template: Template = Template.EMPTY

    @property
    def landing_file(self) -> str | None:
        """Return the file that it reads, relative to the project's folder."""
        if self.template is Template.FILES:
            return f"{LANDING_FOLDER}/{self.key.name}/first.csv"
        suffix = LANDING_SUFFIX.get(self.template)
        return f"{LANDING_FOLDER}/{self.key.name}.{suffix}" if suffix else None


def landed(root: Path, asset: NewAsset) -> str | None:
    """Return what an asset reads if it lies in its project already, so that it needs no sample."""
    if asset.landing_file is None:
        return None
    place = root / asset.landing_file
    if asset.template is Template.FILES:
        folder = place.parent
        is_there = folder.is_dir() and any(folder.iterdir())
        return folder.relative_to(root).as_posix() if is_there else None
    return asset.landing_file if place.exists() else None


def asset_file(key: AssetKey) -> str:
    """Return where the asset is written, relative to the project's folder."""
    return f"{ASSET_FOLDER}/{key.identifier}.py"


def asset_test(key: AssetKey) -> str:
    """Return where its test is written, relative to the project's folder."""
    return f"{TEST_FOLDER}/test_{key.identifier}.py"


def asset_files(asset: NewAsset, *, sample: bool = True) -> Changes:
    """Render the files of ``asset``, which run and pass their test as they are.

    Args:
        asset: What is to be written.
        sample: Whether to write a sample into the landing folder, for a template that reads one.
    """
    kind = "bronze" if asset.key.layer is Layer.BRONZE else "table"
    if asset.template in OWN_KIND:
        kind = f"{asset.key.layer}_{asset.template}"
    test = TESTED_ALIKE.get(kind, kind)
    values = _values(asset)
    files = [
        NewFile(asset_file(asset.key), render(f"assets/{kind}.py.jinja", **values)),
        NewFile(asset_test(asset.key), render(f"assets/test_{test}.py.jinja", **values)),
    ]
    if sample and asset.landing_file:
        suffix = asset.landing_file.rpartition(".")[2]
        content = (TEMPLATES / "assets" / f"sample.{suffix}").read_bytes()
        files.append(NewFile(asset.landing_file, content))
    return Changes(create=tuple(files))


def _values(asset: NewAsset) -> dict[str, object]:
    name = asset.key.name
    parameters = [dependency.parameter for dependency in asset.dependencies]
    # a test would be collected twice, or lose the function to a variable, under such a name
    by_module = name in LOCAL or name.startswith("test") or name in parameters
    return {
        "layer": asset.key.layer.value,
        "key": str(asset.key),
        "name": name,
        "module": asset.key.identifier,
        "call": _call(
            f"{asset.key.identifier}.{name}" if by_module else name, asset.key.layer, parameters
        ),
        "by_module": by_module,
        "contract": contract_name(name),
        "docstring": docstring(asset.description or _description(asset)),
        "parameters": parameters,
        "signature": _signature(name, parameters),
        "function": f"{asset.key.identifier}.{name}" if by_module else name,
        "landing_file": asset.landing_file,
        "landing_folder": f"{LANDING_FOLDER}/{name}",
        "quarantined": QUARANTINED.get(asset.template),
        "template": asset.template.value,
        "on_violation": (
            "fails the whole run of it" if asset.key.layer is Layer.GOLD else "goes to quarantine"
        ),
    }


def _description(asset: NewAsset) -> str:
    if asset.key.layer is Layer.BRONZE:
        return f"Rows of {asset.key.name}, exactly as they arrive."
    read = [str(dependency.key) for dependency in asset.dependencies]
    tables = read[0] if len(read) == 1 else f"{', '.join(read[:-1])} and {read[-1]}"
    kind = "Validated rows" if asset.key.layer is Layer.SILVER else "Figures"
    return f"{kind} of {tables}."


def _call(function: str, layer: Layer, parameters: list[str]) -> str:
    """Write the test's line that calls the asset; over several lines if it is long."""
    if layer is Layer.BRONZE:
        return f"returned = {function}().collect()"
    given = [f"{parameter}={parameter}" for parameter in parameters]
    line = f"outcome = run_asset({', '.join([function, *given])})"
    if len(line) + 4 <= WIDTH:
        return line
    lines = "".join(f"        {argument},\n" for argument in [function, *given])
    inner = f"        {', '.join([function, *given])}\n"
    return f"outcome = run_asset(\n{inner if len(inner) <= WIDTH + 1 else lines}    )"


def _signature(name: str, parameters: list[str]) -> str:
    written = [f"{parameter}: pl.LazyFrame" for parameter in parameters]
    line = f"def {name}({', '.join(written)}) -> pl.LazyFrame:"
    if len(line) <= WIDTH:
        return line
    lines = "".join(f"    {parameter},\n" for parameter in written)
    return f"def {name}(\n{lines}) -> pl.LazyFrame:"
