"""A lakehouse that cannot be read or written: said plainly, no traceback, nothing half-done."""

from __future__ import annotations

import ctypes
import resource
import shutil
import signal
from typing import TYPE_CHECKING

import polars as pl
import pytest

from polster.errors import LakehouseError

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PR_CAPBSET_DROP, CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH = 24, 1, 2


def obey_permissions() -> None:
    """Take from root, for a process about to start, the right to write everywhere."""
    libc = ctypes.CDLL(None)
    for capability in (CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH):
        libc.prctl(PR_CAPBSET_DROP, capability, 0, 0, 0)


def have_little_room() -> None:
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))


def test_a_folder_that_may_not_be_written(shop: Pipeline) -> None:
    shop.data.mkdir()
    shop.data.chmod(0o555)

    done = shop.process("-m", "polster", "run", preexec_fn=obey_permissions)

    shop.data.chmod(0o755)
    assert done.returncode == 1
    assert (
        "error[POL403]: `bronze.orders`: the lakehouse cannot be written: Permission" in done.stdout
    )
    assert "error[POL403]: the run cannot be recorded: " in done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert list(shop.data.iterdir()) == []


def test_a_ledger_that_may_not_be_written_keeps_what_was_published(shop: Pipeline) -> None:
    shop.run()
    shop.edit("landing/orders.csv", "1,ann,10.5", "1,ann,11")
    folder = shop.data / "_polster/runs"
    folder.chmod(0o555)

    done = shop.process("-m", "polster", "run", preexec_fn=obey_permissions)

    folder.chmod(0o755)
    assert done.returncode == 1
    assert "silver.orders  published" in done.stdout
    assert "error[POL403]: the run cannot be recorded: " in done.stderr
    assert shop.table("gold.spending").sort("customer").rows()[0] == ("ann", 11.0)
    assert set(shop.outcome().values()) == {"unchanged"}
    published = shop.ledger().filter(status="published", asset="silver.orders")
    assert sorted(published["version"]) == [0, 1]


def test_a_full_disk(shop: Pipeline) -> None:
    shop.run()
    earlier = shop.table("silver.orders")
    rows = pl.int_range(100_000, eager=True).shuffle(seed=1)
    pl.DataFrame({"id": rows, "customer": rows.cast(pl.String), "amount": rows}).write_csv(
        shop.root / "landing/orders.csv"
    )

    done = shop.process("-m", "polster", "run", preexec_fn=have_little_room)

    assert done.returncode == 1
    assert "error[POL403]: `bronze.orders`: the lakehouse cannot be written: " in done.stdout
    assert "Traceback" not in done.stdout + done.stderr
    assert shop.staged_files() == []
    assert shop.table("silver.orders").equals(earlier)


def test_a_lakehouse_that_is_a_file(shop: Pipeline) -> None:
    shop.write("data", "not a folder")

    for command in (
        ["run"],
        ["plan"],
        ["status"],
        ["history", "spending"],
        ["preview", "spending"],
    ):
        result = shop.cli(*command)

        assert result.exit_code == 1
        assert "error[POL401]: the lakehouse is a file, not a folder\n" in result.stderr


def test_a_damaged_ledger_can_be_moved_away(shop: Pipeline) -> None:
    shop.run()
    log = shop.data / "_polster/runs/_delta_log/00000000000000000000.json"
    log.write_text("{")

    with pytest.raises(LakehouseError) as caught:
        shop.run()
    shutil.rmtree(shop.data / "_polster/runs")

    assert caught.value.code == "POL401"
    assert "move it away" in (caught.value.hint or "")
    assert set(shop.outcome().values()) == {"unchanged"}
    assert shop.ledger().filter(status="published").height == 3


def test_data_files_that_are_gone(shop: Pipeline) -> None:
    shop.run()
    for file in (shop.data / "silver/orders").glob("*.parquet"):
        file.unlink()

    preview = shop.cli("preview", "silver.orders")
    record = shop.run("gold.spending", full_refresh=True)

    assert preview.exit_code == 1
    assert preview.stderr.startswith("error[POL401]: the table cannot be read: No such file")
    error = record.assets[0].error
    assert error is not None
    assert error.code == "POL413"
    assert error.message.startswith("`silver.orders`, which it reads, cannot be read: a file of")
