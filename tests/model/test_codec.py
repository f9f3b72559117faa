from __future__ import annotations

import json
import pickle
from dataclasses import asdict, replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.model.asset import AssetKey
from polster.model.codec import from_json, to_json
from polster.model.contract import ContractColumn
from polster.model.finding import Edit, Finding, Severity
from polster.model.layer import Layer
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus, Fingerprint
from polster.model.scope import Scope, ScopeKind

KEYS = st.builds(AssetKey, st.sampled_from(Layer), st.from_regex(r"[a-z]{1,9}", fullmatch=True))
TEXTS = st.text(max_size=5)
COUNTS = st.dictionaries(TEXTS, st.integers(0, 9), max_size=2)
MOMENTS = st.datetimes(timezones=st.just(UTC))
SCOPES = st.builds(
    Scope, st.sampled_from(ScopeKind), st.lists(TEXTS).map(tuple), rules=COUNTS, why=TEXTS
)
RECORDS = st.builds(
    AssetRecord,
    asset=KEYS,
    status=st.sampled_from(AssetStatus),
    started_at=MOMENTS,
    reasons=st.lists(TEXTS, max_size=2).map(tuple),
    rows_in=COUNTS,
    rules_broken=COUNTS,
    version=st.none() | st.integers(0),
    seconds=st.floats(0, 9),
    fingerprint=st.none() | st.builds(Fingerprint, TEXTS, TEXTS, inputs=COUNTS),
    nulls=st.none() | COUNTS,
    newest=st.dictionaries(TEXTS, MOMENTS, max_size=2),
    scope=st.none() | SCOPES,
)
FINDINGS = st.builds(
    Finding,
    TEXTS,
    TEXTS,
    severity=st.sampled_from(Severity),
    fix=st.none() | st.just(Edit("a.py", 1, 2, 3, 4, "x")),
)
LIVE = st.builds(
    LiveRun,
    *(TEXTS, TEXTS, TEXTS, st.integers(0), st.lists(TEXTS).map(tuple), st.booleans()),
    *(MOMENTS, MOMENTS, st.lists(KEYS).map(tuple), st.dictionaries(KEYS, MOMENTS, max_size=2)),
    st.lists(RECORDS, max_size=1).map(tuple),
)
COLUMN = ContractColumn("a", "Struct", True, False, {"min": "0"})


@given(RECORDS | FINDINGS | LIVE | st.just(replace(COLUMN, fields=(COLUMN, COLUMN))))
def test_a_value_comes_back_as_it_was(value: Any) -> None:
    text = json.dumps(to_json(value))

    assert from_json(type(value), json.loads(text)) == value


def test_a_word_that_a_newer_version_added_stays_as_it_is() -> None:
    kind = from_json(ScopeKind, "mirrored")

    assert type(kind) is ScopeKind
    assert kind not in list(ScopeKind)
    assert kind == from_json(ScopeKind, "mirrored")
    assert pickle.loads(pickle.dumps(kind)) == kind
    assert to_json(Scope(kind, rows=2)) == {**to_json(Scope(ScopeKind.WHOLE, rows=2)), "kind": kind}


def test_a_field_of_a_newer_version_is_left_out_and_a_missing_one_has_its_default() -> None:
    written = {"kind": "local", "by": ["id"], "colour": "red"}

    assert from_json(Scope, written) == Scope(ScopeKind.LOCAL, ("id",))


@pytest.mark.parametrize(
    "written",
    [
        *({}, {"kind": 3}, {"kind": "local", "by": "id"}, {"kind": "local", "rows": "3"}),
        *([], None, {"kind": "local", "rows": True}, {"kind": "local", "rules": [1]}),
    ],
)
def test_what_is_something_else_is_not_taken_for_a_value(written: Any) -> None:
    with pytest.raises((TypeError, ValueError)):
        from_json(Scope, written)


def test_what_earlier_versions_wrote_field_by_field_is_what_is_written() -> None:
    scope = Scope(ScopeKind.WHOLE, ("a",), 1, 2, 3, {"id|min": 4}, "never built")
    fingerprint = Fingerprint("a", "b", {"core.x": "c"}, {"bronze.x": 1}, {"silver.y": 2})

    for value in scope, fingerprint:
        assert json.dumps(to_json(value)) == json.dumps(asdict(value))


def test_only_the_fields_asked_for_are_written() -> None:
    moment = datetime(2026, 1, 2, tzinfo=UTC)
    record = AssetRecord(AssetKey(Layer.GOLD, "x"), AssetStatus.PUBLISHED, moment)

    written = to_json(record, "asset", "started_at", "rows_now")

    assert written == {"asset": "gold.x", "started_at": "2026-01-02T00:00:00+00:00", "rows_now": 0}
