"""Runs beside each other in a store that does not keep writers apart: the second does not begin."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from polster.errors import LakehouseError
from polster.lakehouse.exclusion import keeps_apart
from polster.lakehouse.lakehouse import Lakehouse

SEEN_SECONDS = 30.0
"""How long a run waits for its own sign of life."""
LOOK_SECONDS = 0.2


def refuse_company(lakehouse: Lakehouse, run_id: str) -> None:
    """See that no other run is at work, unless the store keeps writers apart, as most do.

    Of two runs that begin together, each looks once its own sign of life is there, so that one of
    them at least sees the other.

    Args:
        lakehouse: Where both would write.
        run_id: The run that asks, which says that it is there.

    Raises:
        LakehouseError: Another one is at work; or nobody can know, or the store not be asked.
    """
    if keeps_apart(lakehouse.store):
        return
    until = time.monotonic() + SEEN_SECONDS
    while True:
        seen = {run.run_id: run for run in lakehouse.live.all()}
        own = seen.pop(run_id, None)
        now = datetime.now(UTC)
        others = [run for run in seen.values() if not run.is_lost(now)]
        if others:
            raise _alone(lakehouse, f"run {others[0].run_id} on {others[0].host} is at work")
        if own is not None:
            return
        if time.monotonic() > until:
            raise _alone(lakehouse, "this run cannot show others that it is there")
        time.sleep(LOOK_SECONDS)


def _alone(lakehouse: Lakehouse, why: str) -> LakehouseError:
    return LakehouseError(
        f"the store does not keep writers apart, and {why}",
        code="POL426",
        place=lakehouse.store.root,
        hint="run it again when no other run is in progress; about the store: "
        "polster doctor --store",
    )
