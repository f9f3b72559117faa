"""A process that a function forks is none of the run's."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from tests.conftest import Pipeline


def test_a_fork_that_comes_back_out_of_the_function_is_ended_and_publishes_nothing(
    pipeline: Pipeline,
) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        import os
        from pathlib import Path

        @bronze
        def orders():
            forked = os.fork()
            if forked:
                Path("code").write_text(str(os.waitstatus_to_exitcode(os.waitpid(forked, 0)[1])))
            return pl.LazyFrame({"id": [1, 2]})
        """,
    )

    done = pipeline.process("-m", "polster", "run")

    assert done.returncode == 0, done.stderr
    assert (pipeline.root / "code").read_text(encoding="utf-8") == "1"
    assert "polster: bronze.orders forked a process that came back" in done.stderr
    assert pipeline.version("bronze.orders") == 0
    assert pipeline.staged_files() == []


def test_a_fork_that_raises_is_ended_too(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.orders",
        """
        import os

        @bronze
        def orders():
            forked = os.fork()
            if not forked:
                raise ValueError("in the fork")
            os.waitpid(forked, 0)
            return pl.LazyFrame({"id": [1, 2]})
        """,
    )

    done = pipeline.process("-m", "polster", "run")

    assert done.returncode == 0, done.stderr
    assert done.stdout.count("bronze.orders") == 1
    assert pipeline.ledger().height == 1
