from __future__ import annotations

import subprocess
from typing import Any

import pytest

from polster.errors import UsageError
from polster.model.diff import Diff, Presence
from polster.operations.diff import diff

NAMED = ("-c", "user.name=Ann", "-c", "user.email=ann@example.com", "-c", "commit.gpgsign=false")


def git(shop: Any, *arguments: str) -> None:
    subprocess.run(["git", *NAMED, *arguments], cwd=shop.root, capture_output=True, check=True)


def commit(shop: Any) -> None:
    git(shop, "add", "-A", ".")
    git(shop, "commit", "-q", "--allow-empty", "-m", "change")


@pytest.fixture
def committed(shop: Any) -> Any:
    """The shop, run once, its bronze known by its published table, and committed."""
    shop.write(".gitignore", "data/\n")
    shop.run()
    git(shop, "init", "-q", "-b", "main")
    commit(shop)
    return shop


def tables(found: Diff) -> list[tuple[str, str | None, str, str]]:
    return [
        (str(change.asset), each.column, each.what, each.impact.value)
        for change in found.assets
        for each in change.table
    ]


def affected(found: Diff) -> dict[str, list[tuple[str, bool, bool]]]:
    return {
        str(entry.asset): [
            (column.ref.column, cause.by_value, cause.is_breaking)
            for column in entry.columns
            for cause in column.causes
        ]
        for entry in found.affected
    }


def test_a_tree_as_it_was_has_no_difference(committed: Any) -> None:
    committed.write("README.md", "hello")

    found = diff(committed.open())

    assert (found.assets, found.affected) == ((), ())
    assert found.revision == "HEAD"
    assert len(found.commit) == 40


def test_comments_and_layout_are_no_difference(committed: Any) -> None:
    committed.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        "# as it is\n    return (bronze_orders)",
    )

    assert diff(committed.open()).assets == ()


def test_a_removed_column_is_breaking_and_followed_as_the_old_source_has_it(committed: Any) -> None:
    committed.edit(
        "src/core/silver_orders.py", "    amount = dy.Float64(nullable=False, min=0)\n", ""
    )
    committed.edit(
        "src/core/silver_orders.py", "return bronze_orders", 'return bronze_orders.drop("amount")'
    )

    found = diff(committed.open())

    assert [str(change.asset) for change in found.breaking] == ["silver.orders"]
    assert tables(found) == [("silver.orders", "amount", "column removed", "breaking")]
    assert affected(found) == {"gold.spending": [("spent", True, True)]}
    assert found.gold[0].is_breaking


def test_a_breaking_change_of_a_column_that_nobody_reads_breaks_nobody(committed: Any) -> None:
    committed.edit("src/core/gold_spending.py", 'pl.col("amount")', 'pl.col("id")')
    commit(committed)
    committed.edit("src/core/silver_orders.py", "Float64(nullable=False", "Float64(nullable=True")

    found = diff(committed.open())

    assert tables(found) == [("silver.orders", "amount", "may be null now", "breaking")]
    assert affected(found) == {"gold.spending": []}
    assert not found.gold[0].is_breaking


def test_a_breaking_change_of_a_key_breaks_whoever_reads_the_table(committed: Any) -> None:
    committed.edit("src/core/silver_orders.py", "Int64(primary_key=True", "Int64(nullable=False")

    found = diff(committed.open())

    assert found.gold[0].is_breaking


def test_a_contract_that_asks_for_more_breaks_no_reader(committed: Any) -> None:
    committed.edit("src/core/silver_orders.py", "min=0)", "min=1)")

    found = diff(committed.open())

    assert tables(found) == [("silver.orders", "amount", "rule min: 0 -> 1", "tightened")]
    assert found.breaking == ()
    assert affected(found) == {"gold.spending": [("spent", True, False)]}
    assert found.assets[0].reasons == ("its contract changed",)
    assert found.assets[0].owner == "ops"


def test_another_type_is_breaking(committed: Any) -> None:
    committed.edit("src/core/silver_orders.py", "id = dy.Int64", "id = dy.String")

    assert tables(diff(committed.open())) == [
        ("silver.orders", "id", "Int64 -> String", "breaking")
    ]


def test_a_column_made_of_others_is_told_and_followed(committed: Any) -> None:
    committed.edit(
        "src/core/silver_orders.py",
        "return bronze_orders",
        'return bronze_orders.with_columns(customer=pl.col("id"))',
    )

    found = diff(committed.open())

    assert tables(found) == [
        (
            "silver.orders",
            "customer",
            "made of bronze.orders.id, before of bronze.orders.customer",
            "compatible",
        )
    ]
    assert affected(found) == {
        "gold.spending": [("customer", True, False), ("spent", False, False)]
    }


def test_a_renamed_asset_is_one_removed_and_one_added(committed: Any) -> None:
    text = (committed.root / "src/core/gold_spending.py").read_text()
    (committed.root / "src/core/gold_spending.py").unlink()
    committed.write("src/core/gold_spent.py", text.replace("def spending", "def spent"))

    found = diff(committed.open())

    assert [(str(each.asset), each.presence) for each in found.assets] == [
        ("gold.spending", Presence.REMOVED),
        ("gold.spent", Presence.ADDED),
    ]
    assert [str(each.asset) for each in found.breaking] == ["gold.spending"]
    assert found.affected == ()


def test_a_removed_asset_breaks_what_read_it(committed: Any) -> None:
    (committed.root / "src/core/silver_orders.py").unlink()
    committed.edit("src/core/gold_spending.py", "orders: pl.LazyFrame", "")
    committed.edit(
        "src/core/gold_spending.py",
        "return orders",
        'return pl.LazyFrame({"customer": [], "amount": []})',
    )

    found = diff(committed.open())

    removed = next(each for each in found.assets if each.presence is Presence.REMOVED)
    assert removed.reasons == ("read by gold.spending until now",)
    (entry,) = found.affected
    assert (str(entry.asset), entry.is_breaking) == ("gold.spending", True)


def test_the_owner_and_other_options_are_compared(committed: Any) -> None:
    committed.edit("src/core/silver_orders.py", 'owner="ops"', 'owner="shop", max_quarantined=0.5')

    (change,) = diff(committed.open()).assets

    assert change.reasons == (
        "its code changed",
        "the share of rows that may be quarantined changed",
        "its owner changed: ops -> shop",
    )


def test_whatever_option_is_changed_is_said_in_words(committed: Any) -> None:
    committed.edit(
        "src/core/silver_orders.py",
        'owner="ops"',
        'owner="ops", allow_empty=True, expect=Expect(min_rows=0)',
    )
    committed.edit("src/core/silver_orders.py", "gold, silver", "gold, silver, Expect")

    found = diff(committed.open())

    assert found.assets[0].reasons == (
        "its code changed",
        "whether it may have no rows changed",
        "what is expected of a new version changed",
    )


def test_a_helper_that_changed_changes_what_imports_it(committed: Any) -> None:
    committed.write("src/core/tax.py", "RATE = 1\n")
    committed.edit(
        "src/core/gold_spending.py",
        "import polars as pl",
        "import polars as pl\nfrom core.tax import RATE",
    )
    committed.edit(
        "src/core/gold_spending.py", 'pl.col("amount").sum()', 'pl.col("amount").sum() * RATE'
    )
    commit(committed)
    committed.write("src/core/tax.py", "RATE = 2\n")

    (change,) = diff(committed.open()).assets

    assert str(change.asset) == "gold.spending"
    assert change.reasons == ("the module core.tax changed",)


def test_mistakes_of_then_are_told_and_the_rest_is_compared(committed: Any) -> None:
    whole = (committed.root / "src/core/gold_spending.py").read_text()
    committed.edit("src/core/gold_spending.py", "def spending(orders", "def spending(ordres")
    commit(committed)
    committed.write("src/core/gold_spending.py", whole)
    committed.edit("src/core/silver_orders.py", "min=0)", "min=1)")

    found = diff(committed.open())

    assert [finding.code for finding in found.mistakes_then] == ["POL201"]
    assert found.mistakes_now == ()
    assert [str(each.asset) for each in found.assets] == ["gold.spending", "silver.orders"]
    assert ("silver.orders", "amount", "rule min: 0 -> 1", "tightened") in tables(found)


def test_an_asset_that_cannot_be_read_now_is_not_taken_for_removed(committed: Any) -> None:
    committed.write("src/core/gold_spending.py", "def spending(:\n")
    committed.edit("src/core/silver_orders.py", "min=0)", "min=1)")

    found = diff(committed.open())

    assert [finding.code for finding in found.mistakes_now] == ["POL212"]
    assert [str(each.asset) for each in found.assets] == ["silver.orders"]


def test_settings_of_then_that_cannot_be_read_stop_nothing(committed: Any) -> None:
    committed.write("pyproject.toml", "[tool.polster]\nnonsense = 1\n")
    commit(committed)
    committed.write("pyproject.toml", "[tool.polster]\n")
    committed.edit("src/core/silver_orders.py", "min=0)", "min=1)")

    assert [str(each.asset) for each in diff(committed.open()).assets] == ["silver.orders"]


def test_what_was_never_run_and_has_no_contract_is_said_to_be_unknown(shop: Any) -> None:
    git(shop, "init", "-q", "-b", "main")
    commit(shop)
    shop.edit("src/core/silver_orders.py", "min=0)", "min=1)")

    (change,) = diff(shop.open()).assets

    assert change.unknown is not None
    assert "`bronze.orders` has no contract and was never run" in change.unknown
    assert [each.what for each in change.table] == ["rule min: 0 -> 1"]


def test_other_branches_are_compared_at_their_fork(committed: Any) -> None:
    git(committed, "switch", "-q", "-c", "feature")
    git(committed, "switch", "-q", "main")
    committed.edit("src/core/silver_orders.py", "min=0)", "min=1)")
    commit(committed)
    git(committed, "switch", "-q", "feature")

    assert len(diff(committed.open(), "main").assets) == 1
    assert diff(committed.open(), "main", at_fork=True).assets == ()


def test_a_revision_that_git_does_not_know_is_told(committed: Any) -> None:
    with pytest.raises(UsageError) as caught:
        diff(committed.open(), "mian")

    assert (caught.value.code, caught.value.hint) == ("POL112", "did you mean `main`?")


def test_what_stands_on_a_change_and_cannot_be_examined_says_so(committed: Any) -> None:
    committed.edit("src/core/silver_orders.py", "min=0)", "min=1)")
    committed.edit(
        "src/core/gold_spending.py", "import polars as pl", "import polars as pl\nimport nowhere"
    )

    (entry,) = diff(committed.open()).affected

    assert (str(entry.asset), entry.columns) == ("gold.spending", ())
    assert entry.unknown == "its file cannot be imported"
