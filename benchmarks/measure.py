"""Timing whole processes, and setting what was measured beside what was aimed at."""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import median

PYTHON = sys.executable
POLSTER = (PYTHON, "-m", "polster")
ENVIRONMENT = {
    name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"
}
"""Python keeps bytecode, as it does for everybody who does not forbid it."""


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took, from its start to its end.

    Attributes:
        cpu_seconds: Of all cores, with the processes that it started and waited for.
    """

    wall_seconds: float
    peak_mib: float
    cpu_seconds: float


@dataclass(frozen=True, slots=True)
class Result:
    """One figure beside its aim.

    Attributes:
        measured: Smaller is better.
        aim: What it should not exceed.
        unit: Behind both figures; empty for a ratio.
    """

    name: str
    measured: float
    aim: float
    unit: str = ""


def timed(
    command: Sequence[str],
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] = ENVIRONMENT,
) -> tuple[Cost, str]:
    """Run a process to its end and return its cost and its output.

    A failure ends the benchmark: figures of work that was not done mean nothing.

    Args:
        command: Program and arguments.
        folder: Where it runs; by default the current folder.
        environment: Its variables.
    """
    with tempfile.TemporaryFile("w+") as output, tempfile.TemporaryFile("w+") as errors:
        start = time.perf_counter()
        process = subprocess.Popen(
            command, stdout=output, stderr=errors, cwd=folder, env=environment
        )
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        errors.seek(0)
        text = output.read()
        if process.returncode != 0:
            sys.exit(
                f"exit code {process.returncode} from: {' '.join(command)}\n{text}{errors.read()}"
            )
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # bytes there, KiB elsewhere
    cpu_seconds = usage.ru_utime + usage.ru_stime
    return Cost(wall_seconds, usage.ru_maxrss / unit, cpu_seconds), text


def median_seconds(costs: Iterable[Cost]) -> float:
    """Return the median wall time."""
    return median(cost.wall_seconds for cost in costs)


def best_seconds(costs: Iterable[Cost]) -> float:
    """Return the shortest wall time: what the machine can do when nothing else runs."""
    return min(cost.wall_seconds for cost in costs)


def median_cpu(costs: Iterable[Cost]) -> float:
    """Return the median of the CPU time."""
    return median(cost.cpu_seconds for cost in costs)


def median_peak(costs: Iterable[Cost]) -> float:
    """Return the median of the peak memory in MiB."""
    return median(cost.peak_mib for cost in costs)


def say(text: str) -> None:
    """Write how far the benchmark is, over the line before; to stderr."""
    print(f"\r{text:<60}", end="", file=sys.stderr, flush=True)


def show_costs(title: str, costs: dict[str, list[Cost]]) -> None:
    """Print wall times and peak memory, one line a contestant."""
    say("")
    print(f"\r{title}\n{'':36}{'wall, median':>14}{'wall, best':>14}{'peak memory':>14}")
    for name, each in costs.items():
        wall, best = f"{median_seconds(each):.3f} s", f"{best_seconds(each):.3f} s"
        print(f"{name:36}{wall:>14}{best:>14}{median_peak(each):>10.0f} MiB")
    print()


def show_results(results: Sequence[Result]) -> None:
    """Print each figure beside its aim."""
    width = max(len(result.name) for result in results) + 2
    print(f"{'':{width}}{'measured':>12}{'aim':>14}")
    for result in results:
        unit = f" {result.unit}" if result.unit else ""
        measured, aim = f"{result.measured:.2f}{unit}", f"≤ {result.aim:.2f}{unit}"
        verdict = "met" if result.measured <= result.aim else "missed"
        print(f"{result.name:{width}}{measured:>12}{aim:>14}  {verdict}")
    print()
