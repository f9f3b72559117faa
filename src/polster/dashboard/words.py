"""Figures as people read them."""

from __future__ import annotations

ADD_ASSET = "polster add-asset --layer bronze --name orders"
"""How one begins, where there is no asset yet."""
NOTHING = "\N{EN DASH}"
LARGE = ((1_000_000_000, "B"), (1_000_000, "M"), (10_000, "k"))


def number(value: int | None) -> str:
    """Write a whole number with separators; a dash if there is none.

    >>> number(1234567)
    '1,234,567'
    """
    return NOTHING if value is None else f"{value:,}"


def counted(value: int, noun: str) -> str:
    """Write how many there are of something.

    >>> counted(1, "row"), counted(1234, "row")
    ('1 row', '1,234 rows')
    """
    return f"{value:,} {noun}{'' if value == 1 else 's'}"


def short_number(value: int | None) -> str:
    """Write a number in at most five characters.

    >>> [short_number(each) for each in (950, 9_999, 12_345, 1_234_567, 25_000_000_000)]
    ['950', '9,999', '12 k', '1.2 M', '25 B']
    """
    if value is None:
        return NOTHING
    for least, unit in LARGE:
        if value >= least:
            scale = {"k": 1_000, "M": 1_000_000, "B": 1_000_000_000}[unit]
            scaled = value / scale
            return f"{scaled:.1f} {unit}" if scaled < 10 else f"{scaled:.0f} {unit}"
    return f"{value:,}"


def share(value: float) -> str:
    """Write a share; a small one is never written as none, nor a large one as all.

    >>> [share(each) for each in (0, 0.00001, 0.034, 0.5, 0.9999, 1)]
    ['0 %', '<0.1 %', '3.4 %', '50 %', '>99.9 %', '100 %']
    """
    if 0 < value < 0.001:
        return "<0.1 %"
    if 0.999 < value < 1:
        return ">99.9 %"
    percent = value * 100
    return f"{percent:.0f} %" if percent >= 10 or percent == 0 else f"{percent:.1f} %"


def duration(seconds: float) -> str:
    """Write how long something took.

    >>> [duration(each) for each in (0.004, 0.25, 12.3, 75, 3_700)]
    ['4 ms', '0.25 s', '12 s', '1 min 15 s', '1 h 1 min']
    """
    if seconds < 0.1:
        return f"{seconds * 1000:.0f} ms"
    if seconds < 10:
        return f"{seconds:.2f} s"
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 60:
        return f"{minutes} min {rest} s"
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes} min"
