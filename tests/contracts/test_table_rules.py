from __future__ import annotations

from collections.abc import Sequence

import polars as pl
import pytest

from polster.contracts import table_rules
from polster.contracts.rules import ReferenceRule, Rule, UniqueRule
from polster.contracts.table_rules import (
    ROW,
    TableVerdict,
    UnsettledRulesError,
    judge_table,
    keys_are_unique,
)


def _judge(
    frame: pl.DataFrame,
    keys: Sequence[UniqueRule] = (),
    rules: Sequence[Rule] = (),
    *,
    warn: Sequence[str] = (),
) -> TableVerdict:
    names = [*(key.name for key in keys), *(rule.name for rule in rules)]
    rejects = [name for name in names if name not in warn]
    return judge_table(frame.lazy(), frame.height, keys, rules, rejects=rejects)


def _rejected(verdict: TableVerdict) -> dict[int, list[str]]:
    if verdict.rejected is None:
        return {}
    return dict(verdict.rejected.sort(ROW).select(ROW, "_rules").rows())


KEY = UniqueRule("primary_key", ("id",))
PAIR = UniqueRule("primary_key", ("id", "day"))


def test_nothing_is_rejected_where_keys_are_unique() -> None:
    verdict = _judge(pl.DataFrame({"id": [3, 1, 2]}), [KEY])

    assert verdict.rejected is None
    assert not verdict.broken


def test_the_first_row_of_equal_keys_stays() -> None:
    verdict = _judge(pl.DataFrame({"id": [1, 2, 1, 1, 2]}), [KEY])

    assert _rejected(verdict) == {2: ["primary_key"], 3: ["primary_key"], 4: ["primary_key"]}
    assert verdict.broken == {"primary_key": 3}


def test_a_composite_key_is_its_columns_together() -> None:
    frame = pl.DataFrame({"id": [1, 1, 2, 1], "day": ["a", "b", "a", "a"]})

    assert _rejected(_judge(frame, [PAIR])) == {3: ["primary_key"]}


def test_nulls_in_a_unique_column_are_one_value_as_in_dataframely() -> None:
    key = UniqueRule("email|unique", ("email",))

    verdict = _judge(pl.DataFrame({"email": [None, "a", None]}), [key])

    assert _rejected(verdict) == {2: ["email|unique"]}


def test_nested_and_floating_keys_are_compared_by_value() -> None:
    nan = float("nan")
    frame = pl.DataFrame(
        {"l": [[1], [2], [1]], "s": [{"a": 1}, {"a": 1}, {"a": 2}], "f": [nan, 1.0, nan]}
    )

    assert set(_rejected(_judge(frame, [UniqueRule("l|unique", ("l",))]))) == {2}
    assert set(_rejected(_judge(frame, [UniqueRule("s|unique", ("s",))]))) == {1}
    assert set(_rejected(_judge(frame, [UniqueRule("f|unique", ("f",))]))) == {2}


def test_each_key_is_judged_among_the_rows_that_the_others_left() -> None:
    email = UniqueRule("email|unique", ("email",))
    frame = pl.DataFrame({"id": [1, 1, 2], "email": ["a", "b", "b"]})

    verdict = _judge(frame, [KEY, email])

    assert _rejected(verdict) == {1: ["primary_key"]}  # then the second "b" is the only one


@pytest.mark.parametrize("rows_a_bucket", [1, 3, 1000])
def test_keys_split_into_buckets_are_judged_as_if_they_were_not(
    monkeypatch: pytest.MonkeyPatch, rows_a_bucket: int
) -> None:
    monkeypatch.setattr(table_rules, "BUCKET_ROWS", rows_a_bucket)
    frame = pl.DataFrame({"id": [5, 1, 5, 2, None, 1, None, 9], "day": [1, 1, 1, 1, 1, 2, 1, 1]})

    assert set(_rejected(_judge(frame, [KEY]))) == {2, 5, 6}
    assert set(_rejected(_judge(frame, [PAIR]))) == {2, 6}


def test_rising_keys_are_proved_without_counting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rules, "BUCKET_ROWS", 10)
    rising = pl.DataFrame({"id": range(100)})
    level = pl.DataFrame({"id": [0, *range(99)]})
    nested = pl.DataFrame({"id": [[number] for number in range(100)]})

    assert keys_are_unique(rising.lazy(), ("id",), 100)
    assert not keys_are_unique(level.lazy(), ("id",), 100)
    assert keys_are_unique(nested.lazy(), ("id",), 100)


def _rule(
    name: str, holds: pl.Expr, *, columns: tuple[str, ...] = (), pattern: bool = False
) -> Rule:
    return Rule(name, holds, columns, pattern)


def test_a_rule_over_groups_rejects_the_rows_that_it_finds() -> None:
    rule = _rule("pairs", pl.len().over("g") == 2)

    verdict = _judge(pl.DataFrame({"g": ["a", "a", "b"]}), rules=[rule])

    assert _rejected(verdict) == {2: ["pairs"]}
    assert verdict.broken == {"pairs": 1}


def test_a_row_names_every_group_rule_that_it_breaks() -> None:
    rules = [
        _rule("pairs", pl.len().over("g") == 2),
        _rule("small", pl.col("n") < pl.col("n").max()),
    ]

    verdict = _judge(pl.DataFrame({"g": ["a", "a", "b"], "n": [1, 2, 3]}), rules=rules)

    assert _rejected(verdict)[2] == ["pairs", "small"]


def test_rules_are_asked_again_until_the_rows_that_stay_satisfy_them() -> None:
    rule = _rule("pairs", pl.len().over("g") == 2)
    frame = pl.DataFrame({"id": [1, 2, 2, 3], "g": ["a", "a", "b", "b"]})

    verdict = _judge(frame, [KEY], [rule])

    assert _rejected(verdict) == {2: ["primary_key"], 3: ["pairs"]}


def test_rules_that_never_settle_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(table_rules, "ROUNDS", 10)
    rising = _rule("rising", pl.col("n") >= pl.col("n").shift())

    with pytest.raises(UnsettledRulesError):
        _judge(pl.DataFrame({"n": [100, *range(50)]}), rules=[rising])


def test_rules_that_only_warn_are_counted_and_reject_nothing() -> None:
    rule = _rule("pairs", pl.len().over("g") == 2)
    frame = pl.DataFrame({"id": [1, 1, 2], "g": ["a", "b", "b"]})

    verdict = _judge(frame, [KEY], [rule], warn=["primary_key", "pairs"])

    assert verdict.rejected is None
    assert verdict.broken == {"primary_key": 1, "pairs": 1}


def test_a_pattern_meets_the_columns_of_the_contract_alone() -> None:
    rule = _rule(
        "whole_rows", pl.struct(pl.all()).is_first_distinct(), columns=("a", "b"), pattern=True
    )
    other = _rule("few", pl.len() < 10)
    frame = pl.DataFrame({"a": [1, 1, 2], "b": [1, 1, 1], "extra": [1, 2, 3]})

    verdict = _judge(frame, rules=[other, rule])

    assert _rejected(verdict) == {1: ["whole_rows"]}


def test_no_rows_break_nothing() -> None:
    frame = pl.DataFrame(schema={"id": pl.Int64, "g": pl.String})

    verdict = _judge(frame, [KEY], [_rule("pairs", pl.len().over("g") == 2)])

    assert verdict.rejected is None


def test_a_long_chain_of_orphans_of_the_table_itself_is_taken_out_to_its_end() -> None:
    frame = pl.LazyFrame({"id": range(1, 131), "boss": range(130)})  # nobody is 0
    rule = ReferenceRule("boss", ("boss",), None, ("id",))

    verdict = judge_table(frame, 130, [], [], rejects=["boss"], references=[rule])

    assert verdict.broken == {"boss": 130}
    assert verdict.rejected is not None
    assert verdict.rejected.height == 130
