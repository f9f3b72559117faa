from __future__ import annotations

import os
import socket
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from polster.errors import LakehouseError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus, Failure, Trace

START = datetime(2026, 1, 2, 3, 4, 5, 678, tzinfo=UTC)
BRONZE, SILVER, GOLD = (AssetKey(layer, "orders") for layer in Layer)
FAILURE = Failure("POL305", "it raised", "mend it", "f.py:1", Trace("a value", "frames"))
RUN = LiveRun(
    "20260102T030405-abcdef",
    "dev",
    "a-machine",
    42,
    ("gold.orders",),
    True,
    START,
    START,
    (GOLD,),
    {SILVER: START},
    (
        AssetRecord(
            BRONZE,
            AssetStatus.FAILED,
            START,
            reasons=("it was never built",),
            rows_in={},
            rows_returned=3,
            seconds=0.5,
            notes=("odd",),
            error=FAILURE,
        ),
    ),
    ledger=7,
)


def _folder(lakehouse: Lakehouse) -> Path:
    return Path(lakehouse.store.root, "_polster", "live")


def test_a_run_comes_back_as_it_was_but_for_the_messages_of_exceptions(
    lakehouse: Lakehouse,
) -> None:
    lakehouse.live.write(RUN)

    (found,) = lakehouse.live.all()

    kept = replace(FAILURE, trace=Trace("frames", "frames"))
    assert found == replace(RUN, finished=(replace(RUN.finished[0], error=kept),))
    (file,) = _folder(lakehouse).iterdir()
    assert "a value" not in file.read_text()


def test_runs_come_newest_first_and_go_when_they_are_removed(lakehouse: Lakehouse) -> None:
    newer = replace(RUN, run_id="20260102T030405-aaaaaa", started_at=START + timedelta(seconds=0.1))
    lakehouse.live.write(RUN)
    lakehouse.live.write(newer)

    assert [run.run_id for run in lakehouse.live.all()] == [newer.run_id, RUN.run_id]

    lakehouse.live.remove(newer.run_id)
    lakehouse.live.remove(newer.run_id)

    assert [run.run_id for run in lakehouse.live.all()] == [RUN.run_id]


def test_nobody_runs_where_there_is_no_lakehouse(lakehouse: Lakehouse) -> None:
    assert lakehouse.live.all() == []


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"run_id": "foreign"}',
        b"\xff\xfe",
        b"[" * 100_000,
    ],
)
def test_a_file_that_makes_no_sense_is_left_out(lakehouse: Lakehouse, content: bytes) -> None:
    lakehouse.live.write(RUN)
    (_folder(lakehouse) / "foreign.json").write_bytes(content)

    assert [run.run_id for run in lakehouse.live.all()] == [RUN.run_id]


def test_a_folder_under_a_runs_name_is_left_out(lakehouse: Lakehouse) -> None:
    lakehouse.live.write(RUN)
    (_folder(lakehouse) / "folder.json").mkdir()

    assert [run.run_id for run in lakehouse.live.all()] == [RUN.run_id]


def test_a_run_under_another_runs_name_is_left_out(lakehouse: Lakehouse) -> None:
    lakehouse.live.write(RUN)
    (file,) = _folder(lakehouse).iterdir()
    file.rename(file.with_name("other.json"))

    assert lakehouse.live.all() == []


def test_a_folder_that_cannot_be_written_is_told(tmp_path: Path) -> None:
    (tmp_path / "_polster").write_text("in the way")
    lakehouse = Lakehouse(Store(str(tmp_path)))

    with pytest.raises(LakehouseError) as raised:
        lakehouse.live.write(RUN)

    assert raised.value.code == "POL403"


def test_a_run_is_lost_when_it_gives_no_sign_of_life() -> None:
    assert not RUN.is_lost(START + timedelta(seconds=29))
    assert RUN.is_lost(START + timedelta(seconds=31))


def test_a_run_of_this_machine_whose_process_is_gone_was_killed(lakehouse: Lakehouse) -> None:
    with subprocess.Popen([sys.executable, "-c", ""]) as process:
        pass
    gone = replace(RUN, run_id="gone", host=socket.gethostname(), process_id=process.pid)
    lakehouse.live.write(gone)
    lakehouse.live.write(replace(gone, run_id="there", process_id=os.getpid()))
    lakehouse.live.write(replace(gone, run_id="elsewhere", host="elsewhere"))
    lakehouse.live.write(replace(gone, run_id="nonsense", process_id=10**30))

    found = {run.run_id: run.is_killed for run in lakehouse.live.all()}

    assert found == {"gone": True, "there": False, "elsewhere": False, "nonsense": False}
    assert replace(gone, is_killed=True).is_lost(START)
