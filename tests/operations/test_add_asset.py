from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from polster.errors import ScaffoldError, UsageError
from polster.model.layer import Layer
from polster.operations.add_asset import AddedAsset, add_asset, readable_keys
from polster.operations.init import init
from polster.operations.open_project import Session, open_project
from polster.scaffold.assets import Template


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return an empty project."""
    return init("shop", parent=tmp_path, git=False, sample_assets=False).root


def add(root: Path, key: str, *dependencies: str, **options: Any) -> AddedAsset:
    layer, name = key.split(".")
    return add_asset(open_project(root), Layer(layer), name, dependencies=dependencies, **options)


def allow(root: Path, *arrows: str) -> None:
    settings = root / "pyproject.toml"
    rules = ", ".join(f'"{arrow}"' for arrow in arrows)
    settings.write_text(settings.read_text() + f"\n[tool.polster.rules]\nallow = [{rules}]\n")


def reads(project: Session, key: str) -> list[str]:
    """Return what the asset ``key`` reads, as the graph of the project says."""
    found = next(asset for asset in project.graph if str(asset.key) == key)
    return [str(other) for other in project.graph.upstream(found.key)]


def snapshot(root: Path) -> dict[str, bytes]:
    """Return the project's files, but for what commands keep of them."""
    return {
        str(path): path.read_bytes()
        for path in root.rglob("*")
        if path.is_file() and path.parent.name != ".polster_cache"
    }


def test_the_three_assets_of_the_readme_make_a_graph(root: Path) -> None:
    add(root, "bronze.ingest_logs")
    add(root, "silver.clean_logs", "ingest_logs")
    add(root, "gold.reports", "clean_logs")

    project = open_project(root)
    assert reads(project, "silver.clean_logs") == ["bronze.ingest_logs"]
    assert reads(project, "gold.reports") == ["silver.clean_logs"]


@pytest.mark.parametrize("spelling", ["logs", "bronze_logs", "bronze.logs"])
def test_a_dependency_may_be_spelled_in_three_ways(root: Path, spelling: str) -> None:
    add(root, "bronze.logs")

    added = add(root, "silver.clean", spelling)

    assert [dependency.parameter for dependency in added.asset.dependencies] == ["logs"]


def test_a_dependency_is_read_once_however_often_it_is_named(root: Path) -> None:
    add(root, "bronze.logs")

    add(root, "silver.clean", "logs", "bronze.logs", "logs")

    assert reads(open_project(root), "silver.clean") == ["bronze.logs"]


def test_the_same_name_may_stand_in_several_layers(root: Path) -> None:
    add(root, "bronze.orders")
    silver = add(root, "silver.orders", "orders")
    add(root, "gold.orders", "orders")

    assert [dependency.parameter for dependency in silver.asset.dependencies] == ["bronze_orders"]
    assert reads(open_project(root), "gold.orders") == ["silver.orders"]


def test_a_name_that_means_two_things_needs_its_layer(root: Path) -> None:
    allow(root, "silver->silver")
    add(root, "bronze.orders")
    add(root, "silver.orders", "orders")

    with pytest.raises(UsageError) as caught:
        add(root, "silver.late", "orders")
    added = add(root, "silver.late", "silver.orders")

    assert caught.value.code == "POL204"
    assert [item.parameter for item in added.asset.dependencies] == ["silver_orders"]
    assert reads(open_project(root), "silver.late") == ["silver.orders"]


def test_a_dependency_named_like_an_import_is_written_with_its_layer(root: Path) -> None:
    (root / "src/core/bronze_returned.py").write_text(
        "from polster import bronze\n\n\n@bronze\ndef returned():\n    ...\n"
    )

    added = add(root, "silver.clean", "returned")

    assert [item.parameter for item in added.asset.dependencies] == ["bronze_returned"]


def test_gold_may_not_read_bronze(root: Path) -> None:
    add(root, "bronze.ingest_logs")
    before = snapshot(root)

    with pytest.raises(UsageError) as caught:
        add(root, "gold.reports", "ingest_logs")

    assert caught.value.code == "POL202"
    assert "`gold.reports` may not read `bronze.ingest_logs`" in caught.value.message
    assert "polster add-asset --layer silver --name ingest_logs" in (caught.value.hint or "")
    assert snapshot(root) == before


def test_bronze_may_read_nothing(root: Path) -> None:
    add(root, "bronze.logs")

    with pytest.raises(UsageError) as caught:
        add(root, "bronze.more", "logs")

    assert caught.value.code == "POL202"


def test_a_mistyped_dependency_gets_the_nearest_name(root: Path) -> None:
    add(root, "bronze.ingest_logs")

    with pytest.raises(UsageError) as caught:
        add(root, "silver.clean_logs", "ingest_log")

    assert caught.value.code == "POL201"
    assert caught.value.hint == "did you mean `bronze.ingest_logs`?"


@pytest.mark.parametrize("layer", ["silver", "gold"])
def test_an_asset_above_bronze_must_read_something(root: Path, layer: str) -> None:
    with pytest.raises(UsageError) as caught:
        add(root, f"{layer}.clean")

    below = "bronze" if layer == "silver" else "silver"
    assert caught.value.code == "POL505"
    assert "--dependencies is missing" in caught.value.message
    assert f"there is no {below} asset yet" in (caught.value.hint or "")


def test_what_could_be_read_is_offered(root: Path) -> None:
    add(root, "bronze.b")
    add(root, "bronze.a")

    with pytest.raises(UsageError) as caught:
        add(root, "silver.clean")

    assert caught.value.hint == "choose from: bronze.a, bronze.b"


def test_readable_assets_are_listed_by_layer_and_name(root: Path) -> None:
    allow(root, "silver->silver")
    add(root, "bronze.b")
    add(root, "silver.a", "b")
    add(root, "bronze.c")

    found = readable_keys(open_project(root), Layer.SILVER)

    assert [str(key) for key in found] == ["bronze.b", "bronze.c", "silver.a"]


def test_a_name_is_unique_in_its_layer(root: Path) -> None:
    add(root, "bronze.logs")
    before = snapshot(root)

    with pytest.raises(UsageError) as caught:
        add(root, "bronze.logs")

    assert caught.value.code == "POL205"
    assert caught.value.place == "src/core/bronze_logs.py"
    assert snapshot(root) == before


def test_a_broken_file_still_takes_its_name(root: Path) -> None:
    (root / "src/core/bronze_logs.py").write_text("def broken(")

    with pytest.raises(UsageError, match="exists already"):
        add(root, "bronze.logs")


def test_mistakes_in_other_files_do_not_matter(root: Path) -> None:
    add(root, "bronze.logs")
    (root / "src/core/bronze_other.py").write_text("def broken(")
    (root / "src/core/silver_lost.py").write_text("x = 1")

    add(root, "silver.clean", "logs", "other")

    assert (root / "src/core/silver_clean.py").is_file()


def test_an_existing_test_is_never_overwritten(root: Path) -> None:
    (root / "tests/test_bronze_logs.py").write_text("mine")
    before = snapshot(root)

    with pytest.raises(ScaffoldError) as caught:
        add(root, "bronze.logs")

    assert caught.value.code == "POL502"
    assert snapshot(root) == before


def test_a_dry_run_writes_nothing(root: Path) -> None:
    before = snapshot(root)

    added = add(root, "bronze.logs", template=Template.CSV, dry_run=True)

    assert [file.path for file in added.changes.create] == [
        "src/core/bronze_logs.py",
        "tests/test_bronze_logs.py",
        "landing/logs.csv",
    ]
    assert snapshot(root) == before


def test_data_that_has_landed_already_is_kept_and_read(root: Path) -> None:
    (root / "landing").mkdir()
    (root / "landing/logs.csv").write_text("mine\n1\n")

    added = add(root, "bronze.logs", template=Template.CSV)

    assert added.kept == "landing/logs.csv"
    assert (root / "landing/logs.csv").read_text() == "mine\n1\n"
    assert (root / "src/core/bronze_logs.py").is_file()


@pytest.mark.parametrize(
    ("key", "template", "dependencies", "said"),
    [
        ("silver.clean", Template.CSV, ["logs"], "`--template csv` is for bronze"),
        ("silver.clean", Template.FILES, ["logs"], "`--template files` is for bronze"),
        ("bronze.other", Template.LATEST, [], "`--template latest` is for silver"),
        ("silver.clean", Template.HISTORY, ["logs", "people"], "reads one table of changes"),
    ],
)
def test_a_template_is_for_one_layer(
    root: Path, key: str, template: Template, dependencies: list[str], said: str
) -> None:
    add(root, "bronze.logs")
    add(root, "bronze.people")

    with pytest.raises(UsageError, match=said) as caught:
        add(root, key, *dependencies, template=template)

    assert caught.value.code == "POL511"


def test_of_a_folder_with_files_no_sample_is_written(root: Path) -> None:
    (root / "landing/logs").mkdir(parents=True)
    (root / "landing/logs/mine.csv").write_text("mine\n1\n")

    added = add(root, "bronze.logs", template=Template.FILES)

    assert added.kept == "landing/logs"
    assert [path.name for path in (root / "landing/logs").iterdir()] == ["mine.csv"]


def test_an_asset_may_not_read_itself(root: Path) -> None:
    allow(root, "silver->silver")
    add(root, "bronze.logs")

    with pytest.raises(UsageError) as caught:
        add(root, "silver.clean", "silver.clean")

    assert caught.value.code == "POL203"
    assert "reads itself" in caught.value.message


def test_an_upstream_that_closes_a_cycle_is_refused(root: Path) -> None:
    allow(root, "silver->silver")
    add(root, "bronze.logs")
    add(root, "silver.first", "logs")
    file = root / "src/core/silver_first.py"
    file.write_text(file.read_text().replace("logs: pl.LazyFrame", "second: pl.LazyFrame"))
    before = snapshot(root)

    with pytest.raises(UsageError) as caught:
        add(root, "silver.second", "first")

    assert caught.value.code == "POL203"
    assert "`silver.first` -> `silver.second` -> `silver.first`" in caught.value.message
    assert snapshot(root) == before


def test_a_name_that_makes_another_asset_unclear_is_refused(root: Path) -> None:
    allow(root, "silver->silver")
    add(root, "bronze.logs")
    add(root, "bronze.orders")
    add(root, "silver.clean", "logs")

    with pytest.raises(UsageError) as caught:
        add(root, "silver.logs", "orders")

    assert caught.value.code == "POL204"
    assert caught.value.place == "src/core/silver_clean.py:17"


def test_an_asset_that_another_one_waits_for_may_come(root: Path) -> None:
    add(root, "bronze.logs")
    add(root, "silver.clean", "logs")
    (root / "src/core/bronze_logs.py").unlink()
    (root / "tests/test_bronze_logs.py").unlink()

    add(root, "bronze.logs")

    assert open_project(root).graph is not None
