"""Keeping the columns of bronze beside the code, and saying where a source departs from them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from polster.errors import LakehouseError
from polster.lakehouse.dtypes import dtype_text
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.pin import Pin
from polster.lakehouse.table_version import TableVersion
from polster.model.asset import AssetKey
from polster.model.decision import TableState
from polster.model.departure import departures
from polster.model.layer import Layer
from polster.operations.open_project import Project
from polster.project.schema_file import (
    SCHEMA_FILE,
    Columns,
    read_schema_file,
    update_schema_file,
)
from polster.runtime.landed import landed_columns

SHOWN = 5
"""How many departures of one asset are named."""


@dataclass(frozen=True, slots=True)
class BronzeSchemas:
    """The columns of bronze that a project keeps, beside those of a lakehouse.

    Attributes:
        project: Whose file.
        lakehouse: Whose tables.
    """

    project: Project
    lakehouse: Lakehouse

    def keep(
        self,
        tables: Mapping[AssetKey, Pin],
        before: Mapping[AssetKey, TableState],
        environment: str,
    ) -> tuple[str, ...]:
        """Write down the columns of ``tables``, and say once what the file did not say before.

        Only the default environment writes, so that two environments never do so in turns. In
        another one, and where the file cannot be written, as in a read-only checkout, only what
        this run brought is said, so that the next run does not repeat it.

        Args:
            tables: As a run left them; those of silver and gold do not matter.
            before: As it found them.
            environment: Whose tables they are.

        Raises:
            SettingsError: The file is damaged; it is left as it is.
        """
        found = {
            key: table_columns(self.lakehouse.read(pin))
            for key, pin in tables.items()
            if key.layer is Layer.BRONZE
        }
        known = read_schema_file(self.project.root)
        departed = {
            key: said
            for key, columns in found.items()
            if key in known and (said := departures(known[key], columns))
        }
        if environment == self.project.settings.default_environment:
            try:
                written = update_schema_file(self.project.root, found, self.project.graph.assets)
            except OSError:
                pass
            else:
                return _told_as_written(known, departed) if written else ()
        return tuple(
            f"{key} departs from {SCHEMA_FILE}: {_listed(said)}"
            for key, said in departed.items()
            if key not in before or said != self._departed(key, known[key], before[key].version)
        )

    def _departed(
        self, key: AssetKey, known: Columns, version: int | None = None
    ) -> tuple[str, ...]:
        """Say in what a version of a table departs; of one that cannot be read, others tell."""
        try:
            table = self.lakehouse.pin(key, version)
            return departures(known, table_columns(table)) if table else ()
        except LakehouseError:
            return ()

    def departing(self, keys: Iterable[AssetKey]) -> dict[AssetKey, str]:
        """Say of each bronze table among ``keys`` in what it departs from the file, if it does.

        Raises:
            SettingsError: The file is damaged.
        """
        known = read_schema_file(self.project.root)
        said = {key: self._departed(key, known[key]) for key in keys if key in known}
        return {key: _listed(clauses) for key, clauses in said.items() if clauses}


def table_columns(table: TableVersion) -> dict[str, str]:
    """Return the columns that a bronze table has from its source, as the file keeps them."""
    return {n: dtype_text(dtype) or str(dtype) for n, dtype in landed_columns(table).items()}


def _told_as_written(
    known: Mapping[AssetKey, Columns], departed: Mapping[AssetKey, tuple[str, ...]]
) -> tuple[str, ...]:
    if not known:
        return (f"the columns of bronze are kept in {SCHEMA_FILE}: commit it beside the code",)
    return (
        *(
            f"{key} departs from what {SCHEMA_FILE} said: {_listed(said)}"
            for key, said in departed.items()
        ),
        f"{SCHEMA_FILE} was brought up to date: commit it beside the code",
    )


def _listed(departed: tuple[str, ...]) -> str:
    more = len(departed) - SHOWN
    return "; ".join(departed[:SHOWN]) + (f"; {more} more" if more > 0 else "")
