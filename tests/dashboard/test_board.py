"""What the pages are told, without a browser."""

from __future__ import annotations

import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from polster.dashboard import board as board_module
from polster.dashboard.board import Board
from polster.errors import DefinitionError, UsageError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.live import LiveRun
from polster.operations.overview import Condition
from polster.operations.preview import preview
from polster.operations.watch import FileStates

if TYPE_CHECKING:
    from tests.conftest import Pipeline

pytestmark = pytest.mark.anyio


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


@pytest.fixture
async def board(shop: Pipeline) -> AsyncIterator[Board]:
    board = Board(shop.root, None)
    yield board
    await board.close()


def _conditions(board: Board) -> dict[str, str]:
    return {str(key): condition.value for key, condition in board.snapshot.conditions.items()}


async def test_a_run_that_is_recorded_elsewhere_is_noticed(shop: Pipeline, board: Board) -> None:
    before = await board.current()
    shop.run()
    await board.look()

    assert {entry.condition for entry in before.overview.assets.values()} == {  # type: ignore[union-attr]
        Condition.NEVER_BUILT
    }
    assert set(_conditions(board).values()) == {"published"}


async def test_nothing_new_leaves_the_snapshot_as_it_is(shop: Pipeline, board: Board) -> None:
    shop.run()
    before = await board.current()
    await board.look()

    assert board.snapshot is before


async def test_a_killed_run_is_noticed_though_its_file_stays_the_same(
    shop: Pipeline, board: Board
) -> None:
    now = datetime.now(UTC)
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        run = LiveRun(
            "run", "dev", socket.gethostname(), process.pid, (), False, now, now, (), {}, ()
        )
        Lakehouse(Store(str(shop.data))).live.write(run)
        before = await board.current()
    await board.look()

    assert [run.is_killed for run in before.live] == [False]
    assert [run.is_killed for run in board.snapshot.live] == [True]


async def test_code_that_changes_is_noticed(shop: Pipeline, board: Board) -> None:
    shop.run()
    await board.current()
    shop.edit("src/core/gold_spending.py", ".sum()", ".max()")
    await board.look()

    assert _conditions(board)["gold.spending"] == "stale"
    assert board.snapshot.overview is not None
    entry = board.snapshot.overview.assets[AssetKey(Layer.GOLD, "spending")]
    assert entry.reasons == ("its code changed",)


async def test_a_mistake_in_the_code_keeps_the_last_state_beside_it(
    shop: Pipeline, board: Board
) -> None:
    shop.run()
    await board.current()
    shop.edit("src/core/gold_spending.py", "orders: pl.LazyFrame", "bronze_orders: pl.LazyFrame")
    await board.look()
    first = board.snapshot
    await board.look()
    broken = board.snapshot
    shop.edit("src/core/gold_spending.py", "bronze_orders: pl.LazyFrame", "orders: pl.LazyFrame")
    await board.look()

    assert isinstance(first.problem, DefinitionError)
    assert first.overview is not None
    assert broken.revision == first.revision
    assert board.snapshot.problem is None


async def test_over_a_file_with_a_mistake_the_pipeline_and_its_tables_can_be_looked_at(
    shop: Pipeline,
) -> None:
    shop.run()
    text = (shop.root / "src/core/silver_orders.py").read_text(encoding="utf-8")
    shop.write("src/core/silver_orders.py", text.replace("return bronze_orders", "return ("))
    board = Board(shop.root, None)
    broken = await board.current()
    await board.look()
    quiet = board.snapshot
    shown = await board.ask(preview, "silver.orders")
    shop.write("src/core/silver_orders.py", text)
    await board.look()
    await board.close()

    assert isinstance(broken.problem, DefinitionError)
    assert {str(key): each.value for key, each in broken.conditions.items()} == {
        "bronze.orders": "published",
        "silver.orders": "stale",
        "gold.spending": "stale",
    }
    assert quiet is broken
    assert shown.sample.total == 2
    assert board.snapshot.problem is None
    assert set(_conditions(board).values()) == {"published"}


async def test_settings_that_break_and_a_project_that_vanishes_are_told(
    shop: Pipeline, board: Board
) -> None:
    await board.current()
    shop.write("pyproject.toml", "[tool.polster]\nlakehose = 'x'\n")
    await board.look()
    settings = board.snapshot.problem
    await board.look()
    still = board.snapshot.problem
    (shop.root / "pyproject.toml").unlink()
    await board.look()
    await board.look()

    assert settings is not None
    assert settings.code == "POL103"
    assert still is settings
    assert board.snapshot.overview is not None
    assert board.snapshot.problem is not None
    assert board.snapshot.problem.code == "POL101"


async def test_a_source_that_cannot_be_listed_for_a_moment_is_told_and_watched_on(
    shop: Pipeline, board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    await board.current()

    def vanished(_root: Path) -> FileStates:
        raise FileNotFoundError("src/core/gone")

    with monkeypatch.context() as patch:
        patch.setattr(board_module, "source_stamp", vanished)
        await board.look()
        problem = board.snapshot.problem
    await board.look()

    assert problem is not None
    assert board.snapshot.problem is None


async def test_an_operation_is_asked_of_the_project(shop: Pipeline, board: Board) -> None:
    shop.run()

    shown = await board.ask(preview, "gold.spending", rows=1, offset=1)

    assert shown.sample.total == 2
    assert len(shown.sample.rows) == 1
    with pytest.raises(UsageError):
        await board.ask(preview, "gold.nope")


async def test_a_lakehouse_that_cannot_be_read_is_told_and_read_again(
    shop: Pipeline, board: Board
) -> None:
    shop.data.write_text("in the way")
    problem = (await board.current()).problem
    shop.data.unlink()
    await board.look()

    assert problem is not None
    assert problem.code == "POL401"
    assert board.snapshot.problem is None


async def test_a_run_may_change_what_validate_finds(pipeline: Pipeline) -> None:
    pipeline.write("landing/orders.csv", "id\n1\n")
    pipeline.asset(
        "bronze.orders",
        """
        @bronze
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv")
        """,
    )
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)


        @silver(contract=Orders)
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders.select("no_such")
        """,
    )
    board = Board(pipeline.root, None)
    await board.current()
    before, judged = await board.checker.check(), board.judged
    pipeline.run("bronze.orders")
    await board.look()
    after = await board.checker.check()
    await board.close()

    assert board.judged != judged
    assert (len(before.findings), len(before.unchecked)) == (0, 1)
    assert [finding.asset for finding in after.findings] == ["silver.orders"]
    assert await board.checker.check() is after
