"""What the sources of bronze say of their columns, apart from the asking, which takes Polars."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from polster.model.asset import AssetKey
from polster.model.finding import Finding
from polster.project.schema_file import Columns


@dataclass(frozen=True, slots=True)
class Asked:
    """What sources say of their columns.

    Attributes:
        columns: Type by name, by bronze asset; those that did not answer are not there.
        findings: Sources that fail, that break a contract, or depart from what is kept of them.
    """

    columns: Mapping[AssetKey, Columns] = field(default_factory=dict)
    findings: tuple[Finding, ...] = ()
