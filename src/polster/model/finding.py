"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Severity(StrEnum):
    """How bad a finding is: an error stops a run, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Finding:
    """One mistake in the definition of a pipeline.

    Attributes:
        code: Stable code such as ``POL202``.
        message: What is wrong.
        asset: Key of the asset concerned, if one is.
        file: File relative to the project's folder, with forward slashes.
        line: Line in that file, from 1.
        hint: One edit or one command that mends it.
        severity: Errors stop a run.
    """

    code: str
    message: str
    asset: str | None = None
    file: str | None = None
    line: int | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR

    @property
    def place(self) -> str | None:
        """Return ``file:line``, or what of it is known."""
        if self.file is None or self.line is None:
            return self.file
        return f"{self.file}:{self.line}"
