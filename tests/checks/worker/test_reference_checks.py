from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.checks.worker.reference_checks import reference_findings
from polster.checks.worker.upstream import Upstream
from polster.model.asset import Asset, AssetKey
from polster.model.contract import ContractColumn
from polster.model.finding import Finding, Severity
from polster.model.layer import Layer
from polster.model.reference import Reference

if TYPE_CHECKING:
    from tests.conftest import Pipeline

LINES, PRODUCTS = (AssetKey(Layer.SILVER, name) for name in ("lines", "products"))
TARGET = Upstream(
    pl.Schema({"sku": pl.String(), "shop": pl.Int32(), "name": pl.String()}),
    keys=(("sku", "shop"), ("name",)),
)
OWN = pl.Schema({"sku": pl.String(), "shop": pl.Int64(), "at": pl.Date(), "extra": pl.String()})


def found(columns: tuple[str, ...], target: tuple[str, ...]) -> list[Finding]:
    asset = Asset(LINES, "src/core/silver_lines.py", 9, "core.silver_lines")
    contract = [
        ContractColumn(name, str(OWN[name]), nullable=False, primary_key=False)
        for name in ("sku", "shop", "at")
    ]
    references = {Reference(columns, "products", target): PRODUCTS}
    return list(
        reference_findings(asset, references, {LINES: Upstream(OWN), PRODUCTS: TARGET}, contract)
    )


@pytest.mark.parametrize(
    ("columns", "target", "code", "says"),
    [
        (("skuu",), ("sku",), "POL334", "did you mean `sku`?"),
        (("extra",), ("sku",), "POL334", "it has: sku, shop, at"),
        (("sku",), ("skuu",), "POL334", "did you mean `sku`?"),
        (("at",), ("name",), "POL335", "one type"),
        (("sku",), ("sku",), "POL236", "primary_key=True"),
    ],
)
def test_what_is_wrong_with_a_reference_is_said(
    columns: tuple[str, ...], target: tuple[str, ...], code: str, says: str
) -> None:
    (finding,) = found(columns, target)

    assert finding.code == code
    assert says in (finding.hint or "")
    assert (finding.severity is Severity.WARNING) == (code == "POL236")


@pytest.mark.parametrize("key", [("sku", "shop"), ("shop", "sku")])
def test_a_reference_to_a_whole_key_is_fine_in_any_order(key: tuple[str, ...]) -> None:
    assert found(key, key) == []


def test_what_is_kept_of_an_examination_ends_where_the_table_referred_to_changes(
    pipeline: Pipeline,
) -> None:
    for name, option in (("products", ""), ("lines", ', references={"id": "products.id"}')):
        pipeline.asset(
            f"bronze.{name}",
            f"""
            class Export(dy.Schema):
                id = dy.String()


            @bronze(contract=Export)
            def {name}() -> pl.LazyFrame:
                return pl.scan_csv("landing/{name}.csv", infer_schema=False)
            """,
        )
        pipeline.asset(
            f"silver.{name}",
            f"""
            class {name.title()}(dy.Schema):
                id = dy.String(primary_key=True)


            @silver(contract={name.title()}{option})
            def {name}(bronze_{name}: pl.LazyFrame) -> pl.LazyFrame:
                return bronze_{name}
            """,
        )
    before = pipeline.json("validate")["findings"]
    pipeline.edit("src/core/silver_products.py", "id = dy.String(", "id = dy.Int64(")

    after = pipeline.json("validate")["findings"]

    assert before == []
    assert [(each["code"], each["asset"]) for each in after] == [("POL335", "silver.lines")]
