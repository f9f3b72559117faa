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
TOO_FEW = {
    "far": "t.select(x=pl.col('id').get(250))",
    "picked": "t.select(x=pl.col('id').gather([0, 900]))",
    "shaped": "t.select(x=pl.col('id').reshape((4, 6)))",
}
ALWAYS = {
    "missing": "t.select(x=pl.col('nothing').get(0))",
    "arithmetic": "t.select(x=pl.col('text') / 2)",
    "heights": "pl.concat([t.select('id').head(0), pl.LazyFrame({'x': [1]})], how='horizontal',"
    " strict=True)",
    "eager_missing": "t.collect().select(x=pl.col('nothing'))",
    "eager_missing_behind": "t.collect().row(0) and t.collect().select(x=pl.col('nothing'))",
    "eager_missing_first": "t.collect().pivot('nothing', index='id', values='text').select(x='id')",
    "eager_misspelt": "t.collect().selct('id')",
    "lazy_beside_eager": "(t.collect(), t.select(x='nothing'))[1]",
}
EAGER = {
    "eager_first": "t.collect().select(x=pl.lit(t.collect()['id'][0]))",
    "eager_row": "t.filter(pl.col('kind') == 'paid').collect().head(1).row(0) and t.select(x='id')",
    "eager_rows": "pl.DataFrame([{'x': i} for i in t.collect()['id']]).select('x')",
    "eager_check": "(lambda d: t.select(x='id') if d.height else 1 / d.height)(t.collect())",
}
EAGER_AND_FAR = {
    "eager_far": "t.select(x=pl.lit(t.collect().get_column('id')[300]))",
    "eager_list": "t.select(x=pl.lit(t.collect()['id'].to_list()[300]))",
    "eager_get": "t.collect().select(x=pl.col('id').get(300))",
}
BY_VALUE = {
    "pivot": "t.collect().pivot('kind', index='id', values='text').select(x='paid')",
    "pivot_number": "t.collect().pivot('id', index='kind', values='text')['2024'].to_frame('x')",
    "pivot_returned": "t.collect().pivot('kind', index='id', values='text')",
    "transposed": "t.select('kind').collect().transpose(column_names='kind').select(x='paid')",
    "dummies": "t.select('kind').collect().to_dummies().select(x='kind_paid')",
}
BY_VALUE_LATER = {
    "pivot_later": "t.collect().pivot('kind', index='id', values='text').lazy().select(x='paid')",
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
    for name, returned in (ONLY_EMPTY | TOO_FEW | ALWAYS | EAGER | EAGER_AND_FAR).items():
        silver(pipeline, name, returned)

    found = findings(pipeline)

    warned = {key: (f.code, f.severity) for key, f in found.items()}
    assert warned == (
        {f"silver.{name}": ("POL715", Severity.WARNING) for name in ONLY_EMPTY | TOO_FEW}
        | {f"silver.{name}": ("POL305", Severity.ERROR) for name in ALWAYS}
        | {f"silver.{name}": ("POL701", Severity.WARNING) for name in EAGER | EAGER_AND_FAR}
    )
    empty = "fails if `bronze.t` has no rows: "
    assert all(empty in found[f"silver.{name}"].message for name in ONLY_EMPTY | EAGER)
    few = "fails if `bronze.t` has no rows, or too few: "
    assert all(few in found[f"silver.{name}"].message for name in TOO_FEW)
    assert found["silver.first"].hint == "give .get() null_on_oob=True, or take .first()"


def test_columns_that_values_decide_are_a_warning_and_not_checked(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.t", EXPORT)
    for name, returned in (BY_VALUE | BY_VALUE_LATER).items():
        silver(pipeline, name, returned)

    result = validate(pipeline.open())
    found = findings(pipeline)

    assert {key: (f.code, f.severity) for key, f in found.items()} == {
        f"silver.{name}": ("POL701" if name in BY_VALUE else "POL715", Severity.WARNING)
        for name in BY_VALUE | BY_VALUE_LATER
    }
    assert all("whose values decide which columns there are" in f.message for f in found.values())
    assert {str(key) for key in result.unchecked} == found.keys()


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
