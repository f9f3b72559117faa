"""A lakehouse in an object store, by the protocol of S3."""

from __future__ import annotations

import json
import pickle
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from multiprocessing.connection import Connection
from pathlib import Path
from typing import TYPE_CHECKING, Any

import boto3
import polars as pl
import pytest
from tests.stores import SECRET, moto, variables_of_s3

from polster.model.asset import AssetKey
from polster.model.event import AssetBegan, RunEvent
from polster.model.layer import Layer
from polster.model.lineage import ColumnRef
from polster.model.live import LiveRun
from polster.operations.lineage import recorded_lineage
from polster.operations.run import run
from polster.operations.runs import live_runs

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SETTINGS = """\
[tool.polster]
lakehouse = "s3://lake/shop"

[tool.polster.environments.nowhere]
lakehouse = "s3://missing/shop"
"""


@pytest.fixture(scope="module")
def store() -> Iterator[dict[str, str]]:
    with moto() as port:
        yield variables_of_s3(port)


@pytest.fixture
def bucket(shop: Pipeline, store: dict[str, str], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name, value in store.items():
        monkeypatch.setenv(name, value)
    shop.write("pyproject.toml", SETTINGS)
    client = boto3.resource("s3", endpoint_url=store["AWS_ENDPOINT_URL"], region_name="us-east-1")
    bucket = client.Bucket("lake")
    bucket.create()
    yield bucket
    bucket.objects.all().delete()
    bucket.delete()


def keys(bucket: Any) -> set[str]:
    return {entry.key for entry in bucket.objects.all()}


def polster(shop: Pipeline, *arguments: str) -> Any:
    result = shop.cli(*arguments, "--format", "json")
    assert SECRET not in result.output
    return json.loads(result.stdout)


def statuses(record: Any) -> dict[str, str]:
    return {asset["asset"]: asset["status"] for asset in record["assets"]}


def test_the_doctor_finds_in_a_bucket_what_a_run_does_not_ask_for(
    shop: Pipeline, bucket: Any
) -> None:
    polster(shop, "run")
    sound = polster(shop, "doctor", "--releases")
    (file,) = [key for key in keys(bucket) if key.startswith("shop/silver/") and "parquet" in key]
    bucket.Object(file).delete()

    unchanged = statuses(polster(shop, "run"))
    (found,) = polster(shop, "doctor")["findings"]

    assert (sound["findings"], sound["tables"], len(sound["unchecked"])) == ([], 6, 1)
    assert set(unchanged.values()) == {"unchanged"}
    assert (found["code"], found["asset"]) == ("POL413", "silver.orders")
    assert "a file of its table is missing: " in found["message"]
    assert found["file"] == "s3://lake/shop/silver/orders"


def test_a_log_in_a_bucket_that_lacks_a_commit_is_told(shop: Pipeline, bucket: Any) -> None:
    polster(shop, "run")
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    polster(shop, "run")
    bucket.Object(f"shop/silver/orders/_delta_log/{0:020d}.json").delete()

    result = shop.cli("run")

    assert result.exit_code == 1
    assert "s3://lake/shop/silver/orders" in result.stderr
    assert "Traceback" not in result.output


def test_a_table_of_another_program_in_a_bucket_is_refused(shop: Pipeline, bucket: Any) -> None:
    pl.DataFrame({"a": [1]}).write_delta("s3://lake/shop/silver/orders")

    refused = polster(shop, "run")
    taken_over = polster(shop, "run", "--adopt")

    assert statuses(refused)["silver.orders"] == "failed"
    assert refused["assets"][1]["error"]["code"] == "POL414"
    assert statuses(taken_over)["silver.orders"] == "published"
    assert set(statuses(polster(shop, "run")).values()) == {"unchanged"}


def test_a_table_that_took_the_place_of_ours_in_a_bucket_with_its_version_is_refused(
    shop: Pipeline, bucket: Any
) -> None:
    polster(shop, "run")
    bucket.objects.filter(Prefix="shop/silver/orders/").delete()
    foreign = pl.DataFrame({"a": [1]})
    foreign.write_delta("s3://lake/shop/silver/orders")

    refused = polster(shop, "run")

    assert refused["assets"][1]["error"]["code"] == "POL414"
    assert pl.read_delta("s3://lake/shop/silver/orders").equals(foreign)


def test_a_source_is_asked_since_the_mark_of_a_table_in_a_bucket(
    shop: Pipeline, bucket: Any
) -> None:
    shop.asset(
        "bronze.numbers",
        """
        @bronze(load="append")
        def numbers(run: polster.RunContext) -> pl.LazyFrame:
            since = run.since("n", initial=0)
            return pl.LazyFrame({"n": [since, since + 1]}).filter(pl.col("n") >= since)
        """,
    )

    for _ in range(3):
        polster(shop, "run", "bronze.numbers")

    assert sorted(pl.read_delta("s3://lake/shop/bronze/numbers")["n"]) == [0, 1, 2, 3]


def test_a_pipeline_runs_in_a_bucket_as_in_a_folder(shop: Pipeline, bucket: Any) -> None:
    first = polster(shop, "run")
    files = keys(bucket)
    second = polster(shop, "run")

    assert set(statuses(first).values()) == {"published"}
    assert first["assets"][1]["rows_quarantined"] == 3
    assert set(statuses(second).values()) == {"unchanged"}
    assert {key for key in keys(bucket) - files if "/_polster/" not in key} == set()
    assert {a["state"] for a in polster(shop, "status")["assets"]} == {"published"}
    assert polster(shop, "preview", "gold.spending")["total"] == 2
    assert polster(shop, "quarantine", "silver.orders")["total"] == 3
    assert len(polster(shop, "history", "silver.orders")["runs"]) == 2
    assert not shop.data.exists()
    for entry in bucket.objects.all():
        assert SECRET.encode() not in entry.get()["Body"].read()


@pytest.mark.parametrize("absent", ["pyarrow", "obstore"])
def test_a_bucket_needs_no_library_more(
    shop: Pipeline, bucket: Any, monkeypatch: pytest.MonkeyPatch, absent: str
) -> None:
    polster(shop, "run", "bronze.orders")  # asks once whether the store keeps writers apart
    monkeypatch.setitem(sys.modules, absent, None)

    first, second = polster(shop, "run"), polster(shop, "run")

    assert statuses(first)["gold.spending"] == "published"
    assert set(statuses(second).values()) == {"unchanged"}


def test_the_lineage_of_a_run_is_kept_in_a_bucket(shop: Pipeline, bucket: Any) -> None:
    polster(shop, "run")

    lineage = recorded_lineage(shop.open())

    spent = ColumnRef(AssetKey(Layer.GOLD, "spending"), "spent")
    found = {str(reached.ref): reached for reached in lineage.upstream(spent)}
    assert found["bronze.orders.amount"].by_value
    assert all(reached.is_certain for reached in found.values())


def test_a_run_in_progress_is_seen_in_a_bucket(shop: Pipeline, bucket: Any) -> None:
    seen: list[LiveRun] = []

    def look(event: RunEvent) -> None:
        if not isinstance(event, AssetBegan):
            return
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline and not seen:
            seen.extend(live_runs(shop.open()))

    assert live_runs(shop.open()) == []
    run(shop.open(), listener=look)

    assert [str(key) for key in seen[0].waiting][-1] == "gold.spending"
    assert live_runs(shop.open()) == []
    assert not [key for key in keys(bucket) if "/_polster/live/" in key]


@pytest.mark.parametrize("content", [b"", b"{", b"\xff\xfe\x00", b'{"run_id":\n"foreign"}\n'])
def test_a_foreign_file_hides_no_run_in_a_bucket(
    shop: Pipeline, bucket: Any, content: bytes
) -> None:
    lakehouse = shop.open().lakehouse
    now = datetime.now(UTC)
    live = LiveRun("20260102T030405-abcdef", "dev", "a", 1, (), False, now, now, (), {}, ())
    bucket.put_object(Key="shop/_polster/live/foreign.json", Body=content)

    alone = lakehouse.live.all()
    lakehouse.live.write(live)

    assert alone == []
    assert lakehouse.live.all() == [live]
    lakehouse.live.remove(live.run_id)
    assert lakehouse.live.all() == []


def test_a_refusal_leaves_no_staged_file_behind(shop: Pipeline, bucket: Any) -> None:
    polster(shop, "run")
    files = keys(bucket)
    shop.edit(
        "src/core/silver_orders.py", "contract=Orders", 'contract=Orders, on_violation="fail"'
    )

    record = polster(shop, "run")

    assert statuses(record) == {
        "bronze.orders": "unchanged",
        "silver.orders": "failed",
        "gold.spending": "skipped",
    }
    assert {key.split("/")[1] for key in keys(bucket) - files} == {"_polster", "quarantine"}
    assert polster(shop, "preview", "silver.orders")["total"] == 2


def test_new_data_is_published_in_a_bucket(shop: Pipeline, bucket: Any) -> None:
    polster(shop, "run")
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")

    record = polster(shop, "run")

    assert set(statuses(record).values()) == {"published"}
    rows = polster(shop, "preview", "gold.spending")["rows"]
    assert sorted(rows, key=lambda row: row["customer"]) == [
        {"customer": "ann", "spent": 11.0},
        {"customer": "bob", "spent": 20.0},
    ]


@pytest.mark.parametrize("command", [["run"], ["status"], ["plan"]])
def test_a_bucket_that_is_missing(shop: Pipeline, bucket: Any, command: list[str]) -> None:
    result = shop.cli(*command, "--env", "nowhere")

    assert result.exit_code == 1
    assert "the table cannot be read: The specified bucket does not exist" in result.stderr
    assert "s3://missing/shop/" in result.stderr
    assert "Traceback" not in result.output
    assert "\x1b" not in result.output
    assert SECRET not in result.output


def test_a_store_that_does_not_answer(
    shop: Pipeline, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ENDPOINT_URL", "http://127.0.0.1:9")

    result = shop.cli("plan")

    assert result.exit_code == 1
    assert "Connection refused" in result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("load", ["append", "snapshot"])
def test_a_column_gets_a_wider_type_in_a_bucket(shop: Pipeline, bucket: Any, load: str) -> None:
    asset = """
    @bronze(load="{load}")
    def marks() -> pl.DataFrame:
        return pl.DataFrame({{"v": [{value}]}})
    """
    for value in ("7", "3.5"):
        shop.asset("bronze.marks", asset.format(load=load, value=value))
        assert statuses(polster(shop, "run", "bronze.marks")) == {"bronze.marks": "published"}

    lakehouse = shop.open().lakehouse
    table = lakehouse.table(AssetKey(Layer.BRONZE, "marks")).open()

    assert table is not None
    assert sorted(table.scan().collect()["v"]) == [3.5, 7.0]
    named = {f"shop/bronze/marks/{path}" for path in table.files["path"]}
    assert named <= keys(bucket)


FILES = """
from polster import bronze
from polster.sources import Source, files

@bronze(load="append")
def arrived() -> Source:
    return files("s3://lake/landing/**/*.csv")
"""


@pytest.fixture
def landing(shop: Pipeline, bucket: Any) -> Any:
    """A project on this machine whose files arrive in the bucket."""
    shop.write("pyproject.toml", "[tool.polster]\n")
    shop.write("src/core/bronze_arrived.py", FILES)
    bucket.put_object(Key="landing/2024/a b.csv", Body=b"id,v\n1,x\n")
    bucket.put_object(Key="landing/2024/05/caf\xe9.csv", Body=b"id,v\n2,y\n")
    bucket.put_object(Key="landing/_hidden.csv", Body=b"id,v\n9,z\n")
    bucket.put_object(Key="landing/c.csv.tmp", Body=b"id,v\n9,z\n")
    return bucket


def arrived(shop: Pipeline) -> list[tuple[str, str]]:
    polster(shop, "run", "bronze.arrived")
    rows = pl.read_delta(str(shop.data / "bronze" / "arrived")).select("id", "_source")
    return sorted(rows.rows())


def test_files_of_a_bucket_land_once_each(shop: Pipeline, landing: Any) -> None:
    first = arrived(shop)
    landing.Object("landing/again.csv").copy({"Bucket": "lake", "Key": "landing/2024/a b.csv"})
    same = arrived(shop)
    landing.put_object(Key="landing/2024/a b.csv", Body=b"id,v\n3,x\n")
    more = arrived(shop)

    assert first == [
        ("1", "s3://lake/landing/2024/a b.csv"),
        ("2", "s3://lake/landing/2024/05/caf\xe9.csv"),
    ]
    assert same == first
    assert more == [*first, ("3", "s3://lake/landing/2024/a b.csv")]


def test_what_the_folders_of_a_bucket_say_becomes_columns(shop: Pipeline, landing: Any) -> None:
    shop.edit("src/core/bronze_arrived.py", "landing/**/*.csv", "landing/{year}/{name}.csv")
    landing.put_object(Key="landing/2025/a b.csv", Body=b"id,v\n1,x\n")
    landing.put_object(Key="landing/2025/c.csv", Body=b"id,v\n3,z\n")

    arrived(shop)

    rows = pl.read_delta(str(shop.data / "bronze" / "arrived")).select("id", "year", "name")
    assert sorted(rows.rows()) == [
        ("1", "2024", "a b"),
        ("1", "2025", "a b"),
        ("3", "2025", "c"),
    ]


def test_a_file_of_a_bucket_that_cannot_be_read_is_set_aside(shop: Pipeline, landing: Any) -> None:
    landing.put_object(Key="landing/bad.csv", Body=b"id,v\n1\n")

    landed = arrived(shop)
    (aside,) = polster(shop, "quarantine", "bronze.arrived")["files"]

    assert len(landed) == 2
    assert (aside["name"], aside["reason"]) == (
        "s3://lake/landing/bad.csv",
        "line 2 has 1 values, where the first has 2",
    )
    assert Path(aside["kept"]).read_bytes() == b"id,v\n1\n"


def test_a_bucket_that_is_not_there_is_said(shop: Pipeline, landing: Any) -> None:
    shop.edit("src/core/bronze_arrived.py", "s3://lake/", "s3://nowhere/")

    (failed,) = polster(shop, "run", "bronze.arrived")["assets"]

    assert failed["error"]["code"] == "POL362"
    assert "s3://nowhere/landing/**/*.csv cannot be listed" in failed["error"]["message"]
    assert "the keys in the environment" in failed["error"]["hint"]


def test_without_the_library_it_says_how_to_have_it(
    shop: Pipeline, landing: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "obstore.exceptions", None)

    (failed,) = polster(shop, "run", "bronze.arrived")["assets"]

    assert failed["error"]["code"] == "POL366"
    assert failed["error"]["hint"] == "pip install 'polster[object-store]'"


def test_what_a_process_is_given_holds_no_secret_of_the_store(
    shop: Pipeline, bucket: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[bytes] = []
    send = Connection.send

    def noted(self: Connection[Any, Any], value: Any) -> None:
        sent.append(pickle.dumps(value))
        send(self, value)

    monkeypatch.setattr(Connection, "send", noted)

    record = polster(shop, "run", "--isolate")

    assert set(statuses(record).values()) == {"published"}
    assert sum(b"silver_orders" in each for each in sent) >= 1
    assert not any(SECRET.encode() in each for each in sent)
