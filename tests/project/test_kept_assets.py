from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path
from textwrap import dedent
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.model.asset import (
    Asset,
    AssetKey,
    ExtraColumns,
    Load,
    Options,
    Parameter,
    Policy,
    Repeated,
)
from polster.model.expect import Expect
from polster.model.layer import Layer, LayerRules
from polster.model.reference import Reference
from polster.project.discovery import Discovery, discover
from polster.project.kept_assets import KeptAssets
from polster.project.source import SourceFiles

KEPT = ".polster_cache/assets"
BRONZE = """
    from polster import bronze


    @bronze(source="orders.csv", load="append", repeated_batch="skip")
    def orders():
        ...
"""
SILVER = """
    from polster import Expect, silver


    @silver(
        contract=Orders,
        on_violation={"id|nullability": "fail", "*": "warn"},
        max_quarantined=0.5,
        extra_columns="drop",
        allow_empty=True,
        expect=Expect(min_rows=1, null_share={"name": 0.25}, fresh_within="2d"),
        owner="ops",
        tags=["daily", "ÄÖ"],
        references={("shop", "id"): ("shops.shop", "shops.id")},
    )
    def orders(bronze_orders, other=None):
        '''Orders, cleaned.'''
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    write(tmp_path, "bronze_orders", BRONZE)
    write(tmp_path, "silver_orders", SILVER)
    write(tmp_path, "money", "from polster import RunContext\n")
    return tmp_path


def write(root: Path, name: str, text: str) -> None:
    path = root / "src/core" / f"{name}.py"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(dedent(text), encoding="utf-8")


def read(root: Path) -> Discovery:
    return discover(root, LayerRules(frozenset()))


class Parsing:
    """Counts the files that are parsed."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.files: list[str] = []
        parse = SourceFiles.parse

        def counted(files: Any, path: Path, *, name: str | None = None) -> Any:
            self.files.append(path.stem)
            return parse(files, path, name=name)

        monkeypatch.setattr(SourceFiles, "parse", counted)


@pytest.fixture
def parsing(monkeypatch: pytest.MonkeyPatch) -> Parsing:
    return Parsing(monkeypatch)


def test_a_file_that_did_not_change_is_not_parsed_again(root: Path, parsing: Parsing) -> None:
    before = read(root)
    parsing.files.clear()

    after = read(root)

    assert parsing.files == []
    assert after == before
    assert [asset.options.tags for asset in after.assets] == [(), ("daily", "ÄÖ")]


def test_only_the_file_that_was_edited_is_parsed_again(root: Path, parsing: Parsing) -> None:
    read(root)
    parsing.files.clear()
    write(root, "bronze_orders", BRONZE.replace("skip", "land"))

    found = read(root)

    assert parsing.files == ["bronze_orders"]
    assert found.assets[0].options.repeated_batch is Repeated.LAND


def test_a_file_with_a_mistake_is_told_each_time(root: Path) -> None:
    write(root, "bronze_orders", BRONZE.replace("append", "all"))
    first = read(root)

    again = read(root)

    assert {finding.code for finding in again.findings} >= {"POL211"}
    assert again == first


def test_an_asset_that_came_into_a_helper_is_found(root: Path) -> None:
    read(root)
    write(root, "money", BRONZE)

    found = read(root)

    assert [finding.code for finding in found.findings if finding.file == "src/core/money.py"] == [
        "POL206"
    ]


def test_what_is_gone_is_forgotten(root: Path) -> None:
    read(root)
    (root / "src/core/bronze_orders.py").unlink()

    read(root)

    assert "bronze_orders.py" not in (root / KEPT).read_text(encoding="utf-8")


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text.replace("append", "snapshot"),
        lambda text: text[: len(text) // 2],
        lambda _: "",
        lambda _: "\0\n[]",
    ],
)
def test_what_was_kept_and_is_damaged_counts_as_nothing(root: Path, damage: Any) -> None:
    before = read(root)
    kept = root / KEPT
    kept.write_text(damage(kept.read_text(encoding="utf-8")), encoding="utf-8")

    assert read(root) == before


def test_an_address_with_a_password_is_not_kept(root: Path) -> None:
    write(root, "bronze_orders", BRONZE.replace("orders.csv", "https://me:hunter2@host/orders"))
    first = read(root)

    assert "hunter2" not in (root / KEPT).read_text(encoding="utf-8")
    assert read(root) == first


def test_a_project_where_nothing_can_be_kept_is_read_all_the_same(root: Path) -> None:
    before = read(root)
    shutil.rmtree(root / ".polster_cache")
    (root / ".polster_cache").write_text("a file in the folder's place")

    assert read(root) == before


TEXT = st.text(min_size=1)
NAMES = st.lists(TEXT, min_size=1, max_size=2).map(tuple)
SHARES = st.floats(0, 1) | st.integers(0, 1)
EXPECTED = st.builds(
    Expect,
    min_rows=st.none() | st.integers(0, 10),
    max_rows=st.none() | st.integers(10, 10**30),
    shrink=st.none() | SHARES,
    grow=st.none() | st.floats(0) | st.integers(0),
    null_share=st.dictionaries(TEXT, SHARES, max_size=2),
    fresh_within=st.none() | st.just("2 d") | st.dictionaries(TEXT, st.just("26h"), max_size=2),
    on_violation=st.sampled_from(["fail", "warn"]),
)
OPTIONS = st.builds(
    Options,
    contract=st.none() | TEXT,
    load=st.sampled_from(Load),
    on_violation=st.dictionaries(TEXT, st.sampled_from(Policy), max_size=2),
    max_quarantined=st.none() | st.floats(0, 1),
    extra_columns=st.sampled_from(ExtraColumns),
    owner=st.none() | TEXT,
    tags=st.lists(TEXT, max_size=2).map(tuple),
    description=st.none() | TEXT,
    source=st.none() | TEXT,
    repeated_batch=st.sampled_from(Repeated),
    allow_empty=st.booleans(),
    expect=EXPECTED,
    references=st.lists(st.builds(Reference, NAMES, TEXT, NAMES), max_size=2).map(tuple),
)
ASSETS = st.builds(
    Asset,
    st.builds(AssetKey, st.sampled_from(Layer), TEXT),
    st.just("src/core/it.py"),
    st.integers(1),
    TEXT,
    st.lists(st.builds(Parameter, TEXT, st.integers(1), st.booleans()), max_size=2).map(tuple),
    OPTIONS,
)


@given(assets=st.lists(ASSETS, min_size=1, max_size=3))
def test_every_asset_comes_back_as_it_was(
    assets: Sequence[Asset], tmp_path_factory: pytest.TempPathFactory
) -> None:
    root = tmp_path_factory.mktemp("project")
    for number, asset in enumerate(assets):
        kept = KeptAssets(root)
        kept.learn(asset.file, b"%d" % number, asset)
        kept.keep()

        found = KeptAssets(root).find(asset.file, b"%d" % number)

        assert found == asset
        assert repr(found) == repr(asset)
        assert KeptAssets(root).find(asset.file, b"other") is None
