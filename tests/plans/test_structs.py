"""Fields of structs are followed by themselves; where they are not shown, nothing is guessed."""

from __future__ import annotations

from collections.abc import Callable

import polars as pl
import pytest

from polster.plans.flow import read_flow
from polster.plans.source import named_source

pytestmark = pytest.mark.private_part_of("polars")

PERSON = pl.Struct(
    {
        "land": pl.String(),
        "email": pl.String(),
        "home": pl.Struct({"x": pl.Int64(), "y": pl.Int64()}),
    }
)
SCHEMA = pl.Schema(
    {
        "person": PERSON,
        "people": pl.List(PERSON),
        "pair": pl.Array(PERSON, 2),
        "text": pl.String(),
        "x": pl.Int64(),
        "y": pl.Int64(),
        "k": pl.String(),
    }
)
person, people, made = pl.col("person"), pl.col("people"), pl.struct("x", z=pl.col("y") + 1)
Build = Callable[[pl.LazyFrame], pl.LazyFrame]
LAND = "person.land"
DECODED = pl.Struct({"a": pl.Int64(), "b": pl.String()})
PICKED: dict[str, tuple[Build, str, str]] = {
    "field": (lambda t: t.select(v=person.struct.field("land")), "person.land", ""),
    "by number": (lambda t: t.select(v=person.struct[0]), "person.land", ""),
    "nested": (
        lambda t: t.select(v=person.struct.field("home").struct.field("x")),
        "person.home.x",
        "",
    ),
    "all of them": (lambda t: t.select(person.struct.unnest()).select(v="land"), LAND, ""),
    "unnested": (
        lambda t: t.select("person").unnest("person").select(v="email"),
        "person.email",
        "",
    ),
    "unnested twice": (
        lambda t: t.select("person").unnest("person").unnest("home").select(v="y"),
        "person.home.y",
        "",
    ),
    "made": (lambda t: t.select(s=made).select(v=pl.col("s").struct.field("z")), "y", ""),
    "made and picked at once": (lambda t: t.select(v=made.struct.field("x")), "x", ""),
    "made and unnested": (lambda t: t.select(s=made).unnest("s").select(v="z"), "y", ""),
    "struct in a struct": (
        lambda t: t.select(s=pl.struct(a="k", b=made)).select(
            v=pl.col("s").struct.field("b").struct.field("z")
        ),
        "y",
        "",
    ),
    "renamed": (
        lambda t: t.select(s=person.struct.rename_fields(["email", "land", "h"])).select(
            v=pl.col("s").struct.field("email")
        ),
        LAND,
        "",
    ),
    "prefixed": (
        lambda t: t.select(person.name.prefix_fields("p_")).select(v=person.struct.field("p_land")),
        LAND,
        "",
    ),
    "names mapped": (
        lambda t: t.select(person.name.map_fields(str.upper)).select(v=person.struct.field("LAND")),
        LAND,
        "",
    ),
    "with a field more": (
        lambda t: t.select(person.struct.with_fields(n=pl.col("x"))).select(
            v=person.struct.field("land")
        ),
        LAND,
        "",
    ),
    "the field more": (
        lambda t: t.select(person.struct.with_fields(n=pl.col("x"))).select(
            v=person.struct.field("n")
        ),
        "x",
        "",
    ),
    "replaced": (
        lambda t: t.select(person.struct.with_fields(email=pl.lit("?"))).select(
            v=person.struct.field("email")
        ),
        "",
        "",
    ),
    "replaced by another field": (
        lambda t: t.select(person.struct.with_fields(email=pl.field("land"))).select(
            v=person.struct.field("email")
        ),
        LAND,
        "",
    ),
    "each from itself": (
        lambda t: t.select(
            person.struct.with_fields(
                pl.field(["land", "email"]).str.to_uppercase(), both=pl.field("home") == pl.lit(",")
            )
        ).select(v=person.struct.field("land")),
        LAND,
        "",
    ),
    "from a field and a column": (
        lambda t: t.select(
            person.struct.with_fields(email=pl.field("land") + pl.col("k"), n=pl.lit('"),'))
        ).select(v=person.struct.field("email")),
        "person.land k",
        "",
    ),
    "decided by a field": (
        lambda t: t.select(
            person.struct.with_fields(
                n=pl.when(pl.field("land") == "x").then(pl.col("x")).otherwise(pl.lit(0))
            )
        ).select(v=person.struct.field("n")),
        "x",
        LAND,
    ),
    "of a struct in it": (
        lambda t: t.select(
            person.struct.with_fields(
                home=person.struct.field("home").struct.with_fields(x=pl.field("y"))
            )
        ).select(v=person.struct.field("home").struct.field("x")),
        "person.home.y",
        "",
    ),
    "how often": (
        lambda t: t.select(v=pl.col("k").value_counts().struct.field("count")),
        "",
        "k",
    ),
    "which, beside how often": (
        lambda t: t.select(s=pl.col("k").value_counts()).unnest("s").select(v="k"),
        "k",
        "",
    ),
    "how often in a row": (lambda t: t.select(v=pl.col("k").rle().struct.field("len")), "", "k"),
    "of a list": (lambda t: t.select(v=people.list.get(0).struct.field("land")), "people.land", ""),
    "of an array": (
        lambda t: t.select(v=pl.col("pair").arr.get(0).struct.field("land")),
        "pair.land",
        "",
    ),
    "exploded": (
        lambda t: t.explode("people").select(v=people.struct.field("land")),
        "people.land",
        "people",
    ),
    "exploded in it": (
        lambda t: t.select(v=people.explode().struct.field("land")),
        "people.land",
        "",
    ),
    "grouped": (
        lambda t: t.group_by("k").agg("person").select(v=person.list.first().struct.field("land")),
        LAND,
        "k",
    ),
    "in each group": (
        lambda t: t.select(v=person.first().over("k").struct.field("land")),
        LAND,
        "k",
    ),
    "filtered": (
        lambda t: t.filter(pl.col("x") > 1).select(v=person.struct.field("land")),
        LAND,
        "x",
    ),
    "filtered by a field": (
        lambda t: t.filter(person.struct.field("email").is_not_null()).select(
            v=person.struct.field("land")
        ),
        LAND,
        "person.email",
    ),
    "one of two": (
        lambda t: t.select(
            v=pl.when(pl.col("x") > 1)
            .then(person)
            .otherwise(people.list.get(0))
            .struct.field("land")
        ),
        "person.land people.land",
        "x",
    ),
    "or none": (
        lambda t: t.select(v=pl.when(pl.col("x") > 1).then(person).struct.field("land")),
        LAND,
        "x",
    ),
    "stacked": (
        lambda t: pl.concat([t.select(s="person"), t.select(s=people.list.get(0))]).select(
            v=pl.col("s").struct.field("land")
        ),
        "person.land people.land",
        "",
    ),
    "joined": (
        lambda t: (
            t.select("k", "x")
            .join(t.select("k", "person"), on="k", how="left")
            .select(v=person.struct.field("land"))
        ),
        LAND,
        "k",
    ),
    "cast": (
        lambda t: t.select(
            person.cast(
                pl.Struct(
                    {"land": pl.Binary(), "email": pl.String(), "home": PERSON.fields[2].dtype}
                )
            )
        ).select(v=person.struct.field("land")),
        LAND,
        "",
    ),
    "decoded": (
        lambda t: t.select(v=pl.col("text").str.json_decode(DECODED).struct.field("a")),
        "text",
        "",
    ),
    "written and decoded": (
        lambda t: t.select(
            v=person.struct.json_encode().str.json_decode(PERSON).struct.field("land")
        ),
        "person",
        "",
    ),
    "counted": (
        lambda t: t.group_by("k").agg(v=person.struct.field("email").n_unique()),
        "",
        "k person.email",
    ),
}


def of(text: str) -> frozenset[tuple[str, ...]]:
    return frozenset(("t", *name.split(".")) for name in text.split())


@pytest.mark.parametrize("name", PICKED)
def test_a_field_is_made_of_what_goes_into_it_alone(name: str) -> None:
    build, values, influences = PICKED[name]

    flow = read_flow(build(named_source("t", SCHEMA))).columns["v"]

    assert (flow.values, flow.influences) == (of(values), of(influences))
    assert flow.unknown is None


def test_what_the_fields_of_a_result_are_made_of_is_told() -> None:
    frame = named_source("t", SCHEMA).select("person", s=made)

    fields = {path: flow.values for path, flow in read_flow(frame).fields.items()}

    assert fields == {
        ("person", "land"): of("person.land"),
        ("person", "email"): of("person.email"),
        ("person", "home"): of("person.home"),
        ("person", "home", "x"): of("person.home.x"),
        ("person", "home", "y"): of("person.home.y"),
        ("s", "x"): of("x"),
        ("s", "z"): of("y"),
    }


@pytest.mark.parametrize(
    "expression",
    [
        people.list.eval(pl.element().struct.field("land")),
        person.struct.with_fields(x=pl.field("home").struct.with_fields(x=pl.field("y"))),
        person.map_elements(lambda each: each["land"], return_dtype=pl.String),
    ],
)
def test_where_the_fields_are_not_shown_they_are_unknown(expression: pl.Expr) -> None:
    flow = read_flow(named_source("t", SCHEMA).select(v=expression)).columns["v"]

    assert flow.unknown is not None
