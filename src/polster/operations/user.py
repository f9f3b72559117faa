"""Who is at work: the user as the operating system knows them."""

from __future__ import annotations

import getpass


def user_name() -> str | None:
    """Return the name of the user whose process this is; None where that is not known."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):  # such as in a container that does not know its user
        return None
