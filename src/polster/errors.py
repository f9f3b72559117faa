"""The errors that Polster raises: one root, a few families, a stable code each.

A bad row, a finding or a failed asset is a value and is returned. An exception means that
Polster could not do what was asked.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Self

from polster.model.finding import Finding
from polster.model.secrets import without_secrets

if TYPE_CHECKING:  # `polster --help` waits for neither
    from polster.model.record import Failure, Trace


class PolsterError(Exception):
    """The root of all errors of Polster; credentials in URLs are hidden in all that it says.

    Args:
        message: What is wrong, one sentence without a full stop at its end.
        code: The stable code, ``POL`` and three digits.
        hint: One edit or one command that mends it.
        place: Where: ``file:line``, a table, a setting.
    """

    def __init__(
        self, message: str, *, code: str, hint: str | None = None, place: str | None = None
    ) -> None:
        message = without_secrets(message)
        super().__init__(message)
        self.message = message
        self.code = code
        self.hint = hint = None if hint is None else without_secrets(hint)
        self.place = None if place is None else without_secrets(place)
        if hint:
            self.add_note(f"hint: {hint}")  # Python and pytest write it below the message

    @classmethod
    def of(cls, failure: Failure) -> Self:
        """Return the error that a failure describes."""
        return cls(failure.message, code=failure.code, hint=failure.hint, place=failure.place)

    def __reduce__(self) -> tuple[object, ...]:
        """Let the error pass from one process to another with all that it carries."""
        return _bare, (type(self), self.args), self.__dict__


def _bare(kind: type[PolsterError], arguments: tuple[object, ...]) -> PolsterError:
    error = kind.__new__(kind)
    error.args = arguments
    return error


class UsageError(PolsterError):
    """The command was used wrongly: an unknown name, a missing answer, no project."""


class SettingsError(UsageError):
    """The settings of the project cannot be read or make no sense."""


class ScaffoldError(PolsterError):
    """Files could not be written or removed as asked; everything is as it was."""


class LakehouseError(PolsterError):
    """The lakehouse cannot be read or written."""


class ConflictError(LakehouseError):
    """Another writer was faster, again and again."""


class AssetError(PolsterError):
    """One asset cannot be built; its published table stays as it was.

    Args:
        trace: The user's own traceback.
        kept: The message as it is recorded, if ``message`` quotes an exception.
    """

    def __init__(
        self,
        message: str,
        *,
        code: str,
        hint: str | None = None,
        place: str | None = None,
        trace: Trace | None = None,
        kept: str | None = None,
    ) -> None:
        super().__init__(message, code=code, hint=hint, place=place)
        self.trace = trace
        self.kept = None if kept is None else without_secrets(kept)


class DefinitionError(PolsterError):
    """The pipeline is not well defined: every mistake that was found, together.

    Args:
        findings: At least one finding of severity ``error``.
    """

    def __init__(self, findings: Sequence[Finding]) -> None:
        count = len(findings)
        noun = "mistake" if count == 1 else "mistakes"
        super().__init__(f"the pipeline has {count} {noun}", code=findings[0].code)
        self.findings = tuple(findings)


def nearest(name: str, known: Iterable[str]) -> str | None:
    """Return the known name that ``name`` was probably meant to be, if there is one.

    >>> nearest("clean_log", ["clean_logs", "orders"])
    'clean_logs'
    """
    matches = get_close_matches(name, list(known), n=1, cutoff=0.6)
    return matches[0] if matches else None
