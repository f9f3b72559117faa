"""The newest state of each key, and its history, whatever the order in which changes arrive."""

from __future__ import annotations

import itertools
from typing import Any

import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st

import polster
from polster.changes import history, latest
from polster.plans.locality import Reach, read_locality

SCHEMA = pl.Schema({"id": pl.Int64(), "at": pl.Int64(), "town": pl.String(), "gone": pl.Boolean()})
Change = tuple[Any, ...]
CHANGES = st.lists(
    st.tuples(
        st.sampled_from([None, 1, 2, 3]),
        st.sampled_from([None, 1, 2, 3, 4, 5]),
        st.sampled_from([None, "Ulm", "Bonn"]),
        st.sampled_from([None, False, False, True]),
    ),
    max_size=14,
)


def frame(changes: list[Change]) -> pl.LazyFrame:
    return pl.LazyFrame(changes, schema=SCHEMA, orient="row")


def newest(changes: list[Change]) -> list[Change]:
    found = latest(frame(changes), key="id", by="at", deleted="gone").collect()
    return sorted(found.rows(), key=repr)


def told(changes: list[Change], **options: Any) -> list[Change]:
    found = history(frame(changes), key="id", by="at", deleted="gone", **options)
    columns = ("id", "town", "valid_from", "valid_to", "is_current", "is_tied")
    return sorted(found.select(columns).collect().rows(), key=repr)


def expected_newest(changes: list[Change]) -> list[Change]:
    distinct = list(dict.fromkeys(changes))
    found: list[Change] = [(*c, False) for c in distinct if c[0] is None or c[1] is None]
    for key in {change[0] for change in distinct if change[0] is not None}:
        own = [c for c in distinct if c[0] == key and c[1] is not None]
        best = [c for c in own if c[1] == max(each[1] for each in own)]
        found += [(*c, len(best) > 1) for c in best if len(best) > 1 or not c[3]]
    return sorted(found, key=repr)


def expected_history(changes: list[Change]) -> list[Change]:
    found: list[Change] = []
    distinct = list(dict.fromkeys(changes))
    found += [
        (id_, town, None, None, None, False)
        for id_, at, town, _ in distinct
        if id_ is None or at is None
    ]
    for key in {change[0] for change in distinct if change[0] is not None}:
        own = [c for c in distinct if c[0] == key and c[1] is not None]
        moments = sorted({c[1] for c in own})
        states: list[tuple[int, Any]] = []
        for moment in moments:
            same = [c for c in own if c[1] == moment]
            if len(same) > 1:
                found += [(key, c[2], None, None, None, True) for c in same]
                continue
            state = (same[0][2], bool(same[0][3]))
            if not states or states[-1][1] != state:
                states.append((moment, state))
        for (start, (town, gone)), after in itertools.zip_longest(states, states[1:]):
            end = None if after is None else after[0]
            if not gone:
                found.append((key, town, start, end, end is None, False))
    return sorted(found, key=repr)


@pytest.mark.sentence(2)
@given(CHANGES, st.randoms())
def test_the_newest_of_each_key_in_any_order_and_however_often(
    changes: list[Change], chance: Any
) -> None:
    shuffled = [*changes, *changes]
    chance.shuffle(shuffled)

    assert newest(shuffled) == newest(changes) == expected_newest(changes)


@pytest.mark.sentence(2)
@given(CHANGES, st.randoms())
def test_the_history_of_each_key_in_any_order_and_however_often(
    changes: list[Change], chance: Any
) -> None:
    shuffled = [*changes, *changes]
    chance.shuffle(shuffled)

    assert told(shuffled) == told(changes) == expected_history(changes)


@given(CHANGES)
def test_intervals_of_a_key_do_not_overlap_and_one_at_most_is_open(changes: list[Change]) -> None:
    by_key: dict[Any, list[Change]] = {}
    for row in told(changes):
        if row[2] is not None:
            by_key.setdefault(row[0], []).append(row)

    for rows in by_key.values():
        ordered = sorted(rows, key=lambda row: row[2])
        assert sum(bool(row[4]) for row in ordered) <= 1
        for row, after in itertools.pairwise(ordered):
            assert row[2] < row[3] <= after[2]


@pytest.mark.sentence(19)
def test_a_late_change_splits_the_interval_that_it_falls_into() -> None:
    early = [(1, 1, "Ulm", False), (1, 5, "Bonn", False)]

    assert [row[1:4] for row in told([*early, (1, 3, "Kiel", False)])] == [
        ("Bonn", 5, None),
        ("Kiel", 3, 5),
        ("Ulm", 1, 3),
    ]


@pytest.mark.sentence(20)
def test_what_comes_back_after_a_deletion_opens_a_new_interval() -> None:
    changes = [(1, 1, "Ulm", False), (1, 2, "Ulm", True), (1, 4, "Ulm", False)]

    assert [row[1:4] for row in told(changes)] == [("Ulm", 1, 2), ("Ulm", 4, None)]


@pytest.mark.sentence(3)
def test_a_late_change_of_a_deleted_key_does_not_bring_it_back() -> None:
    assert newest([(1, 5, "Ulm", True), (1, 2, "Bonn", False)]) == []


@pytest.mark.sentence(8)
def test_a_null_that_replaces_a_value_is_a_change() -> None:
    changes = [(1, 1, "Ulm", False), (1, 2, None, False)]

    assert newest(changes) == [(1, 2, None, False, False)]
    assert [row[1:4] for row in told(changes)] == [("Ulm", 1, 2), (None, 2, None)]


@pytest.mark.sentence(23)
def test_columns_that_are_not_tracked_open_no_interval_and_are_the_newest() -> None:
    rows = pl.LazyFrame(
        {"id": [1, 1, 1], "at": [1, 2, 3], "town": ["Ulm", "Ulm", "Bonn"], "seen": [7, 8, 9]}
    )

    found = history(rows, key="id", by="at", tracked=["town"]).sort("valid_from").collect()

    assert found.select("town", "seen", "valid_from", "valid_to").rows() == [
        ("Ulm", 8, 1, 3),
        ("Bonn", 9, 3, None),
    ]


@pytest.mark.sentence(7)
def test_composite_keys_and_orders_never_run_together() -> None:
    rows = pl.LazyFrame(
        {
            "doc": ["doc-7", "doc-71", "doc-7"],
            "part": ["12", "2", "12"],
            "day": [1, 1, 1],
            "number": [1, 1, 2],
        }
    )

    found = latest(rows, key=["doc", "part"], by=["day", "number"]).sort("doc").collect()

    assert found.select("doc", "part", "number").rows() == [("doc-7", "12", 2), ("doc-71", "2", 1)]


def test_how_a_row_came_does_not_make_it_another_one() -> None:
    rows = pl.LazyFrame({"id": [1, 1], "at": [1, 1], "_batch_id": ["a", "b"], "_row": [1, 2]})

    assert latest(rows, key="id", by="at").collect().height == 1


@pytest.mark.parametrize("made", ["latest", "history", "tracked"])
def test_both_look_at_the_rows_of_one_key_alone(made: str) -> None:
    def call(frames: Any) -> pl.LazyFrame:
        match made:
            case "latest":
                return latest(frames["a"], key="id", by="at", deleted=pl.col("gone"))
            case "history":
                return history(frames["a"], key="id", by="at", deleted="gone")
            case _:
                return history(frames["a"], key="id", by="at", tracked=["town"])

    local = read_locality(call, {"a": SCHEMA})["a"]

    assert local.reach is Reach.LOCAL
    assert "id" in local.by


def test_they_are_there_by_the_name_of_the_package() -> None:
    assert (polster.latest, polster.history) == (latest, history)
    with pytest.raises(AttributeError):
        _ = polster.newest


def test_a_row_without_all_of_its_order_hides_no_other() -> None:
    rows = pl.LazyFrame({"id": [1, 1], "day": [3, 5], "number": [1, None]})

    found = latest(rows, key="id", by=["day", "number"]).sort("day").collect()

    assert found.rows() == [(1, 3, 1, False), (1, 5, None, False)]


def test_a_flag_of_deletion_that_is_null_says_what_false_says() -> None:
    changes = [(1, 1, "Ulm", None), (1, 2, "Ulm", False)]

    assert [row[1:4] for row in told(changes)] == [("Ulm", 1, None)]


def test_a_tracked_column_that_is_not_there_is_refused() -> None:
    with pytest.raises(pl.exceptions.ColumnNotFoundError, match="twon"):
        history(frame([]), key="id", by="at", tracked=["twon"]).collect()


def test_a_moment_that_is_not_a_number_is_returned_as_one_without_is() -> None:
    rows = pl.LazyFrame({"id": [1, 1], "at": [1.0, float("nan")], "town": ["Ulm", "Bonn"]})

    newest = latest(rows, key="id", by="at").sort("town").collect()
    told = history(rows, key="id", by="at").sort("town").collect()

    assert newest["town"].to_list() == ["Bonn", "Ulm"]
    assert told.select("town", "valid_from", "is_current").rows() == [
        ("Bonn", None, None),
        ("Ulm", 1.0, True),
    ]


@pytest.mark.parametrize("taken", ["is_tied", "valid_from", "valid_to", "is_current"])
def test_a_column_that_would_be_overwritten_is_refused(taken: str) -> None:
    rows = pl.LazyFrame({"id": [1], "at": [1], taken: [1]})

    with pytest.raises(ValueError, match=taken):
        history(rows, key="id", by="at")


def test_a_composite_order_looks_at_the_rows_of_one_key_alone() -> None:
    def call(frames: Any) -> pl.LazyFrame:
        return latest(frames["a"], key="id", by=["at", "town"], deleted="gone")

    local = read_locality(call, {"a": SCHEMA})["a"]

    assert (local.reach, "id" in local.by) == (Reach.LOCAL, True)
