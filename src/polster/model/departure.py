"""What a table's columns are beside what was known of them."""

from __future__ import annotations

from collections.abc import Mapping


def departures(known: Mapping[str, str], found: Mapping[str, str]) -> tuple[str, ...]:
    """Say as clauses in which columns and types ``found`` departs from ``known``, order ignored.

    >>> departures({"id": "Int64", "at": "Date"}, {"id": "String", "on": "Date"})
    ('`id` was Int64 and is String', '`at` is gone', '`on` (Date) is new')
    """
    changed = [
        f"`{name}` was {known[name]} and is {dtype}"
        for name, dtype in found.items()
        if name in known and known[name] != dtype
    ]
    gone = [f"`{name}` is gone" for name in known if name not in found]
    new = [f"`{name}` ({dtype}) is new" for name, dtype in found.items() if name not in known]
    return (*changed, *gone, *new)
