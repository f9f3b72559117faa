from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

CONTRACTED = """
class Export(dy.Schema):
    id = dy.String()
    customer = dy.String(nullable=True)
    amount = dy.String()

@bronze(contract=Export)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
"""
COLLECTS = "return bronze_orders.collect()"


def test_a_good_pipeline_has_no_findings(shop: Pipeline) -> None:
    shop.run()

    result = shop.cli("validate", "--strict")

    assert (result.exit_code, result.stdout) == (0, "3 assets, no mistakes found\n")
    assert shop.json("validate") == {"assets": 3, "findings": [], "unchecked": {}}


def test_no_data_is_touched_and_what_is_unknown_is_said(shop: Pipeline) -> None:
    result = shop.cli("validate")

    assert result.exit_code == 0
    assert result.stdout == (
        "not checked: the columns of silver.orders: "
        "`bronze.orders` has no contract and was never run\n\n"
        "3 assets, 1 not fully checked\n"
    )
    assert not shop.data.exists()


def test_every_mistake_is_told_at_once_with_its_place(shop: Pipeline) -> None:
    shop.edit("src/core/gold_spending.py", "orders: pl", "bronze_orders: pl")
    shop.edit("src/core/silver_orders.py", "bronze_orders:", "bronze_order:")

    result = shop.cli("validate")

    assert result.exit_code == 1
    assert result.stdout.endswith("\n3 assets, 2 errors, 2 not fully checked\n")
    findings = shop.json("validate")["findings"]
    assert [(f["code"], f["severity"], f["asset"], f["file"], f["line"]) for f in findings] == [
        ("POL202", "error", "gold.spending", "src/core/gold_spending.py", 12),
        ("POL201", "error", "silver.orders", "src/core/silver_orders.py", 13),
    ]
    assert findings[1]["hint"] == "did you mean `bronze.orders`?"
    assert set(findings[0]) == {
        "code",
        "name",
        "severity",
        "asset",
        "file",
        "line",
        "column",
        "message",
        "hint",
        "fixable",
    }


def test_a_mistake_is_shown_with_its_line_and_a_caret(shop: Pipeline) -> None:
    shop.run()
    shop.edit(
        "src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.drop('ids')"
    )

    result = shop.cli("validate")

    assert result.exit_code == 1
    assert result.stdout == (
        'error[POL305]: the frame cannot be computed: ColumnNotFoundError: "ids" not found; '
        "`gold.spending` cannot be built then\n"
        "  --> src/core/silver_orders.py:14\n"
        "     |\n"
        "  14 |     return bronze_orders.drop('ids')\n"
        "     |                          ^\n"
        "\n"
        "hint: did you mean `id`? the columns that its inputs have: "
        "bronze.orders: id, customer, amount\n"
        "\n"
        "3 assets, 1 error\n"
    )


def test_a_file_that_cannot_be_imported_is_a_finding(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "import polster\n", "import polster\nimport requessts\n")
    shop.edit("src/core/gold_spending.py", "import polster\n", "import polster\nraise SystemExit\n")

    findings = shop.json("validate")["findings"]

    assert [(f["code"], f["asset"], f["line"]) for f in findings] == [
        ("POL213", "gold.spending", 4),
        ("POL213", "silver.orders", 4),
    ]


def test_validate_sees_an_edit_made_a_moment_ago(shop: Pipeline) -> None:
    shop.cli("validate")

    shop.edit("src/core/silver_orders.py", "import polster\n", "import polstre\n")

    assert shop.cli("validate").exit_code == 1


def test_a_warning_fails_only_where_it_is_asked_for(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", COLLECTS)

    assert shop.cli("validate").exit_code == 0
    assert shop.cli("validate", "--strict").exit_code == 1


def test_what_is_mechanical_is_mended(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/silver_orders.py", "return bronze_orders", COLLECTS)
    shop.edit(
        "src/core/gold_spending.py",
        "@gold(",
        "# polster: ignore[POL224] nobody yet\n@gold(",
    )

    result = shop.cli("validate", "--fix", "--strict")

    assert (result.exit_code, result.stdout.splitlines()[-1]) == (0, "3 assets, no mistakes found")
    assert "mended POL605 at src/core/silver_orders.py:14" in result.stderr
    assert "mended POL692 at src/core/gold_spending.py:11" in result.stderr
    source = (shop.root / "src/core/silver_orders.py").read_text()
    assert source.endswith("    return bronze_orders\n")


@pytest.mark.parametrize(
    ("comment", "code", "status"),
    [
        ("# polster: ignore[POL605] three rows", None, 0),
        ("# polster: ignore[POL605]", "POL691", 1),
        ("# polster: ignore[POL603] three rows", "POL692", 0),
        ("# polster: ignore[POL202] three rows", "POL693", 1),
        ("# polster: ignore three rows", "POL693", 1),
    ],
)
def test_a_breach_is_accepted_with_a_reason_only(
    shop: Pipeline, comment: str, code: str | None, status: int
) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", f"{COLLECTS}  {comment}")

    result = shop.cli("validate", "--format", "json")

    codes = {finding["code"] for finding in json.loads(result.stdout)["findings"]}
    assert codes == ({code, "POL605"} if code else set())
    assert result.exit_code == status


def test_the_settings_choose_rules_and_severities(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", COLLECTS)
    shop.write(
        "pyproject.toml", '[tool.polster.rules.assets."silver.*"]\nseverity = { POL6 = "error" }\n'
    )
    assert shop.cli("validate").exit_code == 1

    shop.write("pyproject.toml", '[tool.polster.rules]\nignore = ["POL605"]\n')
    assert shop.json("validate")["findings"] == []


@pytest.mark.parametrize(
    ("code", "words"), [("POL999", "`POL999` is not a rule"), ("POL202", "POL202 cannot be left")]
)
def test_settings_that_name_no_rule_are_refused(shop: Pipeline, code: str, words: str) -> None:
    shop.write("pyproject.toml", f'[tool.polster.rules]\nignore = ["{code}"]\n')

    result = shop.cli("validate")

    assert result.exit_code == 2
    assert words in result.stderr


def test_a_selection_is_checked_alone(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", COLLECTS)

    assert shop.json("validate", "gold.spending")["findings"] == []
    assert len(shop.json("validate", "silver.orders")["findings"]) == 1
    assert shop.cli("validate", "gold.spendings").exit_code == 2


@pytest.mark.parametrize("term", ["layer:silver", "silver.orders", "gold.spending", "bronze.*"])
@pytest.mark.parametrize(
    ("file", "old", "new", "code"),
    [
        ("src/core/silver_orders.py", "contract=", "contracts=", "POL210"),
        ("src/core/silver_orders.py", "def orders(", "def orders(:", "POL212"),
        ("src/core/silver_orders.py", "bronze_orders:", "bronze_order:", "POL201"),
    ],
)
def test_no_selection_hides_a_mistake_in_a_definition(
    shop: Pipeline, file: str, old: str, new: str, code: str, term: str
) -> None:
    shop.edit(file, old, new)

    result = shop.cli("validate", term)

    assert result.exit_code == 1
    assert f"error[{code}]" in result.stdout


def test_where_polster_itself_stumbles_the_check_is_not_passed(shop: Pipeline) -> None:
    shop.edit(
        "src/core/silver_orders.py",
        "class Orders",
        """class Odd:
    def __bool__(self) -> bool:
        raise RuntimeError("neither")


class Orders""",
    )
    shop.edit("src/core/silver_orders.py", "min=0)", 'min=0, metadata={"pii": Odd()})')

    result = shop.cli("validate")

    assert result.exit_code == 1
    assert "Polster stumbled over it; please report this" in result.stdout
    assert "RuntimeError: neither" in result.stdout


@pytest.mark.skipif(sys.platform == "win32", reason="has no process groups")
def test_ctrl_c_ends_a_check_at_once_and_quietly(shop: Pipeline) -> None:
    """As a terminal sends it: to the whole group of processes."""

    def as_in_a_terminal() -> None:
        os.setsid()
        signal.signal(signal.SIGINT, signal.default_int_handler)

    shop.edit("src/core/bronze_orders.py", "@bronze", "while True: pass\n\n\n@bronze")
    check = shop.start("-m", "polster", "validate", preexec_fn=as_in_a_terminal)
    with pytest.raises(subprocess.TimeoutExpired):  # its child is stuck, for ten seconds
        check.wait(4)
    began = time.monotonic()
    os.killpg(check.pid, signal.SIGINT)
    stdout, stderr = check.communicate(timeout=60)

    assert (check.returncode, stdout, stderr) == (130, "", "interrupted\n")
    assert time.monotonic() - began < 4


def test_github_and_code_scanning_read_the_findings(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", COLLECTS)

    github = shop.cli("validate", "--format", "github").stdout
    sarif = json.loads(shop.cli("validate", "--format", "sarif").stdout)

    assert github.startswith("::warning file=src/core/silver_orders.py,line=14,col=")
    assert sarif["runs"][0]["results"][0]["ruleId"] == "POL605"


def test_a_secret_in_the_code_is_not_shown(shop: Pipeline) -> None:
    shop.edit("src/core/bronze_orders.py", "@bronze", 'PASSWORD = "Tr0ub4dor-3-horse"\n\n\n@bronze')

    result = shop.cli("validate")

    assert "POL602" in result.stdout
    assert "Tr0ub4dor" not in result.stdout + result.stderr


def test_what_changed_rows_reach_is_shown_of_all_assets_before_any_run(shop: Pipeline) -> None:
    shop.asset("bronze.orders", CONTRACTED)
    shop.asset(
        "gold.share",
        """
        class Share(dy.Schema):
            customer = dy.String(nullable=True)
            share = dy.Float64(nullable=True)

        @gold(contract=Share)
        def share(orders: pl.LazyFrame) -> pl.LazyFrame:
            return orders.select("customer", share=pl.col("amount") / pl.col("amount").sum())
        """,
    )

    result = shop.cli("validate", "--reach")
    told = shop.json("validate", "layer:gold", "--reach")["reach"]

    assert result.exit_code == 0
    lines = result.stdout.splitlines()
    assert lines[-7:-1] == [
        "asset          when rows change in  it makes anew",
        "silver.orders  bronze.orders        "
        "what comes is added alone; else the rows of the same id or customer or amount",
        "gold.share     silver.orders        all of it: "
        '`select((col("amount") / col("amount").sum()).alias("share"))` needs every row of '
        "`orders`, at src/core/gold_share.py:12",
        "gold.spending  silver.orders        the rows of the same customer",
        "",
        "made anew when rows change: 1 row-local, 1 by columns, 1 whole",
    ]
    assert [(each["asset"], [one["kind"] for one in each["inputs"]]) for each in told] == [
        ("gold.share", ["whole"]),
        ("gold.spending", ["local"]),
    ]
    assert not shop.data.exists()
    assert "reach" not in shop.json("validate")


def test_of_a_pipeline_with_mistakes_it_is_said_when_they_are_mended(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "bronze_orders:", "bronze_order:")

    result = shop.cli("validate", "--reach")

    assert result.exit_code == 1
    assert "POL201" in result.stdout
    assert "made anew" not in result.stdout
    assert "how much is made anew is said once the mistakes are mended" in result.stderr


@pytest.mark.parametrize("format", ["github", "sarif"])
def test_what_is_no_finding_is_not_left_out_in_silence(shop: Pipeline, format: str) -> None:
    result = shop.cli("validate", "--reach", "--format", format)

    assert result.exit_code == 2
    assert "POL106" in result.stderr
    assert "--format json" in result.stderr
