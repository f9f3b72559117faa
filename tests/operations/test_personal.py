"""Personal data in real pipelines, as ``polster validate`` tells of it."""

from __future__ import annotations

from typing import Any

import pytest


@pytest.fixture
def people(pipeline: Any) -> Any:
    """People with a marked name and age, up to silver."""
    pipeline.asset(
        "bronze.people",
        """
        class Export(dy.Schema):
            id = dy.String()
            name = dy.String(metadata={"pii": True})
            age = dy.Int64(metadata={"pii": True})
            city = dy.String()


        @bronze(contract=Export, description="People.")
        def people() -> pl.LazyFrame:
            return pl.scan_csv("landing/people.csv")
        """,
    )
    pipeline.asset(
        "silver.people",
        """
        class People(dy.Schema):
            id = dy.String(primary_key=True)
            name = dy.String()
            age = dy.Int64()
            city = dy.String()


        @silver(contract=People, description="People.")
        def people(bronze_people: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_people.select("id", "name", "age", "city")
        """,
    )
    return pipeline


def gold(people: Any, body: str, column: str = "x = dy.Int64()") -> list[tuple[str, str]]:
    """Add a gold asset over silver, and return what is said of personal data in it."""
    people.asset(
        "gold.cities",
        f"""
        class Cities(dy.Schema):
            city = dy.String(primary_key=True)
            {column}


        @gold(contract=Cities, owner="ops", description="Cities.")
        def cities(people: pl.LazyFrame) -> pl.LazyFrame:
            return {body}
        """,
    )
    findings = people.json("validate")["findings"]
    assert [each["code"] for each in findings if each["code"] not in PRIVACY] == []
    return [(each["severity"], each["message"]) for each in findings]


PRIVACY = ("POL731", "POL732", "POL605")
REACHED = (
    "`gold.cities.x` holds personal data that nothing masks: "
    "`bronze.people.{0}` -> `silver.people.{0}` -> `gold.cities.x`"
)


@pytest.mark.parametrize(
    ("body", "column", "source"),
    [
        ('people.group_by("city").agg(x=pl.col("age").mean())', "x = dy.Float64()", "age"),
        ('people.group_by("city").agg(x=pl.col("name").first())', "x = dy.String()", "name"),
        (
            'people.group_by("city").agg(x=pl.col("name").str.to_uppercase().max())',
            "x = dy.String()",
            "name",
        ),
        (
            'people.with_columns(n=pl.col("name")).rename({"n": "x"}).select("city", "x")',
            "x = dy.String()",
            "name",
        ),
        (
            'people.unique("city").join(people, on="city").select("city", x="name_right")',
            "x = dy.String()",
            "name",
        ),
        (
            'people.select("city", x=pl.struct("name").struct.field("name")).unique("city")',
            "x = dy.String()",
            "name",
        ),
    ],
)
def test_values_of_a_marked_column_are_found_in_gold(
    people: Any, body: str, column: str, source: str
) -> None:
    assert gold(people, body, column) == [("error", REACHED.format(source))]


@pytest.mark.parametrize(
    "body",
    [
        'people.group_by("city").agg(x=pl.len().cast(pl.Int64))',
        'people.filter(pl.col("age") > 17).group_by("city").agg(x=pl.len().cast(pl.Int64))',
        'people.sort("name").select("city", x=pl.lit(1, pl.Int64)).unique("city")',
        'people.group_by("city").agg(x=pl.col("name").n_unique().cast(pl.Int64))',
        'people.group_by("city").agg(x=pl.col("name").is_null().sum().cast(pl.Int64))',
    ],
)
def test_what_a_marked_column_only_influences_is_silent(people: Any, body: str) -> None:
    assert gold(people, body) == []


def test_a_python_function_on_the_way_makes_it_a_warning(people: Any) -> None:
    ((severity, message),) = gold(
        people,
        'people.select("city", x=pl.col("name").map_elements(len, return_dtype=pl.Int64))',
    )

    assert severity == "warning"
    assert message.startswith("`gold.cities.x` may hold personal data that nothing masks")


def test_eager_code_on_the_way_makes_it_a_warning(people: Any) -> None:
    said = gold(people, 'people.collect().lazy().select("city", x="age")')

    (suspicion,) = [message for _, message in said if "may hold personal data" in message]
    assert "`bronze.people." in suspicion
    assert "rows were computed while the function ran" in suspicion


def test_a_declared_mask_ends_it(people: Any) -> None:
    masked = 'x = dy.Float64(metadata={"masked": True, "reason": "a mean of hundreds"})'

    assert gold(people, 'people.group_by("city").agg(x=pl.col("age").mean())', masked) == []


def test_a_finding_can_be_accepted_where_the_column_stands(people: Any) -> None:
    column = "x = dy.Float64()  # polster: ignore[POL731] hundreds of people a city"

    assert gold(people, 'people.group_by("city").agg(x=pl.col("age").mean())', column) == []


@pytest.mark.parametrize(
    "kind",
    [
        "dy.List(%s)",
        "dy.List(dy.List(%s))",
        "dy.List(dy.Struct({'town': %s, 'land': dy.String()}, metadata={'pii': True}))",
    ],
)
def test_a_mark_inside_of_a_column_marks_the_column(people: Any, kind: str) -> None:
    marked = kind % "dy.String(metadata={'pii': True})"
    people.edit("src/core/bronze_people.py", "city = dy.String()", f"city = {marked}")
    plain = (kind % "dy.String()").replace(", metadata={'pii': True}", "")
    people.edit("src/core/silver_people.py", "city = dy.String()", f"city = {plain}")

    found = gold(people, "people.select(city='id', x='city')", f"x = {plain}")

    assert found == [("error", REACHED.format("city"))]


PERSON = """dy.Struct({{
            "land": dy.String(nullable=False),
            "email": dy.String(nullable=False{mark}),
            "phone": dy.String(nullable=False),
        }}, nullable=False)"""
STRUCTS = {
    "land": 'people.select("id", x=pl.col("person").struct.field("land"))',
    "unnested_land": 'people.unnest("person").select("id", x="land")',
    "remade_land": 'people.select("id", p=pl.struct(a=pl.col("person").struct.field("land")))'
    '.select("id", x=pl.col("p").struct.field("a"))',
    "first_land": 'people.select("id", x=pl.col("all").list.get(0).struct.field("land"))',
    "count": 'people.group_by("id").agg(x=pl.col("person").struct.field("email").count())'
    '.with_columns(pl.col("x").cast(pl.String))',
    "land_instead": 'people.select("id", p=pl.col("person").struct.with_fields('
    'email=pl.field("land"))).select("id", x=pl.col("p").struct.field("email"))',
    "how_often": 'people.select(x=pl.col("person").struct.field("email").value_counts()'
    '.struct.field("count").cast(pl.String), id=pl.lit("?"))',
    "email": 'people.select("id", x=pl.col("person").struct.field("email"))',
    "unnested_email": 'people.unnest("person").select("id", x="email")',
    "first_email": 'people.select("id", x=pl.col("all").list.get(0).struct.field("email"))',
    "exploded_email": 'people.explode("all").select("id", x=pl.col("all").struct.field("email"))',
    "written": 'people.select("id", x=pl.col("person").struct.json_encode())',
    "evaluated": 'people.select("id", x=pl.col("all").list.eval('
    'pl.element().struct.field("land")).list.first())',
}


def test_a_field_is_personal_and_its_neighbours_are_not(pipeline: Any) -> None:
    marked = PERSON.format(mark=', metadata={"pii": True}')
    for layer, contract, person, body in (
        ("bronze", "Export", marked, ""),
        ("silver", "People", PERSON.format(mark=""), "bronze_people"),
    ):
        pipeline.asset(
            f"{layer}.people",
            f"""
    class {contract}(dy.Schema):
        id = dy.String({"" if layer == "bronze" else "primary_key=True"})
        person = {person}
        all = dy.List({person}, nullable=False)


    @{layer}(contract={contract}, description="People.")
    def people({body + ": pl.LazyFrame" if body else ""}) -> pl.LazyFrame:
        return {body or "pl.scan_ndjson('landing/people.json')"}
    """,
        )
    for name, body in STRUCTS.items():
        pipeline.asset(
            f"gold.{name}",
            f"""
            class Gold(dy.Schema):
                id = dy.String()
                x = dy.String(nullable=True)


            @gold(contract=Gold, owner="ops", description="A field.")
            def {name}(people: pl.LazyFrame) -> pl.LazyFrame:
                return {body}
            """,
        )

    checked = pipeline.json("validate")

    assert checked["unchecked"] == {}
    found = {each["asset"]: each for each in checked["findings"] if each["code"] == "POL731"}
    told = {asset: each["severity"] for asset, each in found.items()}
    personal = ("email", "unnested_email", "first_email", "exploded_email", "written")
    assert told == dict.fromkeys([f"gold.{name}" for name in personal], "error") | {
        "gold.evaluated": "warning"
    }
    assert found["gold.email"]["message"] == (
        "`gold.email.x` holds personal data that nothing masks: `bronze.people.person.email` -> "
        "`silver.people.person.email` -> `gold.email.x`"
    )
    reached = pipeline.json("lineage", "gold.land.x", "--upstream")["upstream"]
    assert [(each["asset"], each["column"], each.get("field")) for each in reached] == [
        ("silver.people", "person", "land"),
        ("bronze.people", "person", "land"),
    ]
    asked = pipeline.json("lineage", "silver.people.person.land", "--upstream")
    assert (asked["column"], asked["field"]) == ("person", "land")
    assert [(each["asset"], each.get("field")) for each in asked["upstream"]] == [
        ("bronze.people", "land")
    ]
    onward = pipeline.json("lineage", "bronze.people.person", "--downstream")["downstream"]
    assert ("gold.land", "x") in {(each["asset"], each["column"]) for each in onward}
    fields = {
        name: pipeline.cli("lineage", f"bronze.people.person.{name}", "--downstream").stdout
        for name in ("land", "email", "phone")
    }
    assert "gold.land.x" in fields["land"]
    assert "gold.email.x" not in fields["land"]
    assert "gold.email.x" in fields["email"]
    refused = pipeline.cli("lineage", "silver.people.person.lnd")
    assert "no field `person.lnd` of `silver.people` is known" in refused.stderr
    assert "did you mean `person.land`?" in refused.stderr
