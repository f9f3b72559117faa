"""How a bronze batch fits the table that it goes to; bronze never rewrites what it holds."""

from __future__ import annotations

from typing import Any

import polars as pl
import pytest

from polster.errors import AssetError
from polster.lakehouse.change import Change
from polster.lakehouse.staging import Staging
from polster.lakehouse.store import Store
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import Asset, AssetKey, Load, Options
from polster.model.layer import Layer
from polster.runtime.writes.landing import LandingPlan, plan_landing

KEY = AssetKey(Layer.BRONZE, "orders")


def _asset(load: Load = Load.APPEND) -> Asset:
    return Asset(
        KEY, "src/core/bronze_orders.py", 3, "core.bronze_orders", options=Options(load=load)
    )


def _table(store: Store, **columns: pl.DataType) -> TableVersion:
    table = Table(store, store.uri("bronze", "orders"), KEY)
    audit = {
        "_ingested_at": pl.Datetime("us", "UTC"),
        "_source": pl.String(),
        "_batch_id": pl.String(),
    }
    schema = pl.Schema({**columns, **audit})
    files = Staging(store, table.uri, "run0").sink(pl.DataFrame(schema=schema).lazy())
    return table.commit(Change(files, schema), onto=None)


def _plan(table: TableVersion | None, **arriving: Any) -> LandingPlan:
    return plan_landing(_asset(), pl.Schema(arriving), table, "run1")


def test_a_first_batch_brings_its_columns_and_the_audit_columns(store: Store) -> None:
    plan = _plan(None, id=pl.UInt32())

    assert plan.file_schema["id"] == pl.Int64
    assert set(plan.file_schema) == {"id", "_ingested_at", "_source", "_batch_id"}
    assert plan.partition == {}
    assert plan.notes == ()


def test_a_snapshot_is_a_partition_of_its_own() -> None:
    plan = plan_landing(_asset(Load.SNAPSHOT), pl.Schema({"id": pl.Int64()}), None, "run1")

    assert plan.partition == {"_batch_id": "run1"}
    assert "_batch_id" not in plan.file_schema
    assert plan.table_columns["_batch_id"] == pl.String


def test_a_batch_takes_the_types_of_the_table_where_nothing_is_lost(store: Store) -> None:
    table = _table(store, n=pl.Int64(), f=pl.Float64(), l=pl.List(pl.Int64()), s=pl.String())

    plan = _plan(table, n=pl.Int8(), f=pl.Float32(), l=pl.List(pl.Null()), s=pl.Int64())

    assert [plan.file_schema[name] for name in "nfls"] == [
        pl.Int64,
        pl.Float64,
        pl.List(pl.Int64),
        pl.Int64,
    ]
    assert dict(plan.undecided) == {"s": [pl.Int64(), pl.String()]}  # text, if it holds any


def test_a_column_of_nulls_goes_into_any_column(store: Store) -> None:
    table = _table(store, n=pl.Int64(), l=pl.List(pl.Int64()))

    plan = _plan(table, n=pl.Null(), l=pl.Null())

    assert plan.file_schema["n"] == pl.Int64
    assert plan.file_schema["l"] == pl.List(pl.Int64)


def test_columns_that_come_and_go_are_told(store: Store) -> None:
    plan = _plan(_table(store, old=pl.Int64()), new=pl.String())

    assert plan.grown == {"new": pl.String}
    assert plan.notes == ("new in the source: new",)
    assert plan.absent == ("old",)


def test_a_type_that_holds_more_is_taken_at_once_and_others_wait_for_the_values(
    store: Store,
) -> None:
    table = _table(store, n=pl.Int32(), f=pl.Int64(), s=pl.Int64())

    plan = _plan(table, n=pl.Int64(), f=pl.Float64(), s=pl.String())

    assert plan.file_schema["n"] == pl.Int64
    assert plan.widened["n"] == pl.Int64
    assert dict(plan.undecided) == {
        "f": [pl.Int64(), pl.Float64()],
        "s": [pl.Int64(), pl.String()],
    }


def test_a_name_in_another_spelling_is_refused(store: Store) -> None:
    with pytest.raises(AssetError) as caught:
        _plan(_table(store, n=pl.Int64()), N=pl.Int64())

    assert caught.value.code == "POL406"
    assert "`n`, `N`" in caught.value.message
