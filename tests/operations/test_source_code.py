from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polster.errors import UsageError
from polster.operations.source_code import LONGEST, source_code

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def test_the_file_of_an_asset_comes_with_the_line_of_its_function(shop: Pipeline) -> None:
    source = source_code(shop.open(), "spending")

    assert source.file == "src/core/gold_spending.py"
    assert source.text == (shop.root / source.file).read_text()
    assert "def spending" in "".join(source.text.splitlines()[source.line - 1 :][:2])
    assert not source.is_cut


def test_bytes_that_are_no_text_are_replaced(shop: Pipeline) -> None:
    project = shop.open()
    file = shop.root / "src/core/gold_spending.py"
    file.write_bytes(b"# \xff\xfe\n" + file.read_bytes())

    assert source_code(project, "gold.spending").text.startswith("# \ufffd\ufffd\n")


def test_of_a_very_long_file_the_beginning_is_read(shop: Pipeline) -> None:
    file = shop.root / "src/core/gold_spending.py"
    file.write_text(file.read_text() + "#" * LONGEST)

    source = source_code(shop.open(), "gold.spending")

    assert source.is_cut
    assert len(source.text) == LONGEST


def test_what_is_no_asset_has_no_source(shop: Pipeline) -> None:
    project = shop.open()

    for name in ("nope", "../pyproject", "/etc/passwd", "src/core/gold_spending.py"):
        with pytest.raises(UsageError) as raised:
            source_code(project, name)
        assert raised.value.code == "POL201"

    (shop.root / "src/core/gold_spending.py").unlink()
    with pytest.raises(UsageError) as raised:
        source_code(project, "gold.spending")
    assert raised.value.place == "src/core/gold_spending.py"
