"""Libraries that read and write in compiled code, which Python's audit hooks do not see."""

from __future__ import annotations

import builtins
import sys
from collections.abc import Callable, Mapping
from typing import Any

Refuse = Callable[[str, bool], None]
"""Takes what a function does, as a clause, and whether it does no more than read."""

READERS: Mapping[str, tuple[str, ...]] = {
    "connectorx": ("read_sql",),
    "pyarrow.csv": ("read_csv", "open_csv"),
    "pyarrow.dataset": ("dataset",),
    "pyarrow.feather": ("read_feather", "read_table"),
    "pyarrow.json": ("read_json",),
    "pyarrow.parquet": ("read_table", "read_pandas", "read_metadata", "read_schema"),
}
WRITERS: Mapping[str, tuple[str, ...]] = {
    "deltalake": ("write_deltalake", "convert_to_deltalake"),
    "pyarrow.csv": ("write_csv",),
    "pyarrow.dataset": ("write_dataset",),
    "pyarrow.feather": ("write_feather",),
    "pyarrow.parquet": ("write_table", "write_to_dataset"),
}
PACKAGES = frozenset(name.partition(".")[0] for name in ("duckdb", *READERS, *WRITERS))
IN_MEMORY = ("", ":memory:", ":default:")


class Libraries:
    """Replaces the functions of a library as soon as the user's code imports it.

    Args:
        refuse: Called before the function is; raises if it must not be called.
    """

    def __init__(self, refuse: Refuse) -> None:
        self.refuse = refuse
        self._waiting = {"duckdb", *READERS, *WRITERS}
        self._import = builtins.__import__
        setattr(builtins, "__import__", self._importing)  # noqa: B010 - a function is replaced
        self._replace()

    def _importing(self, name: str, *args: Any, **kwargs: Any) -> Any:
        module = self._import(name, *args, **kwargs)
        if name.partition(".")[0] in PACKAGES:
            self._replace()
        return module

    def _replace(self) -> None:
        for name in [name for name in self._waiting if _is_imported(name)]:
            module = sys.modules[name]
            self._waiting.discard(name)
            for function in READERS.get(name, ()):
                self._wrap(module, function, f"reads with {name}.{function}", reads=True)
            for function in WRITERS.get(name, ()):
                self._wrap(module, function, f"writes with {name}.{function}", reads=False)
            if name == "deltalake":
                self._wrap(module.DeltaTable, "__init__", "opens a Delta table", reads=True)
            elif name == "duckdb":
                self._wrap_duckdb(module)

    def _wrap(self, owner: Any, name: str, deed: str, *, reads: bool) -> None:
        original = getattr(owner, name, None)
        if original is None:  # another version of the library
            return

        def refusing(*args: Any, **kwargs: Any) -> Any:
            self.refuse(deed, reads)
            return original(*args, **kwargs)

        setattr(owner, name, refusing)

    def _wrap_duckdb(self, module: Any) -> None:
        """Refuse a database that is a file; one in memory harms nobody."""
        original = module.connect

        def connect(database: Any = "", *args: Any, **kwargs: Any) -> Any:
            if str(database) not in IN_MEMORY:
                self.refuse("opens a database", False)
            return original(database, *args, **kwargs)

        module.connect = connect


def _is_imported(name: str) -> bool:
    """Tell whether a module is there and no longer being imported."""
    spec = getattr(sys.modules.get(name), "__spec__", None)
    return spec is not None and not getattr(spec, "_initializing", False)
