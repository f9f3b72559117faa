"""The releases of a lakehouse, and what changed between two."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from polster.errors import UsageError, nearest
from polster.lakehouse.lakehouse import Lakehouse
from polster.model.asset import AssetKey
from polster.model.layer import Layer
from polster.model.reason import texts
from polster.model.record import AssetRecord
from polster.model.release import (
    Release,
    ReleaseChange,
    ReleaseComparison,
    ReleasedTable,
    ReleaseSummary,
)
from polster.operations.open_project import Session


def list_releases(session: Session, *, limit: int | None = None) -> list[Release]:
    """List the releases, newest first.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The releases cannot be read.
    """
    lakehouse = session.lakehouse
    return lakehouse.releases.all(limit)


def expired_releases(session: Session, releases: Sequence[Release]) -> frozenset[str]:
    """Return which of the releases cannot be read any more, by identifier: upkeep removed them."""
    lakehouse = session.lakehouse
    keys = {key for release in releases for key in release.versions}
    oldest = lakehouse.oldest_versions(keys)
    return frozenset(
        release.id
        for release in releases
        if any(version < oldest.get(key, 0) for key, version in release.versions.items())
    )


def summarise_releases(session: Session, *, limit: int | None = None) -> list[ReleaseSummary]:
    """Summarise the releases, newest first: cheaper than listing them, of many tables.

    Raises:
        UsageError: The environment does not exist.
        LakehouseError: The releases cannot be read.
    """
    lakehouse = session.lakehouse
    return lakehouse.releases.summaries(limit)


def compare_releases(
    session: Session,
    after: str | None = None,
    *,
    before: str | None = None,
) -> ReleaseComparison:
    """Set a release beside an earlier one.

    Args:
        session: Whose lakehouse.
        after: The later release; by default the newest.
        before: The earlier one; by default the one before ``after``.

    Raises:
        UsageError: There is no such release or environment, or none at all.
        LakehouseError: The releases or the ledger cannot be read.
    """
    lakehouse = session.lakehouse
    known = [each.id for each in lakehouse.releases.summaries()]
    if not known:
        raise UsageError(
            "there is no release yet", code="POL409", hint="the first run makes one: polster run"
        )
    if after:
        _expect(known, after)
    if before:
        _expect(known, before)
    after = after or known[0]
    before = before or next(iter(known[known.index(after) + 1 :]), None)
    found = lakehouse.releases.named([after, *([before] if before else [])])
    later, earlier = found[after], found[before] if before else None
    old = _records(lakehouse, earlier.versions) if earlier else {}
    new = _records(lakehouse, later.versions)
    keys = later.versions.keys() | (earlier.versions.keys() if earlier else set())
    order = list(Layer)
    tables = tuple(
        ReleaseChange(
            key,
            _released(earlier, key, old),
            _released(later, key, new),
            _reasons(key, old.get(key), new.get(key)),
        )
        for key in sorted(keys, key=lambda key: (order.index(key.layer), key.name))
    )
    return ReleaseComparison(earlier, later, tables)


def _records(lakehouse: Lakehouse, versions: Mapping[AssetKey, int]) -> dict[AssetKey, AssetRecord]:
    return {key: found.record for key, found in lakehouse.ledger.published(versions).items()}


def _expect(known: Sequence[str], name: str) -> None:
    if name not in known:
        close = nearest(name, known)
        raise UsageError(
            f"there is no release `{name}`",
            code="POL409",
            hint=f"did you mean `{close}`?" if close else "see them with: polster releases",
        )


def _released(
    release: Release | None, key: AssetKey, records: dict[AssetKey, AssetRecord]
) -> ReleasedTable | None:
    if release is None or key not in release.versions:
        return None
    record = records.get(key)
    return ReleasedTable(release.versions[key], record.rows_now if record else None)


def _reasons(
    key: AssetKey, before: AssetRecord | None, after: AssetRecord | None
) -> tuple[str, ...]:
    if before is None or after is None or before.version == after.version:
        return ()
    if key.layer is Layer.BRONZE:
        return ("its source had new data",)
    if before.fingerprint is None or after.fingerprint is None:
        return after.reasons
    return texts(after.fingerprint.changes_since(before.fingerprint)) or after.reasons
