from __future__ import annotations

import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable, write_deltalake

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def _codes(shop: Pipeline, *arguments: str) -> list[tuple[str, str | None]]:
    return [(each["code"], each["asset"]) for each in _found(shop, *arguments)]


def _found(shop: Pipeline, *arguments: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = shop.json("doctor", *arguments)["findings"]
    return found


def _log(table: Path, version: int = 0) -> Path:
    return table / "_delta_log" / f"{version:020d}.json"


def _type(shop: Pipeline, hint: str) -> None:
    """Type the command that a hint ends with."""
    command = hint.partition(": ")[2]
    if command.startswith("polster "):
        assert shop.cli(*shlex.split(command)[1:]).exit_code == 0
        return
    typed = command.replace("python -c", f"{shlex.quote(sys.executable)} -c")
    subprocess.run(typed, shell=True, check=True, cwd=shop.root)


def test_a_lakehouse_that_is_sound(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    shop.run()

    result = shop.cli("doctor", "--releases")

    assert result.exit_code == 0
    assert result.stdout == "6 tables, 13 files: nothing wrong\n"


def test_a_lakehouse_before_the_first_run(shop: Pipeline) -> None:
    result = shop.cli("doctor")

    assert (result.exit_code, result.stdout) == (0, "0 tables, 0 files: nothing wrong\n")
    assert not shop.data.exists()


def test_every_file_is_opened_and_its_rows_are_counted(shop: Pipeline) -> None:
    shop.run()
    place = shop.data / "silver/orders"
    text = _log(place).read_text(encoding="utf-8")
    _log(place).write_text(text.replace('numRecords\\": 2', 'numRecords\\": 3'))
    bronze = next((shop.data / "bronze/orders").rglob("*.parquet"))
    bronze.write_bytes(bytes(bronze.stat().st_size))
    next((shop.data / "gold/spending").glob("*.parquet")).unlink()

    result = shop.cli("doctor")
    found = {each["asset"]: each for each in _found(shop)}

    assert result.exit_code == 1
    assert {each["code"] for each in found.values()} == {"POL413"}
    assert "a file of its table has 2 rows, not 3" in found["silver.orders"]["message"]
    assert "a file of its table cannot be read: " in found["bronze.orders"]["message"]
    assert "a file of its table is missing: " in found["gold.spending"]["message"]
    assert found["silver.orders"]["file"] == str(place)
    assert result.stdout.endswith("3 errors\n")


@pytest.mark.parametrize("place", ["bronze/marks", "quarantine/silver/marks"])
def test_bytes_that_were_lost_inside_a_file_are_found(pipeline: Pipeline, place: str) -> None:
    pipeline.asset(
        "bronze.marks",
        "@bronze\ndef marks() -> pl.LazyFrame:\n"
        "    return pl.LazyFrame({'v': range(20_000)}).with_columns(w=pl.col('v').hash())\n",
    )
    pipeline.asset(
        "silver.marks",
        """
        class Marks(dy.Schema):
            v = dy.Int64(min=10_000)
            w = dy.UInt64()

        @silver(contract=Marks, max_quarantined=1.0)
        def marks(bronze_marks: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_marks.select("v", "w")
        """,
    )
    pipeline.run()
    file = next((pipeline.data / place).rglob("*.parquet"))
    damaged = bytearray(file.read_bytes())
    middle = len(damaged) // 2
    damaged[middle : middle + 4096] = bytes(4096)
    file.write_bytes(damaged)

    (found,) = _found(pipeline)

    assert (found["code"], found["severity"]) == ("POL413", "error")
    assert found["file"] == str(pipeline.data / place)
    name = file.relative_to(pipeline.data / place).as_posix()
    assert f"a file of its table cannot be read: {name}: parquet: " in found["message"]


def test_a_file_that_cannot_be_read_in_the_types_of_its_table_is_found(pipeline: Pipeline) -> None:
    asset = '@bronze(load="append")\ndef marks() -> pl.DataFrame:\n    return pl.DataFrame({})'
    for values in ({"v": [1], "w": [{"a": 1}]}, {"v": [2], "w": [{"a": 2, "b": 3}], "x": ["y"]}):
        pipeline.asset("bronze.marks", asset.format(values))
        assert pipeline.outcome() == {"bronze.marks": "published"}
    sound = _codes(pipeline)
    place = pipeline.data / "bronze/marks"
    (path,) = DeltaTable(place, version=0).file_uris()
    file = Path(path)
    size = file.stat().st_size
    pl.read_parquet(file).with_columns(v=pl.lit("one")).write_parquet(file)
    for log in (place / "_delta_log").glob("*.json"):
        text = log.read_text(encoding="utf-8")
        log.write_text(text.replace(f'"size":{size}', f'"size":{file.stat().st_size}'))

    (found,) = _found(pipeline)

    assert sound == []
    assert (found["code"], found["asset"]) == ("POL413", "bronze.marks")
    assert f"a file of its table has other types: {file.name}: " in found["message"]
    with pytest.raises(pl.exceptions.SchemaError):
        pl.read_delta(str(place))


def test_one_asset_alone_is_examined(shop: Pipeline) -> None:
    shop.run()
    next((shop.data / "gold/spending").glob("*.parquet")).unlink()

    assert _codes(shop, "silver.orders") == []
    assert _codes(shop, "spending") == [("POL413", "gold.spending")]


def test_what_is_damaged_in_silver_is_mended_by_the_hint(shop: Pipeline) -> None:
    shop.run()
    log = _log(shop.data / "silver/orders")
    log.write_text(log.read_text(encoding="utf-8")[:99])

    (found,) = _found(shop)
    _type(shop, found["hint"])

    assert "its newest commit is damaged" in found["message"]
    assert [code for code, _ in _codes(shop) if code != "POL422"] == []


def test_an_earlier_version_is_looked_at_where_a_release_names_it(shop: Pipeline) -> None:
    first = shop.run()
    old = next((shop.data / "silver/orders").glob("*.parquet"))
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    shop.run()
    old.unlink()

    assert _codes(shop) == []
    (found,) = _found(shop, "--releases")
    assert found["message"].endswith(f"(version 0, which release {first.run_id} names)")


def test_an_empty_commit_in_the_middle_of_a_log_is_found(shop: Pipeline) -> None:
    shop.run()
    shop.run("silver.orders", full_refresh=True)
    shop.run("silver.orders", full_refresh=True)
    _log(shop.data / "silver/orders", 1).write_text("")

    found = _found(shop, "silver.orders")

    assert found[0]["message"].startswith("`silver.orders`: a commit of its log is empty: ")


def test_bronze_that_lets_itself_be_changed(shop: Pipeline) -> None:
    shop.run()
    table = DeltaTable(shop.data / "bronze/orders")
    table.alter.set_table_properties({"delta.appendOnly": "false"})

    (found,) = _found(shop)
    _type(shop, found["hint"])

    assert (found["code"], found["severity"]) == ("POL417", "error")
    assert _codes(shop) == []


def test_what_another_program_did_is_told(shop: Pipeline) -> None:
    shop.run()
    for key in ("bronze/orders", "silver/orders"):
        place = shop.data / key
        write_deltalake(place, pl.read_delta(str(place)), mode="append")

    found = _found(shop)
    for each in found:
        _type(shop, each["hint"])

    assert shop.cli("doctor").exit_code == 0
    assert [(each["code"], each["asset"], each["severity"]) for each in found] == [
        ("POL418", "bronze.orders", "warning"),
        ("POL418", "silver.orders", "warning"),
    ]
    assert _codes(shop) == [("POL418", "bronze.orders")]  # a fact of its history


def test_what_polster_itself_rewrote_is_no_change_of_another_program(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.numbers",
        """
        @bronze(load="append")
        def numbers() -> pl.LazyFrame:
            return pl.scan_ndjson("numbers.jsonl")
        """,
    )
    pipeline.write("numbers.jsonl", '{"n": 1}\n')
    pipeline.run()
    pipeline.write("numbers.jsonl", '{"n": 2.5}\n')
    assert pipeline.run().status == "succeeded"

    assert pipeline.table("bronze.numbers").schema == {"n": pl.Float64()}
    assert _codes(pipeline) == []


def test_a_table_that_is_not_ours_is_told_as_a_run_tells_it(shop: Pipeline) -> None:
    write_deltalake(shop.data / "silver/orders", pl.DataFrame({"a": [1]}))

    (found,) = _found(shop)

    assert (found["code"], found["asset"]) == ("POL414", "silver.orders")
    assert shop.cli("doctor").exit_code == 1


def test_a_commit_that_the_ledger_does_not_know_is_recorded_by_the_hint(shop: Pipeline) -> None:
    shop.run()
    before = shop.root / "before"
    shutil.copytree(shop.data / "_polster", before)
    shop.run("gold.spending", full_refresh=True)
    shutil.rmtree(shop.data / "_polster")
    shutil.move(before, shop.data / "_polster")

    (found,) = _found(shop)
    _type(shop, found["hint"])

    assert (found["code"], found["severity"]) == ("POL419", "warning")
    assert _codes(shop) == []


def test_a_row_of_the_ledger_without_its_commit(shop: Pipeline) -> None:
    shop.run()
    before = shop.root / "before"
    shutil.copytree(shop.data / "silver/orders", before)
    shop.run("silver.orders", full_refresh=True)
    shutil.rmtree(shop.data / "silver/orders")
    shutil.move(before, shop.data / "silver/orders")

    (found,) = _found(shop)

    assert (found["code"], found["asset"]) == ("POL420", "silver.orders")
    assert "the ledger knows version 1, and no commit" in found["message"]


def test_a_batch_of_bronze_stays_missed_when_its_number_is_used_anew(pipeline: Pipeline) -> None:
    _land(pipeline, 1)
    before = pipeline.root / "before"
    shutil.copytree(pipeline.data / "bronze/events", before)
    lost = _land(pipeline, 2)
    shutil.rmtree(pipeline.data / "bronze/events")
    shutil.move(before, pipeline.data / "bronze/events")

    (first,) = _found(pipeline)
    _land(pipeline, 3)
    (then,) = _found(pipeline)

    assert (first["code"], first["severity"]) == ("POL420", "error")
    assert (then["code"], then["severity"]) == ("POL420", "warning")
    assert f"what {lost} landed as version 1 is gone" in then["message"]


def test_the_hint_names_the_last_version_before_another_program_changed_it(
    pipeline: Pipeline,
) -> None:
    _land(pipeline, 1)
    place = pipeline.data / "bronze/events"
    write_deltalake(place, pl.read_delta(str(place)), mode="append")
    _land(pipeline, 2)

    (found,) = _found(pipeline)

    assert found["code"] == "POL418"
    assert found["hint"].endswith("polster preview bronze.events --version 0")


def _land(pipeline: Pipeline, number: int) -> str:
    """Append one row to bronze; return the run."""
    pipeline.asset(
        "bronze.events",
        f"""
        @bronze(load="append")
        def events() -> pl.DataFrame:
            return pl.DataFrame({{"id": [{number}]}})
        """,
    )
    return pipeline.run().run_id


def test_a_table_that_was_begun_anew_is_not_held_against_the_ledger(shop: Pipeline) -> None:
    shop.run()
    shop.run("silver.orders", full_refresh=True)
    shutil.rmtree(shop.data / "silver/orders")
    shop.run()

    assert _codes(shop) == []


def test_rows_of_the_quarantine_that_are_gone(shop: Pipeline) -> None:
    record = shop.run()
    DeltaTable(shop.data / "quarantine/silver/orders").delete("id = '3'")

    (found,) = _found(shop)
    _type(shop, found["hint"].partition("; ")[2])
    (then,) = _found(shop)

    assert (found["code"], found["severity"]) == ("POL421", "error")
    assert f"holds 2 rows of run {record.run_id}, and the ledger says 3" in found["message"]
    assert (then["code"], then["severity"]) == ("POL421", "warning")


def test_a_table_that_is_gone(shop: Pipeline) -> None:
    shop.run()
    shutil.rmtree(shop.data / "silver/orders")
    shutil.rmtree(shop.data / "bronze/orders/_delta_log")

    found = _found(shop)

    assert [(each["code"], each["asset"]) for each in found] == [
        ("POL420", "bronze.orders"),
        ("POL420", "silver.orders"),
    ]


def test_files_of_a_killed_run_are_counted_and_removed_by_the_hint(shop: Pipeline) -> None:
    shop.run()
    place = shop.data / "silver/orders"
    for part in ("000-00000", "001-00000"):
        (place / f"20260101T000000-abcdef-01234567-{part}.parquet").write_bytes(b"12345")

    (found,) = _found(shop)
    exit_code = shop.cli("doctor").exit_code
    _type(shop, found["hint"].partition("; ")[2])

    assert (found["code"], found["severity"], exit_code) == ("POL422", "warning", 0)
    assert "2 files that no version names, 10 bytes" in found["message"]
    assert _codes(shop) == []
    assert shop.table("silver.orders").height == 2


def test_leftovers_in_the_ledger_do_not_hide_what_the_ledger_knows(shop: Pipeline) -> None:
    shop.run()
    (shop.data / "_polster/runs/20260101T000000-abcdef-01234567-000-00000.parquet").touch()
    shutil.rmtree(shop.data / "silver/orders")

    assert _codes(shop) == [("POL422", None), ("POL420", "silver.orders")]


def test_a_damaged_ledger_does_not_hide_the_tables(shop: Pipeline) -> None:
    shop.run()
    _log(shop.data / "_polster/runs").write_text("{")
    next((shop.data / "gold/spending").glob("*.parquet")).unlink()

    assert _codes(shop) == [("POL413", None), ("POL413", "gold.spending")]
    shutil.rmtree(shop.data / "_polster/runs")


@pytest.mark.parametrize("option", [(), ("--format", "json")])
def test_nothing_is_changed(shop: Pipeline, option: tuple[str, ...]) -> None:
    shop.run()
    next((shop.data / "gold/spending").glob("*.parquet")).unlink()
    before = {path: path.stat().st_mtime_ns for path in shop.data.rglob("*")}

    shop.cli("doctor", "--releases", *option)

    assert {path: path.stat().st_mtime_ns for path in shop.data.rglob("*")} == before
