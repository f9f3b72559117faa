"""Whatever the rows are: each is published or quarantined, in its own values, and none twice."""

from __future__ import annotations

from typing import TYPE_CHECKING

import polars as pl
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

if TYPE_CHECKING:
    from tests.conftest import Pipeline

NULLS = dict.fromkeys(("key", "amount", "note"), 1.0)
ANYTHING = f"allow_empty=True, expect=polster.Expect(null_share={NULLS})"
ROWS = st.lists(
    st.tuples(
        st.one_of(st.none(), st.integers(-3, 3).map(str), st.text("0x ", max_size=3)),
        st.one_of(st.none(), st.floats(-2, 4), st.just(float("nan"))),
        st.one_of(st.none(), st.text(max_size=3)),
    ),
    max_size=12,
)


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
def test_no_row_is_lost_and_none_comes_twice(
    pipeline: Pipeline, rows: list[tuple[str | None, float | None, str | None]]
) -> None:
    pipeline.asset(
        "bronze.x",
        f'@bronze({ANYTHING})\ndef x():\n    return pl.scan_ipc("x.arrow").with_row_index("row")\n',
    )
    pipeline.asset(
        "silver.x",
        f"""
        class X(dy.Schema):
            row = dy.UInt32()
            key = dy.Int64(primary_key=True)
            amount = dy.Float64(min=0, nullable=True, allow_nan=False)
            note = dy.String(nullable=False, max_length=2)


        @silver(contract=X, max_quarantined=1.0, {ANYTHING})
        def x(bronze_x: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_x
        """,
    )
    returned = pl.DataFrame(
        rows, schema={"key": pl.String, "amount": pl.Float64, "note": pl.String}, orient="row"
    )
    returned.write_ipc(pipeline.root / "x.arrow")

    run = pipeline.run(full_refresh=True)

    silver = run.assets[1]
    assert silver.status == "published", silver.error
    published = pipeline.table("silver.x")
    kept = set(published["row"])
    if silver.rows_quarantined:
        rejected = pipeline.rejected("silver.x").filter(_run_id=run.run_id)
        assert rejected["_rules"].list.len().min() != 0
        assert not kept & set(rejected["row"])
        kept |= set(rejected["row"])
        original = returned.with_row_index("row").cast({"row": pl.Int64})
        same = rejected.select("row", "key", "amount", "note").join(
            original, on=["row", "key", "amount", "note"], how="semi", nulls_equal=True
        )
        assert same.height == rejected.height
    assert kept == set(range(len(rows)))
    assert published["key"].is_unique().all()
