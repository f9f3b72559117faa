"""Why an asset is built, left as it is or cannot be built: values, whose texts stand here alone."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum


class Why(StrEnum):
    """A kind of reason; the value is its text, with gaps for what it is about."""

    NEVER_BUILT = "it was never built"
    TABLE_GONE = "its table is gone, and had version {}"
    TABLE_DAMAGED = "{}"
    TABLE_REFUSED = "{}"
    TABLE_CHANGED = "its table was changed by another program"
    FULL_REFRESH = "a full refresh was asked for"
    WHERE = "rows were asked for"
    PART = "a part of it alone was made by `--where`"
    MADE_BY = "made by run {}, which did not succeed"
    NOTHING_NEW = "its source holds nothing new"
    SAME_BATCH = "its batch is the one that landed last"
    LANDED_BY = "run {}, which did not end well, landed the same batch"
    LANDED_BESIDE = "another run landed the same at the same time"
    READ_LATER = "run {} began to read its source later, and landed first"
    PUBLISHED_BESIDE = "another run published it at the same time"
    ASKS_SOURCE = "bronze asks its source"
    CODE = "its code changed"
    CONTRACT = "its contract changed"
    MODULE = "the module {} changed"
    READS = "it now reads {}"
    READS_NO_MORE = "it no longer reads {}"
    NEW_DATA = "{} has new data"
    REFERS = "it now refers to {}"
    REFERS_NO_MORE = "it no longer refers to {}"
    NEW_REFERRED_DATA = "{}, which it refers to, has new data"
    NEED_NEVER_BUILT = "{}, which it {}, was never built"
    NEED_GONE = "the table of {}, which it {}, is gone"
    NEED_DAMAGED = "the table of {}, which it {}, is damaged"
    NEED_REFUSED = "the table of {}, which it {}, cannot be read"
    RUNS_FIRST = "{} runs first"
    FAILED = "{} failed"
    WILL_FAIL = "{} will fail"
    AWAITED = "{} has no rows and no columns yet"
    NOTHING = "nothing changed"
    NOTHING_UNLESS = "nothing changed, unless {} lands new data"


ROWS_ALONE = frozenset({Why.NEW_DATA, Why.RUNS_FIRST})
"""Reasons to build that say that rows of inputs changed, and nothing else."""


@dataclass(frozen=True, slots=True)
class Reason:
    """One reason.

    >>> Reason(Why.NEED_GONE, ("silver.x", "reads")).text
    'the table of silver.x, which it reads, is gone'

    Attributes:
        about: What fills the gaps of the kind's text, in their order.
    """

    why: Why
    about: tuple[str, ...] = ()

    @property
    def text(self) -> str:
        """Return it as a clause for people."""
        return self.why.value.format(*self.about)


def texts(reasons: Iterable[Reason]) -> tuple[str, ...]:
    """Return reasons as clauses for people."""
    return tuple(reason.text for reason in reasons)
