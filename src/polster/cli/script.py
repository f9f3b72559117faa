"""What a project's ``run_polster.py`` does."""

from __future__ import annotations

import argparse
from pathlib import Path

from polster.cli import console
from polster.cli.app import EXIT_USAGE
from polster.cli.app import main as polster


def main(file: str) -> None:
    """Run the project in the folder of ``file``, as the arguments of the script say.

    Ends the process with the exit code of the command that it stands for.
    """
    parser = argparse.ArgumentParser(description="Run this project's pipeline.")
    parser.add_argument("--asset", metavar="KEY", help="run this asset only, such as silver.x")
    parser.add_argument("--status", action="store_true", help="show the state of every asset")
    parser.add_argument("--ui", action="store_true", help="open the dashboard")
    parser.add_argument("--no-materialize", action="store_true", help="with --ui: run nothing")
    parser.add_argument("--env", metavar="NAME", help="the environment")
    arguments = parser.parse_args()
    if arguments.ui or arguments.no_materialize:
        console.note("the dashboard is not part of this version of Polster yet")
        console.note("for now: python run_polster.py runs everything, --status shows its state")
        raise SystemExit(EXIT_USAGE)
    command = ["status"] if arguments.status else ["run"]
    if arguments.asset and not arguments.status:
        command.append(arguments.asset)
    command += ["--project", str(Path(file).resolve().parent)]
    if arguments.env:
        command += ["--env", arguments.env]
    polster(command)
