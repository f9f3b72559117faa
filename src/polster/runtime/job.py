"""What a build is given and what comes of it: one asset, and the run that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, field
from pathlib import Path

from polster.errors import PolsterError
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.pin import Pin
from polster.model.asset import Asset, AssetKey
from polster.model.context import RunContext
from polster.model.event import BuildEvent, nobody
from polster.model.record import AssetRecord, Fingerprint
from polster.model.reference import Reference
from polster.project.load import LoadedAsset, load_asset
from polster.runtime.call import Handed, Returned, call_for_rows
from polster.runtime.gate import Gate
from polster.runtime.stage import Stager

Caller = Callable[[LoadedAsset, Mapping[str, Handed], RunContext, Path], Returned]


@dataclass(frozen=True, slots=True)
class Workplace:
    """What every asset of one run is built with.

    Attributes:
        root: The project's folder.
        gate: Closed when the run is interrupted; no commit begins after that.
        stagers: Those that did not end well or are at work, so that what they leave behind can be
            taken away at the end.
        call: How the function of an asset is called; a rehearsal puts sampled rows in its place.
        load: How an asset comes to its function; a test has it already.
        building: Entered while the code of an asset is at work.
        tell: Called with what happens while an asset is built.
        personal: Says which columns of an asset may hold personal data; None where nobody knows.
    """

    root: Path
    lakehouse: Lakehouse
    context: RunContext
    gate: Gate
    stagers: set[Stager] = field(default_factory=set)
    call: Caller = call_for_rows
    load: Callable[[Asset], LoadedAsset] = load_asset
    building: Callable[[AssetKey], AbstractContextManager[None]] = lambda _: nullcontext()
    tell: Callable[[BuildEvent], None] = nobody
    personal: Callable[[AssetKey], Collection[str] | None] = lambda _: None

    def discard_leftovers(self) -> None:
        """Delete what builds that failed or were interrupted staged, even after they ended.

        Polars may make a file a moment after it said that it cannot fill it.
        """
        for stager in tuple(self.stagers):
            stager.discard()


@dataclass(frozen=True, slots=True)
class Job:
    """One asset to build, and why.

    Attributes:
        inputs: Pinned table by parameter name.
        fingerprint: What the table will have been made from.
        known: The version that was current when the run started; None if there was no table.
        last: What the run that published that version recorded, where it is known.
        reread: Whether bronze reads its source even if the file is the one landed last.
        is_damaged: Whether the table's readers do not get its newest version.
        verifies: Whether a part that is made anew is compared with a whole build.
        where: The rows that the user asked for; empty for what has to be made.
        most_bytes: The memory that it may take; None if nobody knows.
        references: Pinned table by what the asset refers to; None for its own rows. What is
            missing here is not judged.
    """

    asset: Asset
    inputs: Mapping[str, Pin]
    fingerprint: Fingerprint
    reasons: tuple[str, ...]
    known: int | None
    last: AssetRecord | None = None
    reread: bool = False
    is_damaged: bool = False
    references: Mapping[Reference, Pin | None] = field(default_factory=dict)
    verifies: bool = False
    where: str = ""
    most_bytes: int | None = None


@dataclass(frozen=True, slots=True)
class Built:
    """What became of a job.

    Attributes:
        table: The version that is current now, if there is one.
    """

    record: AssetRecord
    table: Pin | None


class BehindError(PolsterError):
    """Another run has published the asset meanwhile, so that it is to be built again.

    Args:
        versions: Inputs that it read in a newer version than we did, by key; others are older. Of
            rows that are added there are none: ours were judged beside fewer rows.
    """

    def __init__(self, versions: Mapping[str, int]) -> None:
        super().__init__("another run published it meanwhile", code="POL402")
        self.versions = versions

    def __reduce__(self) -> tuple[type[BehindError], tuple[Mapping[str, int]]]:
        """Let it come from another process."""
        return BehindError, (self.versions,)
