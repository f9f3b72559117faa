"""Lakehouses in stores of Amazon's and of Microsoft's kind: whole, beside each other, killed."""

from __future__ import annotations

import json
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import boto3
import polars as pl
import pytest
from tests.runtime.test_kill import DRIVER
from tests.stores import SECRET, azurite, between, moto, variables_of_s3

if TYPE_CHECKING:
    from tests.conftest import Pipeline

RUNS_AT_ONCE = 3
EVERY = 2
"""Of the moments at which a run may be killed, so many are taken together."""


@contextmanager
def s3() -> Iterator[dict[str, str]]:
    with moto() as port:
        _bucket(port).create()
        yield variables_of_s3(port)


def _bucket(port: int) -> Any:
    url = f"http://127.0.0.1:{port}"
    keys = {"aws_access_key_id": "somebody", "aws_secret_access_key": SECRET}
    return boto3.resource("s3", endpoint_url=url, region_name="us-east-1", **keys).Bucket("lake")


SERVERS = {"s3": s3, "az": azurite}


@pytest.fixture(scope="module", params=["s3", "az"])
def server(request: pytest.FixtureRequest) -> Iterator[tuple[str, dict[str, str]]]:
    with SERVERS[request.param]() as variables:
        yield request.param, variables


@pytest.fixture
def stored(
    shop: Pipeline,
    server: tuple[str, dict[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    request: pytest.FixtureRequest,
) -> tuple[Pipeline, str]:
    """A project whose lakehouse lies in a store, and where."""
    scheme, variables = server
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    lakehouse = f"{scheme}://lake/{request.node.originalname}"
    shop.write("pyproject.toml", f'[tool.polster]\nlakehouse = "{lakehouse}"\n')
    return shop, lakehouse


def polster(shop: Pipeline, *arguments: str) -> Any:
    result = shop.cli(*arguments, "--format", "json")
    assert SECRET not in result.output
    assert result.exit_code == 0, result.output
    return json.loads(result.stdout)


def statuses(record: Any) -> list[str]:
    return [asset["status"] for asset in record["assets"]]


def test_every_command_works_on_a_lakehouse_in_a_store(stored: tuple[Pipeline, str]) -> None:
    shop, _ = stored

    first, second = polster(shop, "run"), polster(shop, "run")
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    third = polster(shop, "run")

    assert [*map(statuses, (first, second, third))] == [
        ["published"] * 3,
        ["unchanged"] * 3,
        ["published"] * 3,
    ]
    assert {asset["state"] for asset in polster(shop, "status")["assets"]} == {"published"}
    spent = {
        row["customer"]: row["spent"] for row in polster(shop, "preview", "gold.spending")["rows"]
    }
    assert spent == {"ann": 11.0, "bob": 20.0}
    assert polster(shop, "quarantine", "silver.orders")["total"] == 3
    assert len(polster(shop, "history", "silver.orders")["runs"]) == 3
    assert len(polster(shop, "releases")["releases"]) == 2
    assert [run["status"] for run in polster(shop, "runs")["runs"]] == ["succeeded"] * 3
    assert {each["action"] for each in polster(shop, "plan")["assets"]} <= {
        "run",
        "unchanged",
        "keep",
    }
    assert polster(shop, "explain", "silver.orders")["asset"] == "silver.orders"
    doctor = polster(shop, "doctor", "--releases", "--store")
    assert (doctor["findings"], doctor["tables"]) == ([], 6)
    assert shop.cli("upkeep").exit_code == 0
    assert shop.cli("validate", "--strict").exit_code in (0, 1)
    assert not shop.data.exists()


def test_runs_at_once_in_a_store_land_each_row_once(stored: tuple[Pipeline, str]) -> None:
    shop, lakehouse = stored
    shop.edit(
        "src/core/bronze_orders.py", "@bronze(", '@bronze(load="append", repeated_batch="skip", '
    )

    processes = [shop.start("-m", "polster", "run") for _ in range(RUNS_AT_ONCE)]
    ended = [(each.communicate(timeout=120)[1], each.returncode) for each in processes]

    assert [code for _, code in ended] == [0] * RUNS_AT_ONCE, ended
    assert pl.read_delta(f"{lakehouse}/bronze/orders").height == 5
    assert pl.read_delta(f"{lakehouse}/silver/orders").height == 2
    recorded = pl.read_delta(f"{lakehouse}/_polster/runs").filter(pl.col("status") == "published")
    assert recorded["asset"].value_counts()["count"].to_list() == [1] * 3
    assert statuses(polster(shop, "run")) == ["unchanged"] * 3


def test_a_kill_after_any_step_in_a_store_loses_nothing(stored: tuple[Pipeline, str]) -> None:
    shop, lakehouse = stored
    shop.write("driver.py", DRIVER)
    polster(shop, "run")
    steps = kills = 0
    while True:
        amount = float(steps + 100)
        shop.write("landing/orders.csv", f"id,customer,amount\n1,ann,{amount}\n1,ann,0\n3,,4\n")

        killed = shop.process("driver.py", str(steps + 1))

        silver = pl.read_delta(f"{lakehouse}/silver/orders")
        gold = pl.read_delta(f"{lakehouse}/gold/spending")
        assert set(gold["spent"]) <= {10.5, 20.0, amount, amount - EVERY}
        assert set(silver["amount"]) <= {10.5, 20.0, amount, amount - EVERY}
        if killed.returncode != -signal.SIGKILL:
            break
        steps += EVERY
        kills += 1
        record = polster(shop, "run")
        assert record["status"] == "succeeded"
        assert pl.read_delta(f"{lakehouse}/gold/spending").rows() == [("ann", amount)]
        assert pl.read_delta(f"{lakehouse}/silver/orders")["amount"].to_list() == [amount]

    assert killed.returncode == 0, killed.stderr
    assert kills >= 5
    recorded = pl.read_delta(f"{lakehouse}/_polster/runs").filter(pl.col("status") == "published")
    assert recorded.select("asset", "version").is_duplicated().sum() == 0


@pytest.fixture(scope="module")
def ignoring() -> Iterator[dict[str, str]]:
    """A store that writes over what is there, though it is told not to."""
    with moto() as port, between(port, ignores=("if-none-match", "if-match")) as standing:
        _bucket(port).create()
        yield variables_of_s3(standing.port)


def test_a_store_that_writes_over_what_is_there_has_one_run_at_a_time(
    shop: Pipeline, ignoring: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ignoring.items():
        monkeypatch.setenv(name, value)
    shop.write("pyproject.toml", '[tool.polster]\nlakehouse = "s3://lake/shop"\n')
    shop.write("hold", "")
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "import pathlib, time\n"
        "    pathlib.Path('reached').touch()\n"
        "    while pathlib.Path('hold').exists():\n"
        "        time.sleep(0.01)\n"
        "    return bronze_orders",
    )
    with shop.start("-m", "polster", "run") as process:
        while not (shop.root / "reached").exists():
            assert process.poll() is None
        beside = shop.cli("run")
        (shop.root / "hold").unlink()
        process.communicate(timeout=60)
    after = shop.cli("run")
    doctor = shop.cli("doctor", "--store")

    assert beside.exit_code == 1
    assert "the store does not keep writers apart, and run " in beside.stderr
    assert "is at work" in beside.stderr
    assert "Traceback" not in beside.output
    assert (process.returncode, after.exit_code) == (0, 0)
    assert doctor.exit_code == 1
    assert "POL426" in doctor.output


def test_to_look_at_a_table_in_a_store_takes_two_requests(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    with moto() as port, between(port) as standing:
        _bucket(port).create()
        for name, value in variables_of_s3(standing.port).items():
            monkeypatch.setenv(name, value)
        shop.write("pyproject.toml", '[tool.polster]\nlakehouse = "s3://lake/shop"\n')
        polster(shop, "run")
        before = len(standing.asked)

        polster(shop, "status")

        asked = [" ".join(each) for each in standing.until_now()[before:]]
    for table in ("bronze/orders", "silver/orders", "gold/spending"):
        of_table = [each for each in asked if f"shop/{table}/" in each]
        assert len(of_table) == 2, of_table
    assert len(asked) < 30


def test_without_the_library_another_store_is_not_written_unasked(
    shop: Pipeline, ignoring: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in ignoring.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setitem(sys.modules, "obstore", None)
    shop.write("pyproject.toml", '[tool.polster]\nlakehouse = "s3://lake/unasked"\n')

    result = shop.cli("run")

    assert result.exit_code == 1
    assert "pip install 'polster[object-store]'" in result.stderr


def test_the_doctor_has_nothing_to_ask_of_a_folder(shop: Pipeline) -> None:
    assert shop.cli("run").exit_code == 0
    assert shop.cli("doctor", "--store").exit_code == 0
