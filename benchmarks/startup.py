"""Start-up: what one waits for before anything happens.

``polster --help`` beside ``python -c "import typer"``, the library that it is written with, in
turns. The other commands are there to be seen; they have no aim.
"""

from __future__ import annotations

import tempfile
from pathlib import Path
from statistics import median

from benchmarks.assets import write_project
from benchmarks.measure import POLSTER, PYTHON, Cost, Result, say, show_costs, timed

BASE = 'python -c "import typer"'
HELP = "polster --help"
REPEATS = 5
"""Each round measures so often: the processes are short, and their times vary."""


def measure(rounds: int) -> list[Result]:
    """Print what each command took; return the ratio."""
    with tempfile.TemporaryDirectory(prefix="polster-startup-") as folder:
        project = Path(folder)
        write_project(project, 10)
        commands: dict[str, list[str]] = {
            "python -c pass": [PYTHON, "-c", "pass"],
            BASE: [PYTHON, "-c", "import typer"],
            HELP: [*POLSTER, "--help"],
            "polster --version": [*POLSTER, "--version"],
            "polster list-assets, 10 assets": [*POLSTER, "list-assets"],
            'python -c "import polars"': [PYTHON, "-c", "import polars"],
        }
        costs: dict[str, list[Cost]] = {name: [] for name in commands}
        for number in range(rounds * REPEATS + 1):
            say(f"startup: round {number} of {rounds * REPEATS}")
            for name, command in commands.items():
                cost, _ = timed(command, folder=project)
                if number > 0:
                    costs[name].append(cost)
    show_costs("startup", costs)
    ratios = [
        ours.wall_seconds / base.wall_seconds
        for ours, base in zip(costs[HELP], costs[BASE], strict=True)
    ]
    return [Result("startup, polster --help / import typer", median(ratios), 1.5)]
