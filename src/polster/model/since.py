"""How far a source is asked back: the high-water mark of what has landed, less an overlap."""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

from polster.model.expect import parse_age

DURATION = 'a duration such as "2h", "90m" or "3d"'
KINDS = "dates, moments, numbers or text"
MOMENT = "a moment without a zone"
ZONED = "a moment with a zone"
DATE = "a date"
NUMBER = "a number"
TEXT = "text"


class SinceError(ValueError):
    """``run.since`` was called in a way that makes no sense.

    Args:
        message: What is wrong.
        hint: How to mend it.
        code: Of the error that a run makes of it.
    """

    def __init__(self, message: str, hint: str, code: str = "POL394") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint
        self.code = code
        self.add_note(f"hint: {hint}")


def kind_of(value: object) -> str | None:
    """Tell what a value of a cursor is; None if it is nothing that a cursor may hold.

    >>> kind_of(datetime(2026, 1, 5, tzinfo=UTC))
    'a moment with a zone'
    """
    match value:
        case bool():
            return None
        case datetime():
            return MOMENT if value.tzinfo is None else ZONED
        case date():
            return DATE
        case float():
            return NUMBER if math.isfinite(value) else None
        case int() | Decimal():
            return NUMBER
        case str():
            return TEXT
    return None


@dataclass(frozen=True, slots=True)
class Since:
    """What a function asks its table: from where on is the source to be read?

    Attributes:
        column: The cursor.
        overlap: Distance that is read once more; a duration as text or a number.
        initial: The answer as long as nothing has landed.
        word: By which the user asked.

    Raises:
        SinceError: A value makes no sense, whatever the column holds.
    """

    column: str
    overlap: str | int | float | Decimal | timedelta | None = None
    initial: Any = None
    word: str = "run.since"

    def __post_init__(self) -> None:
        if not isinstance(self.column, str) or not self.column:
            raise SinceError(
                f"`{self.word}` names the column {self.column!r}, which is no name",
                'write the name of a column, such as "updated_at"',
            )
        self._distance()
        if self.initial is not None and kind_of(self.initial) is None:
            raise SinceError(
                f"`initial` is {self.initial!r}, which nothing can be compared with",
                f"write what the column holds: {KINDS}",
            )

    def after(self, mark: Any) -> Any:
        """Return from where on to read, ``mark`` being the greatest value that has landed.

        >>> Since("at", overlap="2h").after(datetime(2026, 1, 5, 1, tzinfo=UTC))
        datetime.datetime(2026, 1, 4, 23, 0, tzinfo=datetime.timezone.utc)
        >>> Since("id", overlap=10).after(250)
        240

        Raises:
            SinceError: The overlap or the initial value is of another kind than the mark.
        """
        if mark is None:
            return self.initial
        kind = kind_of(mark)
        self.check(kind or TEXT, is_whole=isinstance(mark, int))
        distance: Any = self._distance()
        if not distance:
            return mark
        if isinstance(mark, datetime):
            return _before(mark, distance)
        if isinstance(mark, date):
            return date.fromordinal(max(mark.toordinal() - distance.days, 1))
        return mark - type(mark)(str(distance) if isinstance(mark, Decimal) else distance)

    def check(self, kind: str, *, is_whole: bool = False) -> None:
        """See whether overlap and initial value fit a column.

        Args:
            kind: What it holds, as in :func:`kind_of`.
            is_whole: Whether its numbers are whole.

        Raises:
            SinceError: They do not.
        """
        column, distance = self.column, self._distance()
        is_time = isinstance(distance, timedelta)
        if distance is not None and kind == TEXT:
            raise SinceError(
                f"`overlap` is {self.overlap!r}, but `{column}` holds text, which has no distances",
                "leave `overlap` out; or parse the column in the function, such as with "
                "str.to_datetime()",
            )
        if distance is not None and is_time is (kind == NUMBER):
            wanted = "a number" if kind == NUMBER else DURATION
            raise SinceError(
                f"`overlap` is {self.overlap!r}, but a value of `{column}` is {kind}",
                f"write {wanted}",
            )
        if isinstance(distance, timedelta) and kind == DATE and distance % timedelta(days=1):
            raise SinceError(
                f"`overlap` is {self.overlap!r}, but `{column}` holds dates",
                'write whole days, such as "1d"',
            )
        if is_whole and not isinstance(distance, timedelta | None) and distance % 1:
            raise SinceError(
                f"`overlap` is {self.overlap!r}, but `{column}` holds whole numbers",
                "write a whole number",
            )
        given = kind_of(self.initial)
        if self.initial is not None and given != kind:
            raise SinceError(
                f"`initial` is {self.initial!r}, {given}, but a value of `{column}` is {kind}",
                f"write {kind}",
            )

    def _distance(self) -> timedelta | int | float | Decimal | None:
        overlap = self.overlap
        try:
            distance = parse_age(overlap) if isinstance(overlap, str) else overlap
        except (ValueError, OverflowError) as error:
            raise SinceError(
                f"`overlap` is {overlap!r}, which is no duration", f"write {DURATION}"
            ) from error
        if distance is None:
            return None
        if isinstance(distance, timedelta):
            is_distance = distance >= timedelta(0)
        else:
            is_distance = kind_of(distance) == NUMBER and distance >= 0
        if not is_distance:
            raise SinceError(
                f"`overlap` is {overlap!r}, which is no distance",
                f"write {DURATION}, or a number from 0",
            )
        return distance


def _before(moment: datetime, distance: timedelta) -> datetime:
    """Go back by the clock of the world: a day in which a zone changes its hour is no other."""
    zone = moment.tzinfo
    try:
        if zone is None:
            return moment - distance
        return (moment.astimezone(UTC) - distance).astimezone(zone)
    except OverflowError:
        return datetime.min.replace(tzinfo=zone)
