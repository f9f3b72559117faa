from __future__ import annotations

import ast

import pytest

from polster.project.literals import NotLiteralError, literal


def value(expression: str, before: str = "") -> object:
    return literal(ast.parse(expression, mode="eval").body, ast.parse(before))


@pytest.mark.parametrize(
    ("expression", "expected"),
    [
        ("1", 1),
        ("-0.5", -0.5),
        ("'a' 'b'", "ab"),
        ("['a', ('b',)]", ["a", ("b",)]),
        ("{'a': 1}", {"a": 1}),
        ("None", None),
        ("True", True),
    ],
)
def test_what_is_written_out_is_read(expression: str, expected: object) -> None:
    assert value(expression) == expected


@pytest.mark.parametrize(
    "before", ["X = 'a'", "X: str = 'a'", "Y = 1\nX = 'a'", "X = 'b'\nX = 'a'"]
)
def test_a_constant_of_the_file_is_read(before: str) -> None:
    assert value("X", before) == "a"


@pytest.mark.parametrize(
    ("expression", "before"),
    [
        ("X", ""),
        ("X", "X: str"),
        ("X", "X = f()"),
        ("X", "X = X"),
        ("X", "X, Y = 1, 2"),
        ("X", "import X"),
        ("f()", ""),
        ("'a' + str(1)", ""),
        ("f'{1}'", ""),
        ("[x for x in 'ab']", ""),
        ("lambda: 1", ""),
        ("{[]: 1}", ""),
    ],
)
def test_what_would_have_to_run_is_not(expression: str, before: str) -> None:
    with pytest.raises(NotLiteralError):
        value(expression, before)
