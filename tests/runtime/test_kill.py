"""A run that is killed at any moment: every table stays readable, and the next run is right."""

from __future__ import annotations

import signal
from typing import TYPE_CHECKING

import polars as pl

if TYPE_CHECKING:
    from tests.conftest import Pipeline

DRIVER = """
import os, signal, sys
from polster.lakehouse.staging import Staging
from polster.lakehouse.table import Table

last, moments = int(sys.argv[1]), 0


def counted(owner, name, place):
    plain = getattr(owner, name)

    def after(self, *args, **kwargs):
        global moments
        result = plain(self, *args, **kwargs)
        moments += 1
        if moments == last:
            folder = getattr(self, place).split("/data/")[-1]
            print(f"{name} {folder}", file=sys.stderr, flush=True)
            os.kill(os.getpid(), signal.SIGKILL)
        return result

    setattr(owner, name, after)


counted(Staging, "sink", "folder")
counted(Table, "commit", "uri")
from polster.cli.app import main

main(["run", "--jobs", "1"])
"""


def test_a_kill_after_any_step_harms_nothing_and_loses_nothing(shop: Pipeline) -> None:
    shop.write("driver.py", DRIVER)
    shop.run()
    steps: list[str] = []
    while True:
        number = len(steps) + 1
        before = {key: shop.table(key) for key in ("silver.orders", "gold.spending")}
        shop.write(
            "landing/orders.csv", f"id,customer,amount\n1,ann,{number}\n1,ann,0\n2,bob,-1\n3,,4\n"
        )

        killed = shop.process("driver.py", str(number))

        silver, gold = shop.table("silver.orders"), shop.table("gold.spending")
        assert silver.equals(before["silver.orders"]) or silver["amount"].to_list() == [number]
        assert gold.equals(before["gold.spending"]) or gold["spent"].to_list() == [number]
        if killed.returncode != -signal.SIGKILL:
            break
        steps.append(killed.stderr.splitlines()[-1])
        assert shop.run().status == "succeeded"
        assert shop.table("silver.orders")["amount"].to_list() == [number]
        assert shop.table("gold.spending").rows() == [("ann", number)]
        rejected = shop.rejected("silver.orders").filter(pl.col("amount").is_in(["0", "-1", "4"]))
        assert rejected.height >= 3 * number
        _every_version_is_recorded_once(shop)

    assert killed.returncode == 0, killed.stderr
    for table in (
        "bronze/orders",
        "quarantine/silver/orders",
        "silver/orders",
        "gold/spending",
        "_polster/runs",
        "_polster/releases",
    ):
        assert steps.index(f"sink {table}") < steps.index(f"commit {table}")
    assert steps.index("commit quarantine/silver/orders") < steps.index("commit silver/orders")


def _every_version_is_recorded_once(shop: Pipeline) -> None:
    published = shop.ledger().filter(status="published")
    for key in ("bronze.orders", "silver.orders", "gold.spending"):
        versions = published.filter(asset=key)["version"].sort().to_list()
        assert versions == list(range(shop.version(key) + 1))
