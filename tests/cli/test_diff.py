from __future__ import annotations

import re
import subprocess
from typing import Any

import pytest

NAMED = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")


def git(shop: Any, *arguments: str) -> None:
    subprocess.run(["git", *NAMED, *arguments], cwd=shop.root, capture_output=True, check=True)


@pytest.fixture
def changed(shop: Any) -> Any:
    """The shop, committed, and then its silver table changed in two ways."""
    shop.write(".gitignore", "data/\n")
    shop.run()
    git(shop, "init", "-q", "-b", "main")
    git(shop, "add", "-A", ".")
    git(shop, "commit", "-q", "-m", "first")
    shop.edit(
        "src/core/silver_orders.py",
        "amount = dy.Float64(nullable=False, min=0)",
        "amount = dy.Float64(nullable=True)",
    )
    return shop


def without_commit(text: str) -> str:
    return re.sub(r"\b[0-9a-f]{9,40}\b", "<commit>", text)


def test_a_change_is_shown_with_whom_it_breaks(changed: Any) -> None:
    result = changed.cli("diff")

    assert result.exit_code == 0
    assert without_commit(result.stdout).splitlines() == [
        "compared with HEAD (<commit>)",
        "",
        "changed silver.orders (breaking, owner: ops)",
        "  its contract changed",
        "  breaking  amount: may be null now",
        "  loosened  amount: rule min taken away: 0",
        "",
        "what stands on that",
        "  gold.spending (breaking, owner: sales) stands on silver.orders",
        "    spent: breaking: value of silver.orders.amount",
        "",
        "1 asset changed, 1 in a breaking way; 1 gold table affected, owned by sales",
    ]


def test_a_change_is_written_for_a_pull_request(changed: Any) -> None:
    result = changed.cli("diff", "main", "--format", "markdown")

    assert without_commit(result.stdout).splitlines() == [
        "### Polster: 1 asset changed, 1 in a breaking way; 1 gold table affected, owned by sales",
        "",
        "Compared with main (<commit>).",
        "",
        "| Asset | Change | What | For readers |",
        "| --- | --- | --- | --- |",
        "| **silver.orders** | changed | its contract changed; owner: ops |  |",
        "|  |  | **amount**: may be null now | **breaking** |",
        "|  |  | **amount**: rule min taken away: 0 | loosened |",
        "",
        "<details open>",
        "<summary>What stands on that (1)</summary>",
        "",
        "| Asset | Owner | Stands on | Columns |",
        "| --- | --- | --- | --- |",
        "| **gold.spending** (breaking) | sales | silver.orders "
        "| spent: breaking: value of silver.orders.amount |",
        "",
        "</details>",
    ]


def test_a_change_is_there_for_machines(changed: Any) -> None:
    shown = changed.json("diff")

    assert shown["breaking"] is True
    assert shown["assets"][0]["table"][0] == {
        "column": "amount",
        "what": "may be null now",
        "impact": "breaking",
    }
    (affected,) = shown["affected"]
    assert (affected["asset"], affected["owner"], affected["causes"]) == (
        "gold.spending",
        "sales",
        ["silver.orders"],
    )
    assert affected["columns"][0]["causes"][0] == {
        "asset": "silver.orders",
        "column": "amount",
        "by_value": True,
        "certain": True,
        "breaking": True,
    }


def test_a_breaking_change_ends_with_one_only_if_asked_for(changed: Any) -> None:
    asked = changed.cli("diff", "--exit-code")
    git(changed, "checkout", "-q", "--", "src")
    clean = changed.cli("diff", "--exit-code")

    assert (asked.exit_code, clean.exit_code) == (1, 0)
    assert clean.stdout.splitlines()[-1] == "no asset changed"


def test_a_name_of_markdown_is_only_text(changed: Any) -> None:
    changed.edit("src/core/silver_orders.py", 'owner="ops"', 'owner="@all | <b>*x*"')

    result = changed.cli("diff", "--format", "markdown")

    assert "&#64;all &#124; &#60;b&#62;&#42;x&#42;" in result.stdout
    assert "@all" not in result.stdout


@pytest.mark.parametrize(
    ("command", "usage"),
    [("diff", "[OPTIONS] [REV]"), ("lineage", "[OPTIONS] [ASSET[.COLUMN[.FIELD]]]")],
)
def test_the_usage_marks_what_may_be_left_out_once(shop: Any, command: str, usage: str) -> None:
    assert shop.cli(command, "--help").stdout.splitlines()[0].endswith(f" {usage}")


def test_mistakes_in_the_working_tree_are_told_before_the_rest(changed: Any) -> None:
    changed.edit("src/core/gold_spending.py", "def spending(orders", "def spending(ordres")

    result = changed.cli("diff")

    assert without_commit(result.stdout).splitlines()[2:4] == [
        "1 mistake in the working tree; what it concerns is not compared",
        "  POL201: `ordres` is not an asset of this project (src/core/gold_spending.py:12)",
    ]


def test_outside_of_git_there_is_nothing_to_compare_with(shop: Any) -> None:
    result = shop.cli("diff")

    assert result.exit_code == 2
    assert result.stderr.startswith("error[POL111]: the project is not in a git repository")
