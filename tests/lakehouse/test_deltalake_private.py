"""What the private part of deltalake must do; a version that no longer does it fails here."""

from __future__ import annotations

from pathlib import Path

import pytest
from deltalake import _internal

from polster.errors import LakehouseError
from polster.lakehouse import deltalake_private
from polster.lakehouse.deltalake_private import delete_from_store
from polster.lakehouse.store import Store

pytestmark = pytest.mark.private_part_of("deltalake")


def test_the_files_of_a_store_that_are_named_are_deleted_and_no_others(tmp_path: Path) -> None:
    for name in ("a.parquet", "b/c.parquet", "kept.parquet"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).touch()

    delete_from_store(tmp_path.as_uri(), ["a.parquet", "b/c.parquet"], {})

    assert [path.name for path in tmp_path.rglob("*.parquet")] == ["kept.parquet"]


def test_a_file_that_is_gone_does_not_keep_the_next_one(tmp_path: Path) -> None:
    (tmp_path / "there.parquet").touch()

    delete_from_store(tmp_path.as_uri(), ["gone.parquet", "there.parquet"], {})

    assert not list(tmp_path.rglob("*.parquet"))


def test_a_store_that_was_never_there_holds_nothing_to_delete(tmp_path: Path) -> None:
    delete_from_store((tmp_path / "never").as_uri(), ["gone.parquet"], {})

    assert not list(tmp_path.rglob("*.parquet"))


def test_the_keys_of_a_store_are_taken_as_options() -> None:
    keys = {"AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x", "AWS_REGION": "eu-west-1"}

    made = _internal.DeltaFileSystemHandler("s3://lake/silver/orders", keys)

    assert hasattr(made, "delete_file")


def test_a_version_that_cannot_delete_opens_folders_and_refuses_object_stores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deltalake_private, "HANDLER", "RenamedHandler")
    monkeypatch.setattr("deltalake.__version__", "9.0")

    assert Store(str(tmp_path)).is_local

    with pytest.raises(LakehouseError, match=r"deltalake 9.0 deletes files") as raised:
        Store("s3://lake/prod")
    assert raised.value.hint == "install an earlier one: pip install 'deltalake<9.0'"
