from __future__ import annotations

import ast

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from jinja2 import UndefinedError

from polster.scaffold.render import TEMPLATES, docstring, render

DESCRIPTIONS = st.text(min_size=1) | st.text('"\\\\ n\n', min_size=1)


@given(DESCRIPTIONS.filter(lambda text: bool("".join(text.split()))))
@example('"as they are", \\n and """more"""')
def test_any_description_becomes_a_docstring_that_says_it(text: str) -> None:
    written = docstring(text)

    said = ast.get_docstring(ast.parse(written + "\n"))
    printable = "".join(char if char.isprintable() else " " for char in text)
    assert said is not None
    assert said.split() == printable.split()


def test_a_long_description_is_wrapped() -> None:
    lines = docstring("orders of the shop " * 20).splitlines()

    assert len(lines) > 3
    assert max(len(line) for line in lines) <= 88
    assert lines[-1] == '"""'


def test_a_value_that_is_not_given_is_a_mistake() -> None:
    with pytest.raises(UndefinedError):
        render("project/pyproject.toml.jinja")


def test_no_template_knows_this_machine() -> None:
    for path in TEMPLATES.rglob("*"):
        if path.is_file() and path.suffix != ".parquet":
            assert "/home/" not in path.read_text()
            assert str(TEMPLATES.parents[3]) not in path.read_text()
