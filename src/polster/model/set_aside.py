"""Files that bronze could not read, as values."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class SetAsideFile:
    """A file that was set aside whole.

    Attributes:
        name: As the source named it.
        reason: What is wrong, and where.
        digest: As the source gives it; of its bytes, and of how they were read.
        run_id: The run that met it.
        at: When that began, in ISO 8601.
        kept: Where its bytes are.
        asset: Whose source it is of.
        ended: The run that did not meet it any more, since it was mended or taken away; empty while
            it is there.
    """

    name: str
    reason: str
    digest: str
    run_id: str
    at: str
    kept: str
    asset: str = ""
    ended: str = ""

    @property
    def is_open(self) -> bool:
        """Tell whether its source still has it."""
        return not self.ended
