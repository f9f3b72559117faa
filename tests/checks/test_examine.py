from __future__ import annotations

import os
import shutil
from typing import TYPE_CHECKING

import pytest

from polster.checks.examine import Examination, examine
from polster.checks.examined import Examined
from polster.project.schema_file import SCHEMA_FILE
from polster.project.settings import choose_environment

if TYPE_CHECKING:
    from pathlib import Path

    from tests.conftest import Pipeline

EXPORT = """
class Export(dy.Schema):
    id = dy.String()
    amount = dy.String(nullable=True)


@bronze(contract=Export)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
"""
ORDERS = """
class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Float64(nullable=True)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    {body}
"""
PLAIN = "return bronze_orders.select('id', 'amount')"
PIPELINE = {".polster_cache", "pyproject.toml", "src"}


def examined(pipeline: Pipeline, *, seconds: float = 10.0) -> dict[str, Examined]:
    project = pipeline.open()
    environment = choose_environment(project.settings, None)
    found = examine(
        Examination(
            project.root, project.graph, environment=environment, lineage=True, seconds=seconds
        )
    )
    return {str(entry.asset): entry for entry in found}


def silver(pipeline: Pipeline, body: str, *, seconds: float = 10.0) -> Examined:
    """Examine a silver asset whose function has ``body``."""
    pipeline.asset("bronze.orders", EXPORT)
    indented = body.replace("\n", "\n    ")
    pipeline.asset("silver.orders", ORDERS.format(body=indented))
    return examined(pipeline, seconds=seconds)["silver.orders"]


def codes(entry: Examined) -> list[str]:
    return [finding.code for finding in entry.findings]


def test_what_is_fine_is_described(pipeline: Pipeline) -> None:
    entry = silver(pipeline, PLAIN)

    assert codes(entry) == []
    assert entry.unchecked is None
    assert entry.columns == {"id": "Int64", "amount": "Float64"}
    assert entry.contract is not None
    assert [(c.name, c.nullable, c.primary_key) for c in entry.contract] == [
        ("id", False, True),
        ("amount", True, False),
    ]
    assert entry.lineage is not None
    origin = entry.lineage.columns["amount"]
    assert ([str(ref) for ref in origin.values], origin.unknown) == (["bronze.orders.amount"], None)


def test_bronze_is_typed_by_its_table_if_it_has_no_contract(shop: Pipeline) -> None:
    before = examined(shop)
    shop.run()

    after = examined(shop)

    assert before["silver.orders"].unchecked == "`bronze.orders` has no contract and was never run"
    assert before["gold.spending"].unchecked is None
    assert after["silver.orders"].unchecked is None
    assert after["bronze.orders"].columns == {
        "id": "String",
        "customer": "String",
        "amount": "String",
    }


def test_without_tables_bronze_is_typed_by_what_the_project_keeps(shop: Pipeline) -> None:
    shop.run()
    shutil.rmtree(shop.data)
    shop.edit(
        "src/core/silver_orders.py", "return bronze_orders", 'return bronze_orders.drop("idd")'
    )

    after = examined(shop)

    assert codes(after["silver.orders"]) == ["POL305"]
    assert "did you mean `id`?" in str(after["silver.orders"].findings[0].hint)


def test_what_the_project_keeps_goes_before_a_table_that_departs_from_it(shop: Pipeline) -> None:
    shop.run()
    shop.edit(SCHEMA_FILE, '"customer": "String"', '"customer": "Int64"')

    (entry, *_) = examined(shop).values()

    assert codes(entry) == ["POL733"]
    assert "`customer` was Int64 and is String" in entry.findings[0].message
    assert entry.columns is not None
    assert entry.columns["customer"] == "Int64"
    shop.run()
    assert codes(examined(shop)["bronze.orders"]) == []


@pytest.mark.parametrize(
    "text",
    [
        *("Strnig", "int64", "Object", "Int64()()", "Enum(categories=[open(1)])"),
        *("Decimal(precision=999, scale=2)", "Array(Int64, shape=(-1,))"),
        *("Datetime(time_unit='xx')", "Datetime(time_unit='us', time_zone='Mars/Base')"),
    ],
)
def test_a_type_that_nobody_can_read_is_told_of_the_file(shop: Pipeline, text: str) -> None:
    shop.run()
    shop.edit(SCHEMA_FILE, '"customer": "String"', f'"customer": "{text}"')

    found = examined(shop)
    validated = shop.cli("validate")

    assert validated.exit_code == 1
    assert "POL900" not in validated.output

    assert codes(found["bronze.orders"]) == ["POL107"]
    assert found["bronze.orders"].findings[0].file == SCHEMA_FILE
    assert found["silver.orders"].unchecked is not None


def test_columns_beyond_the_contract_can_be_read_downstream(shop: Pipeline) -> None:
    shop.run()
    shop.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "return bronze_orders.with_columns(x=1)",
    )
    shop.edit("src/core/gold_spending.py", 'pl.col("amount").sum()', 'pl.col("x").sum() * 1.0')

    assert codes(examined(shop)["gold.spending"]) == []


def test_a_function_that_hangs_is_ended_and_the_others_are_examined(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "while True: pass")

    found = examined(shop, seconds=2.0)

    assert codes(found["silver.orders"]) == ["POL702"]
    assert found["gold.spending"].unchecked is None
    assert found["gold.spending"].columns is not None


def test_an_import_that_hangs_is_ended(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "import polster\n", "import time\ntime.sleep(60)\n")

    found = examined(shop, seconds=2.0)

    assert codes(found["silver.orders"]) == ["POL702"]
    assert set(found) == {"bronze.orders", "silver.orders", "gold.spending"}


def test_no_folder_of_a_process_that_was_ended_is_left_behind(
    pipeline: Pipeline, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(folder))
    monkeypatch.setenv("TMPDIR", str(folder))

    entry = silver(pipeline, f"import os; os._exit(3)\n{PLAIN}")

    assert codes(entry) == ["POL705"]
    assert list(folder.iterdir()) == []


def test_a_function_that_ends_the_process_is_a_finding(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "import os; os._exit(3)")

    found = examined(shop)

    assert codes(found["silver.orders"]) == ["POL705"]
    assert "code 3" in found["silver.orders"].findings[0].message
    assert found["gold.spending"].columns is not None


@pytest.mark.parametrize(
    ("deed", "code"),
    [
        ("pl.read_csv('x.csv')", "reads with pl.read_csv"),
        ("bronze_orders.sink_parquet('x.parquet')", "writes with .sink_parquet()"),
        ("bronze_orders.collect().write_csv('x.csv')", "writes with .write_csv()"),
        ("open('x.txt', 'w')", "writes a file"),
        ("open(polster.__file__)", "reads a file"),
        ("import os; os.remove(polster.__file__)", "deletes a file"),
        ("import subprocess; subprocess.run(['true'])", "starts a program"),
        ("import socket; socket.create_connection(('127.0.0.1', 9))", "opens a connection"),
        ("import sqlite3; sqlite3.connect(':memory:')", "opens a database"),
        ("import deltalake; deltalake.DeltaTable('data')", "opens a Delta table"),
        (
            "from deltalake import write_deltalake as w; w('data', pl.DataFrame({'a': [1]}))",
            "writes with deltalake.write_deltalake",
        ),
        ("import duckdb; duckdb.connect('x.duckdb')", "opens a database"),
        (
            "import pyarrow.parquet as p; p.write_table(pl.DataFrame({'a': [1]}).to_arrow(), 'x')",
            "writes with pyarrow.parquet.write_table",
        ),
    ],
)
def test_what_reaches_outside_is_refused_and_told(pipeline: Pipeline, deed: str, code: str) -> None:
    entry = silver(pipeline, f"{deed}\n{PLAIN}")

    assert codes(entry) == ["POL705"]
    assert code in entry.findings[0].message
    assert entry.findings[0].line == 13
    assert {path.name for path in pipeline.root.iterdir()} == PIPELINE


@pytest.mark.parametrize(
    ("deed", "what"),
    [
        ("open('x.txt', 'w')", "writes a file"),
        ("import pathlib; pathlib.Path('made').mkdir()", "makes a folder"),
        ("import subprocess; subprocess.run(['true'])", "starts a program"),
        ("pl.DataFrame({'a': [1]}).write_csv('x.csv')", "writes with .write_csv()"),
    ],
)
def test_an_import_may_not_change_or_reach_anything(
    pipeline: Pipeline, deed: str, what: str
) -> None:
    pipeline.asset("bronze.orders", EXPORT)
    pipeline.write("src/core/rates.py", f"import polars as pl\n\n{deed}\n")
    pipeline.asset("silver.orders", "import core.rates\n" + ORDERS.format(body=PLAIN))

    entry = examined(pipeline)["silver.orders"]

    assert codes(entry) == ["POL705"]
    assert entry.findings[0].message == f"`silver.orders` {what} while it is imported"
    assert entry.findings[0].place == "src/core/rates.py:3"
    assert {path.name for path in pipeline.root.iterdir()} == PIPELINE


def test_an_import_may_read(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", EXPORT)
    pipeline.write("rates.csv", "id\n1\n")
    reads = "RATES = pl.read_csv('rates.csv')\nTEXT = open('rates.csv').read()\n"
    pipeline.asset("silver.orders", reads + ORDERS.format(body=PLAIN))

    assert codes(examined(pipeline)["silver.orders"]) == []


def test_time_zones_are_known_to_a_function(pipeline: Pipeline) -> None:
    body = f"import zoneinfo; zoneinfo.ZoneInfo('Europe/Berlin')\n{PLAIN}"

    assert codes(silver(pipeline, body)) == []


@pytest.mark.parametrize(
    "looks",
    ["bronze_orders.collect()['id'].item()", "float(bronze_orders.collect()['amount'].max())"],
)
def test_a_function_that_looks_into_its_rows_needs_them(pipeline: Pipeline, looks: str) -> None:
    entry = silver(pipeline, f"{looks}\n{PLAIN}")

    assert codes(entry) == ["POL701"]


def test_a_missing_key_has_nothing_to_do_with_rows(pipeline: Pipeline) -> None:
    entry = silver(pipeline, f"{{}}['id']\n{PLAIN}")

    assert codes(entry) == ["POL305"]


def test_a_missing_column_is_no_matter_of_rows_though_the_function_collects(
    pipeline: Pipeline,
) -> None:
    entry = silver(pipeline, f"bronze_orders.select('amuont').collect()\n{PLAIN}")

    assert codes(entry) == ["POL305"]
    assert "did you mean `amount`?" in (entry.findings[0].hint or "")


def test_a_scan_of_a_file_that_is_not_there_is_a_foreign_leaf(pipeline: Pipeline) -> None:
    body = "from polars.io.csv import scan_csv\nreturn scan_csv('x.csv')"

    assert codes(silver(pipeline, body)) == ["POL703"]


def test_a_refusal_that_is_swallowed_is_told_all_the_same(pipeline: Pipeline) -> None:
    body = f"try:\n    pl.read_csv('x.csv')\nexcept BaseException:\n    pass\n{PLAIN}"

    assert codes(silver(pipeline, body)) == ["POL705"]


def test_keys_of_the_store_are_out_of_reach(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "hidden")
    body = f"import os\nif 'AWS_SECRET_ACCESS_KEY' in os.environ: raise ValueError\n{PLAIN}"

    assert codes(silver(pipeline, body)) == []
    assert os.environ["AWS_SECRET_ACCESS_KEY"] == "hidden"


def test_an_import_inside_the_function_is_allowed(pipeline: Pipeline) -> None:
    assert codes(silver(pipeline, f"import tomllib\n{PLAIN}")) == []


@pytest.mark.parametrize(
    "returned",
    [
        "Orders.validate(bronze_orders, cast=True).lazy()",
        "Orders.filter(bronze_orders, cast=True)[0]",
    ],
)
def test_a_plugin_of_polars_is_found_while_a_contract_judges_inside_a_function(
    pipeline: Pipeline, returned: str
) -> None:
    entry = silver(pipeline, f"return {returned}")

    assert (codes(entry), entry.unchecked) == ([], None)


def test_what_the_code_prints_stays_out_of_the_answer(pipeline: Pipeline) -> None:
    assert codes(silver(pipeline, f"print('x' * 100_000)\n{PLAIN}")) == []


def test_what_polars_says_of_zero_rows_is_not_told(
    pipeline: Pipeline, capfd: pytest.CaptureFixture[str]
) -> None:
    other = "bronze_orders.select('id', amount='id').sort('amount')"
    body = (
        f"return bronze_orders.sort('amount').join_asof({other}, on='amount', by='id')"
        ".select('id', 'amount')"
    )

    assert codes(silver(pipeline, body)) == []
    assert capfd.readouterr().err == ""


def test_warnings_that_count_as_errors_do_not_count_over_zero_rows(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PYTHONWARNINGS", "error::UserWarning")

    assert codes(silver(pipeline, f"import warnings; warnings.warn('slow')\n{PLAIN}")) == []


@pytest.mark.parametrize(
    "deed",
    [
        "import io; names = pl.read_csv(io.StringIO('id\\n1'), infer_schema=False).lazy()",
        'names = pl.read_ndjson(b\'{"id": "1"}\').lazy()',
        "names = pl.LazyFrame({'id': ['1']}); len(names.select(pl.all()).collect().write_csv())",
    ],
)
def test_what_stays_in_memory_reaches_nothing(pipeline: Pipeline, deed: str) -> None:
    entry = silver(pipeline, f"{deed}\nreturn bronze_orders.join(names, on='id')")

    assert codes(entry) == []


def test_a_cached_frame_is_the_same_at_another_time(pipeline: Pipeline) -> None:
    body = (
        "every = bronze_orders.select('id', 'amount').cache()\n"
        "return every.filter(pl.col('id') != '1')"
    )

    assert codes(silver(pipeline, body)) == []


def test_a_frame_in_memory_may_be_joined(pipeline: Pipeline) -> None:
    body = "names = pl.LazyFrame({'id': ['1']})\nreturn bronze_orders.join(names, on='id')"

    assert codes(silver(pipeline, body)) == []


@pytest.mark.parametrize(
    "condition",
    [
        "pl.lit(datetime.now().date().isoformat())",
        "pl.lit(date.today().isoformat())",
        "pl.lit(str(clock.time()))",
        "pl.lit(str(random.random()))",
        "pl.lit(pl.Series([date.today().isoformat()])).first()",
    ],
)
def test_a_plan_that_depends_on_clock_or_chance_is_found(
    pipeline: Pipeline, condition: str
) -> None:
    imports = "import random\nimport time as clock\nfrom datetime import date, datetime\n"
    pipeline.asset("bronze.orders", EXPORT)
    body = f"return bronze_orders.filter(pl.col('id') != {condition})"
    pipeline.asset("silver.orders", imports + ORDERS.format(body=body))

    assert codes(examined(pipeline)["silver.orders"]) == ["POL704"]


def test_the_time_of_the_run_is_the_same_twice(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.orders", EXPORT)
    text = ORDERS.format(
        body="return bronze_orders.filter(pl.col('id') != pl.lit(str(run.time)))"
    ).replace("bronze_orders: pl.LazyFrame", "bronze_orders: pl.LazyFrame, run: polster.RunContext")
    pipeline.asset("silver.orders", text)

    assert codes(examined(pipeline)["silver.orders"]) == []


def test_the_step_that_fails_is_found_in_a_long_chain(pipeline: Pipeline) -> None:
    body = (
        "return (\n    bronze_orders.filter(pl.col('id') != '')\n"
        "    .with_columns(x=pl.col('amuont'))\n    .select('id', 'amount')\n)"
    )

    (finding,) = silver(pipeline, body).findings

    assert (finding.code, finding.file, finding.line, finding.column) == (
        "POL305",
        "src/core/silver_orders.py",
        15,
        10,
    )
    assert finding.hint is not None
    assert finding.hint.startswith("did you mean `amount`?")


def test_it_is_said_which_assets_cannot_be_built_either(shop: Pipeline) -> None:
    shop.run()
    shop.edit(
        "src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.drop('id')"
    )

    (finding,) = examined(shop)["silver.orders"].findings

    assert finding.message.endswith("; `gold.spending` cannot be built then")


def test_no_table_and_no_run_is_left_behind(shop: Pipeline) -> None:
    examined(shop)

    assert not shop.data.exists()


RULED = "dy.String()\n    @dy.rule()\n    def known(cls):\n        return KNOWN"


@pytest.mark.parametrize(
    ("status", "policy", "codes_found"),
    [
        ("dy.String()", "{}", ["POL712"]),
        ("dy.Enum(['new', 'paid'])", "{}", []),
        ("dy.Enum(['new', 'paid', 'sent'])", "{}", ["POL712"]),
        ("dy.String(regex='^(new|paid)$')", "{}", []),
        (RULED, "{}", []),
        (RULED, "{'known': 'warn'}", ["POL712"]),
    ],
)
def test_a_when_for_each_value_that_the_contract_allows_needs_no_otherwise(
    pipeline: Pipeline, status: str, policy: str, codes_found: list[str]
) -> None:
    pipeline.asset("bronze.orders", EXPORT)
    pipeline.asset(
        "silver.orders",
        f"""
KNOWN = pl.col("status").is_in(["new", "paid"])


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    status = {status}


@silver(contract=Orders, on_violation={policy})
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", status="amount")
""",
    )
    pipeline.asset(
        "gold.steps",
        """
class Steps(dy.Schema):
    id = dy.Int64(primary_key=True)
    step = dy.Int32()


@gold(contract=Steps, owner="ops")
def steps(orders: pl.LazyFrame) -> pl.LazyFrame:
    status = pl.col("status")
    step = pl.when(status == "new").then(1).when(status == "paid").then(2)
    return orders.select("id", step=step)
""",
    )

    assert codes(examined(pipeline)["gold.steps"]) == codes_found
