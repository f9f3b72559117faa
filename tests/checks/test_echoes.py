from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polster.operations.validate import Validation, validate

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EXPORT = """
class Export(dy.Schema):
    id = dy.String()


@bronze(contract=Export)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
"""
ORDERS = """
{top}


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)


@{layer}(contract=Orders, owner="shop")
def {name}({reads}: pl.LazyFrame) -> pl.LazyFrame:
    \"\"\"One row per order.\"\"\"
{body}
"""
CLOCK = "from datetime import datetime"
NOT_NOW = "pl.col('id').cast(pl.String) != pl.lit(datetime.now().isoformat())"


def pipeline_of(pipeline: Pipeline, body: str, top: str = "") -> Pipeline:
    """Write bronze, and a silver and a gold asset that both do ``body``."""
    pipeline.asset("bronze.orders", EXPORT)
    for layer, name, reads in (("silver", "orders", "bronze_orders"), ("gold", "sales", "orders")):
        lines = "\n".join(f"    {line}" for line in body.replace("rows", reads).splitlines())
        text = ORDERS.format(layer=layer, name=name, reads=reads, body=lines, top=top)
        pipeline.asset(f"{layer}.{name}", text)
    return pipeline


def checked(pipeline: Pipeline) -> Validation:
    return validate(pipeline.open())


def codes(validation: Validation, asset: str = "silver.orders") -> list[str]:
    return [finding.code for finding in validation.findings if finding.asset == asset]


@pytest.mark.parametrize(
    ("top", "body", "code"),
    [
        (CLOCK, f"return rows.filter({NOT_NOW})", "POL607"),
        ("import random", "return rows.filter(pl.lit(random.random()) > 2)", "POL608"),
        (
            "",
            "return rows.map_batches(lambda _: pl.read_csv('a.csv'), schema={'id': pl.String})",
            "POL603",
        ),
        ("", "known = pl.read_csv('codes.csv')\nreturn rows.join(known.lazy(), on='id')", "POL603"),
        ("", "rows.sink_parquet('orders.parquet')\nreturn rows", "POL604"),
    ],
)
def test_a_fault_that_the_source_shows_is_told_once(
    pipeline: Pipeline, top: str, body: str, code: str
) -> None:
    assert codes(checked(pipeline_of(pipeline, body, top))) == [code]


def test_a_clock_in_a_helper_is_told_once_for_all_that_reach_it(pipeline: Pipeline) -> None:
    pipeline.write("src/core/days.py", f"{CLOCK}\nimport polars as pl\n\nNOW = lambda: {NOT_NOW}\n")
    pipeline_of(pipeline, "return rows.filter(NOW())", "from core.days import NOW")

    validation = checked(pipeline)

    assert [finding.code for finding in validation.findings] == ["POL607"]
    assert validation.findings[0].file == "src/core/days.py"


def test_a_refusal_at_another_line_than_what_the_source_shows_is_told_too(
    pipeline: Pipeline,
) -> None:
    body = "getattr(pl, 'read_csv')('a.csv')\npl.read_csv('codes.csv')\nreturn rows"

    assert sorted(codes(checked(pipeline_of(pipeline, body)))) == ["POL603", "POL705"]


def test_a_cause_that_is_accepted_hides_nothing(pipeline: Pipeline) -> None:
    body = f"return rows.filter({NOT_NOW})  # polster: ignore[POL607] only to see it"

    assert codes(checked(pipeline_of(pipeline, body, CLOCK))) == ["POL704"]


@pytest.mark.parametrize("settings", ['ignore = ["POL607"]', 'severity = {POL607 = "warning"}'])
def test_a_cause_that_the_settings_weigh_less_hides_nothing(
    pipeline: Pipeline, settings: str
) -> None:
    pipeline.write("pyproject.toml", f"[tool.polster.rules]\n{settings}\n")
    pipeline_of(pipeline, f"return rows.filter({NOT_NOW})", CLOCK)

    assert "POL704" in codes(checked(pipeline))


def test_why_columns_are_unchecked_is_said_without_the_finding_that_is_left_out(
    pipeline: Pipeline,
) -> None:
    validation = checked(pipeline_of(pipeline, "rows.sink_parquet('a.parquet')\nreturn rows"))

    why = {str(key): reason for key, reason in validation.unchecked.items()}
    assert why["silver.orders"] == "it writes with .sink_parquet() while it is called"
