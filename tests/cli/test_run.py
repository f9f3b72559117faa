from __future__ import annotations

import json
import os
import pty
import select
import subprocess
import sys
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]

FIRST_RUN = """\
asset  result  rows  quarantined  time  rules broken, or why
bronze.orders  published  5  <seconds>  it was never built
silver.orders  published  2  3  <seconds>  amount|min 1, customer|nullability 1, primary_key 1
gold.spending  published  2  <seconds>  it was never built

note: the columns of bronze are kept in schemas/bronze.json: commit it beside the code
rows that break a contract are kept apart; look at them with:
  polster quarantine silver.orders

run <run> succeeded in <seconds>: 3 published"""


def test_the_end_of_a_run_is_a_table(shop: Pipeline, masked: Mask) -> None:
    result = shop.cli("run")

    assert result.exit_code == 0
    assert masked(result.stdout) == FIRST_RUN
    assert result.stderr == (
        "bronze.orders published\nsilver.orders published\ngold.spending published\n"
    )


def test_a_run_that_changes_nothing_says_so(shop: Pipeline, masked: Mask) -> None:
    shop.cli("run")

    result = shop.cli("run")

    assert result.exit_code == 0
    assert masked(result.stdout) == "run <run> succeeded in <seconds>: nothing to do: 3 unchanged"
    assert result.stderr == ""


def test_a_failure_shows_code_place_hint_and_the_users_traceback(
    shop: Pipeline, masked: Mask
) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return bronze_orders.nope")

    result = shop.cli("run")

    file = shop.root / "src/core/silver_orders.py"
    assert result.exit_code == 1
    assert masked(result.stdout).splitlines()[:4] == [
        "asset  result  rows  quarantined  time  rules broken, or why",
        "bronze.orders  published  5  <seconds>  it was never built",
        "silver.orders  failed  <seconds>  it was never built",
        "gold.spending  skipped  <seconds>  silver.orders failed",
    ]
    assert (
        "error[POL305]: `silver.orders`: the function raised AttributeError: "
        "'LazyFrame' object has no attribute 'nope'\n  --> src/core/silver_orders.py:14\n"
    ) in result.stdout
    assert f'File "{file}", line 14, in orders' in result.stdout
    assert masked(result.stdout).splitlines()[-1] == (
        "run <run> failed in <seconds>: 1 published, 1 failed, 1 skipped"
    )


def test_json_has_every_key(shop: Pipeline) -> None:
    record = shop.json("run")

    assert {"run_id", "status", "seconds", "assets"} <= record.keys()
    assert record["status"] == "succeeded"
    assert [asset["asset"] for asset in record["assets"]] == [
        "bronze.orders",
        "silver.orders",
        "gold.spending",
    ]
    silver = record["assets"][1]
    del silver["seconds"], silver["started_at"]
    assert silver == {
        "asset": "silver.orders",
        "status": "published",
        "reasons": ["it was never built"],
        "rows_in": {"bronze.orders": 5},
        "matched": {},
        "scope": {
            "kind": "whole",
            "by": [],
            "rows": 2,
            "of": 2,
            "frozen": 0,
            "why": "never built",
            "is_verified": False,
            "is_declared": False,
        },
        "rows_returned": 5,
        "rows_published": 2,
        "rows_quarantined": 3,
        "rules_broken": {"amount|min": 1, "customer|nullability": 1, "primary_key": 1},
        "version": 0,
        "source_counts": {},
        "notes": [],
        "error": None,
    }


def test_json_of_a_failure(shop: Pipeline) -> None:
    shop.edit("src/core/silver_orders.py", "return bronze_orders", "return None")

    result = shop.cli("run", "--format", "json")

    record = json.loads(result.stdout)
    assert result.exit_code == 1
    assert record["status"] == "failed"
    assert [asset["status"] for asset in record["assets"]] == ["published", "failed", "skipped"]
    assert record["assets"][1]["error"] == {
        "code": "POL304",
        "message": "the function returned nothing",
        "hint": "end it with `return` and the frame",
        "place": "src/core/silver_orders.py:13",
        "traceback": None,
    }


@pytest.mark.parametrize("command", ["run", "validate"])
def test_json_stands_alone_on_stdout_whatever_the_users_code_prints(
    shop: Pipeline, command: str
) -> None:
    starts = "subprocess.run(['echo', 'other'])\n" if command == "run" else ""  # else refused
    shop.edit(
        "src/core/bronze_orders.py",
        "import polster\n",
        "import os, subprocess, polster\n"
        f"print('from the module')\nos.write(1, b'raw\\n')\n{starts}",
    )

    done = shop.process("-m", "polster", command, "--format", "json")

    assert done.returncode == 0
    json.loads(done.stdout)
    said = [line for line in done.stderr.splitlines() if "bronze" not in line]
    assert sorted(said) == ["from the module", *(["other"] if starts else []), "raw"]


def test_wrong_usage_is_exit_2_and_nothing_on_stdout(shop: Pipeline) -> None:
    result = shop.cli("run", "silver.order")

    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr == (
        "error[POL201]: `silver.order` is not an asset of this project\n"
        "\n"
        "hint: did you mean `silver.orders`?\n"
    )


def test_an_empty_project_has_nothing_to_run(pipeline: Pipeline, masked: Mask) -> None:
    result = pipeline.cli("run")

    assert result.exit_code == 0
    assert masked(result.stdout) == (
        "run <run> succeeded in <seconds>: nothing to run: there are no assets yet"
    )


def test_jobs_must_be_a_number_from_one(shop: Pipeline) -> None:
    assert shop.cli("run", "--jobs", "0").exit_code == 2
    assert shop.cli("run", "--jobs", "1").exit_code == 0


@pytest.mark.parametrize("columns", [20, 80])
def test_a_terminal_gets_a_progress_bar_and_the_same_result(shop: Pipeline, columns: int) -> None:
    output = in_a_terminal(shop, "run", columns=columns)

    assert "succeeded" in output
    assert "Traceback" not in output
    assert "/3" in output


def in_a_terminal(shop: Pipeline, *arguments: str, columns: int) -> str:
    child, terminal = pty.fork()
    if not child:
        os.chdir(shop.root)
        os.environ.update(COLUMNS=str(columns), TERM="xterm")
        os.execv(sys.executable, [sys.executable, "-m", "polster", *arguments])
    output = b""
    while select.select([terminal], [], [], 60)[0]:
        try:
            piece = os.read(terminal, 10_000)
        except OSError:  # the other end is closed
            break
        if not piece:
            break
        output += piece
    os.close(terminal)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    return output.decode()


def test_nobody_listening_to_the_progress_stops_no_run(shop: Pipeline) -> None:
    reader, writer = os.pipe()
    os.close(reader)
    done = subprocess.run(
        [sys.executable, "-m", "polster", "run"],
        cwd=shop.root,
        stdout=subprocess.PIPE,
        stderr=writer,
        check=False,
    )
    os.close(writer)

    assert done.returncode == 0
    assert shop.table("gold.spending").height == 2


@pytest.mark.parametrize(
    "deed", ["sys.stdout.close()", "sys.stderr.close()", "os.close(1)", "os.close(2)"]
)
def test_a_function_that_closes_a_stream_hides_nothing(pipeline: Pipeline, deed: str) -> None:
    pipeline.asset(
        "bronze.x",
        f"""
        import os
        import sys


        @bronze
        def x() -> pl.DataFrame:
            {deed}
            return pl.DataFrame({{"a": [1]}})
        """,
    )

    ended = pipeline.process("-m", "polster", "run")

    assert (ended.returncode, "1 published" in ended.stdout) == (0, True)
    assert "Error" not in ended.stderr


def test_a_run_as_json_lines_tells_each_thing_as_it_happens(shop: Pipeline) -> None:
    shop.edit("src/core/bronze_orders.py", "return pl.scan", 'print("hello")\n    return pl.scan')
    process = shop.start("-m", "polster", "run", "--format", "jsonl")

    stdout, stderr = process.communicate(timeout=60)

    lines = [json.loads(line) for line in stdout.splitlines()]
    told = [(line["event"], line.get("asset")) for line in lines]
    assert told == [
        ("run_began", None),
        *(
            (event, asset)
            for asset, batch in (
                ("bronze.orders", ["batch_taken"]),
                ("silver.orders", []),
                ("gold.spending", []),
            )
            for event in ("asset_began", *batch, "slice_staged", "asset_ended")
        ),
        ("run_ended", None),
    ]
    assert lines[0]["assets"] == ["bronze.orders", "silver.orders", "gold.spending"]
    assert lines[0]["run_id"] == lines[-1]["run_id"]
    assert [line["status"] for line in lines if line["event"] == "asset_ended"] == ["published"] * 3
    rows = [line["rows"] for line in lines if line["event"] == "slice_staged"]
    assert rows == [line["rows_published"] for line in lines if line["event"] == "asset_ended"]
    assert (lines[-1]["status"], process.returncode) == ("succeeded", 0)
    assert stderr == "hello\n"


def test_a_run_goes_on_when_nobody_reads_its_lines_any_more(shop: Pipeline) -> None:
    process = shop.start("-m", "polster", "run", "--format", "jsonl")
    assert process.stdout is not None
    assert process.stderr is not None

    process.stdout.readline()
    process.stdout.close()
    process.wait(timeout=60)
    process.stderr.close()

    assert shop.ledger()["status"].to_list() == ["published"] * 3
