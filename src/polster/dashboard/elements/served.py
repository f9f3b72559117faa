"""What readers of a table get while its last run came to nothing."""

from __future__ import annotations

from polster.dashboard.elements.moment import Moment
from polster.dashboard.elements.tag import Tag
from polster.model.record import AssetStatus
from polster.operations.overview import OverviewAsset


def show_served(entry: OverviewAsset) -> None:
    """Say which version readers get, if the last run did not come to a newer one."""
    if entry.stands_in is None:
        if entry.state.version is None and entry.state.last_status is AssetStatus.FAILED:
            Tag("span", "readers get nothing: there is no table", classes="served")
        return
    with Tag("span", classes="served"):
        Tag("span", f"readers get version {entry.stands_in}")
        if entry.published_at is not None:
            Tag("span", " of ")
            Moment(entry.published_at, "day")
