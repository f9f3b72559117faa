"""What other packages add to Polster, by entry points of theirs.

A package adds a source to :mod:`polster.sources` (``polster.sources``), a place that files are
fetched from (``polster.files``), or a way to look up secrets (``polster.secrets``). Nothing of it
is loaded before it is asked for.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

SOURCES, FILES, SECRETS = "polster.sources", "polster.files", "polster.secrets"


class PluginError(Exception):
    """What another package adds cannot be loaded; the message says which, and why."""


@cache
def plugins(group: str) -> dict[str, EntryPoint]:
    """Return what packages add, by name.

    Raises:
        PluginError: Two of them add the same.
    """
    from importlib.metadata import entry_points  # most runs do without

    found: dict[str, EntryPoint] = {}
    for each in entry_points(group=group):
        other = found.setdefault(each.name, each)
        if other.value != each.value:
            raise PluginError(
                f"two packages add `{each.name}` to {group}: {other.value} and {each.value}"
            )
    return found


def plugin(group: str, name: str) -> Any:
    """Return what a package adds under a name; None if none does.

    Raises:
        PluginError: It cannot be loaded.
    """
    found = plugins(group).get(name)
    if found is None:
        return None
    try:
        return found.load()
    except Exception as error:  # it is anybody's code
        said = str(error).strip().partition("\n")[0]
        raise PluginError(
            f"`{name}` of {group}, which {found.value} adds, cannot be loaded: "
            f"{type(error).__name__}{f': {said}' if said else ''}"
        ) from error
