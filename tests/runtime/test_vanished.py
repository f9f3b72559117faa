"""A run whose process ends without a word."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

CRASH = "__import__('ctypes').string_at(0)"


@pytest.mark.in_this_process
@pytest.mark.parametrize("way", [f"    {CRASH}", f"    pass\n{CRASH}"], ids=["called", "imported"])
def test_a_crash_names_the_asset_and_the_next_run_tells_of_it_once(
    pipeline: Pipeline, way: str
) -> None:
    file = pipeline.asset(
        "bronze.x", f"@bronze\ndef x():\n    return pl.DataFrame({{'a': [1]}})\ndef y():\n{way}\n"
    )
    if "pass" not in way:
        pipeline.edit("src/core/bronze_x.py", "    return", "    y()\n    return")
    crashed = pipeline.process("-m", "polster", "run")
    assert crashed.returncode < 0
    assert "in building bronze.x" in crashed.stderr
    assert str(file) in crashed.stderr
    assert "vanished while building `bronze.x`" in pipeline.cli("status").stderr
    pipeline.edit("src/core/bronze_x.py", CRASH, "0")

    first, second = pipeline.run(), pipeline.run()

    (told,) = first.warnings
    assert told.code == "POL903"
    assert "vanished while building `bronze.x`" in told.message
    assert (first.status, second.warnings) == ("succeeded", ())
    assert pipeline.cli("status").stderr == ""
    vanished = pipeline.ledger().filter(run_status="vanished")
    assert vanished.select("asset", "status").rows() == [("bronze.x", "failed")]
    runs = pipeline.json("runs")
    assert [run["status"] for run in runs["runs"]] == ["succeeded", "succeeded", "vanished"]
    assert runs["live"] == []


@pytest.mark.in_this_process
def test_what_a_run_published_before_it_vanished_is_recorded_as_published(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "    return bronze", f"    {CRASH}\n    return bronze")
    assert shop.process("-m", "polster", "run", "--jobs", "1").returncode < 0
    shop.edit("src/core/silver_orders.py", CRASH, "0")

    record = shop.run()

    rows = shop.ledger().filter(run_status="vanished").select("asset", "status").rows()
    assert dict(rows) == {"silver.orders": "failed", "gold.spending": "skipped"}
    ((published,),) = (
        shop.ledger().filter(asset="bronze.orders", status="published").select("run_id").rows()
    )
    assert published != record.run_id
