from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.model.asset import Asset, AssetKey, name_problem
from polster.model.layer import Layer
from polster.project.asset_file import read_asset_file
from polster.scaffold.assets import (
    OF_SILVER,
    Dependency,
    NewAsset,
    Template,
    asset_file,
    asset_files,
    asset_test,
)
from polster.scaffold.changes import apply_changes

NAMES = st.from_regex(r"[a-z][a-z0-9_]{0,40}", fullmatch=True).filter(
    lambda name: name_problem(name) is None
)


def read(root: Path, asset: NewAsset) -> Asset:
    """Write the files of ``asset`` and read it back as discovery does."""
    apply_changes(root, asset_files(asset))
    found = read_asset_file(root / asset_file(asset.key), root)
    assert isinstance(found, Asset), found
    return found


@pytest.mark.parametrize("template", [each for each in Template if each not in OF_SILVER])
def test_a_bronze_asset_is_found_as_it_was_meant(tmp_path: Path, template: Template) -> None:
    key = AssetKey(Layer.BRONZE, "orders")

    found = read(tmp_path, NewAsset(key, description="Orders.", template=template))

    assert found.key == key
    assert found.parameters == ()
    assert found.options.description == "Orders."
    landing = {
        Template.EMPTY: None,
        Template.CSV: "landing/orders.csv",
        Template.PARQUET: "landing/orders.parquet",
        Template.JSON: "landing/orders.jsonl",
        Template.FILES: "landing/orders/first.csv",
    }[template]
    assert found.options.source == (None if template is Template.FILES else landing)
    if landing:
        assert (tmp_path / landing).is_file()


@pytest.mark.parametrize("layer", [Layer.SILVER, Layer.GOLD])
def test_an_asset_above_bronze_reads_its_dependencies_in_order(
    tmp_path: Path, layer: Layer
) -> None:
    below = Layer.BRONZE if layer is Layer.SILVER else Layer.SILVER
    names = ["zeta", "alpha", "a_name_that_makes_the_signature_longer_than_a_line_can_be"]
    dependencies = tuple(Dependency(name, AssetKey(below, name)) for name in names)

    found = read(tmp_path, NewAsset(AssetKey(layer, "joined"), dependencies))

    assert [parameter.name for parameter in found.parameters] == names
    assert found.options.contract == "Joined"
    assert all(name in (found.options.description or "") for name in names)


def test_without_a_sample_nothing_is_written_into_landing() -> None:
    asset = NewAsset(AssetKey(Layer.BRONZE, "orders"), template=Template.CSV)

    changes = asset_files(asset, sample=False)

    assert [file.path for file in changes.create] == [
        "src/core/bronze_orders.py",
        "tests/test_bronze_orders.py",
    ]


@given(
    name=NAMES,
    reads=st.lists(NAMES, min_size=1, max_size=4, unique=True),
    description=st.none() | st.text(min_size=1, max_size=200),
)
def test_every_name_gives_valid_python(
    name: str, reads: list[str], description: str | None
) -> None:
    dependencies = tuple(Dependency(read, AssetKey(Layer.BRONZE, read)) for read in reads)

    for asset in (
        NewAsset(AssetKey(Layer.SILVER, name), dependencies, description),
        *(NewAsset(AssetKey(Layer.SILVER, name), dependencies[:1], None, t) for t in OF_SILVER),
        NewAsset(AssetKey(Layer.BRONZE, name), (), description),
        NewAsset(AssetKey(Layer.BRONZE, name), (), description, Template.FILES),
    ):
        for file in asset_files(asset, sample=False).create:
            compile(file.content, file.path, "exec", ast.PyCF_ONLY_AST)
            assert file.content.endswith(b"\n")
            assert not file.content.endswith(b"\n\n")
            assert not re.search(rb"[ \t]\n", file.content)


def test_pytest_does_not_take_an_asset_for_a_test() -> None:
    key = AssetKey(Layer.BRONZE, "test_results")

    changes = asset_files(NewAsset(key))

    test = next(file for file in changes.create if file.path == asset_test(key))
    assert b"from core import bronze_test_results\n" in test.content
    assert b"bronze_test_results.test_results()" in test.content
