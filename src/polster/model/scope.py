"""How much of a table a run made anew, and why so much."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from polster.model.open_enum import OpenEnum

MOST_COLUMNS = 4
DECLARED = " (declared)"
BRONZE_GROWS = "bronze lands what is new at its source; what has landed is never made anew"


class ScopeKind(OpenEnum):
    """What a build had to look at."""

    ROW_LOCAL = "row-local"  # the new rows of one input alone
    LOCAL = "local"  # the rows with some values of a column
    WHOLE = "whole"  # everything
    WHERE = "where"  # the rows that the user named


@dataclass(frozen=True, slots=True)
class Reaches:
    """How far rows of an input reach that change.

    Attributes:
        by: Columns of the result, by the values of any of which a part can be chosen; keys first.
        why: Of everything, why; as a clause.
        is_declared: Whether ``slice_by=`` declares it, so that it is checked instead of proved.
    """

    kind: ScopeKind
    by: tuple[str, ...] = ()
    why: str = ""
    is_declared: bool = False

    def beside(self, other: Reaches) -> Reaches:
        """Return how far rows of two inputs reach that change both."""
        for each in (self, other):
            if each.kind is ScopeKind.WHOLE:
                return each
        by = tuple(column for column in self.by if column in other.by)
        if not by:
            return Reaches(ScopeKind.WHOLE, why="no column tells which rows of each it needs")
        return Reaches(ScopeKind.LOCAL, by, is_declared=self.is_declared or other.is_declared)

    @property
    def text(self) -> str:
        """Say it in short.

        >>> Reaches(ScopeKind.LOCAL, ("order_id", "day")).text
        'by order_id or day'
        """
        if self.kind is ScopeKind.WHOLE:
            return f"whole: {self.why}" if self.why else "whole"
        if self.kind is ScopeKind.ROW_LOCAL:
            return str(self.kind)
        return f"by {self._columns}{DECLARED if self.is_declared else ''}"

    @property
    def meaning(self) -> str:
        """Say it as what a run makes anew."""
        match self.kind:
            case ScopeKind.WHOLE:
                return f"all of it: {self.why}"
            case ScopeKind.ROW_LOCAL if self.by:
                return f"what comes is added alone; else the rows of the same {self._columns}"
            case ScopeKind.ROW_LOCAL:
                return "what comes is added alone; else all of it"
        return f"the rows of the same {self._columns}{DECLARED if self.is_declared else ''}"

    @property
    def _columns(self) -> str:
        more = ("…",) if len(self.by) > MOST_COLUMNS else ()
        return " or ".join((*self.by[:MOST_COLUMNS], *more))


def farthest(reaches: Iterable[Reaches]) -> ScopeKind:
    """Return what is made anew if rows change in the input whose rows reach farthest."""
    kinds = {each.kind for each in reaches}
    far = (ScopeKind.WHOLE, ScopeKind.LOCAL)
    return next((kind for kind in far if kind in kinds), ScopeKind.ROW_LOCAL)


@dataclass(frozen=True, slots=True)
class Scope:
    """How much of a table a run made anew.

    Attributes:
        by: The column by whose values the rows were chosen, or by which all of a table was divided
            to fit into memory; empty if they were not.
        rows: Rows that were judged and written anew.
        of: Rows that the table has now.
        quarantined: Rows that the table goes without now, those of the rest with them.
        rules: Of these, rows by broken rule.
        why: Of a whole table, why, as a clause; of rows that the user named, the condition.
        frozen: Rows that stay as they are since ``frozen=`` says so.
        is_distrusted: Whether a slice was compared with a whole build and was wrong, so that this
            code gets no more of them.
        is_verified: Whether a slice was compared with a whole build and was right.
        is_declared: Whether ``slice_by=`` declares that rows can be chosen so.
        is_trusted: Whether a slice that this code declares was ever verified.
    """

    kind: ScopeKind
    by: tuple[str, ...] = ()
    rows: int = 0
    of: int = 0
    quarantined: int = 0
    rules: Mapping[str, int] = field(default_factory=dict)
    why: str = ""
    is_distrusted: bool = False
    frozen: int = 0
    is_verified: bool = False
    is_declared: bool = False
    is_trusted: bool = False

    @property
    def text(self) -> str:
        """Say it in a line.

        >>> Scope(ScopeKind.LOCAL, ("order_id",), 3, 200).text
        'by order_id'
        >>> Scope(ScopeKind.ROW_LOCAL, (), 3, 200, is_verified=True).text
        'row-local, verified'
        >>> Scope(ScopeKind.LOCAL, ("month",), 3, 200, is_declared=True).text
        'by month (declared)'
        >>> Scope(ScopeKind.WHOLE, why="never built").text
        'whole: never built'
        """
        if self.kind is ScopeKind.WHERE:
            return f"where {self.why}"
        if self.kind is ScopeKind.WHOLE:
            divided = f", in parts by {', '.join(self.by)}" if self.by else ""
            return f"whole: {self.why}{divided}" if self.why else f"whole{divided}"
        verified = ", verified" if self.is_verified else ""
        declared = DECLARED if self.is_declared else ""
        return (f"by {', '.join(self.by)}{declared}" if self.by else str(self.kind)) + verified
