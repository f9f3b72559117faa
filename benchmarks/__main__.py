"""All benchmarks in one go: ``python -m benchmarks [startup] [validate] … [--rounds 5]``."""

from __future__ import annotations

import argparse
from importlib import import_module

from benchmarks.measure import Result, show_results

BENCHMARKS = (
    "startup",
    "validate",
    "flights",
    "incremental",
    "memory",
    "assets",
    "dashboard",
    "years",
    "rivals",
    "sources",
)
"""Each is a module, which is imported when it is its turn.

What this process has in memory counts as the least that a process takes which it starts.
"""
ONLY_BY_NAME = ("rivals", "sources")
"""They take other tools, or a server of PostgreSQL, and their time."""


def main() -> None:
    """Measure what was asked for, by default all but some; print each figure and its aim."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("which", nargs="*", metavar="NAME", help=", ".join(BENCHMARKS))
    parser.add_argument("--rounds", type=int, default=5, help="counted rounds (default 5)")
    arguments = parser.parse_args()
    unknown = [name for name in arguments.which if name not in BENCHMARKS]
    if unknown or arguments.rounds < 1:
        parser.error(f"the benchmarks are {', '.join(BENCHMARKS)}; at least one round")
    results: list[Result] = []
    for name in BENCHMARKS:
        if name in (arguments.which or set(BENCHMARKS) - set(ONLY_BY_NAME)):
            results += import_module(f"benchmarks.{name}").measure(arguments.rounds)
    show_results(results)


if __name__ == "__main__":
    main()
