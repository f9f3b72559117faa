from __future__ import annotations

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline
    from typer.testing import Result

Mask = Callable[[str], str]


def test_quarantine_shows_rules_and_the_original_rows(shop: Pipeline, masked: Mask) -> None:
    shop.run()

    result = shop.cli("quarantine", "silver.orders")

    lines = masked(result.stdout).splitlines()
    assert result.exit_code == 0
    assert lines[:5] == [
        "rule  rows  since (UTC)",
        "amount|min  1  <time>",
        "customer|nullability  1  <time>",
        "primary_key  1  <time>",
        "",
    ]
    assert lines[5].startswith("_rules  id  customer  amount")
    assert lines[7].startswith("amount|min  3  cid  -5")
    assert masked(result.stderr) == "silver.orders, run <run>: 3 of 3 rows"


def test_quarantine_as_json(shop: Pipeline) -> None:
    run = shop.run()

    report = shop.json("quarantine", "silver.orders", "--rows", "1")

    assert report["asset"] == "silver.orders"
    assert report["run_id"] == run.run_id
    assert report["rules_broken"] == {
        "amount|min": 1,
        "customer|nullability": 1,
        "primary_key": 1,
    }
    assert report["total"] == 3
    assert len(report["rows"]) == 1
    assert {"_rules", "id", "customer", "amount"} <= report["rows"][0].keys()


def test_the_last_run_that_judged_is_shown_and_earlier_ones_counted(
    shop: Pipeline, masked: Mask
) -> None:
    first = shop.run()
    shop.edit("landing/orders.csv", "3,cid,-5", "3,cid,5")
    second = shop.run()
    shop.run()

    result = shop.cli("quarantine", "silver.orders")
    earlier = shop.json("quarantine", "silver.orders", "--run", first.run_id)

    assert second.run_id in result.stderr
    assert result.stderr.endswith("other runs kept out 1 rows: see polster history\n")
    assert (earlier["total"], earlier["earlier_rows"]) == (3, 0)


def test_a_rule_is_broken_since_the_first_run_that_found_it_so_up_to_the_run_asked_for(
    shop: Pipeline,
) -> None:
    first = shop.run()
    shop.edit("landing/orders.csv", "3,cid,-5", "3,,5")
    second = shop.run()
    shop.edit("landing/orders.csv", "3,,5", "3,cid,-5")
    third = shop.run()
    began = {
        run.run_id: next(each for each in run.assets if str(each.asset) == "silver.orders")
        for run in (first, second, third)
    }
    at = {run_id: record.started_at.isoformat() for run_id, record in began.items()}

    now = shop.json("quarantine", "silver.orders")["since"]
    then = shop.json("quarantine", "silver.orders", "--run", second.run_id)["since"]

    assert now == {
        "amount|min": at[third.run_id],
        "customer|nullability": at[first.run_id],
        "primary_key": at[first.run_id],
    }
    assert then == {
        "customer|nullability": at[first.run_id],
        "primary_key": at[first.run_id],
    }


def test_a_run_that_failed_and_kept_nothing_out_does_not_hide_what_readers_go_without(
    shop: Pipeline,
) -> None:
    published = shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.head(2)")
    few = "@silver(expect=polster.Expect(min_rows=100), "
    shop.edit("src/core/silver_orders.py", "@silver(", few)
    failed = shop.run()

    report = shop.json("quarantine", "silver.orders")

    assert failed.assets[1].status == "failed"
    assert report["run_id"] == published.run_id
    assert report["total"] == 3


def test_a_run_without_bad_rows(shop: Pipeline, masked: Mask) -> None:
    shop.run()

    result = shop.cli("quarantine", "gold.spending")

    assert masked(result.stdout) == "run <run> kept no row out of gold.spending"


def test_an_asset_that_was_never_judged(shop: Pipeline) -> None:
    result = shop.cli("quarantine", "gold.spending")

    assert result.exit_code == 0
    assert result.stdout == "no run has judged gold.spending yet\n"
    assert shop.json("quarantine", "gold.spending")["run_id"] is None


def test_a_run_that_does_not_exist(shop: Pipeline) -> None:
    shop.run()

    result = shop.cli("quarantine", "silver.orders", "--run", "20200101T000000-abcdef")

    assert result.exit_code == 2
    assert "no run `20200101T000000-abcdef`" in result.stderr


def test_an_unknown_asset(shop: Pipeline) -> None:
    assert shop.cli("quarantine", "silver.nope").exit_code == 2


def test_a_quarantine_that_is_gone_is_told(shop: Pipeline, tmp_path: Path) -> None:
    run = shop.run()
    shutil.rmtree(shop.data / "quarantine" / "silver" / "orders")

    shown = shop.cli("quarantine", "silver.orders")
    exported = shop.cli("quarantine", "silver.orders", "--export", str(tmp_path / "rows.csv"))

    assert shown.exit_code == exported.exit_code == 1
    assert "error[POL410]: the quarantine table of `silver.orders` is missing" in shown.stderr
    assert f"run {run.run_id} kept 3 rows out, by the ledger" in shown.stderr
    assert "POL410" in exported.stderr
    assert not (tmp_path / "rows.csv").exists()
    assert shop.cli("quarantine", "gold.spending").exit_code == 0

    shop.edit("landing/orders.csv", "3,cid,-5", "3,cid,5")
    shop.run()
    assert shop.cli("quarantine", "silver.orders").exit_code == 0
    earlier = shop.cli("quarantine", "silver.orders", "--run", run.run_id)
    assert f"the quarantine of `silver.orders` holds no row of run {run.run_id}" in earlier.stderr


def test_a_rule_that_there_is_not_is_told_with_the_nearest(shop: Pipeline, tmp_path: Path) -> None:
    shop.run()
    target = tmp_path / "rows.csv"

    def export(asset: str, rule: str) -> Result:
        return shop.cli("quarantine", asset, "--rule", rule, "--export", str(target))

    close, far = export("silver.orders", "amount|mni"), export("silver.orders", "nonsense")
    bare = export("bronze.orders", "amount|min")

    assert (close.exit_code, far.exit_code, bare.exit_code) == (2, 2, 2)
    assert "error[POL106]: `silver.orders` has no rule `amount|mni`" in close.stderr
    assert "hint: did you mean `amount|min`?" in close.stderr
    assert "hint: its rules: amount|min, amount|nullability, customer|nullability, " in far.stderr
    assert "hint: it has no contract" in bare.stderr
    assert not target.exists()
    assert export("silver.orders", "id|dtype").exit_code == 0


def test_only_the_rows_that_broke_one_rule(shop: Pipeline, masked: Mask) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "3,cid,-5", "3,,-5")
    run = shop.run()

    result = shop.cli("quarantine", "silver.orders", "--rule", "amount|min")
    as_json = shop.json("quarantine", "silver.orders", "--rule", "primary_key")
    none = shop.cli("quarantine", "silver.orders", "--rule", "id|nullability")
    unknown = shop.cli("quarantine", "silver.orders", "--rule", "amount|mni")

    assert masked(result.stdout).splitlines()[:3] == [
        "rule  rows  since (UTC)",
        "amount|min  1  <time>",
        "customer|nullability  1  <time>",
    ]
    assert masked(result.stderr).splitlines() == [
        "silver.orders, run <run>: 1 of 1 rows by the rule amount|min",
        "other runs kept out 1 rows by the rule amount|min: see polster history",
    ]
    assert (as_json["rule"], as_json["total"], as_json["earlier_rows"]) == ("primary_key", 1, 0)
    assert none.stdout == (
        f"run {run.run_id} kept no row out of silver.orders by the rule id|nullability\n"
    )
    assert (unknown.exit_code, "did you mean `amount|min`?" in unknown.stderr) == (2, True)
