"""What a run does with an asset, and why: decided here for `run`, `plan`, `status` and the page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.reason import Reason, Why
from polster.model.record import Failure, Fingerprint

READS = "reads"
NEVER_BUILT = Reason(Why.NEVER_BUILT)
NOTHING = Reason(Why.NOTHING)


@dataclass(frozen=True, slots=True)
class TableState:
    """What is known of a published table.

    Attributes:
        version: Its current version, from 0.
        fingerprint: What Polster made that version from; None if another program wrote it.
        damage: Why its readers do not get it, as a clause; silver and gold are built anew.
        refusal: Why no run may touch it.
        changes: What another program did to a table of bronze, or that an earlier version was
            brought back, as a clause.
        is_told: Whether a run has told of ``changes`` already.
    """

    version: int
    fingerprint: Fingerprint | None
    damage: str | None = None
    refusal: Failure | None = None
    changes: str | None = None
    is_told: bool = False

    @property
    def is_sound(self) -> bool:
        """Tell whether it can be read and built on."""
        return self.damage is None and self.refusal is None

    @property
    def why_unsound(self) -> str | None:
        """Return why it cannot; None if it can."""
        return self.damage or (self.refusal.message if self.refusal else None)


class Course(StrEnum):
    """What a run does with an asset that another one needs."""

    NONE = "none"  # it is not part of the run, or published nothing
    AHEAD = "ahead"  # it is built first; who plans does not know what comes of it
    PUBLISHED = "published"
    FAILED = "failed"  # or was skipped
    WILL_FAIL = "will fail"  # or will be skipped, as far as who plans knows


@dataclass(frozen=True, slots=True)
class Need:
    """A table that an asset reads or refers to.

    Attributes:
        verb: What the asset does with it: it ``reads`` it, or ``refers to`` it.
        state: How the run found it; None if there was no table.
        course: What the run does with its asset.
        version: The version that the asset gets; None if there is none, or nobody knows it yet.
        awaited: Bronze without rows and columns so far, for which it waits, itself maybe.
    """

    key: AssetKey
    verb: str
    state: TableState | None
    course: Course = Course.NONE
    version: int | None = None
    awaited: tuple[AssetKey, ...] = ()

    def gone_since(self, made_from: Fingerprint | None) -> int | None:
        """Return the version a table was made from that is not there whole any more, else None."""
        if made_from is None or (self.state is not None and self.state.damage is None):
            return None
        return made_from.versions.get(str(self.key))

    @property
    def why_gone(self) -> Reason:
        """Say that its table is not whole."""
        kind = Why.NEED_GONE if self.state is None else Why.NEED_DAMAGED
        return Reason(kind, (str(self.key), self.verb))


@dataclass(frozen=True, slots=True)
class MadeBefore:
    """Rows that the user asked for, as a run that did not succeed has made them.

    Attributes:
        fingerprint: What it made them from.
    """

    run_id: str
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Skip:
    """Something that it needs does not come."""

    reasons: tuple[Reason, ...]


@dataclass(frozen=True, slots=True)
class Unchanged:
    """Its table is what a build would make."""

    reasons: tuple[Reason, ...] = (NOTHING,)


@dataclass(frozen=True, slots=True)
class Build:
    """Its function is called.

    Attributes:
        fingerprint: What its table will have been made from.
    """

    reasons: tuple[Reason, ...]
    fingerprint: Fingerprint


@dataclass(frozen=True, slots=True)
class Blocked:
    """It must be built, and cannot be.

    Attributes:
        need: What is in the way; None if its own table is.
    """

    reasons: tuple[Reason, ...]
    need: Need | None = None


Decision = Skip | Unchanged | Build | Blocked


def decide(
    key: AssetKey,
    code: Fingerprint,
    needs: Sequence[Need],
    state: TableState | None,
    *,
    absent: Reason = NEVER_BUILT,
    full_refresh: bool = False,
    where: str = "",
    made: MadeBefore | None = None,
) -> Decision:
    """Decide what is done with an asset.

    Args:
        key: Which.
        code: Its fingerprint without what it needs.
        needs: What it reads, in the order of its parameters, and what else it refers to.
        state: Its own table as the run found it; None if there is none.
        absent: Why there is none.
        full_refresh: Whether the user asked for everything anew.
        where: The rows that they asked for.
        made: The run that made these and did not succeed, if it made nothing else since.
    """
    if held_up := tuple(_held_up(needs)):
        return Skip(held_up)
    if state is not None and state.refusal is not None:
        return Blocked((Reason(Why.TABLE_REFUSED, (state.refusal.message,)),))
    made_of = _with_versions(code, [(need, need.version) for need in needs])
    if key.layer is Layer.BRONZE:
        return Build((Reason(Why.ASKS_SOURCE) if state is not None else absent,), made_of)
    made_from = state.fingerprint if state else None
    for need in needs:
        if need.version is None and need.course is not Course.AHEAD:
            never = Reason(Why.NEED_NEVER_BUILT, (str(need.key), need.verb))
            is_gone = need.gone_since(made_from) is not None
            return Blocked((need.why_gone if is_gone else never,), need)
    gone = tuple(need.why_gone for need in needs if need.gone_since(made_from) is not None)
    reasons = (
        *_own_reasons(code, needs, state, absent, full_refresh=full_refresh, where=where),
        *gone,
    )
    if not reasons:
        return Unchanged()
    for need in needs:
        if need.course is Course.NONE and need.state is not None and not need.state.is_sound:
            refused = Reason(Why.NEED_REFUSED, (str(need.key), need.verb))
            return Blocked((need.why_gone if need.state.damage else refused,), need)
    if where and made is not None and made.fingerprint == made_of:
        return Unchanged((Reason(Why.MADE_BY, (made.run_id,)),))
    return Build(reasons, made_of)


def _held_up(needs: Sequence[Need]) -> Iterator[Reason]:
    for course, kind in ((Course.FAILED, Why.FAILED), (Course.WILL_FAIL, Why.WILL_FAIL)):
        names = [str(need.key) for need in needs if need.course is course and not need.awaited]
        if names:
            yield Reason(kind, (" and ".join(names),))
            return
    for other in dict.fromkeys(other for need in needs for other in need.awaited):
        yield Reason(Why.AWAITED, (str(other),))


def _own_reasons(
    code: Fingerprint,
    needs: Sequence[Need],
    state: TableState | None,
    absent: Reason,
    *,
    full_refresh: bool,
    where: str,
) -> tuple[Reason, ...]:
    """Say why an asset has to be built, what is gone of what it was made from left out."""
    if state is None:
        return (absent,)
    if state.damage is not None:
        return (Reason(Why.TABLE_DAMAGED, (state.damage,)),)
    if full_refresh:
        return (Reason(Why.FULL_REFRESH),)
    if where:
        return (Reason(Why.WHERE),)
    if state.fingerprint is None:
        return (Reason(Why.TABLE_CHANGED),)
    then = state.fingerprint
    versions: list[tuple[Need, int | None]] = []
    coming: list[Reason] = []
    news: list[str] = []  # what was published since, be its number an old one
    for need in needs:
        known = then.versions.get(str(need.key))
        if need.gone_since(then) is not None:
            versions.append((need, known))
        elif need.course is Course.AHEAD:
            versions.append((need, -1 if known is None else known))
            if known is not None:
                coming.append(Reason(Why.RUNS_FIRST, (str(need.key),)))
        else:
            versions.append((need, need.version))
            if need.course is Course.PUBLISHED:
                news.append(str(need.key))
    changes = _with_versions(code, versions).changes_since(then.without_numbers(news))
    return (*changes, *coming)


def _with_versions(code: Fingerprint, versions: Sequence[tuple[Need, int | None]]) -> Fingerprint:
    known = [(need, version) for need, version in versions if version is not None]
    return replace(
        code,
        inputs={str(need.key): version for need, version in known if need.verb == READS},
        references={str(need.key): version for need, version in known if need.verb != READS},
    )
