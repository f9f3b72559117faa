"""What a check found."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from polster.model.asset import Asset


class Severity(StrEnum):
    """How bad a finding is: an error stops a run, a warning does not."""

    ERROR = "error"
    WARNING = "warning"


@dataclass(frozen=True, slots=True)
class Edit:
    """A mechanical mend: the text from one place to another of a file becomes ``text``.

    Attributes:
        file: Relative to the project's folder, with forward slashes.
        line: First line, from 1.
        column: First character in it, from 0, counted in UTF-8 bytes as :mod:`ast` does.
        end_line: Last line, from 1.
        end_column: Behind the last character, in UTF-8 bytes.
        text: What stands there afterwards.
    """

    file: str
    line: int
    column: int
    end_line: int
    end_column: int
    text: str


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
        column: Character in that line, from 1, if one is meant.
        fix: What ``polster validate --fix`` does about it, where that is mechanical.
    """

    code: str
    message: str
    asset: str | None = None
    file: str | None = None
    line: int | None = None
    hint: str | None = None
    severity: Severity = Severity.ERROR
    column: int | None = None
    fix: Edit | None = None

    @property
    def place(self) -> str | None:
        """Return ``file:line``, or what of it is known."""
        if self.file is None or self.line is None:
            return self.file
        return f"{self.file}:{self.line}"


def finding_about(
    asset: Asset,
    code: str,
    message: str,
    *,
    hint: str | None = None,
    severity: Severity = Severity.ERROR,
) -> Finding:
    """Return a finding that stands at the function of ``asset``.

    >>> from polster.model.asset import AssetKey
    >>> from polster.model.layer import Layer
    >>> orders = Asset(AssetKey(Layer.GOLD, "orders"), "src/core/gold_orders.py", 9, "core")
    >>> finding_about(orders, "POL225", "`gold.orders` has no owner").place
    'src/core/gold_orders.py:9'
    """
    return Finding(
        code,
        message,
        asset=str(asset.key),
        file=asset.file,
        line=asset.line,
        hint=hint,
        severity=severity,
    )
