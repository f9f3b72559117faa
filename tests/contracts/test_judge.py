from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Any

import dataframely as dy
import polars as pl
import pytest

from polster.contracts.judge import Judge, settle_terms
from polster.errors import AssetError
from polster.model.asset import Asset, AssetKey, ExtraColumns, Options, Policy
from polster.model.layer import Layer

NO_POLICIES: Mapping[str, Policy] = MappingProxyType({})


class Judged:
    """What a judge made of one frame, handed over in batches of ``size`` rows."""

    def __init__(
        self,
        frame: pl.DataFrame,
        contract: type[dy.Schema],
        *,
        policies: Mapping[str, Policy] = NO_POLICIES,
        extra: ExtraColumns = ExtraColumns.KEEP,
        size: int = 2,
    ) -> None:
        options = Options(
            contract=contract.__name__,
            on_violation=MappingProxyType({"*": Policy.QUARANTINE, **policies}),
            extra_columns=extra,
        )
        asset = Asset(AssetKey(Layer.SILVER, "t"), "src/core/silver_t.py", 1, "m", options=options)
        self.terms = settle_terms(asset, contract, frame.schema)
        rejected: list[pl.DataFrame] = []
        judge = Judge(self.terms, rejected.append)
        batches = [judge.judge(batch) for batch in frame.iter_slices(size)]
        self.good = pl.concat([frame.clear().pipe(judge.judge), *batches])
        self.bad = pl.concat(rejected) if rejected else None
        self.counts = judge.counts

    @property
    def reasons(self) -> list[list[str]]:
        return [] if self.bad is None else [sorted(rules) for rules in self.bad["_rules"]]


class Requests(dy.Schema):
    id = dy.Int64(min=1)
    status = dy.Int16(min=100, max=599)
    path = dy.String(nullable=True, regex="^/")


def test_good_rows_go_on_in_the_types_of_the_contract() -> None:
    frame = pl.DataFrame({"id": [1, 2, 3], "status": [200, 404, 500], "path": ["/", None, "/a"]})

    judged = Judged(frame, Requests)

    assert judged.good.schema == {"id": pl.Int64, "status": pl.Int16, "path": pl.String}
    assert judged.good.rows() == frame.rows()
    assert judged.bad is None
    assert (judged.counts.returned, judged.counts.accepted, judged.counts.rejected) == (3, 3, 0)


def test_a_failed_cast_does_not_hide_the_other_rules_that_the_row_breaks() -> None:
    frame = pl.DataFrame({"id": [0, 1], "status": ["two hundred", "200"], "path": ["a", "/a"]})

    judged = Judged(frame, Requests)

    assert judged.reasons == [["id|min", "path|regex", "status|dtype"]]
    assert judged.counts.broken == {"id|min": 1, "path|regex": 1, "status|dtype": 1}


def test_a_value_that_could_not_be_cast_breaks_no_rule_of_its_own_column() -> None:
    class Required(dy.Schema):
        n = dy.Int64(nullable=False, min=5)

    judged = Judged(pl.DataFrame({"n": ["x", None, "1", "7"]}), Required)

    assert judged.reasons == [["n|dtype"], ["n|nullability"], ["n|min"]]
    assert judged.good["n"].to_list() == [7]


def test_a_rule_over_two_columns_says_nothing_of_a_row_where_one_could_not_be_cast() -> None:
    class Span(dy.Schema):
        start = dy.Int64()
        end = dy.Int64()

        @dy.rule()
        def forward(cls) -> pl.Expr:
            return cls.start.col.fill_null(99) < cls.end.col

    judged = Judged(pl.DataFrame({"start": ["x", "9", "1"], "end": [5, 5, 5]}), Span)

    assert judged.reasons == [["start|dtype"], ["forward"]]


def test_rejected_rows_keep_their_original_values() -> None:
    frame = pl.DataFrame({"id": [1, 2], "status": [200.5, 70000.0], "path": ["/", "/"]})

    judged = Judged(frame, Requests)

    assert judged.bad is not None
    assert judged.bad.drop("_rules").equals(frame)
    assert judged.reasons == [["status|dtype"], ["status|dtype"]]


def test_a_null_result_of_a_rule_counts_as_good() -> None:
    judged = Judged(pl.DataFrame({"id": [1], "status": [200], "path": [None]}), Requests)

    assert judged.good.height == 1


def test_warn_publishes_the_row_and_counts_it() -> None:
    frame = pl.DataFrame({"id": [0, 5], "status": [200, 1], "path": ["/", "/"]})

    judged = Judged(frame, Requests, policies={"id|min": Policy.WARN})

    assert judged.good["id"].to_list() == [0]
    assert judged.reasons == [["status|min"]]
    assert judged.counts.broken == {"id|min": 1, "status|min": 1}


def test_a_row_that_is_rejected_names_the_rules_that_only_warn_too() -> None:
    frame = pl.DataFrame({"id": [0], "status": [1], "path": ["/"]})

    judged = Judged(frame, Requests, policies={"id|min": Policy.WARN})

    assert judged.reasons == [["id|min", "status|min"]]


def test_a_failed_cast_is_rejected_even_where_everything_only_warns() -> None:
    frame = pl.DataFrame({"id": ["x", "0"], "status": [200, 200], "path": ["/", "/"]})

    judged = Judged(frame, Requests, policies={"*": Policy.WARN})

    assert judged.good["id"].to_list() == [0]
    assert judged.reasons == [["id|dtype"]]


def test_a_rule_that_is_the_same_for_every_row_is_judged_for_every_row() -> None:
    class Never(dy.Schema):
        a = dy.Int64()

        @dy.rule()
        def never(cls) -> pl.Expr:
            return pl.lit(False)

    judged = Judged(pl.DataFrame({"a": [1, 2, 3]}), Never)

    assert judged.counts.rejected == 3
    assert judged.good.height == 0


def test_a_rule_with_a_pattern_sees_the_columns_of_the_contract_alone() -> None:
    class Complete(dy.Schema):
        a = dy.Int64(nullable=True)
        b = dy.Int64(nullable=True)

        @dy.rule()
        def complete(cls) -> pl.Expr:
            return pl.all_horizontal(pl.all().is_not_null())

    frame = pl.DataFrame({"a": ["1", None], "b": [1, 2], "note": [None, "x"]})

    judged = Judged(frame, Complete)

    assert judged.good["a"].to_list() == [1]
    assert judged.reasons == [["complete"]]


@pytest.mark.parametrize("extra", [ExtraColumns.KEEP, ExtraColumns.DROP])
def test_a_rejected_row_has_the_columns_that_a_published_one_has(extra: ExtraColumns) -> None:
    frame = pl.DataFrame(
        {"note": ["n"], "id": [0], "status": [200], "path": ["/"], "_source": ["s.csv"]}
    )

    judged = Judged(frame, Requests, extra=extra)

    assert judged.bad is not None
    assert set(judged.bad.columns) == {*judged.good.columns, "_rules"}


def test_an_extra_column_may_bear_the_name_of_a_rule() -> None:
    frame = pl.DataFrame(
        {"id": [1, 0], "status": [200, 200], "path": ["/", "/"], "id|min": ["kept", "too"]}
    )

    judged = Judged(frame, Requests)

    assert judged.good["id|min"].to_list() == ["kept"]
    assert judged.reasons == [["id|min"]]


def test_a_contract_of_casts_without_rules_is_judged() -> None:
    class Loose(dy.Schema):
        n = dy.Int64(nullable=True)

    judged = Judged(pl.DataFrame({"n": ["1", "x", None]}), Loose)

    assert judged.good["n"].to_list() == [1, None]
    assert judged.reasons == [["n|dtype"]]


def test_a_rule_that_stumbles_is_named() -> None:
    class Strict(dy.Schema):
        text = dy.String()

        @dy.rule()
        def number(cls) -> pl.Expr:
            return cls.text.col.cast(pl.Int64) > 1

    with pytest.raises(AssetError) as caught:
        Judged(pl.DataFrame({"text": ["x"]}), Strict)

    assert caught.value.code == "POL317"
    assert "`number`" in caught.value.message


def test_aliases_and_inherited_columns_are_judged() -> None:
    class Base(dy.Schema):
        number = dy.Int64(alias="the number", min=1)

    class Child(Base):
        name = dy.String(check=lambda column: column.str.len_chars() > 1)

    judged = Judged(pl.DataFrame({"the number": [0, 1], "name": ["ab", "c"]}), Child)

    assert judged.reasons == [["the number|min"], ["name|check"]]


def test_nested_values_are_judged_inside() -> None:
    class Nested(dy.Schema):
        items = dy.List(dy.Int64(min=1), min_length=1)
        point = dy.Struct({"x": dy.Float64(), "y": dy.Float64(nullable=True)})

    frame = pl.DataFrame(
        {
            "items": [[1], [0], [], [1]],
            "point": [
                {"x": 1.0, "y": None},
                {"x": 1.0, "y": 1.0},
                {"x": 1.0, "y": 1.0},
                {"x": None, "y": 1.0},
            ],
        }
    )

    judged = Judged(frame, Nested)

    assert judged.good.height == 1
    assert judged.reasons == [
        ["items|inner_min"],
        ["items|min_length"],
        ["point|inner_x_nullability"],
    ]


def test_many_batches_are_counted_once_each() -> None:
    frame: Any = pl.DataFrame({"id": range(1000)}).with_columns(
        status=pl.lit(200), path=pl.lit("/")
    )

    judged = Judged(frame, Requests, size=7)

    assert judged.counts.returned == 1000
    assert judged.counts.broken == {"id|min": 1}
    assert judged.good["id"].to_list() == list(range(1, 1000))
