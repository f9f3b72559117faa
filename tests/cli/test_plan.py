from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def test_a_plan_says_what_would_run_and_why_and_runs_nothing(shop: Pipeline) -> None:
    result = shop.cli("plan")

    assert result.exit_code == 0
    assert result.stdout.splitlines() == [
        "asset          action  why",
        "bronze.orders  run     it was never built",
        "silver.orders  run     it was never built",
        "gold.spending  run     it was never built",
    ]
    assert not shop.data.exists()


def test_a_plan_as_json(shop: Pipeline) -> None:
    shop.run()
    shop.edit("src/core/gold_spending.py", ".sum()", ".max()")

    assert shop.json("plan") == {
        "assets": [
            {
                "asset": "bronze.orders",
                "action": "run",
                "reasons": ["bronze asks its source"],
                "scope": None,
            },
            {
                "asset": "silver.orders",
                "action": "unchanged",
                "reasons": ["nothing changed, unless bronze.orders lands new data"],
                "scope": None,
            },
            {
                "asset": "gold.spending",
                "action": "run",
                "reasons": ["its code changed"],
                "scope": None,
            },
        ]
    }


def test_a_plan_of_a_selection(shop: Pipeline) -> None:
    shop.run()

    planned = shop.json("plan", "gold.spending", "--full-refresh")

    assert planned == {
        "assets": [
            {
                "asset": "gold.spending",
                "action": "run",
                "reasons": ["a full refresh was asked for"],
                "scope": None,
            }
        ]
    }
    assert shop.cli("plan", "nothing").exit_code == 2
