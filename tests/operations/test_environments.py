from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from polster.errors import UsageError

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SETTINGS = """\
[tool.polster.environments.prod]
lakehouse = "${SHOP_LAKEHOUSE}"
"""


@pytest.fixture
def shop_with_prod(shop: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("SHOP_LAKEHOUSE", "")
    monkeypatch.delenv("SHOP_LAKEHOUSE")
    shop.write("pyproject.toml", SETTINGS)
    return shop


def test_each_environment_has_a_lakehouse_of_its_own(
    shop_with_prod: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop = shop_with_prod
    monkeypatch.setenv("SHOP_LAKEHOUSE", "elsewhere")
    dev = shop.cli("run")
    prod = shop.cli("run", "--env", "prod", "--format", "json")
    monkeypatch.setenv("POLSTER_ENV", "prod")
    again = shop.cli("run", "--format", "json")

    assert (dev.exit_code, prod.exit_code, again.exit_code) == (0, 0, 0)
    assert json.loads(prod.stdout)["environment"] == "prod"
    assert {a["status"] for a in json.loads(prod.stdout)["assets"]} == {"published"}
    assert {a["status"] for a in json.loads(again.stdout)["assets"]} == {"unchanged"}
    assert (shop.root / "elsewhere/gold/spending/_delta_log").is_dir()


def test_a_variable_may_stand_in_the_env_file(shop_with_prod: Pipeline) -> None:
    shop_with_prod.write(".env", "SHOP_LAKEHOUSE=from_file\nPOLSTER_ENV=prod\n")

    done = shop_with_prod.process("-m", "polster", "run", "--format", "json")

    assert done.returncode == 0
    assert json.loads(done.stdout)["environment"] == "prod"
    assert (shop_with_prod.root / "from_file/bronze/orders").is_dir()


def test_a_variable_that_is_not_set_is_named(shop_with_prod: Pipeline) -> None:
    with pytest.raises(UsageError) as caught:
        shop_with_prod.run(environment="prod")

    assert caught.value.code == "POL105"
    assert caught.value.message == (
        "the environment `prod` needs the variable SHOP_LAKEHOUSE, which is not set"
    )


def test_an_unknown_environment_offers_the_nearest(shop_with_prod: Pipeline) -> None:
    result = shop_with_prod.cli("status", "--env", "prd")

    assert result.exit_code == 2
    assert "error[POL104]: there is no environment `prd`" in result.stderr
    assert "hint: did you mean `prod`?" in result.stderr
