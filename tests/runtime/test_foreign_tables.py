"""Tables of other programs in the place of an asset's, and what others do to ours."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

from polster.model.record import RunRecord

if TYPE_CHECKING:
    from tests.conftest import Pipeline

FOREIGN = pl.DataFrame({"id": [7], "other": ["precious"]})


def _error(record: RunRecord, asset: str) -> tuple[str, str]:
    (found,) = [a.error for a in record.assets if str(a.asset) == asset]
    assert found is not None
    return found.code, found.hint or ""


@pytest.mark.parametrize("key", ["bronze.orders", "silver.orders"])
def test_a_table_that_polster_did_not_make_is_refused(shop: Pipeline, key: str) -> None:
    place = shop.data / key.replace(".", "/")
    write_deltalake(place, FOREIGN)

    record = shop.run()
    status = {each["asset"]: each for each in shop.json("status")["assets"]}

    code, hint = _error(record, key)
    assert code == "POL414"
    assert hint.endswith(f"polster run {key} --adopt")
    assert pl.read_delta(str(place)).equals(FOREIGN)
    assert status[key]["state"] == "unusable"
    assert status[key]["reasons"] == ["a table that Polster did not make lies in its place"]
    assert shop.reasons()[key][0].endswith(": this will fail")


def test_a_table_that_took_the_place_of_ours_with_its_version_is_refused(shop: Pipeline) -> None:
    shop.run()
    place = shop.data / "silver/orders"
    shutil.rmtree(place)
    write_deltalake(place, FOREIGN)

    record = shop.run()

    assert _error(record, "silver.orders")[0] == "POL414"
    assert pl.read_delta(str(place)).equals(FOREIGN)


def test_the_table_of_another_asset_is_refused(shop: Pipeline) -> None:
    shop.run()
    place = shop.data / "gold/spending"
    shutil.rmtree(place)
    shutil.copytree(shop.data / "silver/orders", place)

    record = shop.run()

    assert _error(record, "gold.spending")[0] == "POL415"
    assert shop.json("status")["assets"][2]["reasons"] == [
        "the table of `silver.orders` lies in its place"
    ]
    assert shop.run("gold.spending", adopt=True).status == "succeeded"
    assert shop.table("gold.spending").columns == ["customer", "spent"]
    assert set(shop.outcome().values()) == {"unchanged"}


def test_a_foreign_table_of_silver_is_taken_over_when_asked(shop: Pipeline) -> None:
    place = shop.data / "silver/orders"
    write_deltalake(place, FOREIGN)

    typed = shop.cli("run", "--adopt")
    again = shop.outcome()

    assert typed.exit_code == 0
    assert "note: silver.orders: a table of another program was taken over" in typed.stdout
    assert shop.table("silver.orders").columns == ["id", "customer", "amount"]
    assert pl.read_delta(str(place), version=0).equals(FOREIGN)
    assert set(again.values()) == {"unchanged"}
    assert "taken over" in str(shop.json("history", "silver.orders")["runs"][1]["notes"])
    assert "taken over" not in shop.cli("run").stdout


def test_a_foreign_table_of_bronze_is_taken_over_and_refuses_change_from_then_on(
    shop: Pipeline,
) -> None:
    place = shop.data / "bronze/orders"
    write_deltalake(place, pl.DataFrame({"id": ["7"], "customer": ["eve"], "amount": ["1"]}))

    record = shop.run(adopt=True)

    assert record.status == "succeeded"
    assert shop.table("bronze.orders").height == 5
    assert pl.read_delta(str(place)).height == 6
    with pytest.raises(Exception, match="append-only"):
        DeltaTable(place).delete("id = '7'")
    assert set(shop.outcome().values()) == {"unchanged"}
    assert DeltaTable(place).metadata().name == "polster.bronze.orders"


def test_a_table_of_before_there_was_a_mark_is_known_by_its_commits(shop: Pipeline) -> None:
    shop.run()
    log = shop.data / "silver/orders/_delta_log" / f"{0:020d}.json"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if "metaData" in line:
            assert line["metaData"].pop("name") == "polster.silver.orders"
    log.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")
    write_deltalake(shop.data / "silver/orders", FOREIGN, mode="overwrite", schema_mode="overwrite")

    reasons = shop.reasons("silver.orders")

    assert reasons == {"silver.orders": ("its table was changed by another program",)}
    assert shop.run().status == "succeeded"


def test_bronze_that_was_restored_is_told_once_and_read_right(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11.5")
    shop.run()
    DeltaTable(shop.data / "bronze/orders").restore(0)
    told = "another program changed its table: RESTORE at version 2"

    status = shop.json("status")["assets"][0]
    restored = shop.table("bronze.orders")
    first = shop.cli("run")
    second = shop.cli("run")

    assert (status["state"], status["reasons"]) == ("published", [told])
    assert restored.height == 5
    assert restored["amount"].sort()[1] == "10.5"
    assert first.stdout.count(told) == 1
    assert told not in second.stdout
    assert shop.table("silver.orders").filter(id=1)["amount"].to_list() == [11.5]
    assert set(shop.outcome().values()) == {"unchanged"}


def _put_back_to_first(table: Path) -> None:
    """Leave the first commit alone, as a backup of that time would."""
    (table / "_delta_log" / f"{1:020d}.json").unlink()


def test_bronze_from_a_backup_is_told_once_and_what_lands_again_is_new_data(
    shop: Pipeline,
) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11.5")
    shop.run()
    _put_back_to_first(shop.data / "bronze/orders")
    shop.edit("landing/orders.csv", "1,ann,11.5", "1,ann,12.5")
    told = "its table was put back to version 0, and had version 1"

    status = shop.json("status")["assets"][0]
    examined = shop.json("doctor")["findings"]
    planned = shop.reasons("bronze.orders")["bronze.orders"]
    first, second = shop.cli("run"), shop.cli("run")

    assert (status["state"], status["reasons"]) == ("published", [told])
    assert "the ledger knows version 1, and no commit of the table made it" in str(examined)
    assert planned == ("bronze asks its source", told)
    assert shop.version("bronze.orders") == 1
    assert shop.table("silver.orders").filter(id=1)["amount"].to_list() == [12.5]
    assert shop.table("gold.spending").filter(customer="ann")["spent"].to_list() == [12.5]
    assert first.stdout.count(told) == 1
    assert told not in second.stdout
    assert shop.json("status")["assets"][0]["reasons"] == []
    assert set(shop.outcome().values()) == {"unchanged"}


def test_what_reads_a_table_from_a_backup_is_built_anew_though_nothing_lands(
    shop: Pipeline,
) -> None:
    shop.run()
    old = (shop.root / "landing/orders.csv").read_text(encoding="utf-8")
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11.5")
    shop.run()
    _put_back_to_first(shop.data / "bronze/orders")
    shop.write("landing/orders.csv", old)

    first, second = shop.cli("run"), shop.cli("run")

    assert first.stdout.count("note: bronze.orders: its table was put back") == 1
    assert "put back" not in second.stdout
    assert shop.table("silver.orders").filter(id=1)["amount"].to_list() == [10.5]
    assert set(shop.outcome().values()) == {"unchanged"}


def test_bronze_that_another_program_appended_to_is_told_though_nothing_new_lands(
    pipeline: Pipeline,
) -> None:
    pipeline.asset(
        "bronze.events",
        """
        from pathlib import Path

        @bronze(load="append")
        def events() -> pl.LazyFrame:
            return pl.LazyFrame({"n": [1]}).head(int(Path("rows").read_text()))
        """,
    )
    pipeline.write("rows", "1")
    pipeline.run()
    pipeline.write("rows", "0")
    place = pipeline.data / "bronze/events"
    write_deltalake(place, pl.read_delta(str(place)), mode="append")
    told = "another program changed its table: WRITE at version 1"

    first, second = pipeline.cli("run"), pipeline.cli("run")

    assert f"note: bronze.events: {told}" in first.stdout
    assert told not in second.stdout
    assert pipeline.json("status")["assets"][0]["reasons"] == [told]
    assert pipeline.cli("plan").stdout.count(told) == 1


def test_upkeep_by_another_program_is_not_told(shop: Pipeline) -> None:
    shop.run()
    for key in ("bronze/orders", "silver/orders"):
        table = DeltaTable(shop.data / key)
        table.optimize.compact()
        table.alter.set_table_properties({"delta.logRetentionDuration": "interval 90 days"})

    told = [reason for each in shop.json("status")["assets"] for reason in each["reasons"]]
    assert "another program" not in " ".join(told)
    assert "another program" not in shop.cli("run").stdout


def test_a_table_in_partitions_of_another_program_is_not_taken_over(shop: Pipeline) -> None:
    place = shop.data / "silver/orders"
    write_deltalake(place, FOREIGN, partition_by=["other"])

    record = shop.run(adopt=True)

    assert _error(record, "silver.orders")[0] == "POL416"
    assert pl.read_delta(str(place)).equals(FOREIGN)


@pytest.mark.parametrize("feature", ["deletionVectors", "columnMapping"])
def test_a_table_that_needs_what_polster_does_not_know_is_not_taken_over(
    shop: Pipeline, feature: str
) -> None:
    place = shop.data / "silver/orders"
    write_deltalake(place, FOREIGN)
    _need(place, feature)

    record = shop.run(adopt=True)

    code, hint = _error(record, "silver.orders")
    assert code == "POL416"
    assert "move the folder away" in hint
    assert DeltaTable(place).version() == 0


def _need(table: Path, feature: str) -> None:
    log = table / "_delta_log" / f"{0:020d}.json"
    lines = [json.loads(line) for line in log.read_text(encoding="utf-8").splitlines()]
    for line in lines:
        if "protocol" in line:
            line["protocol"] = {
                "minReaderVersion": 3,
                "minWriterVersion": 7,
                "readerFeatures": [feature],
                "writerFeatures": [feature],
            }
    log.write_text("\n".join(map(json.dumps, lines)) + "\n", encoding="utf-8")


@pytest.mark.parametrize("command", ["run", "status", "doctor", "runs"])
@pytest.mark.parametrize("is_first", [True, False])
def test_a_foreign_table_in_the_place_of_the_ledger_is_neither_read_nor_written(
    shop: Pipeline, command: str, is_first: bool
) -> None:
    place = shop.data / "_polster/runs"
    if not is_first:
        shop.run()
        shutil.rmtree(place)
    write_deltalake(place, FOREIGN)

    result = shop.cli(command)

    assert result.exit_code == 1
    assert "[POL424]" in result.output
    assert "POL900" not in result.output
    assert pl.read_delta(str(place)).equals(FOREIGN)
    shutil.rmtree(place)
    assert shop.cli("run").exit_code == 0


@pytest.mark.parametrize("name", ["releases", "acknowledgements"])
def test_doctor_tells_of_a_foreign_table_in_the_place_of_polsters_own(
    shop: Pipeline, name: str
) -> None:
    write_deltalake(shop.data / "_polster" / name, FOREIGN)

    (found,) = shop.json("doctor")["findings"]

    assert (found["code"], found["severity"]) == ("POL424", "error")
    assert found["file"] == str(shop.data / "_polster" / name)


def test_a_foreign_table_in_the_place_of_a_quarantine_is_neither_read_nor_written(
    shop: Pipeline,
) -> None:
    place = shop.data / "quarantine/silver/orders"
    write_deltalake(place, FOREIGN)

    _, silver, _ = shop.json("run")["assets"]

    assert silver["error"]["code"] == "POL424"
    assert silver["error"]["place"] == str(place)
    assert pl.read_delta(str(place)).equals(FOREIGN)
    assert "[POL424]" in shop.cli("quarantine", "silver.orders").output
    assert "[POL424]" in shop.cli("doctor").output


def test_a_ledger_of_an_earlier_version_is_read_still(shop: Pipeline) -> None:
    shop.run()
    ledger = shop.ledger()
    shutil.rmtree(shop.data / "_polster/runs")
    later = ["lineage", "selection", "run_status", "matched", "commit", "nulls", "warnings"]
    write_deltalake(shop.data / "_polster/runs", ledger.drop(later))

    outcome = shop.outcome()

    assert set(outcome.values()) == {"unchanged"}
    assert shop.ledger().height == 2 * ledger.height
