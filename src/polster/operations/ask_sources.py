"""Asking the sources of bronze which columns they send, without reading their rows."""

from __future__ import annotations

from collections.abc import Collection
from contextlib import chdir
from dataclasses import replace
from datetime import UTC, datetime

import polars as pl

from polster.contracts.judge import settle_terms
from polster.errors import AssetError, PolsterError
from polster.lakehouse.dtypes import dtype_text
from polster.model.asset import Asset, AssetKey
from polster.model.context import RunContext
from polster.model.departure import departures
from polster.model.finding import Finding, Severity, finding_about
from polster.model.graph import AssetGraph
from polster.operations.asked import Asked
from polster.operations.open_project import Project
from polster.project.import_path import import_afresh
from polster.project.load import in_short, load_asset
from polster.project.schema_file import SCHEMA_FILE, Columns, read_schema_file
from polster.project.shared_process import shared_process
from polster.runtime.call import call_function
from polster.runtime.failures import naming_misuse
from polster.runtime.writes.cursor import Cursor, Marks


def ask_sources(
    project: Project, graph: AssetGraph, keys: Collection[AssetKey], environment: str
) -> Asked:
    """Call the functions of bronze, and ask their frames for columns and types.

    A lazy frame reads no more than it takes to say them; what is eager reads everything.

    Args:
        project: Whose assets.
        graph: What of them can be connected.
        keys: Which bronze assets.
        environment: What the functions are told of the run.

    Raises:
        SettingsError: What the project keeps of the columns cannot be read.
    """
    kept = read_schema_file(project.root)
    run = RunContext("validate", datetime.now(UTC), environment)
    import_afresh(project.root)
    columns: dict[AssetKey, Columns] = {}
    findings: list[Finding] = []
    with chdir(project.root), shared_process(project.root):
        for asset in (graph[key] for key in graph.assets if key in keys):
            try:
                with naming_misuse(asset):
                    found = _ask(asset, run, project)
            except PolsterError as error:
                findings.append(_failed(asset, error))
                continue
            columns[asset.key] = found
            said = departures(kept[asset.key], found) if asset.key in kept else ()
            if said:
                findings.append(_departs(asset, "; ".join(said)))
    return Asked(columns, tuple(findings))


def _ask(asset: Asset, run: RunContext, project: Project) -> dict[str, str]:
    """Return what one source sends, in the types that its table would have."""
    loaded = load_asset(asset)
    marks = Marks(asset, {})
    frame = call_function(loaded, {}, replace(run, marks=marks), project.root)
    try:
        returned = frame.collect_schema()
    except (Exception, pl.exceptions.PanicException) as error:
        raise AssetError(
            f"the frame cannot be computed: {in_short(error)}", code="POL305", place=asset.place
        ) from error
    terms = settle_terms(asset, loaded.function.contract, returned)
    if marks.asked is not None and returned:
        Cursor(asset, marks.asked, None, terms).check(None)
    return {name: dtype_text(dtype) or str(dtype) for name, dtype in terms.schema.items()}


def _failed(asset: Asset, error: PolsterError) -> Finding:
    return finding_about(
        asset,
        error.code,
        f"the source of `{asset.key}` cannot be asked: {error.message}",
        hint=error.hint,
    )


def _departs(asset: Asset, said: str) -> Finding:
    return finding_about(
        asset,
        "POL733",
        f"the source of `{asset.key}` departs from {SCHEMA_FILE}: {said}",
        hint=f"land it, and commit the file: polster run {asset.key}",
        severity=Severity.WARNING,
    )
