"""What bronze reads: a source says what is new before anything of it is read.

A bronze function returns a frame, or a :class:`Source`, such as what :func:`files`, :func:`sql` or
:func:`rest` makes, or what another package adds; or a :class:`Batch`, which says of a frame how
much its source has.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from polster.model.plugins import SOURCES, plugin
from polster.sources.source import BadFile, Batch, Known, Source

if TYPE_CHECKING:
    from polster.sources.api import OAuth
    from polster.sources.dlt_source import dlt
    from polster.sources.file_source import files
    from polster.sources.rest_source import rest
    from polster.sources.sql_source import sql

__all__ = ["BadFile", "Batch", "Known", "OAuth", "Source", "dlt", "files", "rest", "sql"]

WHERE = {
    "OAuth": "api",
    "dlt": "dlt_source",
    "files": "file_source",
    "rest": "rest_source",
    "sql": "sql_source",
}


def __getattr__(name: str) -> Any:
    """Load what reads files, databases or APIs when it is asked for: most runs do without."""
    if name in WHERE:
        return getattr(import_module(f"polster.sources.{WHERE[name]}"), name)
    if not name.startswith("_") and (found := plugin(SOURCES, name)) is not None:
        return found
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
