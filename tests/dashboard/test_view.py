"""What the address of the overview chooses."""

from __future__ import annotations

from typing import Any
from urllib.parse import parse_qsl

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.dashboard.view import STATES, View
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.overview import overview, standings

texts = st.text(max_size=20)
views = st.builds(
    View,
    search=texts,
    layer=st.none() | st.sampled_from(Layer),
    condition=st.none() | st.sampled_from(STATES),
    tag=st.none() | texts.filter(bool),
    owner=st.none() | texts.filter(bool),
    focus=st.none() | st.builds(AssetKey, st.sampled_from(Layer), st.just("orders")),
    collapsed=st.frozensets(st.sampled_from(Layer)),
    shown=st.sampled_from((None, "graph", "list")),
)


def chosen(shop: Any, view: View) -> list[str]:
    found = overview(shop.open())
    return [str(key) for key in view.chosen(found, standings(found, []))]


@given(views)
def test_an_address_leads_to_what_it_was_made_of(view: View) -> None:
    query = dict(parse_qsl(view.query.removeprefix("?"), keep_blank_values=True))

    assert View.parse(query) == view


@given(st.dictionaries(st.sampled_from(("q", "layer", "focus", "condition", "view")), texts))
def test_no_address_is_too_odd(query: dict[str, str]) -> None:
    assert View.parse(query).address.startswith("/")


@pytest.mark.parametrize(
    ("query", "keys"),
    [
        ({}, ["bronze.orders", "silver.orders", "gold.spending"]),
        ({"q": "ORD silv"}, ["silver.orders"]),
        ({"q": "nothing like it"}, []),
        ({"layer": "gold"}, ["gold.spending"]),
        ({"tag": "daily"}, ["silver.orders"]),
        ({"owner": "sales"}, ["gold.spending"]),
        ({"condition": "never built", "layer": "bronze"}, ["bronze.orders"]),
        ({"condition": "failed"}, []),
        ({"collapsed": "bronze"}, ["bronze.orders", "silver.orders", "gold.spending"]),
    ],
)
def test_filters_leave_out_what_does_not_fit(
    shop: Any, query: dict[str, str], keys: list[str]
) -> None:
    assert chosen(shop, View.parse(query)) == keys


def test_the_focus_keeps_what_it_stands_on_and_what_stands_on_it(shop: Any) -> None:
    shop.asset("bronze.stock", "@bronze\ndef stock() -> pl.LazyFrame:\n    return pl.LazyFrame()\n")

    assert chosen(shop, View.parse({"focus": "silver.orders"})) == [
        "bronze.orders",
        "silver.orders",
        "gold.spending",
    ]
    assert chosen(shop, View.parse({"focus": "bronze.stock"})) == ["bronze.stock"]
    assert chosen(shop, View.parse({"focus": "gold.gone"})) == []


def test_two_ends_of_the_focus_do_not_bring_in_their_other_neighbours(shop: Any) -> None:
    shop.asset(
        "gold.rows",
        """
        class Rows(dy.Schema):
            id = dy.Int64()


        @gold(contract=Rows)
        def rows(silver_orders: pl.LazyFrame) -> pl.LazyFrame:
            return silver_orders
        """,
    )

    assert "gold.rows" not in chosen(shop, View.parse({"focus": "gold.spending"}))


def test_only_what_leaves_assets_out_counts_as_narrowed() -> None:
    assert View.parse({"q": "x"}).is_narrowed
    assert View.parse({"focus": "gold.x"}).is_narrowed
    assert not View.parse({"q": " ", "view": "list", "collapsed": "gold"}).is_narrowed
