from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.lineage import (
    AssetLineage,
    ColumnOrigin,
    ColumnRef,
    Lineage,
    Reached,
    lineage_from_json,
    lineage_to_json,
)

BRONZE = AssetKey(Layer.BRONZE, "orders")
SILVER = AssetKey(Layer.SILVER, "orders")
GOLD = AssetKey(Layer.GOLD, "spending")


def ref(asset: AssetKey, column: str) -> ColumnRef:
    return ColumnRef(asset, column)


def made_of(
    *values: ColumnRef, by: tuple[ColumnRef, ...] = (), unknown: str | None = None
) -> ColumnOrigin:
    return ColumnOrigin(frozenset(values), frozenset(by), unknown)


SHOP = Lineage(
    [
        AssetLineage(BRONZE, {"id": ColumnOrigin(), "amount": ColumnOrigin()}),
        AssetLineage(
            SILVER,
            {
                "id": made_of(ref(BRONZE, "id")),
                "amount": made_of(ref(BRONZE, "amount"), by=(ref(BRONZE, "id"),)),
            },
        ),
        AssetLineage(
            GOLD,
            {
                "spent": made_of(ref(SILVER, "amount"), by=(ref(SILVER, "id"),)),
                "score": made_of(ref(SILVER, "amount"), unknown="a Python function"),
            },
        ),
    ]
)


def test_a_walk_downstream_tells_values_from_influence_and_the_certain_from_the_rest() -> None:
    found = SHOP.downstream(ref(BRONZE, "id"))

    assert found == [
        Reached(ref(SILVER, "amount"), 1, by_value=False, is_certain=True),
        Reached(ref(SILVER, "id"), 1, by_value=True, is_certain=True),
        Reached(ref(GOLD, "score"), 2, by_value=False, is_certain=False),
        Reached(ref(GOLD, "spent"), 2, by_value=False, is_certain=True),
    ]


def test_a_column_that_is_value_and_influence_counts_as_value() -> None:
    both = made_of(ref(BRONZE, "id"), by=(ref(BRONZE, "id"),))

    lineage = Lineage([AssetLineage(SILVER, {"id": both})])

    assert [arrow.by_value for arrow in lineage.sources(ref(SILVER, "id"))] == [True]


def test_columns_are_known_from_their_readers_too() -> None:
    lineage = Lineage([AssetLineage(SILVER, {"id": made_of(ref(BRONZE, "order id"))})])

    assert lineage.columns(BRONZE) == ("order id",)
    assert lineage.columns(GOLD) == ()
    assert lineage.origin(ref(GOLD, "x")) == ColumnOrigin()
    assert [str(arrow.end) for arrow in lineage.readers(ref(BRONZE, "order id"))] == [
        "silver.orders.id"
    ]


def test_an_arrow_says_why_it_is_not_certain() -> None:
    (arrow,) = SHOP.sources(ref(GOLD, "score"))

    assert arrow.unknown == "a Python function"


def test_an_asset_of_unknown_lineage_comes_back_from_json() -> None:
    unknown = AssetLineage(GOLD, unknown="`silver.x` has no contract")

    assert lineage_from_json(GOLD, lineage_to_json(unknown)) == unknown


NAMES = ["id", "order id", "a.b", "größe", '"x"', "0"]
ASSETS = [AssetKey(layer, name) for layer in Layer for name in "abc"]
"""Sorted so that a later asset may read an earlier one."""


@st.composite
def lineages(draw: st.DrawFn) -> Lineage:
    """Columns that are made of columns of earlier assets, in all ways there are."""
    made: list[AssetLineage] = []
    earlier: list[ColumnRef] = []
    for asset in draw(st.lists(st.sampled_from(ASSETS), unique=True, max_size=6)):
        columns: dict[str, ColumnOrigin] = {}
        for name in draw(st.lists(st.sampled_from(NAMES), unique=True, max_size=4)):
            some = st.frozensets(st.sampled_from(earlier), max_size=3) if earlier else st.just(())
            columns[name] = ColumnOrigin(
                frozenset(draw(some)),
                frozenset(draw(some)),
                draw(st.sampled_from([None, None, "a Python function"])),
            )
        made.append(AssetLineage(asset, columns))
        earlier += [ColumnRef(asset, name) for name in columns]
    return Lineage(made)


def every_column(lineage: Lineage) -> list[ColumnRef]:
    return [ColumnRef(asset, name) for asset in lineage.assets for name in lineage.columns(asset)]


@given(lineages())
def test_what_a_column_reaches_downstream_reaches_it_upstream_in_the_same_way(
    lineage: Lineage,
) -> None:
    columns = every_column(lineage)

    down = {(a, r.ref, r.by_value, r.is_certain, r.steps) for a in columns
            for r in lineage.downstream(a)}  # fmt: skip
    up = {(r.ref, b, r.by_value, r.is_certain, r.steps) for b in columns
          for r in lineage.upstream(b)}  # fmt: skip

    assert down == up


@given(lineages())
def test_every_column_is_reached_once_and_never_from_itself(lineage: Lineage) -> None:
    for start in every_column(lineage):
        reached = [found.ref for found in lineage.downstream(start)]

        assert len(reached) == len(set(reached))
        assert start not in reached


@given(lineages())
def test_reaching_by_value_is_transitive(lineage: Lineage) -> None:
    by_value = {
        start: {found.ref for found in lineage.downstream(start) if found.by_value}
        for start in every_column(lineage)
    }

    for reached in by_value.values():
        for middle in reached:
            assert by_value[middle] <= reached


@given(lineages())
def test_lineage_comes_back_from_json_as_it_was(lineage: Lineage) -> None:
    for key, entry in lineage.assets.items():
        assert lineage_from_json(key, lineage_to_json(entry)) == entry


PERSON = ColumnRef(BRONZE, "person")
LAND, EMAIL = (ColumnRef(BRONZE, "person", (name,)) for name in ("land", "email"))
STRUCTS = AssetLineage(
    SILVER,
    {"person": made_of(PERSON), "mail": made_of(EMAIL)},
    fields={("person", "land"): made_of(LAND), ("person", "email"): made_of(EMAIL)},
)


def test_a_field_leads_to_what_is_made_of_it_and_of_all_that_holds_it() -> None:
    whole = AssetLineage(
        GOLD,
        {
            "land": made_of(ColumnRef(SILVER, "person", ("land",))),
            "all": made_of(ref(SILVER, "person")),
        },
    )
    lineage = Lineage([STRUCTS, whole])

    assert [str(r.ref) for r in lineage.upstream(ref(GOLD, "land"))] == [
        "silver.orders.person.land",
        "bronze.orders.person.land",
    ]
    assert [str(r.ref) for r in lineage.downstream(LAND)] == [
        "silver.orders.person.land",
        "gold.spending.all",
        "gold.spending.land",
    ]
    assert {str(r.ref) for r in lineage.downstream(PERSON)} >= {"gold.spending.land"}


def test_fields_come_back_from_json() -> None:
    assert lineage_from_json(SILVER, lineage_to_json(STRUCTS)) == STRUCTS
