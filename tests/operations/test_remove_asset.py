from __future__ import annotations

import errno
from pathlib import Path

import pytest

from polster.errors import ScaffoldError, UsageError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.init import init
from polster.operations.open_project import open_project
from polster.operations.remove_asset import RemovedAssets, removable_keys, remove_assets
from polster.project.schema_file import read_schema_file, update_schema_file


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """Return a project with its sample assets."""
    return init("shop", parent=tmp_path, git=False, sample_assets=True).root


def remove(root: Path, *keys: str, force: bool = False, dry_run: bool = False) -> RemovedAssets:
    wanted = [AssetKey(Layer(layer), name) for layer, name in (key.split(".") for key in keys)]
    return remove_assets(open_project(root), wanted, force=force, dry_run=dry_run)


def python_files(root: Path) -> set[str]:
    return {path.relative_to(root).as_posix() for path in root.rglob("*_example.py")}


ALL = {
    f"{folder}{layer}_example.py"
    for folder in ("src/core/", "tests/test_")
    for layer in ("bronze", "silver", "gold")
}


def test_an_asset_goes_with_its_test(root: Path) -> None:
    removed = remove(root, "gold.example")

    gone = {"src/core/gold_example.py", "tests/test_gold_example.py"}
    assert set(removed.changes.remove) == gone
    assert python_files(root) == ALL - gone
    assert open_project(root).graph is not None


def test_the_columns_of_what_goes_are_forgotten(root: Path) -> None:
    keys = [AssetKey(Layer.BRONZE, name) for name in ("example", "other")]
    update_schema_file(root, {key: {"id": "Int64"} for key in keys}, keys)

    planned = remove(root, "bronze.example", force=True, dry_run=True)
    kept = read_schema_file(root)
    remove(root, "bronze.example", force=True)

    assert planned.forgotten == (keys[0],)
    assert list(kept) == keys
    assert list(read_schema_file(root)) == []


def test_an_asset_without_a_test_goes_too(root: Path) -> None:
    (root / "tests/test_gold_example.py").unlink()

    removed = remove(root, "gold.example")

    assert removed.changes.remove == ("src/core/gold_example.py",)


def test_a_dry_run_removes_nothing(root: Path) -> None:
    removed = remove(root, "gold.example", dry_run=True)

    assert len(removed.changes.remove) == 2
    assert python_files(root) == ALL


def test_an_asset_that_others_read_stays(root: Path) -> None:
    with pytest.raises(ScaffoldError) as caught:
        remove(root, "silver.example")

    assert caught.value.code == "POL506"
    assert "`silver.example` is needed by `gold.example`" in caught.value.message
    assert "--force" in (caught.value.hint or "")
    assert python_files(root) == ALL


def test_an_asset_that_others_refer_to_stays(root: Path) -> None:
    file = root / "src" / "core" / "gold_example.py"
    text = file.read_text(encoding="utf-8").replace("silver_example", "gold_other")
    text = text.replace("@gold(", '@gold(references={"day": "silver.example.ordered_on"}, ', 1)
    file.write_text(text, encoding="utf-8")

    with pytest.raises(ScaffoldError) as caught:
        remove(root, "silver.example")

    assert "`silver.example` is needed by `gold.example`" in caught.value.message


def test_a_dry_run_refuses_as_well(root: Path) -> None:
    with pytest.raises(ScaffoldError):
        remove(root, "bronze.example", dry_run=True)


def test_assets_that_read_each_other_go_together(root: Path) -> None:
    removed = remove(root, "gold.example", "bronze.example", "silver.example")

    assert [str(key) for key in removed.keys] == [
        "bronze.example",
        "silver.example",
        "gold.example",
    ]
    assert python_files(root) == set()


def test_force_removes_and_names_who_reads(root: Path) -> None:
    removed = remove(root, "silver.example", force=True)

    assert [str(key) for key in removed.readers] == ["gold.example"]
    assert "src/core/silver_example.py" not in python_files(root)


def test_readers_are_known_even_if_the_graph_is_broken(root: Path) -> None:
    (root / "src/core/bronze_other.py").write_text("def broken(")

    with pytest.raises(ScaffoldError, match=r"needed by `gold\.example`"):
        remove(root, "silver.example")


def test_a_broken_asset_can_be_removed(root: Path) -> None:
    (root / "src/core/bronze_other.py").write_text("def broken(")

    remove(root, "bronze.other")

    assert open_project(root).graph is not None


def test_an_unknown_asset_gets_the_nearest_name(root: Path) -> None:
    with pytest.raises(UsageError) as caught:
        remove(root, "gold.exampel")

    assert caught.value.code == "POL201"
    assert "did you mean `gold.example`?" in (caught.value.hint or "")


def test_a_name_cannot_reach_another_file(root: Path) -> None:
    with pytest.raises(UsageError):
        remove_assets(open_project(root), [AssetKey(Layer.GOLD, "../../run_polster")], force=True)

    assert (root / "run_polster.py").is_file()


def test_the_table_stays_and_is_named(root: Path) -> None:
    table = root / "data/gold/example"
    table.mkdir(parents=True)
    (table / "part.parquet").write_bytes(b"rows")

    removed = remove(root, "gold.example")

    assert removed.tables == ("data/gold/example",)
    assert (table / "part.parquet").read_bytes() == b"rows"


def test_quarantined_rows_are_named_too(root: Path) -> None:
    for folder in ("data/gold/example", "data/quarantine/gold/example"):
        (root / folder).mkdir(parents=True)

    removed = remove(root, "gold.example")

    assert removed.tables == ("data/gold/example", "data/quarantine/gold/example")


def test_a_table_in_an_object_store_is_named_without_looking(root: Path) -> None:
    settings = root / "pyproject.toml"
    settings.write_text(settings.read_text().replace('"data"', '"s3://bucket/lake"'))

    removed = remove(root, "gold.example")

    assert removed.tables == ("s3://bucket/lake/gold/example",)


def test_a_lakehouse_that_cannot_be_told_does_not_matter(
    root: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("POLSTER_ENV", "prod")
    monkeypatch.delenv("POLSTER_PROD_LAKEHOUSE", raising=False)

    removed = remove(root, "gold.example")

    assert removed.tables == ()


def test_files_that_import_what_goes_are_named(root: Path) -> None:
    (root / "tests/test_more.py").write_text("from core.gold_example import example\n")
    (root / "src/core/tax.py").write_text("from core import gold_example\n")
    (root / "src/core/unrelated.py").write_text("def broken(")

    removed = remove(root, "gold.example")

    assert removed.mentions == ("src/core/tax.py", "tests/test_more.py")


def test_a_disk_that_refuses_leaves_everything(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.rename

    def refused(self: Path, target: Path) -> Path:
        if self.name == "test_gold_example.py":
            raise PermissionError(errno.EACCES, "Permission denied", str(self))
        return real(self, target)

    monkeypatch.setattr(Path, "rename", refused)

    with pytest.raises(ScaffoldError):
        remove(root, "gold.example")

    assert python_files(root) == ALL
    assert not list(root.glob(".polster-removed-*"))


def test_everything_with_a_file_can_be_removed_in_layer_order(root: Path) -> None:
    (root / "src/core/bronze_other.py").write_text("def broken(")

    found = removable_keys(open_project(root))

    assert [str(key) for key in found] == [
        "bronze.example",
        "bronze.other",
        "silver.example",
        "gold.example",
    ]
