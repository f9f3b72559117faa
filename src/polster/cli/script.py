"""What a project's ``run_polster.py`` does."""

from __future__ import annotations

import argparse
from pathlib import Path

from polster.cli.app import main as polster

LOOPBACK = "127.0.0.1"


def main(file: str) -> None:
    """Run the project in the folder of ``file``, as the arguments of the script say.

    Ends the process with the exit code of the command that it stands for.
    """
    parser = argparse.ArgumentParser(description="Run this project's pipeline.")
    parser.add_argument("--asset", metavar="KEY", help="run this asset only, such as silver.x")
    parser.add_argument("--status", action="store_true", help="show the state of every asset")
    parser.add_argument(
        "--ui", action="store_true", help="run the pipeline and show it in the dashboard"
    )
    parser.add_argument("--no-materialize", action="store_true", help="with --ui: only show")
    parser.add_argument("--port", type=int, help="of the dashboard: else 3000, or the next free")
    parser.add_argument("--host", default=LOOPBACK, help="address the dashboard listens on")
    parser.add_argument("--token", help="what one signs in to the dashboard with")
    parser.add_argument("--no-browser", action="store_true", help="only print the address")
    parser.add_argument("--env", metavar="NAME", help="the environment")
    arguments = parser.parse_args()
    if arguments.no_materialize and not arguments.ui:
        parser.error("--no-materialize goes with --ui")
    if arguments.ui and (arguments.status or arguments.asset):
        parser.error("--ui shows the state of every asset; leave --status and --asset out")
    if arguments.ui:
        polster(_dashboard(arguments, Path(file).resolve().parent))
    command = ["status"] if arguments.status else ["run"]
    if arguments.asset and not arguments.status:
        command.append(arguments.asset)
    command += ["--project", str(Path(file).resolve().parent)]
    if arguments.env:
        command += ["--env", arguments.env]
    polster(command)


def _dashboard(arguments: argparse.Namespace, folder: Path) -> list[str]:
    """Return the command that the arguments of the dashboard stand for."""
    command = ["ui", "--project", str(folder), "--host", arguments.host]
    if not arguments.no_materialize:
        command.append("--run")
    if arguments.no_browser:
        command.append("--no-browser")
    for name in ("port", "token", "env"):
        value = getattr(arguments, name)
        if value is not None:
            command += [f"--{name}", str(value)]
    return command
