from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def test_a_good_pipeline_has_no_findings(shop: Pipeline) -> None:
    result = shop.cli("validate")

    assert (result.exit_code, result.stdout) == (0, "3 assets, no mistakes found\n")
    assert shop.json("validate") == {"assets": 3, "findings": []}
    assert not shop.data.exists()


def test_every_mistake_is_told_at_once_with_its_place(shop: Pipeline) -> None:
    shop.edit("src/core/gold_spending.py", "orders: pl", "bronze_orders: pl")
    shop.edit("src/core/silver_orders.py", "bronze_orders:", "bronze_order:")

    result = shop.cli("validate")

    assert result.exit_code == 1
    assert result.stdout.endswith("3 assets read, 2 mistakes found\n")
    findings = shop.json("validate")["findings"]
    assert [(f["code"], f["severity"], f["asset"], f["file"], f["line"]) for f in findings] == [
        ("POL202", "error", "gold.spending", "src/core/gold_spending.py", 12),
        ("POL201", "error", "silver.orders", "src/core/silver_orders.py", 13),
    ]
    assert findings[1]["hint"] == "did you mean `bronze.orders`?"
    assert set(findings[0]) == {"code", "severity", "asset", "file", "line", "message", "hint"}


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
