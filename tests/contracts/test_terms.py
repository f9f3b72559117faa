from __future__ import annotations

from types import MappingProxyType
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from polster.contracts.judge import settle_terms
from polster.errors import AssetError
from polster.model.asset import Asset, AssetKey, ExtraColumns, Options, Policy
from polster.model.layer import Layer


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Float64(min=0)


def _asset(layer: Layer = Layer.SILVER, **options: Any) -> Asset:
    return Asset(
        AssetKey(layer, "orders"),
        "src/core/silver_orders.py",
        7,
        "core.silver_orders",
        options=Options(contract="Orders", **options),
    )


def _refusal(asset: Asset, contract: type[dy.Schema] | None, **columns: Any) -> AssetError:
    with pytest.raises(AssetError) as caught:
        settle_terms(asset, contract, pl.Schema(columns))
    assert caught.value.place == "src/core/silver_orders.py:7"
    return caught.value


def test_the_columns_of_the_contract_come_first_and_in_its_types() -> None:
    terms = settle_terms(
        _asset(), Orders, pl.Schema({"note": pl.String(), "amount": pl.Int64(), "id": pl.Int32()})
    )

    assert terms.schema == pl.Schema(
        {"id": pl.Int64(), "amount": pl.Float64(), "note": pl.String()}
    )
    assert {cast.column for cast in terms.casts} == {"id", "amount"}


def test_a_missing_column_is_named_with_the_nearest_guess() -> None:
    error = _refusal(_asset(), Orders, id=pl.Int64(), amout=pl.Float64())

    assert error.code == "POL301"
    assert "`amount`" in error.message
    assert error.hint == "`amount` may be what is returned as `amout`"


def test_all_columns_that_cannot_be_cast_are_named_at_once() -> None:
    error = _refusal(_asset(), Orders, id=pl.Date(), amount=pl.List(pl.Int64()))

    assert error.code == "POL302"
    assert "`id` is Date" in error.message
    assert "`amount` is List" in error.message


def test_extra_columns_are_kept_unless_the_asset_says_otherwise() -> None:
    returned = pl.Schema({"id": pl.Int64(), "amount": pl.Float64(), "note": pl.String()})

    kept = settle_terms(_asset(), Orders, returned)
    dropped = settle_terms(_asset(extra_columns=ExtraColumns.DROP), Orders, returned)

    assert "note" in kept.schema
    assert kept.notes == ()
    assert "note" not in dropped.schema
    assert dropped.kept == ["id", "amount"]
    assert "`note`" in dropped.notes[0]


def test_extra_columns_fail_where_the_asset_asks_for_it() -> None:
    error = _refusal(
        _asset(extra_columns=ExtraColumns.FAIL),
        Orders,
        id=pl.Int64(),
        amount=pl.Float64(),
        note=pl.String(),
    )

    assert error.code == "POL311"
    assert "`note`" in error.message


AUDIT = {"_ingested_at": pl.Datetime("us", "UTC"), "_batch_id": pl.String(), "_source": pl.String()}


@pytest.mark.parametrize("extra", list(ExtraColumns))
def test_the_audit_columns_of_bronze_are_no_extra_columns(extra: ExtraColumns) -> None:
    returned = pl.Schema({"id": pl.Int64(), "amount": pl.Float64(), **AUDIT})

    terms = settle_terms(_asset(extra_columns=extra), Orders, returned)

    assert list(terms.schema) == ["id", "amount"]
    assert terms.notes == ()


def test_an_audit_column_that_the_contract_names_is_published() -> None:
    class Traced(Orders):
        source = dy.String(alias="_source")

    returned = pl.Schema({"id": pl.Int64(), "amount": pl.Float64(), **AUDIT})

    terms = settle_terms(_asset(), Traced, returned)

    assert list(terms.schema) == ["id", "amount", "_source"]


def test_an_empty_contract_keeps_every_column() -> None:
    class Anything(dy.Schema):
        pass

    terms = settle_terms(
        _asset(extra_columns=ExtraColumns.FAIL), Anything, pl.Schema({"x": pl.Int64()})
    )

    assert list(terms.schema) == ["x"]


def test_bronze_without_a_contract_takes_what_comes() -> None:
    returned = pl.Schema({"x": pl.Int64(), "y": pl.Object()})

    terms = settle_terms(_asset(Layer.BRONZE), None, returned)

    assert terms.schema == returned
    assert not terms.rules.need_table


@pytest.mark.parametrize("name", ["_rules", "_run_id", "_rejected_at", "__polster_row__"])
def test_names_that_polster_uses_itself_are_refused(name: str) -> None:
    error = _refusal(
        _asset(), Orders, **{"id": pl.Int64(), "amount": pl.Float64(), name: pl.Int64()}
    )

    assert error.code == "POL312"
    assert f"`{name}`" in error.message


def test_bronze_may_not_return_the_audit_columns() -> None:
    error = _refusal(_asset(Layer.BRONZE), None, x=pl.Int64(), _source=pl.String())

    assert error.code == "POL312"


def test_a_frame_without_columns_is_refused() -> None:
    assert _refusal(_asset(), Orders).code == "POL303"


def _policies(**policies: Policy) -> dict[str, Any]:
    return {"on_violation": MappingProxyType({"*": Policy.QUARANTINE, **policies})}


def test_an_unknown_rule_in_the_policies_gets_the_nearest_hint() -> None:
    options = _policies(**{"amount|mni": Policy.WARN})

    error = _refusal(_asset(**options), Orders, id=pl.Int64(), amount=pl.Float64())

    assert error.code == "POL313"
    assert error.hint == "did you mean `amount|min`?"


def test_warn_lets_a_row_pass_but_never_a_value_that_could_not_be_cast() -> None:
    options = _policies(**{"amount|min": Policy.WARN, "amount|dtype": Policy.WARN})

    terms = settle_terms(
        _asset(**options), Orders, pl.Schema({"id": pl.Int64(), "amount": pl.Float64()})
    )

    assert not terms.rejects("amount|min")
    assert terms.rejects("amount|dtype")
    assert terms.rejects("id|nullability")
    assert terms.rejects("primary_key")


def test_a_rule_that_reads_a_column_outside_the_contract_is_refused() -> None:
    class Reaching(Orders):
        @dy.rule()
        def noted(cls) -> pl.Expr:
            return pl.col("note").is_not_null()

    error = _refusal(_asset(), Reaching, id=pl.Int64(), amount=pl.Float64(), note=pl.String())

    assert error.code == "POL316"
    assert "`noted`" in error.message


def test_originals_are_carried_only_for_keys_over_values_that_were_read_from_text() -> None:
    class Free(dy.Schema):
        id = dy.Int64()

    parsed, plain = pl.Schema({"id": pl.String()}), pl.Schema({"id": pl.Int32()})

    assert not settle_terms(_asset(), Free, parsed).keeps_originals

    class Keyed(dy.Schema):
        id = dy.Int64(primary_key=True)

    assert settle_terms(_asset(), Keyed, parsed).keeps_originals
    assert not settle_terms(_asset(), Keyed, plain).keeps_originals
