"""A store that makes a commit and reports an error all the same, as networks do."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from deltalake import DeltaTable
from deltalake.transaction import create_table_with_add_actions

from polster.errors import LakehouseError
from polster.lakehouse import table as tables
from polster.lakehouse.table import Table
from polster.lakehouse.table_version import TableVersion
from polster.model.event import nobody
from polster.operations.run import run

if TYPE_CHECKING:
    from tests.conftest import Pipeline


@pytest.fixture
def timeouts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every commit is made, and then reported as failed."""
    create, write = create_table_with_add_actions, DeltaTable.create_write_transaction

    def created(*args: Any, **kwargs: Any) -> None:
        create(*args, **kwargs)
        raise OSError("the connection timed out")

    def written(*args: Any, **kwargs: Any) -> None:
        write(*args, **kwargs)
        raise OSError("the connection timed out")

    monkeypatch.setattr(tables, "create_table_with_add_actions", created)
    monkeypatch.setattr(DeltaTable, "create_write_transaction", written)


def test_a_commit_that_was_made_counts_whatever_the_store_said(
    shop: Pipeline, timeouts: None
) -> None:
    assert set(shop.outcome().values()) == {"published"}
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    assert set(shop.outcome().values()) == {"published"}

    assert shop.table("gold.spending").sort("customer").rows()[0] == ("ann", 11.0)
    assert shop.rejected("silver.orders").height == 3  # the second run makes one order anew
    assert shop.staged_files() == []
    assert set(shop.outcome().values()) == {"unchanged"}


def test_files_stay_where_it_is_not_known_whether_a_commit_names_them(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    opened = Table.open

    def refused(self: Table, version: int | None = None) -> TableVersion | None:
        if version == 1 and self.uri.endswith("/data/silver/orders"):
            raise LakehouseError("the store is away", code="POL401", place=self.uri)
        return opened(self, version)

    monkeypatch.setattr(Table, "open", refused)
    record = run(shop.open(), listener=nobody)
    monkeypatch.undo()

    silver = record.assets[1]
    assert silver.status == "failed"
    assert silver.error is not None
    assert silver.error.message == "whether the table was written is not known: the store is away"
    assert shop.table("silver.orders").height == 2
    shop.run()
    assert shop.table("gold.spending").sort("customer").rows()[0] == ("ann", 11.0)
    assert shop.staged_files() == []


def test_ctrl_c_right_after_a_commit_of_the_ledger_leaves_it_whole(
    shop: Pipeline, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = Table.commit

    def interrupted(self: Table, *args: Any, **kwargs: Any) -> TableVersion:
        made = commit(self, *args, **kwargs)
        if self.uri.endswith("/_polster/runs"):
            raise KeyboardInterrupt
        return made

    monkeypatch.setattr(Table, "commit", interrupted)
    with pytest.raises(KeyboardInterrupt):
        run(shop.open(), listener=nobody)
    monkeypatch.undo()

    assert shop.ledger().height == 3
    assert set(shop.outcome().values()) == {"unchanged"}
