from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.model.asset import Asset, AssetKey, Options, Parameter
from polster.model.finding import Finding
from polster.model.graph import AssetGraph, build_graph
from polster.model.layer import Layer, LayerRules
from polster.model.selection import Term, select, select_one


def key(text: str) -> AssetKey:
    layer, name = text.split(".")
    return AssetKey(Layer(layer), name)


def asset(text: str, *parameters: str, owner: str | None = None, tags: str = "") -> Asset:
    made = key(text)
    return Asset(
        made,
        f"src/core/{made.identifier}.py",
        1,
        f"core.{made.identifier}",
        tuple(Parameter(name, 1) for name in parameters),
        Options(owner=owner, tags=tuple(tags.split())),
    )


ASSETS = [
    asset("bronze.orders", tags="daily"),
    asset("bronze.customers", owner="crm"),
    asset("silver.orders", "orders", tags="daily core"),
    asset("silver.customers", "customers", owner="crm"),
    asset("gold.revenue", "orders", "customers", owner="finance"),
    asset("gold.churn", "customers"),
]


def graph() -> AssetGraph:
    built = build_graph(ASSETS, LayerRules()).graph
    assert built is not None
    return built


def chosen(*terms: str) -> set[str]:
    found = select(graph(), terms)
    assert not isinstance(found, Finding), found
    return {str(one) for one in found}


@pytest.mark.parametrize(
    ("term", "expected"),
    [
        ("silver.orders", "silver.orders"),
        ("silver_orders", "silver.orders"),
        ("revenue", "gold.revenue"),
        ("orders", "bronze.orders silver.orders"),
        ("layer:gold", "gold.revenue gold.churn"),
        ("tag:daily", "bronze.orders silver.orders"),
        ("owner:crm", "bronze.customers silver.customers"),
        ("silver.*", "silver.orders silver.customers"),
        ("*.customers", "bronze.customers silver.customers"),
        ("c*", "bronze.customers silver.customers gold.churn"),
        ("gold.[cr]*", "gold.churn gold.revenue"),
        ("+gold.churn", "gold.churn silver.customers bronze.customers"),
        ("bronze.orders+", "bronze.orders silver.orders gold.revenue"),
        ("+silver.orders+", "bronze.orders silver.orders gold.revenue"),
        ("+layer:bronze", "bronze.orders bronze.customers"),
        ("layer:gold+", "gold.revenue gold.churn"),
        ("tag:core+", "silver.orders gold.revenue"),
    ],
)
def test_a_term_selects(term: str, expected: str) -> None:
    assert chosen(term) == set(expected.split())


def test_no_term_selects_everything() -> None:
    assert chosen() == {str(one.key) for one in ASSETS}


@pytest.mark.parametrize(
    ("term", "code", "hint"),
    [
        ("revenu", "POL201", "did you mean `gold.revenue`?"),
        ("silver.revenue", "POL201", "did you mean `gold.revenue`?"),
        ("layer:platinum", "POL216", "the layers: bronze, silver, gold"),
        ("tag:weekly", "POL216", "the tags: core, daily"),
        ("owner:", "POL216", "the owners: crm, finance"),
        ("kind:x", "POL216", "one can select by layer:…, owner:…, tag:…"),
        ("x*", "POL216", "see the assets with: polster list-assets"),
    ],
)
def test_a_term_that_selects_nothing_is_a_mistake(term: str, code: str, hint: str) -> None:
    found = select(graph(), ["layer:gold", term])

    assert isinstance(found, Finding)
    assert found.code == code
    assert found.hint == hint


@pytest.mark.parametrize("term", ["", "+", "++", ":", "+:"])
def test_an_empty_term_is_a_mistake(term: str) -> None:
    assert isinstance(select(graph(), [term]), Finding)


@pytest.mark.parametrize(
    ("text", "term"),
    [
        ("a", Term("a")),
        ("+a", Term("a", upstream=True)),
        ("a+", Term("a", downstream=True)),
        ("+a+", Term("a", upstream=True, downstream=True)),
    ],
)
def test_plus_signs_are_read(text: str, term: Term) -> None:
    assert Term.parse(text) == term


def test_one_asset_is_found_by_any_of_its_names() -> None:
    for name in ("gold.revenue", "gold_revenue", "revenue"):
        found = select_one(ASSETS, name)

        assert isinstance(found, Asset)
        assert found.key == key("gold.revenue")


def test_of_two_assets_one_has_to_be_chosen() -> None:
    found = select_one(ASSETS, "orders")

    assert isinstance(found, Finding)
    assert found.code == "POL204"
    assert found.message == "`orders` could mean `bronze.orders` or `silver.orders`"


BODIES = st.sampled_from(
    ["orders", "silver.orders", "gold_churn", "layer:silver", "tag:daily", "owner:crm", "*.c*"]
)
TERMS = st.builds(
    lambda body, before, behind: f"{'+' * before}{body}{'+' * behind}",
    BODIES,
    st.booleans(),
    st.booleans(),
)


@given(st.lists(TERMS, min_size=1), st.lists(TERMS, min_size=1))
def test_several_terms_select_what_each_selects(first: list[str], second: list[str]) -> None:
    assert chosen(*first, *second) == chosen(*first) | chosen(*second)


@given(st.lists(TERMS, min_size=1))
def test_order_and_repetition_do_not_matter(terms: list[str]) -> None:
    assert chosen(*terms) == chosen(*reversed(terms), *terms)


@given(BODIES)
def test_a_plus_adds_and_never_takes_away(body: str) -> None:
    plain, below, above = chosen(body), chosen(f"+{body}"), chosen(f"{body}+")

    assert plain <= below
    assert plain <= above
    assert chosen(f"+{body}+") == below | above


@given(BODIES)
def test_with_everything_below_nothing_is_missing(body: str) -> None:
    built, below = graph(), chosen(f"+{body}")

    for own in below:
        assert {str(other) for other in built.upstream(key(own))} <= below


def test_the_name_of_a_layer_alone_is_told_how_to_choose_the_layer() -> None:
    found = select(graph(), ["silver.orders", "+gold"])

    assert isinstance(found, Finding)
    assert found.message == "`gold` is a layer, not an asset of this project"
    assert found.hint == "did you mean `layer:gold`?"


def test_an_asset_that_is_called_like_a_layer_is_chosen() -> None:
    built = build_graph([asset("silver.gold")], LayerRules()).graph
    assert built is not None

    assert select(built, ["gold"]) == {key("silver.gold")}
