"""The contract of an asset, column by column."""

from __future__ import annotations

from collections.abc import Mapping
from weakref import WeakKeyDictionary

from polster.dashboard.board import Board
from polster.dashboard.elements.rows import short_type
from polster.dashboard.elements.tag import Tag
from polster.dashboard.shared import Itself, Shared
from polster.model.asset import EVERY_RULE, AssetKey, ExtraColumns
from polster.model.contract import ContractColumn
from polster.model.layer import Layer
from polster.operations.describe import Description, describe

EXTRA = {
    ExtraColumns.KEEP: "columns that the contract does not name are kept",
    ExtraColumns.DROP: "columns that the contract does not name are dropped",
    ExtraColumns.FAIL: "a column that the contract does not name fails the run",
}
POLICIES = {
    "quarantine": "is quarantined",
    "fail": "fails the run",
    "warn": "is published, and counted",
}


_DESCRIPTIONS: WeakKeyDictionary[Board, dict[AssetKey, Shared[Description]]] = WeakKeyDictionary()


def description_key(board: Board, key: AssetKey) -> object:
    """Return what a description depends on: the source, and the columns that are published."""
    snapshot = board.snapshot
    entry = snapshot.overview.assets.get(key) if snapshot.overview else None
    return Itself(snapshot.project), entry.state.version if entry else None


def description_of(board: Board, key: AssetKey) -> Shared[Description]:
    """Return the description of an asset, which all pages share.

    Describing calls the user's code, in a process of its own, so it is done once for each state
    of the source.
    """
    known = _DESCRIPTIONS.setdefault(board, {})
    if key not in known:
        known[key] = Shared(
            lambda: board.ask(describe, str(key)),
            lambda: description_key(board, key),
        )
    return known[key]


def draw_contract(told: Description) -> None:
    """Show columns, types, rules and marks, and what breaking a rule does."""
    if told.contract is None:
        _without_contract(told)
        return
    _columns(told, told.contract)
    if told.table_rules:
        Tag("h3", "Rules of the whole row or table")
        policies = told.policies()
        with Tag("ul", classes="table-rules"):
            for name, text in told.table_rules.items():
                with Tag("li"):
                    Tag("code", name)
                    Tag("span", f" {text}", classes="mono soft")
                    Tag("span", f" \N{EM DASH} a row that breaks it {POLICIES[policies[name]]}")
    if told.unknown:
        Tag("p", f"What it publishes is not known: {told.unknown}", classes="small note")
    elif told.further_columns:
        Tag("h3", "Published though the contract does not name them")
        _plain_columns(told.further_columns)
    Tag("p", _policy(told), classes="soft small")


def _without_contract(told: Description) -> None:
    if told.asset.options.contract is not None:
        Tag("p", f"The contract {told.asset.options.contract} cannot be read: {told.unknown}")
        return
    if told.key.layer is Layer.BRONZE:
        Tag("p", "It has no contract: it lands what its source holds, whatever that is.")
    else:
        Tag("p", "It has no contract: name one with contract= in its decorator.")
    if told.columns is None:
        Tag("p", f"Its columns are not known: {told.unknown}", classes="soft")
        return
    Tag("h3", "Columns as published")
    _plain_columns(told.columns)


def _plain_columns(columns: Mapping[str, str]) -> None:
    with Tag("div", classes="scroll"), Tag("table", classes="plain"):
        with Tag("thead"), Tag("tr"):
            Tag("th", "column", scope="col")
            Tag("th", "type", scope="col")
        with Tag("tbody"):
            for name, dtype in columns.items():
                with Tag("tr"):
                    Tag("th", name, scope="row", classes="name")
                    Tag("td", short_type(dtype), classes="mono", title=dtype)


def _columns(told: Description, contract: tuple[ContractColumn, ...]) -> None:
    with Tag("div", classes="scroll"), Tag("table", classes="plain contract"):
        with Tag("thead"), Tag("tr"):
            for name in ("column", "type", "nullable", "rules", "marks"):
                Tag("th", name, scope="col")
        with Tag("tbody"):
            for column in contract:
                _column(told, column)


def _column(told: Description, column: ContractColumn) -> None:
    with Tag("tr"):
        with Tag("th", classes="name", scope="row"):
            Tag("span", column.name)
            if column.primary_key:
                Tag("span", "key", classes="chip key")
        Tag("td", short_type(column.dtype), classes="mono", title=column.dtype)
        Tag("td", "yes" if column.nullable else "no")
        with Tag("td"):
            policies = told.policies()
            for name, text in column.rules.items():
                with Tag("div", classes="rule-line"):
                    Tag("code", name)
                    Tag("span", f" {text}", classes="mono")
                    policy = policies[f"{column.name}|{name}"]
                    if policy is not told.asset.options.on_violation.get(EVERY_RULE):
                        Tag("span", f" {policy}", classes="chip")
        with Tag("td"):
            if column.pii:
                Tag("span", "personal data", classes="chip pii")
            if column.masked is not None:
                Tag("span", f" masked: {column.masked or 'no reason given'}", classes="small")


def _policy(told: Description) -> str:
    options = told.asset.options
    default = options.on_violation.get(EVERY_RULE)
    said = f"A row that breaks a rule {POLICIES[default or 'quarantine']}"
    others = [
        f"{rule} {policy}" for rule, policy in options.on_violation.items() if rule != EVERY_RULE
    ]
    if others:
        said += f" (except: {', '.join(others)})"
    if options.max_quarantined is None:
        said += "; if every row does, the asset fails"
    elif options.max_quarantined < 1:
        said += f"; more than {options.max_quarantined:.3g} of the rows fails the asset"
    return f"{said}; {EXTRA[options.extra_columns]}."
