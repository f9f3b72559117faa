"""Words that a newer version of Polster may know more of."""

from __future__ import annotations

from enum import StrEnum
from typing import Self


class OpenEnum(StrEnum):
    """An enumeration that is kept in a lakehouse, where other versions of Polster write, too.

    A word that this version does not know stays as it is: it is none of the members, is shown as it
    is written, and is written again as it was.
    """

    @classmethod
    def _missing_(cls, value: object) -> Self | None:
        if not isinstance(value, str):
            return None
        unknown = str.__new__(cls, value)
        unknown._name_ = unknown._value_ = value
        return unknown
