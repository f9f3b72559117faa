"""What each private part of dataframely must do; a version that no longer does it fails here."""

from __future__ import annotations

import sys
from datetime import datetime, timedelta
from types import SimpleNamespace
from typing import Any

import dataframely as dy
import polars as pl
import pytest
from tests.conftest import Pipeline

from polster.errors import AssetError
from polster.model.record import AssetStatus
from polster.project.dataframely_private import (
    as_rule,
    code_of_rule,
    generator,
    given_to,
    is_frame_of,
    is_own_column,
    is_schema,
    sampling_at_most,
    schema_rules,
)

pytestmark = pytest.mark.private_part_of("dataframely")


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    net = dy.Int64(min=0, unique=True)
    gross = dy.Int64(nullable=True)

    @dy.rule()
    def gross_is_more(cls) -> pl.Expr:
        return cls.gross.col >= cls.net.col


class Bookings(Orders):
    @dy.rule()
    def is_written_by_hand(cls) -> pl.Expr:
        raise KeyError("mine")


class Percent(dy.Float64):
    """A column class of the user."""


def test_the_rules_of_a_contract_are_its_methods_without_keys_and_columns_own_rules() -> None:
    assert list(schema_rules(Orders)) == ["gross_is_more"]


def test_the_rules_of_a_contract_that_it_derives_from_are_listed_too() -> None:
    assert sorted(schema_rules(Bookings)) == ["gross_is_more", "is_written_by_hand"]


def test_a_rule_is_an_expression_over_the_columns() -> None:
    holds = schema_rules(Orders)["gross_is_more"].expr

    judged = pl.DataFrame({"net": [1, 2], "gross": [1, 1]}).select(holds).to_series()
    assert judged.to_list() == [True, False]


def test_a_rule_is_called_only_when_its_expression_is_asked_for() -> None:
    rule = schema_rules(Bookings)["is_written_by_hand"]

    with pytest.raises(KeyError, match="mine"):
        _ = rule.expr


def test_the_method_of_a_rule_is_found() -> None:
    code = code_of_rule(Orders, "gross_is_more")

    assert code is not None
    assert code.co_name == "gross_is_more"
    assert code.co_filename == __file__


def test_a_contract_is_known_as_one_by_the_class_that_it_derives_from() -> None:
    assert is_schema(Orders)
    assert is_schema(Bookings)
    assert not is_schema(Percent)
    assert not is_schema(Orders.columns())


@pytest.mark.parametrize(
    ("annotation", "expected"),
    [
        (dy.LazyFrame[Orders], True),
        (dy.DataFrame[Orders], True),
        (pl.LazyFrame, False),
        (list[int], False),
        (None, False),
    ],
)
def test_an_annotation_that_states_a_contract_is_known(annotation: Any, expected: bool) -> None:
    assert is_frame_of(annotation) is expected


def test_a_column_class_of_dataframely_is_told_from_one_of_the_user() -> None:
    assert is_own_column(dy.Float64())
    assert not is_own_column(Percent())


def test_a_column_says_what_it_was_made_with_under_the_names_of_the_arguments() -> None:
    given = given_to(Orders.columns()["net"])

    assert given.items() >= {"min": 0, "max": None, "unique": True, "nullable": False}.items()


def test_an_expression_becomes_a_rule_of_a_contract_that_is_made_by_program() -> None:
    make: Any = type(Orders)

    narrow = make("Narrow", (Orders,), {"__module__": __name__, "few": as_rule(pl.col("id") < 9)})

    kept = narrow.filter(pl.DataFrame({"id": [1, 10], "net": [1, 2], "gross": [3, 3]}))[0]
    assert kept["id"].to_list() == [1]


def test_sampling_gives_up_after_the_iterations_that_it_may_take() -> None:
    class Never(dy.Schema):
        id = dy.Int64()

        @dy.rule()
        def is_two_things(cls) -> pl.Expr:
            return (cls.id.col > 0) & (cls.id.col < 0)

    with sampling_at_most(2), pytest.raises(ValueError, match="2 iterations"):
        Never.sample(1)


def test_the_same_seed_draws_the_same_values() -> None:
    assert (
        Orders.columns()["net"]
        .sample(generator(7), 5)
        .equals(Orders.columns()["net"].sample(generator(7), 5))
    )


@pytest.mark.parametrize("unit", ["ms", "us", "ns"])
def test_times_are_drawn_within_their_bounds_in_every_unit(unit: Any) -> None:
    first, last = datetime(2020, 1, 1), datetime(2021, 1, 1)  # noqa: DTZ001 - of a column without
    at = dy.Datetime(min=first, max=last, time_unit=unit)
    took = dy.Duration(min=timedelta(0), max=timedelta(hours=1), time_unit=unit)

    times, spans = at.sample(generator(1), 20), took.sample(generator(1), 20)

    assert times.dtype == pl.Datetime(unit)
    assert times.is_between(first, last).all()
    assert spans.dtype == pl.Duration(unit)
    assert spans.is_between(timedelta(0), timedelta(hours=1)).all()


def test_a_version_that_does_not_list_the_rules_is_named_with_what_to_install(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    later: Any = SimpleNamespace(__version__="9.0")
    monkeypatch.setitem(sys.modules, "dataframely", later)

    with pytest.raises(AssetError, match=r"dataframely 9.0 is asked to list the rules") as raised:
        schema_rules(later)

    assert raised.value.code == "POL900"
    assert raised.value.hint == "install an earlier one: pip install 'dataframely<9.0'"


def test_an_asset_whose_contract_does_not_list_its_rules_fails_and_the_others_are_built(
    pipeline: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    pipeline.asset("bronze.orders", "@bronze\ndef orders(): return pl.LazyFrame({'id': [1]})\n")
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64()

        @silver(contract=Orders)
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders
        """,
    )
    monkeypatch.setattr(dy.Schema, "_schema_validation_rules", None)

    outcome = {str(asset.asset): asset for asset in pipeline.run().assets}

    assert outcome["bronze.orders"].status is AssetStatus.PUBLISHED
    failure = outcome["silver.orders"].error
    assert failure is not None
    assert failure.code == "POL900"
    assert f"dataframely {dy.__version__} is asked to list the rules" in failure.message


def test_a_version_without_random_values_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "dataframely", SimpleNamespace(__version__="9.0"))

    with pytest.raises(AssetError, match=r"dataframely 9.0 is asked to draw random values"):
        generator(1)
