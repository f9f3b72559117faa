"""What fails only because a check has no rows is told apart from what fails over any rows."""

from __future__ import annotations

from typing import TYPE_CHECKING

from polster.model.finding import Finding, Severity
from polster.operations.validate import validate

if TYPE_CHECKING:
    from tests.conftest import Pipeline

EXPORT = """
class Export(dy.Schema):
    id = dy.Int64()
    kind = dy.String()
    text = dy.String()
    day = dy.Date()
    at = dy.Datetime()
    amount = dy.Decimal(7, 2)
    tags = dy.List(dy.Int64())

@bronze(contract=Export)
def t():
    raise AssertionError
"""
ONLY_EMPTY = {
    "days": "t.select(x=pl.date_range(pl.col('day').min(), pl.col('day').max()))",
    "hours": "t.select(x=pl.datetime_range(pl.col('at').min(), pl.col('at').max(), '1h'))",
    "first": "t.select(x=pl.col('id').get(0))",
    "mean": "t.select(x=pl.col('amount').sum() / pl.len())",
    "share": "t.select(x=pl.col('amount').sum() / pl.col('amount').sum())",
    "numbers": "t.select(x=pl.int_range(pl.col('id').min(), pl.col('id').max()))",
    "third": "t.select(x=pl.col('id').gather([0, 2]))",
    "sampled": "t.select(x=pl.col('id').sample(50, seed=1))",
    "only": "t.select(x=pl.col('id').item())",
    "repeated": "t.select(x=pl.repeat(1, pl.col('id').max()))",
    "listed": "t.select(x=pl.col('id').implode().list.get(0))",
    "paid": "t.filter(pl.col('kind') == 'paid').select(x=pl.col('id').get(0))",
    "paid_in_it": "t.select(x=pl.col('id').filter(pl.col('kind') == 'paid').get(0))",
    "written_day": "t.select(pl.col('text').str.to_date()).select(x=pl.col('text').get(0))",
    "written_number": "t.select(pl.col('text').cast(pl.Int64)).select(x=pl.col('text').get(0))",
}
ALWAYS = {
    "missing": "t.select(x=pl.col('nothing').get(0))",
    "arithmetic": "t.select(x=pl.col('text') / 2)",
    "heights": "pl.concat([t.select('id').head(0), pl.LazyFrame({'x': [1]})], how='horizontal',"
    " strict=True)",
}
EAGER = {
    "eager_first": "t.collect().select(x=pl.lit(t.collect()['id'][0]))",
    "eager_row": "t.filter(pl.col('kind') == 'paid').collect().head(1).row(0) and t.select(x='id')",
}


def findings(pipeline: Pipeline) -> dict[str, Finding]:
    """Return what is found in plans, a finding an asset."""
    found = validate(pipeline.open()).findings
    return {str(f.asset): f for f in found if f.code.startswith(("POL3", "POL70", "POL715"))}


def silver(pipeline: Pipeline, name: str, returned: str, parameters: str = "t") -> None:
    pipeline.asset(
        f"silver.{name}",
        f"""
        class C(dy.Schema):
            x = dy.Any()

        @silver(contract=C)
        def {name}({parameters}):
            return {returned}
        """,
    )


def test_what_only_no_rows_make_fail_is_a_warning(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.t", EXPORT)
    for name, returned in (ONLY_EMPTY | ALWAYS | EAGER).items():
        silver(pipeline, name, returned)

    found = findings(pipeline)

    warned = {key: (f.code, f.severity) for key, f in found.items()}
    assert warned == (
        {f"silver.{name}": ("POL715", Severity.WARNING) for name in ONLY_EMPTY}
        | {f"silver.{name}": ("POL305", Severity.ERROR) for name in ALWAYS}
        | {f"silver.{name}": ("POL701", Severity.WARNING) for name in EAGER}
    )
    empty = "fails if `bronze.t` has no rows: "
    assert all(empty in found[f"silver.{name}"].message for name in ONLY_EMPTY | EAGER)
    assert found["silver.first"].hint == "give .get() null_on_oob=True, or take .first()"


def test_the_columns_behind_it_are_checked_all_the_same(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.t", EXPORT)
    silver(pipeline, "first", "t.select(y=pl.col('id').get(0))")

    found = validate(pipeline.open())

    assert {f.code for f in found.findings if f.severity is Severity.ERROR} == {"POL301"}
    assert found.unchecked == {}


def test_the_input_that_must_have_rows_is_named(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.t", EXPORT)
    pipeline.asset("bronze.u", EXPORT.replace("def t", "def u"))
    silver(
        pipeline,
        "last",
        "t.select(x='id').join(u.select(pl.col('id').get(0)), how='cross')",
        "t, u",
    )

    assert "fails if `bronze.u` has no rows" in findings(pipeline)["silver.last"].message
