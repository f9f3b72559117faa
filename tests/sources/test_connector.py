"""The example of a connector, installed as anybody would: what it adds is there, and is told of."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import TYPE_CHECKING

import keyring
import polars as pl
import pytest
from keyring.backend import KeyringBackend

from polster.errors import AssetError
from polster.model import plugins
from polster.model.secret import NoSecretError, secret
from polster.sources import Known, files

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EXAMPLE = Path(__file__).parents[2] / "examples" / "connector"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Install the example beside what there is."""
    target = tmp_path_factory.mktemp("installed")
    command = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--target", str(target)]
    subprocess.run([*command, str(EXAMPLE)], check=True, capture_output=True)
    return target


@pytest.fixture
def connector(installed: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Path]:
    monkeypatch.syspath_prepend(str(installed))
    plugins.plugins.cache_clear()
    monkeypatch.setenv("SHOP_BOX", str(tmp_path / "box"))
    (tmp_path / "box").mkdir()
    yield tmp_path
    plugins.plugins.cache_clear()


def test_a_source_of_another_package_lands_what_is_new(pipeline: Pipeline, connector: Path) -> None:
    pipeline.asset(
        "bronze.meter",
        """
        from polster import sources

        @bronze(load="append")
        def meter():
            return sources.readings(until=3)
        """,
    )

    first = pipeline.landed("bronze.meter")
    pipeline.edit("src/core/bronze_meter.py", "until=3", "until=5")
    second = pipeline.landed("bronze.meter")

    assert (first.rows_published, second.rows_published) == (3, 2)
    table = pl.read_delta(str(pipeline.data / "bronze/meter"))
    assert sorted(table["_source"]) == [f"meter#{number}" for number in range(5)]


def test_files_of_another_place_land_once(pipeline: Pipeline, connector: Path) -> None:
    (connector / "box" / "a.csv").write_text("id\n1\n")
    pipeline.asset(
        "bronze.boxed",
        """
        from polster.sources import files

        @bronze(load="append")
        def boxed():
            return files("box://*.csv")
        """,
    )

    first, second = pipeline.landed("bronze.boxed"), pipeline.landed("bronze.boxed")

    assert (first.rows_published, second.status.value) == (1, "unchanged")


def test_a_vault_is_asked_for_what_is_nowhere_else(
    connector: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault = connector / "vault.json"
    vault.write_text('{"BOX_KEY": "from the vault", "BOTH": "from the vault"}')
    monkeypatch.setenv("SHOP_VAULT", str(vault))
    monkeypatch.setenv("BOTH", "from the environment")

    assert secret("BOX_KEY").value() == "from the vault"
    assert secret("BOTH").value() == "from the environment"
    with pytest.raises(NoSecretError, match="`NOT_THERE` is not known"):
        secret("NOT_THERE").value()


def test_a_vault_that_fails_is_told(connector: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_VAULT", str(connector / "gone.json"))

    with pytest.raises(NoSecretError, match="vault fails: FileNotFoundError") as caught:
        secret("BOX_KEY").value()

    assert "set the variable BOX_KEY" in caught.value.hint


def test_the_keyring_is_asked_last(monkeypatch: pytest.MonkeyPatch) -> None:
    class Held(KeyringBackend):
        priority = 1

        def get_password(self, service: str, username: str) -> str | None:
            return {("polster", "KEPT"): "from the keyring"}.get((service, username))

        def set_password(self, service: str, username: str, password: str) -> None: ...

        def delete_password(self, service: str, username: str) -> None: ...

    before = keyring.get_keyring()
    keyring.set_keyring(Held())  # type: ignore[no-untyped-call]
    try:
        assert secret("KEPT").value() == "from the keyring"
        with pytest.raises(NoSecretError):
            secret("NOT_KEPT").value()
    finally:
        keyring.set_keyring(before)


def test_what_cannot_be_loaded_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = EntryPoint("crate", "no_such_package.at_all:Crate", plugins.FILES)
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: [broken])
    plugins.plugins.cache_clear()

    with pytest.raises(AssetError, match=r"which no_such_package\.at_all:Crate adds") as caught:
        list(files("crate://a/*.csv").ask(Known()))

    plugins.plugins.cache_clear()
    assert caught.value.code == "POL362"


def test_two_packages_that_add_the_same_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    two = [EntryPoint("x", f"{name}:x", plugins.SOURCES) for name in ("one", "two")]
    monkeypatch.setattr("importlib.metadata.entry_points", lambda *, group: two)
    plugins.plugins.cache_clear()

    with pytest.raises(plugins.PluginError, match="two packages add `x`"):
        plugins.plugin(plugins.SOURCES, "x")

    plugins.plugins.cache_clear()
