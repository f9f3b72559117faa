"""``polster rehearse`` as it is typed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from typer.testing import CliRunner

from polster.cli.app import app
from polster.operations.init import init

if TYPE_CHECKING:
    from tests.conftest import Pipeline


@pytest.fixture
def sample(tmp_path: Path) -> Path:
    return init("shop", parent=tmp_path, git=False, sample_assets=True).root


def typed(root: Path, *arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["rehearse", *arguments, "--project", str(root)])
    return result.exit_code, re.sub(r"\d+\.\d+ s\b", "<seconds>", result.stdout)


def test_the_sample_project_in_a_table(sample: Path) -> None:
    assert typed(sample) == (
        0,
        """\
asset           rows  quarantined     rules  result
bronze.example    10                         rows from tests/fixtures
silver.example    10               13 of 13  all quarantined
gold.example       6               10 of 10  all refused

3 assets rehearsed and 23 rules broken in <seconds>: nothing amiss
""",
    )


def test_warnings_are_shown_with_their_line_and_exit_with_0(shop: Pipeline) -> None:
    code, shown = typed(shop.root)

    assert code == 0
    assert re.search("^bronze.orders +not rehearsed: there are no rows", shown, re.MULTILINE)
    assert (
        "function not rehearsed: there are no rows to rehearse it with; "
        "in rows sampled from its contract: all quarantined\n"
    ) in shown
    assert re.search("^gold.spending .* in rows computed from samples of its inputs$", shown, re.M)
    assert "warning[POL805]: `bronze.orders` cannot be rehearsed" in shown
    assert "  --> src/core/bronze_orders.py:" in shown
    assert re.search(
        r"^1 of 3 assets rehearsed and (\d+ of )?\d+ rules broken in <seconds>: 1 warning$",
        shown,
        re.MULTILINE,
    )


def test_an_error_exits_with_1(shop: Pipeline) -> None:
    shop.write("tests/fixtures/bronze_orders.csv", "id,customer,amount\n1,ann,1\n2,ann,2\n")
    shop.edit("src/core/gold_spending.py", "min=0", "max=2")

    code, shown = typed(shop.root)

    assert code == 1
    assert re.search("^gold.spending .*function not rehearsed: it failed; ", shown, re.MULTILINE)
    assert "error[POL804]: `gold.spending` refuses rows" in shown


def test_json_holds_every_rule(shop: Pipeline) -> None:
    shop.write("tests/fixtures/bronze_orders.csv", "id,customer,amount\n1,ann,1\n2,bob,2\n")

    told = shop.json("rehearse", "silver.orders")

    assert told["findings"] == []
    (silver,) = told["assets"]
    assert (silver["asset"], silver["rows"], silver["published"]) == ("silver.orders", 2, 2)
    assert silver["sampled"] is None
    assert {
        "rule": "primary_key",
        "rows": 2,
        "result": "quarantined",
        "how": "2 rows changed or added",
    } in silver["rules"]


def test_a_project_without_assets_says_so(pipeline: Pipeline) -> None:
    assert typed(pipeline.root) == (0, "no assets yet\n")


def test_more_rows_than_a_rehearsal_is_for_are_wrong_usage(sample: Path) -> None:
    assert typed(sample, "--rows", "1000001")[0] == 2


def test_warnings_of_libraries_are_left_to_runs(shop: Pipeline) -> None:
    shop.write("tests/fixtures/bronze_orders.csv", "id,customer,amount\n1,ann,1\n2,bob,2\n")
    shop.edit(
        "src/core/silver_orders.py",
        "import polars as pl\n",
        "import polars as pl\nimport warnings\n",
    )
    shop.edit("src/core/silver_orders.py", "    return ", "    warnings.warn('x')\n    return ")

    code, shown = typed(shop.root, "silver.orders")

    assert code == 0
    assert "nothing amiss" in shown


def test_a_selection_that_does_not_exist_is_wrong_usage(sample: Path) -> None:
    assert typed(sample, "silver.nothing")[0] == 2


def test_what_user_code_prints_is_not_the_result(shop: Pipeline) -> None:
    shop.write("tests/fixtures/bronze_orders.csv", "id,customer,amount\n1,ann,1\n2,bob,2\n")
    shop.edit(
        "src/core/silver_orders.py", "    return bronze", "    print('loud')\n    return bronze"
    )

    assert "loud" not in typed(shop.root)[1]
