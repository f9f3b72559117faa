"""What a process writes, read as it grows."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from polster.dashboard import output as output_module
from polster.dashboard.output import Output


def _write(output: Output, code: str) -> None:
    subprocess.run([sys.executable, "-c", code], stdout=output.file, check=True)


def test_what_is_written_is_read_once_and_in_order() -> None:
    with Output() as output:
        _write(output, "print('one')")
        first = output.read()
        _write(output, "print('two')")

        assert (first, output.read(), output.read()) == (b"one\n", b"two\n", b"")


def test_a_file_that_grows_large_begins_anew_and_its_end_is_read(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(output_module, "MOST_BYTES", 1_000)
    monkeypatch.setattr(output_module, "READ_BYTES", 100)
    with Output() as output:
        _write(output, "print('x' * 2000)")
        end = output.read()
        _write(output, "print('after')")

        assert end == b"x" * 99 + b"\n"
        assert os.fstat(output.file.fileno()).st_size == len("after\n")
        assert output.read() == b"after\n"


def test_nothing_is_left_behind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with Output() as output:
        _write(output, "print('one')")
        if os.name == "posix":
            assert list(tmp_path.iterdir()) == []  # even if the reader is killed now

    assert list(tmp_path.iterdir()) == []
