"""A secret is planted wherever there is room for one, and looked for in all that comes out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.dashboard.log import RunLog
from polster.operations.source_code import source_code

if TYPE_CHECKING:
    from tests.conftest import Pipeline

SECRET = "S3CRET"
URL = f"https://ann:{SECRET}@host/f.csv?sig={SECRET}&x=1"
FAILS = """
    @{layer}{options}
    def {name}({reads}):
        raise {raised}("no {url}")
"""
COMMANDS = (
    ("validate", "--no-cache"),
    ("validate",),
    ("plan",),
    ("run",),
    ("run", "bronze.fails"),
    ("status",),
    ("runs",),
    ("history", "bronze.fails"),
    ("list-assets",),
    ("preview", "bronze.x"),
    ("rehearse",),
)


@pytest.fixture
def leaky(pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch) -> Pipeline:
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://ann:{SECRET}@127.0.0.1:9")
    pipeline.asset(
        "bronze.x",
        f"""
        @bronze(source="{URL}", description="from {URL}", owner="{URL}")
        def x():
            return pl.DataFrame({{"a": [1]}})
        """,
    )
    for name, raised in (("fails", "ValueError"), ("harmless", "NameError")):
        text = FAILS.format(layer="bronze", options="", name=name, reads="", raised=raised, url=URL)
        pipeline.asset(f"bronze.{name}", text)
    pipeline.asset(
        "silver.x",
        f"""
        class X(dy.Schema):
            a = dy.Int64()

        @silver(contract=X)
        def x(bronze_x: pl.LazyFrame) -> pl.LazyFrame:
            raise RuntimeError("no {URL}") from KeyError("{URL}")
        """,
    )
    pipeline.asset(
        "bronze.imported", f"raise ImportError('no {URL}')\n@bronze\ndef imported(): ...\n"
    )
    return pipeline


def test_no_output_no_table_and_no_file_holds_it(leaky: Pipeline) -> None:
    said = ""
    for command in COMMANDS:
        for form in ((), ("--format", "json")):
            result = leaky.cli(*command, *form)
            said += result.output
            assert SECRET not in result.output, command
    said += leaky.cli("runs", leaky.ledger()["run_id"][0]).output

    assert "https://***@host/f.csv?sig=***&x=1" in said
    assert SECRET not in said
    written = [
        file
        for file in leaky.root.rglob("*")
        if file.is_file() and "src" not in file.parts and SECRET.encode() in file.read_bytes()
    ]
    assert written == []
    assert SECRET not in str(leaky.ledger().to_dicts())
    landed = pl.read_delta(str(leaky.data / "bronze" / "x"))
    assert landed["_source"].unique().to_list() == ["https://***@host/f.csv?sig=***&x=1"]


def test_the_dashboard_shows_neither_source_nor_log_with_it(leaky: Pipeline) -> None:
    log = RunLog()
    log.feed(f"cannot reach {URL}\n".encode())

    assert log.lines == ["cannot reach https://***@host/f.csv?sig=***&x=1"]
    assert SECRET not in source_code(leaky.open(), "bronze.x").text


def test_rows_of_a_table_are_data_and_stay(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x", f"@bronze\ndef x():\n    return pl.DataFrame({{'u': ['{URL[:25]}']}})\n"
    )
    pipeline.run()

    assert URL[:25] in pipeline.cli("preview", "bronze.x").stdout
    assert pipeline.json("preview", "bronze.x")["rows"][0]["u"] == URL[:25]


def test_an_error_of_a_store_hides_it(pipeline: Pipeline) -> None:
    Path(pipeline.root, "pyproject.toml").write_text(
        f'[tool.polster]\nlakehouse = "s3://KEY:{SECRET}/x@lake/shop"\n', encoding="utf-8"
    )

    result = pipeline.cli("status")

    assert result.exit_code == 2
    assert "POL108" in result.stderr
    assert "s3://***" in result.stderr
    assert SECRET not in result.output
