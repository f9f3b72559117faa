"""What the user's code may not do to the process that all assets share."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

STARTS_FROM_NOTHING = True  # see tests/warm.py
FINE = "@bronze\ndef fine():\n    return pl.DataFrame({'a': [1]})\n"
ENDS = "@bronze\ndef x():\n    {}\n    return pl.DataFrame({{'a': [1]}})\n"
DEEDS = {
    "os.chdir('/')": "its code changes the current folder",
    "os.fchdir(os.open('/', os.O_RDONLY))": "its code changes the current folder",
    "os._exit(0)": "its code ends the process with os._exit(0)",
    "__import__('posix')._exit(0)": "its code ends the process with os._exit(0)",
    "ctypes.CDLL(None).exit(0)": "its code ends the process with the C function exit",
    "ctypes.CDLL(None)['_exit'](0)": "its code ends the process with the C function _exit",
    "ctypes.pythonapi.Py_Exit(0)": "its code ends the process with the C function Py_Exit",
    "os.execv('/bin/true', ['true'])": "its code replaces the process",
}


@pytest.mark.parametrize("deed", DEEDS)
@pytest.mark.parametrize("where", ["called", "imported", "swallowed", "in a batch"])
def test_the_culprit_is_named_and_nothing_else_is_disturbed(
    pipeline: Pipeline, where: str, deed: str
) -> None:
    pipeline.asset("bronze.fine", FINE)
    swallowed = f"try: {deed}\n    except BaseException: pass"
    text = {
        "called": ENDS.format(deed),
        "imported": f"{deed}\n{ENDS.format('')}",
        "swallowed": ENDS.format(swallowed),
        "in a batch": "@bronze\ndef x():\n    return pl.LazyFrame({'a': [1]}).map_batches(\n"
        f"        lambda batch: {deed} or batch\n    )\n",
    }[where]
    file = pipeline.asset("bronze.x", f"import ctypes\nimport os\n{text}")
    folder = Path.cwd()
    line = next(n for n, each in enumerate(file.read_text().splitlines(), 1) if deed in each)

    record = pipeline.run()

    fine, failed = record.assets
    assert (fine.status, failed.status) == ("published", "failed")
    assert failed.error is not None
    assert failed.error.code == "POL342"
    assert failed.error.message.startswith(DEEDS[deed])
    assert failed.error.place == f"src/core/bronze_x.py:{line}"
    assert Path.cwd() == folder


def test_a_process_that_was_forked_may_do_as_it_likes(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        """
        import subprocess
        @bronze
        def x():
            child = subprocess.Popen(["true"], preexec_fn=lambda: __import__("os").chdir("/"))
            return pl.DataFrame({"code": [child.wait()]})
        """,
    )

    assert pipeline.outcome() == {"bronze.x": "published"}


SHARED = "its code ends the process with os._exit(0), which all assets of a run share"


def test_a_source_that_ends_the_process_when_asked_for_its_columns_is_a_finding(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.fine", FINE)
    pipeline.asset("bronze.x", f"import os\n{ENDS.format('os._exit(0)')}")
    pipeline.asset("bronze.y", f"import os\nos._exit(0)\n{ENDS.format('').replace('x()', 'y()')}")

    done = pipeline.process("-m", "polster", "validate", "--from-data", "--format", "json")

    found = {each["asset"]: each for each in json.loads(done.stdout)["findings"]}
    assert done.returncode == 1
    assert found["bronze.x"]["code"] == "POL342"
    assert found["bronze.x"]["message"] == (
        "the source of `bronze.x` cannot be asked: the code of `bronze.x` ends the process with "
        "os._exit(0), which all assets of a run share"
    )
    assert "bronze.y" in found


@pytest.mark.parametrize("deed", ["os._exit(0)", "ctypes.CDLL(None)._exit(0)"])
def test_a_function_that_ends_the_process_fails_its_rehearsal(
    pipeline: Pipeline, deed: str
) -> None:
    pipeline.asset("bronze.fine", FINE)
    silver = "@silver(contract=X)\ndef x(fine):\n    {}\n    return fine.select('a')\n"
    contract = "class X(dy.Schema):\n    a = dy.Int64()\n"
    pipeline.asset("silver.x", f"import ctypes\nimport os\n{contract}{silver.format(deed)}")
    pipeline.run("bronze.fine")

    for more in [], ["--from-data"]:
        done = pipeline.process("-m", "polster", "rehearse", "--format", "json", *more)

        found = {each["asset"]: each for each in json.loads(done.stdout)["findings"]}
        assert done.returncode == 1
        assert found["silver.x"]["code"] == "POL804"
        assert "`silver.x` fails: its code ends the process with " in found["silver.x"]["message"]
        assert found["silver.x"]["line"] == 11


def test_a_file_that_ends_the_process_when_it_is_imported_cannot_be_rehearsed(
    pipeline: Pipeline,
) -> None:
    pipeline.asset("bronze.x", f"import os\nos._exit(0)\n{ENDS.format('')}")

    done = pipeline.process("-m", "polster", "rehearse")

    assert done.returncode == 1
    assert "error[POL342]: the code of `bronze.x` ends the process" in done.stderr
    assert "--> src/core/bronze_x.py:6" in done.stderr


def test_a_thread_that_ends_the_process_fails_the_asset_that_waits_for_it(
    pipeline: Pipeline,
) -> None:
    pool = "__import__('concurrent.futures').futures.ThreadPoolExecutor(1)"
    deed = f"with {pool} as pool: pool.submit(os._exit, 0).result()"
    pipeline.asset("bronze.x", f"import os\n{ENDS.format(deed)}")

    (failed,) = pipeline.run().assets

    assert failed.error is not None
    assert (failed.error.code, failed.error.message) == ("POL342", SHARED)


@pytest.mark.parametrize("raises", ["raise ValueError('boo')", ""])
def test_a_handler_at_the_end_changes_neither_exit_code_nor_output(
    pipeline: Pipeline, raises: str
) -> None:
    deed = f"atexit.register(lambda: os._exit(0)); {raises}"
    pipeline.asset("bronze.x", f"import atexit\nimport os\n{ENDS.format(deed)}")

    done = pipeline.process("-m", "polster", "run")

    assert done.returncode == (1 if raises else 0)
    assert done.stdout.endswith("1 failed\n" if raises else "1 published\n")


def test_a_rule_that_ends_the_process_ends_the_rehearsal_with_an_error(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.fine", FINE)
    pipeline.asset(
        "silver.x",
        """
        import os

        def end(value):
            os._exit(0)

        class X(dy.Schema):
            a = dy.Int64()

            @dy.rule()
            def ends(cls) -> pl.Expr:
                return pl.col("a").map_elements(end, return_dtype=pl.Boolean)

        @silver(contract=X)
        def x(fine: pl.LazyFrame) -> pl.LazyFrame:
            return fine.select("a")
        """,
    )
    pipeline.run("bronze.fine")

    for more in [], ["--from-data"]:
        result = pipeline.cli("rehearse", *more)

        assert result.exit_code == 1
        assert result.stderr.startswith(
            "error[POL342]: a rule of a contract ends the process with os._exit(0) at "
            "src/core/silver_x.py:9\n"
        )
