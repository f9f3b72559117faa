"""Standing warnings, as the commands show them."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from polster.cli import console
from polster.model.codec import to_json
from polster.model.standing import StandingWarning


def show_standing(warnings: Iterable[StandingWarning]) -> None:
    """Show open warnings, one line each, and how to acknowledge them."""
    for warning in warnings:
        if warning.is_open:
            console.show(
                f"warning[{warning.code}]: {warning.asset}: {warning.message} "
                f"(since {warning.since:%Y-%m-%d %H:%M} UTC)"
            )
            console.show(f"  hint: {warning.hint}")


def standing_as_json(warnings: Iterable[StandingWarning]) -> list[dict[str, Any]]:
    """Return warnings as plain values, those acknowledged too."""
    return [
        {
            **to_json(warning, "asset", "code", "subject", "message", "hint", "run_id", "since"),
            "acknowledged_by": warning.acknowledged and warning.acknowledged.by,
            "acknowledged_at": warning.acknowledged and to_json(warning.acknowledged.at),
        }
        for warning in warnings
    ]
