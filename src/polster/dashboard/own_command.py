"""Commands of Polster that call the user's code; the pages run each in a process of its own."""

from __future__ import annotations

import asyncio
import json
import os
import sys
from pathlib import Path
from typing import Any

from polster.errors import PolsterError


async def answer_of(
    root: Path, environment: str | None, *command: str, seconds: float
) -> dict[str, Any]:
    """Return what a command says as JSON; whoever cancels this ends it.

    Args:
        root: The project's folder.
        environment: As ``--env`` would say.
        command: Such as ``validate``, with its arguments.
        seconds: How long it may take.

    Raises:
        PolsterError: It could not be run to its end.
    """
    arguments = [*command, "--format=json", f"--project={root}"]
    if environment:
        arguments.append(f"--env={environment}")
    said_as = f"polster {' '.join(command)}"
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "polster",
        *arguments,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        cwd=root,
        env={**os.environ, "PYTHONIOENCODING": "utf-8"},
    )
    try:
        out, err = await asyncio.wait_for(process.communicate(), seconds)
    except TimeoutError:
        raise PolsterError(
            f"{said_as} did not end within {seconds:.0f} s",
            code="POL901",
            hint=f"see what it says in a terminal: {said_as}",
        ) from None
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    try:
        answer: dict[str, Any] = json.loads(out)
    except json.JSONDecodeError:
        said = err.decode("utf-8", "replace").strip().splitlines()
        raise PolsterError(
            f"{said_as} gave no answer: {said[0] if said else 'it said nothing'}",
            code="POL901",
            hint=f"see what it says in a terminal: {said_as}",
        ) from None
    return answer
