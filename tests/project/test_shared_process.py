"""What the user's code may not do to the process that all assets share."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

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
