from __future__ import annotations

import inspect
import keyword
from collections.abc import Callable
from dataclasses import fields
from typing import Any, get_overloads

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.decorators import bronze, gold, silver
from polster.model.asset import OPTIONS, AssetKey, Options, Policy, name_problem, options_of
from polster.model.layer import Layer

NAMES = st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True)


@given(st.sampled_from(list(Layer)), NAMES)
def test_a_key_is_read_back_from_both_spellings(layer: Layer, name: str) -> None:
    key = AssetKey(layer, name)

    assert AssetKey.parse(str(key)) == key
    assert AssetKey.parse(key.identifier) == key


@pytest.mark.parametrize("text", ["", "orders", "bronze", "bronze.", "bronze_", "Bronze.x", ".x"])
def test_what_has_no_layer_is_no_key(text: str) -> None:
    assert AssetKey.parse(text) is None


@given(st.text())
def test_a_good_name_is_an_identifier_and_nothing_of_python(name: str) -> None:
    if name_problem(name) is None:
        assert name.isidentifier()
        assert name.isascii()
        assert name == name.lower()
        assert not keyword.iskeyword(name)


@pytest.mark.parametrize("name", ["a\n", "ä", "a-b", "1a", "_a", "class", "type", "print", "id"])
def test_these_are_no_names(name: str) -> None:
    assert name_problem(name) is not None


def test_a_rule_without_a_policy_of_its_own_follows_the_star() -> None:
    options = Options(on_violation={"*": Policy.WARN, "amount|min": Policy.FAIL})

    assert options.policy("amount|min") is Policy.FAIL
    assert options.policy("anything") is Policy.WARN


@pytest.mark.parametrize("decorator", [bronze, silver, gold])
def test_a_decorator_takes_the_options_of_its_layer(decorator: Callable[..., Any]) -> None:
    layer = Layer(decorator.__name__)

    taken = inspect.signature(get_overloads(decorator)[1]).parameters

    assert set(taken) == set(options_of(layer))


def test_every_option_but_the_contract_says_how_it_is_checked_and_compared() -> None:
    assert ["contract", *OPTIONS] == [each.name for each in fields(Options)]
