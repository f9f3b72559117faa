"""The whole pipeline at one moment: what can be trusted, what cannot, and why."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from enum import StrEnum

from polster.model.asset import Asset, AssetKey
from polster.model.live import LiveRun
from polster.model.record import AssetRecord, AssetStatus
from polster.operations.open_project import Session
from polster.operations.status import AssetState, Freshness, status


class Condition(StrEnum):
    """The state of an asset in one word, worst first."""

    UNUSABLE = "unusable"  # its table is damaged, gone, or no table of Polster's
    FAILED = "failed"  # its last run failed; an older version may still be published
    NEVER_BUILT = "never built"
    STALE = "stale"  # a run would make something else of it now
    RUNNING = "running"
    WAITING = "waiting"  # a run in progress will come to it
    PUBLISHED = "published"  # a run would leave it as it is


@dataclass(frozen=True, slots=True)
class OverviewAsset:
    """One asset of the overview.

    Attributes:
        upstream: What it reads directly.
        condition: Its state, a run in progress left out.
        reasons: Why it is stale, never built or failed, and why the last run skipped it; empty
            where all is well.
        state: What the ledger and the tables say.
    """

    asset: Asset
    upstream: tuple[AssetKey, ...]
    condition: Condition
    reasons: tuple[str, ...]
    state: AssetState

    @property
    def key(self) -> AssetKey:
        """Return the asset's key."""
        return self.asset.key

    @property
    def judged(self) -> AssetRecord | None:
        """Return the record whose rows count: of the current version, else of a failed last run."""
        last = self.state.last
        if last is not None and last.status is AssetStatus.FAILED and last.rows_returned:
            return last
        return self.state.published

    @property
    def rows(self) -> int | None:
        """Return the rows of the published version; None if that is not known."""
        published = self.state.published
        return published.rows_now if published else None

    @property
    def quarantined(self) -> int:
        """Return the rows that the judging run kept out."""
        return self.judged.quarantined_now if self.judged else 0

    @property
    def share_quarantined(self) -> float:
        """Return the share of the returned rows that was kept out, from 0 to 1."""
        judged = self.judged
        if judged is None or not judged.rows_returned:
            return 0.0
        return judged.quarantined_now / judged.returned_now

    @property
    def notes(self) -> tuple[str, ...]:
        """Return what the run that made the current version noted, and the last one."""
        records = (self.state.published, self.state.last)
        return tuple(dict.fromkeys(note for each in records if each for note in each.notes))

    @property
    def stands_in(self) -> int | None:
        """Return the version that readers get though the last run came to none; None if it did."""
        last = self.state.last
        held_up = last is not None and last.status in (AssetStatus.FAILED, AssetStatus.SKIPPED)
        is_usable = self.condition is not Condition.UNUSABLE
        return self.state.version if held_up and is_usable else None

    @property
    def published_at(self) -> datetime | None:
        """Return when the current version was published."""
        return self.state.published_at


@dataclass(frozen=True, slots=True)
class Overview:
    """The state of a pipeline.

    Attributes:
        environment: Whose lakehouse.
        assets: By key, upstream before downstream.
    """

    environment: str
    assets: Mapping[AssetKey, OverviewAsset]

    @property
    def rows(self) -> int:
        """Return the published rows of all assets."""
        return sum(entry.rows or 0 for entry in self.assets.values())

    @property
    def quarantined(self) -> int:
        """Return the rows kept out by the runs that made the current versions."""
        return sum(entry.quarantined for entry in self.assets.values())

    @property
    def owners(self) -> list[str]:
        """List the owners, sorted."""
        return sorted({entry.asset.options.owner or "" for entry in self.assets.values()} - {""})

    @property
    def tags(self) -> list[str]:
        """List the tags, sorted."""
        return sorted({tag for entry in self.assets.values() for tag in entry.asset.options.tags})

    @property
    def was_never_run(self) -> bool:
        """Tell whether there are assets, and no run has looked at any."""
        return bool(self.assets) and all(
            entry.state.last is None and entry.state.version is None
            for entry in self.assets.values()
        )


@dataclass(frozen=True, slots=True)
class Standing:
    """How an asset stands at this moment, runs in progress taken in.

    Attributes:
        reasons: Why it is stale, never built or failed, and why the last run skipped it; empty
            where all is well.
    """

    condition: Condition
    reasons: tuple[str, ...] = ()


def overview(session: Session) -> Overview:
    """Return the state of every asset of the project.

    Raises:
        DefinitionError: The pipeline has mistakes.
        UsageError: The environment does not exist.
        LakehouseError: The lakehouse cannot be read.
    """
    graph = session.graph
    states = status(session)
    name = session.environment.name
    entries = {
        state.asset: OverviewAsset(
            graph[state.asset],
            graph.upstream(state.asset),
            *_condition(state),
            state,
        )
        for state in states
    }
    return Overview(name, entries)


def standings(
    overview: Overview, live: Sequence[LiveRun], *, now: datetime | None = None
) -> dict[AssetKey, Standing]:
    """Return how each asset stands, runs in progress taken in.

    What a run in progress has finished already counts as it ended there. A run that gives no
    sign of life any more says nothing.

    Args:
        overview: What is recorded.
        live: Runs in progress, newest first; where two speak of an asset, the newer one counts.
        now: Timezone-aware; by default the time it is.
    """
    moment = now or datetime.now(UTC)
    found = {
        key: Standing(entry.condition, entry.reasons) for key, entry in overview.assets.items()
    }
    for run in reversed(live):
        if run.is_lost(moment):
            continue
        for record in run.finished:
            if record.status is AssetStatus.FAILED:
                found[record.asset] = Standing(Condition.FAILED, _failure(record))
            elif record.status is AssetStatus.PUBLISHED or _is_as_it_was(record, overview):
                found[record.asset] = Standing(Condition.PUBLISHED)
        found |= dict.fromkeys(run.waiting, Standing(Condition.WAITING))
        found |= dict.fromkeys(run.running, Standing(Condition.RUNNING))
    return {key: found[key] for key in overview.assets}


def conditions(
    overview: Overview, live: Sequence[LiveRun], *, now: datetime | None = None
) -> dict[AssetKey, Condition]:
    """Return the condition of each asset, as :func:`standings` has it."""
    found = standings(overview, live, now=now)
    return {key: standing.condition for key, standing in found.items()}


def attention(overview: Overview, found: Mapping[AssetKey, Standing]) -> list[OverviewAsset]:
    """List what needs attention, worst first: not as it should be, told of, or rows kept out.

    Among equals, upstream stands before downstream, since a cause is mended before its effects.
    What a run in progress will come to is left out.
    """
    worst = list(Condition)
    wanting = [
        entry
        for key, entry in overview.assets.items()
        if found[key].condition not in (Condition.RUNNING, Condition.WAITING)
        and (
            found[key].condition is not Condition.PUBLISHED
            or found[key].reasons
            or entry.quarantined
            or entry.notes
            or entry.state.open_warnings
        )
    ]
    return sorted(
        wanting,
        key=lambda entry: (worst.index(found[entry.key].condition), -entry.share_quarantined),
    )


def count_conditions(found: Mapping[AssetKey, Condition]) -> dict[Condition, int]:
    """Count the assets by condition, worst first; conditions that none is in are left out."""
    counts = Counter(found.values())
    return {condition: counts[condition] for condition in Condition if counts[condition]}


def _condition(state: AssetState) -> tuple[Condition, tuple[str, ...]]:
    last = state.last
    if state.freshness is Freshness.UNUSABLE:
        return Condition.UNUSABLE, state.reasons
    if last is not None and last.status is AssetStatus.FAILED:
        return Condition.FAILED, _failure(last) or state.reasons
    skipped = last.reasons if last is not None and last.status is AssetStatus.SKIPPED else ()
    reasons = tuple(dict.fromkeys((*state.reasons, *skipped)))
    if state.freshness is Freshness.GONE:
        return Condition.UNUSABLE, reasons
    if state.freshness is Freshness.MISSING:
        return Condition.NEVER_BUILT, reasons
    if state.freshness is Freshness.STALE:
        return Condition.STALE, reasons
    return Condition.PUBLISHED, reasons


def _is_as_it_was(record: AssetRecord, overview: Overview) -> bool:
    """Tell whether a run left the table of an asset alone, and there is one."""
    entry = overview.assets.get(record.asset)
    is_there = entry is None or entry.condition is not Condition.NEVER_BUILT
    return record.status is AssetStatus.UNCHANGED and is_there


def _failure(record: AssetRecord) -> tuple[str, ...]:
    return (f"{record.error.code}: {record.error.message}",) if record.error else ()
