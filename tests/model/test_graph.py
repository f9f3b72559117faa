from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import get_close_matches
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.model import graph as model_graph
from polster.model.asset import Asset, AssetKey, Parameter
from polster.model.finding import Finding
from polster.model.graph import AssetGraph, GraphCheck, build_graph, resolve
from polster.model.layer import Layer, LayerRules
from polster.model.reference import Reference

STRICT = LayerRules()
LENIENT = LayerRules(frozenset({Layer.SILVER, Layer.GOLD}))


def key(text: str) -> AssetKey:
    layer, name = text.split(".")
    return AssetKey(Layer(layer), name)


def asset(text: str, *parameters: str) -> Asset:
    made = key(text)
    return Asset(
        made,
        f"src/core/{made.identifier}.py",
        3,
        f"core.{made.identifier}",
        tuple(Parameter(name, 3) for name in parameters),
    )


def codes(check: GraphCheck) -> list[str]:
    return [finding.code for finding in check.findings]


def graph(*assets: Asset, rules: LayerRules = STRICT) -> AssetGraph:
    check = build_graph(assets, rules)
    assert check.graph is not None, check.findings
    return check.graph


CHAIN = (asset("gold.c", "b"), asset("silver.b", "a"), asset("bronze.a"))


def test_a_graph_lists_upstream_before_downstream() -> None:
    assert [str(found.key) for found in graph(*CHAIN)] == ["bronze.a", "silver.b", "gold.c"]
    assert len(graph(*CHAIN)) == 3


def test_neighbours_are_known_in_both_directions() -> None:
    built = graph(*CHAIN)

    assert built.upstream(key("gold.c")) == (key("silver.b"),)
    assert built.downstream(key("bronze.a")) == (key("silver.b"),)
    assert built.ancestors([key("gold.c")]) == {key("silver.b"), key("bronze.a")}
    assert built.descendants([key("bronze.a")]) == {key("silver.b"), key("gold.c")}
    assert built[key("silver.b")].file == "src/core/silver_b.py"


def test_inputs_keep_the_order_of_the_parameters() -> None:
    built = graph(asset("bronze.a"), asset("bronze.b"), asset("silver.s", "b", "bronze_a"))

    assert dict(built.inputs[key("silver.s")]) == {
        "b": key("bronze.b"),
        "bronze_a": key("bronze.a"),
    }
    assert list(built.inputs[key("silver.s")]) == ["b", "bronze_a"]


def test_an_empty_project_has_an_empty_graph() -> None:
    assert len(graph()) == 0


def test_a_plain_name_never_means_the_asset_itself() -> None:
    built = graph(asset("bronze.orders"), asset("silver.orders", "orders"))

    assert built.upstream(key("silver.orders")) == (key("bronze.orders"),)


def test_all_mistakes_are_reported_together() -> None:
    check = build_graph(
        [
            asset("bronze.logs"),
            asset("silver.a", "logz"),
            asset("gold.b", "logs"),
            asset("gold.c", "a", "silver_a"),
        ],
        STRICT,
    )

    assert check.graph is None
    assert [(finding.asset, finding.code) for finding in check.findings] == [
        ("gold.b", "POL202"),
        ("gold.c", "POL215"),
        ("silver.a", "POL201"),
    ]
    assert all(finding.file and finding.line and finding.hint for finding in check.findings)


def test_two_files_may_not_define_one_asset() -> None:
    check = build_graph([asset("bronze.a"), asset("bronze.a")], STRICT)

    assert codes(check) == ["POL205"]


def test_a_known_broken_file_is_not_reported_by_its_readers() -> None:
    check = build_graph([asset("silver.b", "a")], STRICT, known=[key("bronze.a")])

    assert check.findings == ()
    assert check.graph is None


def test_a_cycle_is_written_in_the_direction_of_reading() -> None:
    check = build_graph(
        [asset("silver.a", "b"), asset("silver.b", "c"), asset("silver.c", "a")], LENIENT
    )

    (finding,) = check.findings
    assert finding.code == "POL203"
    assert finding.message == (
        "assets read each other: `silver.a` -> `silver.b` -> `silver.c` -> `silver.a`"
    )
    assert finding.asset == "silver.a"
    assert finding.place == "src/core/silver_a.py:3"


def test_every_cycle_is_reported() -> None:
    check = build_graph(
        [
            asset("silver.a", "b"),
            asset("silver.b", "a"),
            asset("silver.c", "d"),
            asset("silver.d", "c"),
            asset("silver.e", "silver_e"),
        ],
        LENIENT,
    )

    assert [finding.asset for finding in check.findings] == ["silver.a", "silver.c", "silver.e"]


@pytest.mark.parametrize("rules", [STRICT, LENIENT])
def test_reading_itself_is_the_same_mistake_under_all_rules(rules: LayerRules) -> None:
    check = build_graph([asset("silver.a", "silver_a")], rules)

    (finding,) = check.findings
    assert finding.code == "POL203"
    assert finding.message == "`silver.a` reads itself"


LAYER_CASES = [
    ("bronze", "bronze", False, False),
    ("bronze", "silver", False, False),
    ("bronze", "gold", False, False),
    ("silver", "bronze", True, True),
    ("silver", "silver", False, True),
    ("silver", "gold", False, False),
    ("gold", "bronze", False, False),
    ("gold", "silver", True, True),
    ("gold", "gold", False, True),
]


@pytest.mark.parametrize(("reader", "upstream", "strict", "lenient"), LAYER_CASES)
def test_who_may_read_whom(reader: str, upstream: str, strict: bool, lenient: bool) -> None:
    for rules, allowed in ((STRICT, strict), (LENIENT, lenient)):
        found = resolve(
            f"{upstream}_x",
            reader=key(f"{reader}.me"),
            known=[key(f"{upstream}.x"), key(f"{reader}.me")],
            rules=rules,
        )

        assert rules.may_read(Layer(reader), Layer(upstream)) is allowed
        if allowed:
            assert found == key(f"{upstream}.x")
        else:
            assert isinstance(found, Finding)
            assert found.code == "POL202"
            assert f"`{reader}.me` may not read `{upstream}.x`" in found.message
            assert found.hint


def test_gold_over_bronze_is_told_to_go_through_silver() -> None:
    known = [key("bronze.logs")]

    without = resolve("logs", reader=key("gold.r"), known=known, rules=STRICT)
    with_it = resolve(
        "bronze_logs", reader=key("gold.r"), known=[*known, key("silver.logs")], rules=STRICT
    )

    assert isinstance(without, Finding)
    assert without.hint == (
        "make `silver.logs` first: polster add-asset --layer silver --name logs --dependencies logs"
    )
    assert isinstance(with_it, Finding)
    assert with_it.hint == "read `silver.logs`: write the parameter as `silver_logs`"


def test_an_unclear_name_shows_what_it_could_mean() -> None:
    found = resolve(
        "orders",
        reader=key("silver.x"),
        known=[key("bronze.orders"), key("silver.orders")],
        rules=LENIENT,
    )

    assert isinstance(found, Finding)
    assert found.code == "POL204"
    assert found.message == "`orders` could mean `bronze.orders` or `silver.orders`"
    assert found.hint == "write the layer too: `bronze_orders` or `silver_orders`"


@pytest.mark.parametrize("name", ["clean_log", "silver_clean_log", "silver.clean_logs_"])
def test_an_unknown_name_gets_the_nearest(name: str) -> None:
    found = resolve(name, reader=key("gold.x"), known=[key("silver.clean_logs")], rules=STRICT)

    assert isinstance(found, Finding)
    assert found.code == "POL201"
    assert found.hint == "did you mean `silver.clean_logs`?"


@pytest.mark.parametrize(
    ("reader", "hint"), [("gold.x", "silver.orders"), ("silver.x", "bronze.orders")]
)
def test_of_several_near_names_the_one_that_may_be_read_is_offered(reader: str, hint: str) -> None:
    known = [key("bronze.orders"), key("silver.orders"), key("gold.orders"), key(reader)]

    found = resolve("order", reader=key(reader), known=known, rules=STRICT)

    assert isinstance(found, Finding)
    assert found.hint == f"did you mean `{hint}`?"


def test_nobody_is_offered_itself() -> None:
    known = [key("gold.orders"), key("silver.prices")]

    found = resolve("order", reader=key("gold.orders"), known=known, rules=STRICT)

    assert isinstance(found, Finding)
    assert found.hint == "see the assets with: polster list-assets"


def test_an_unknown_name_in_an_empty_project_points_to_add_asset() -> None:
    found = resolve("x", reader=key("gold.x"), known=[], rules=STRICT)

    assert isinstance(found, Finding)
    assert "polster add-asset" in (found.hint or "")


def test_of_a_thousand_unknown_names_the_first_get_the_nearest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    compared: list[int] = []

    def count(name: str, spellings: list[str], **how: Any) -> list[str]:
        compared.append(len(spellings))
        return get_close_matches(name, spellings, **how)

    monkeypatch.setattr(model_graph, "get_close_matches", count)
    many = [asset(f"silver.orders_{number}", f"order_{number}") for number in range(1000, 2000)]

    hints = [finding.hint for finding in build_graph(many, STRICT).findings]

    offered = sum(compared) // max(compared)
    assert offered > 30
    assert sum(compared) < 110_000
    assert [hint for hint in hints if hint and hint.startswith("did you mean")] == hints[:offered]
    assert set(hints[offered:]) == {"see the assets with: polster list-assets"}


NAMES = st.sampled_from(["a", "b", "c", "silver_a", "orders"])
KEYS = st.builds(AssetKey, st.sampled_from(list(Layer)), NAMES)
RULES = st.builds(LayerRules, st.frozensets(st.sampled_from([Layer.SILVER, Layer.GOLD])))


@st.composite
def layered(draw: st.DrawFn) -> list[Asset]:
    """Draw assets that read only allowed and earlier ones, in any order."""
    keys = sorted(draw(st.sets(KEYS, max_size=9)))
    order = {Layer.BRONZE: 0, Layer.SILVER: 1, Layer.GOLD: 2}
    made = []
    for number, own in enumerate(keys):
        readable = [
            other
            for place, other in enumerate(keys)
            if order[own.layer] - order[other.layer] == 1
            or (own.layer is other.layer is not Layer.BRONZE and place < number)
        ]
        chosen = draw(st.lists(st.sampled_from(readable), unique=True)) if readable else []
        made.append(asset(str(own), *[other.identifier for other in chosen]))
    return draw(st.permutations(made))


@given(layered())
def test_the_order_is_topological_and_complete(assets: list[Asset]) -> None:
    check = build_graph(assets, LENIENT)
    if check.graph is None:  # an identifier such as `silver_silver_a` may be unclear
        assert set(codes(check)) <= {"POL204", "POL203", "POL215"}
        return

    order = list(check.graph.assets)
    assert sorted(order) == sorted(made.key for made in assets)
    for own in order:
        for upstream in check.graph.upstream(own):
            assert order.index(upstream) < order.index(own)


@given(layered(), st.randoms(use_true_random=False))
def test_the_order_of_the_files_does_not_matter(assets: list[Asset], random: object) -> None:
    assert build_graph(assets, LENIENT) == build_graph(list(reversed(assets)), LENIENT)


@given(layered())
def test_descendants_are_the_ancestors_turned_round(assets: list[Asset]) -> None:
    built = build_graph(assets, LENIENT).graph
    if built is None:
        return

    for first in built.assets:
        assert first not in built.ancestors([first])
        for second in built.assets:
            assert (first in built.ancestors([second])) == (second in built.descendants([first]))
            assert (first in built.upstream(second)) == (second in built.downstream(first))


@st.composite
def anything(draw: st.DrawFn) -> Sequence[Asset]:
    """Draw assets that read whatever they like."""
    names = st.sampled_from(["a", "b", "bronze_a", "silver_a", "silver_b", "gold_b", "silver_x"])
    return [
        asset(str(own), *draw(st.lists(names, max_size=3, unique=True)))
        for own in draw(st.lists(KEYS, max_size=7))
    ]


@given(anything(), RULES)
def test_a_graph_exists_exactly_if_nothing_is_wrong(
    assets: Sequence[Asset], rules: LayerRules
) -> None:
    check = build_graph(assets, rules)

    assert (check.graph is None) == bool(check.findings)
    if check.graph is not None:
        for own in check.graph.assets:
            for upstream in check.graph.upstream(own):
                assert rules.may_read(own.layer, upstream.layer)
                assert upstream != own


@given(st.sets(KEYS), KEYS, RULES, st.text() | NAMES)
def test_a_name_resolves_to_something_readable_or_to_a_finding(
    known: set[AssetKey], reader: AssetKey, rules: LayerRules, name: str
) -> None:
    found = resolve(name, reader=reader, known=known, rules=rules)

    if isinstance(found, AssetKey):
        assert found in known
        assert rules.may_read(reader.layer, found.layer)
        assert name in {found.name, found.identifier, str(found)}
    else:
        assert found.code in {"POL201", "POL202", "POL203", "POL204"}
        assert found.hint


def referring(text: str, target: str, *parameters: str) -> Asset:
    made = asset(text, *parameters)
    reference = Reference(("id",), target, ("id",))
    return replace(made, options=replace(made.options, references=(reference,)))


LINES = (asset("bronze.a"), asset("silver.b", "a"), referring("silver.c", "b", "a"))


def test_what_is_referred_to_comes_before_and_is_not_read() -> None:
    built = graph(*LINES)

    assert [str(found.key) for found in built] == ["bronze.a", "silver.b", "silver.c"]
    assert built.upstream(key("silver.c")) == (key("bronze.a"),)
    assert built.needs(key("silver.c")) == (key("bronze.a"), key("silver.b"))
    assert built.ancestors([key("silver.c")]) == {key("bronze.a"), key("silver.b")}
    assert built.descendants([key("silver.b")]) == {key("silver.c")}
    assert built.downstream(key("silver.b")) == ()


def test_a_table_that_is_read_and_referred_to_is_needed_once() -> None:
    built = graph(*LINES[:2], referring("gold.d", "b", "b"))

    assert built.needs(key("gold.d")) == (key("silver.b"),)


def test_a_table_may_refer_to_itself() -> None:
    built = graph(asset("bronze.a"), referring("silver.b", "b", "a"))

    assert built.needs(key("silver.b")) == (key("bronze.a"),)
    assert list(built.references[key("silver.b")].values()) == [key("silver.b")]


@pytest.mark.parametrize(
    ("text", "target", "code", "says"),
    [
        ("silver.c", "bb", "POL201", "did you mean `silver.b`?"),
        ("silver.c", "a", "POL202", "polster add-asset --layer silver --name a --dependencies a"),
        ("silver.c", "bronze.b", "POL202", 'refer to "silver.b.id"'),
        ("silver.c", "d", "POL202", "refer to a table below"),
        ("gold.d", "e", "POL204", 'write the layer too: "silver.e.id" or "gold.e.id"'),
    ],
)
def test_a_reference_that_cannot_be_followed_says_what_to_write(
    text: str, target: str, code: str, says: str
) -> None:
    others = [
        *(asset("bronze.a"), asset("bronze.b"), asset("silver.b", "bronze_b")),
        *(asset("gold.d", "b"), asset("silver.e", "a"), asset("gold.e", "silver_e")),
    ]
    others = [each for each in others if str(each.key) != text]

    check = build_graph([*others, referring(text, target)], STRICT)

    assert codes(check) == [code]
    assert says in (check.findings[0].hint or "")


def test_tables_that_refer_to_each_other_are_a_cycle_that_is_named() -> None:
    check = build_graph([referring("silver.b", "c"), referring("silver.c", "b")], STRICT)

    assert [finding.message for finding in check.findings] == [
        "assets read or refer to each other: `silver.b` -> `silver.c` -> `silver.b`"
    ]
