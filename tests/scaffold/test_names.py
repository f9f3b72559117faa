from __future__ import annotations

import builtins
import keyword

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.errors import UsageError
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.scaffold.names import check_asset_name, check_project_name, contract_name


@pytest.mark.parametrize("name", ["a", "my_project", "My-Project", "2024_sales", "core", "x" * 100])
def test_a_plain_name_is_fit_for_a_project(name: str) -> None:
    check_project_name(name)


@pytest.mark.parametrize(
    ("name", "hint"),
    [
        ("my project", "polster init my_project"),
        ("été", "polster init t"),
        ("-x", "polster init x"),
        ("x_", "polster init x"),
        (".", "polster init my_project"),
        ("..", "polster init my_project"),
        (".hidden", "polster init hidden"),
        ("$(rm)", "polster init rm"),
        ("a\n", "polster init a"),
        ("polster", "polster init polster_project"),
        ("PyTest", "polster init PyTest_project"),
    ],
)
def test_an_odd_name_is_refused_with_a_fitting_one(name: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_project_name(name)

    assert caught.value.code == "POL504"
    assert caught.value.hint == f"such as: {hint}"


@pytest.mark.parametrize("name", ["a/b", "/tmp/a", "../a", "a\\b"])
def test_a_path_is_no_name_of_a_project(name: str) -> None:
    with pytest.raises(UsageError, match="is a path"):
        check_project_name(name)


def test_a_name_can_be_too_long() -> None:
    with pytest.raises(UsageError, match="longer than 100"):
        check_project_name("x" * 101)


@pytest.mark.parametrize(
    ("name", "message", "hint"),
    [
        ("Clean-Logs", "not lowercase snake_case", "such as: --name clean_logs"),
        ("clean logs!", "not lowercase snake_case", "such as: --name clean_logs"),
        ("ünï", "not lowercase snake_case", "such as: --name n"),
        ("../x", "not lowercase snake_case", "such as: --name x"),
        ("", "not lowercase snake_case", "such as: --name clean_logs"),
        ("1st", "not lowercase snake_case", "such as: --name clean_logs"),
        ("class", "a keyword of Python", "such as: --name clean_logs"),
        ("match", "a keyword of Python", "such as: --name clean_logs"),
        ("print", "a builtin of Python", "such as: --name clean_logs"),
        ("pl", "files of assets import", "such as: --name pl_table"),
        ("datetime", "files of assets import", "such as: --name datetime_table"),
        ("silver_logs", "repeats the layer", "leave the layer out: --name logs"),
        ("x" * 101, "longer than 100", "such as: --name " + "x" * 100),
    ],
)
def test_an_odd_name_of_an_asset_is_refused(name: str, message: str, hint: str) -> None:
    with pytest.raises(UsageError) as caught:
        check_asset_name(AssetKey(Layer.SILVER, name))

    assert caught.value.code == "POL209"
    assert message in caught.value.message
    assert caught.value.hint == hint


def test_the_name_of_another_layer_is_no_repetition() -> None:
    check_asset_name(AssetKey(Layer.BRONZE, "gold_prices"))


@given(st.from_regex(r"[a-z][a-z0-9_]*", fullmatch=True))
def test_a_contract_is_always_a_good_name_for_a_class(name: str) -> None:
    contract = contract_name(name)

    assert contract.isidentifier()
    assert contract[0].isupper()
    assert not keyword.iskeyword(contract)
    assert not hasattr(builtins, contract)
    assert contract != name


@pytest.mark.parametrize(
    ("name", "contract"),
    [("none", "NoneRow"), ("true", "TrueRow"), ("exception", "ExceptionRow"), ("a__b_", "AB")],
)
def test_a_contract_never_takes_a_name_of_python(name: str, contract: str) -> None:
    assert contract_name(name) == contract
