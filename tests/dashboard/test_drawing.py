"""What is drawn of a pipeline."""

from __future__ import annotations

import json
from typing import Any

import pytest

from polster.dashboard.drawing import Drawing, draw, quarantine_words, table
from polster.dashboard.view import View
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.operations.overview import Condition, Standing, overview, standings


def drawing(shop: Any, **query: str) -> Drawing:
    found = overview(shop.open())
    return draw(found, standings(found, []), View.parse(query))


def keys(drawn: Drawing) -> list[str]:
    return [node["key"] for node in drawn.plan["nodes"]]


def arrows(drawn: Drawing) -> list[tuple[str, str]]:
    names = keys(drawn)
    return [(names[source], names[target]) for source, target, _ in drawn.plan["edges"]]


def asset(pipeline: Any, key: str, *reads: str) -> None:
    layer, name = key.split(".")
    parameters = ", ".join(f"{read}: pl.LazyFrame" for read in reads)
    pipeline.asset(
        key,
        f"""
        class Rows(dy.Schema):
            id = dy.Int64()


        @{layer}(contract=Rows)
        def {name}({parameters}) -> pl.LazyFrame:
            return pl.LazyFrame({{"id": [1]}})
        """,
    )


def test_layers_stand_from_left_to_right_with_arrows_between(shop: Any) -> None:
    drawn = drawing(shop)

    assert [(node["key"], node["column"]) for node in drawn.plan["nodes"]] == [
        ("bronze.orders", 0),
        ("silver.orders", 1),
        ("gold.spending", 2),
    ]
    assert arrows(drawn) == [
        ("bronze.orders", "silver.orders"),
        ("silver.orders", "gold.spending"),
    ]
    assert [layer["count"] for layer in drawn.plan["layers"]] == ["1 asset"] * 3


def test_a_face_says_state_rows_share_and_age(shop: Any) -> None:
    shop.run()

    face = drawing(shop).faces[1]

    assert (face["state"], face["word"], face["why"]) == ("published", "published", [])
    assert (face["rows"], face["share"], face["kept"]) == ("2", "60 %", "3 rows")
    assert face["at"].endswith("+00:00")


def test_a_face_of_what_is_not_well_says_why(shop: Any) -> None:
    face = drawing(shop).faces[0]

    assert (face["state"], face["word"]) == ("never-built", "never built")
    assert face["why"] == ["it was never built"]
    assert face["at"] is None


def test_assets_that_read_their_own_layer_get_a_column_of_it(pipeline: Any) -> None:
    pipeline.write("pyproject.toml", '[tool.polster.rules]\nallow = ["silver->silver"]\n')
    asset(pipeline, "bronze.a")
    asset(pipeline, "silver.b", "a")
    asset(pipeline, "silver.c", "b")
    asset(pipeline, "gold.d", "b", "c")

    drawn = drawing(pipeline)

    assert {node["key"]: node["column"] for node in drawn.plan["nodes"]} == {
        "bronze.a": 0,
        "silver.b": 1,
        "silver.c": 2,
        "gold.d": 3,
    }
    assert [(layer["first"], layer["last"]) for layer in drawn.plan["layers"]] == [
        (0, 0),
        (1, 2),
        (3, 3),
    ]
    lanes = {
        (keys(drawn)[source], keys(drawn)[target]): len(lanes)
        for source, target, lanes in drawn.plan["edges"]
    }
    assert lanes["silver.b", "gold.d"] == 1


def test_a_collapsed_layer_is_one_node_with_its_worst_state(shop: Any) -> None:
    asset(shop, "bronze.stock")
    shop.run()

    drawn = drawing(shop, collapsed="bronze")

    assert keys(drawn) == ["bronze", "silver.orders", "gold.spending"]
    assert arrows(drawn)[0] == ("bronze", "silver.orders")
    assert drawn.faces[0]["word"] == "2 published"
    assert drawn.faces[0]["brief"] == "all published"
    assert drawn.faces[0]["assets"] == "2 assets"
    assert drawn.faces[0]["count"] == 6
    assert drawn.plan["layers"][0]["collapsed"]


def test_a_collapsed_layer_tells_of_its_worst_first(shop: Any) -> None:
    shop.run()
    asset(shop, "bronze.stock")

    face = drawing(shop, collapsed="bronze").faces[0]

    assert (face["state"], face["brief"]) == ("never-built", "1 of 2 never built")
    assert face["word"] == "1 never built, 1 published"


def test_all_layers_can_be_collapsed(shop: Any) -> None:
    drawn = drawing(shop, collapsed="bronze,silver,gold")

    assert arrows(drawn) == [("bronze", "silver"), ("silver", "gold")]


def test_a_filter_draws_what_is_left(shop: Any) -> None:
    drawn = drawing(shop, layer="silver")

    assert keys(drawn) == ["silver.orders"]
    assert arrows(drawn) == []
    assert drawn.plan["layers"][0]["first"] == 0


def test_an_empty_project_is_drawn_as_nothing(pipeline: Any) -> None:
    drawn = drawing(pipeline)

    assert drawn.size == 0
    assert drawn.plan["height"] == 0


def test_only_faces_that_differ_are_sent(shop: Any) -> None:
    found = overview(shop.open())
    before = standings(found, [])
    running = before | {AssetKey(Layer.SILVER, "orders"): Standing(Condition.RUNNING)}
    first = draw(found, before, View())

    changes = draw(found, running, View()).changes_since(first)

    assert changes is not None
    assert [(index, face["word"]) for index, face in changes] == [(1, "running")]
    assert draw(found, before, View()).changes_since(first) == []
    assert draw(found, before, View(layer=Layer.GOLD)).changes_since(first) is None


def test_the_table_goes_by_layer_and_by_name_as_people_count(pipeline: Any) -> None:
    for number in (10, 9, 1):
        asset(pipeline, f"bronze.shop_{number}")
    asset(pipeline, "silver.shops", "shop_1", "shop_10")

    found = overview(pipeline.open())
    drawn = table(found, standings(found, []), View())

    assert keys(drawn) == ["bronze.shop_1", "bronze.shop_9", "bronze.shop_10", "silver.shops"]


def test_a_name_of_the_project_is_a_value_and_never_a_key(shop: Any) -> None:
    shop.edit("src/core/silver_orders.py", 'owner="ops"', 'owner=":x"')
    shop.edit("src/core/silver_orders.py", 'tags=["daily"]', 'tags=[":y", "<script>"]')

    drawn = drawing(shop)

    names = set(json.dumps([list(face) for face in [*drawn.faces, *drawn.plan["nodes"]]]).split())
    assert not any(":" in name or "<" in name for name in names)
    assert drawn.plan["nodes"][1]["tags"] == [":y", "<script>"]


def test_what_was_kept_out_is_told_with_its_rules(shop: Any) -> None:
    shop.run()
    found = overview(shop.open())

    said = quarantine_words(found.assets[AssetKey(Layer.SILVER, "orders")])

    assert said.startswith("3 of 5 rows quarantined (60 %): ")
    assert "amount|min (1)" in said
    assert quarantine_words(found.assets[AssetKey(Layer.BRONZE, "orders")]) == ""


@pytest.mark.parametrize("shown", ["graph", "list"])
def test_a_long_reason_is_cut(shop: Any, shown: str) -> None:
    found = overview(shop.open())
    long = {key: Standing(Condition.FAILED, ("x" * 5_000,)) for key in found.assets}
    make = table if shown == "list" else draw

    assert len(make(found, long, View()).faces[0]["why"][0]) == 300
