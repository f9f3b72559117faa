"""An asset: one function, one table."""

from __future__ import annotations

import builtins
import keyword
import re
from collections.abc import Mapping
from dataclasses import dataclass, fields
from enum import StrEnum
from types import MappingProxyType

from polster.model.expect import Expect
from polster.model.layer import LAYERS, Layer
from polster.model.option import (
    Option,
    expectation,
    one_of,
    option,
    referred,
    share,
    text,
    texts,
    yes_or_no,
)
from polster.model.reference import Reference

NAME_PATTERN = re.compile(r"[a-z][a-z0-9_]*")
NAME_LENGTH = 100  # file systems stop at 255 bytes; the layer, tests' names and suffixes join it


@dataclass(frozen=True, slots=True, order=True)
class AssetKey:
    """The name of an asset in its project: ``silver.clean_logs``."""

    layer: Layer
    name: str

    def __str__(self) -> str:
        return f"{self.layer}.{self.name}"

    @property
    def identifier(self) -> str:
        """Return the key as one Python name, ``silver_clean_logs``; also the file's stem."""
        return f"{self.layer}_{self.name}"

    @classmethod
    def parse(cls, text: str) -> AssetKey | None:
        """Read ``silver.clean_logs`` or ``silver_clean_logs``; None if no layer leads.

        >>> str(AssetKey.parse("silver_clean_logs"))
        'silver.clean_logs'
        """
        for separator in ".", "_":
            layer, _, name = text.partition(separator)
            if name and layer in LAYERS:
                return cls(LAYERS[layer], name)
        return None


def name_problem(name: str) -> str | None:
    """Say what is wrong with ``name`` as an asset's name; None if nothing is.

    >>> name_problem("clean_logs")
    >>> name_problem("Clean-Logs")
    'is not lowercase snake_case: letters a to z, digits and underscores, a letter first'
    """
    if not NAME_PATTERN.fullmatch(name):
        return "is not lowercase snake_case: letters a to z, digits and underscores, a letter first"
    if keyword.iskeyword(name) or keyword.issoftkeyword(name):
        return "is a keyword of Python"
    if hasattr(builtins, name):
        return "is a builtin of Python"
    if len(name) > NAME_LENGTH:
        return f"is longer than {NAME_LENGTH} characters"
    return None


class Load(StrEnum):
    """How a bronze asset lands what its function returns."""

    SNAPSHOT = "snapshot"  # the source's whole state; readers get the latest batch
    APPEND = "append"  # new records; readers get all batches


class Repeated(StrEnum):
    """What happens if bronze that appends is given the batch that it landed last once more."""

    FAIL = "fail"
    SKIP = "skip"  # nothing lands
    LAND = "land"  # the rows are new ones


class Policy(StrEnum):
    """What happens to a row that breaks a rule of the contract."""

    QUARANTINE = "quarantine"  # the row goes to the quarantine table
    FAIL = "fail"  # nothing of this run is published
    WARN = "warn"  # the row is published and counted


class ExtraColumns(StrEnum):
    """What happens to columns that the contract does not name."""

    KEEP = "keep"
    DROP = "drop"
    FAIL = "fail"


DEFAULT_POLICY = {
    Layer.BRONZE: Policy.QUARANTINE,
    Layer.SILVER: Policy.QUARANTINE,
    Layer.GOLD: Policy.FAIL,
}
EVERY_RULE = "*"
"""The key of ``on_violation={...}`` that stands for all rules that are not named."""
BATCH_COLUMN = "_batch_id"
AUDIT_COLUMNS = ("_ingested_at", BATCH_COLUMN, "_source")
"""What bronze adds to the columns of its source."""
LATE = "late for frozen"
"""The rule that keeps out what would be new among rows that stay frozen; no policy is about it."""


def _policies(value: object) -> dict[str, Policy]:
    policy = one_of(Policy)
    if not isinstance(value, dict):
        return {EVERY_RULE: policy(value)}
    if not all(isinstance(rule, str) for rule in value):
        raise ValueError("must name its rules as texts")
    return {rule: policy(each) for rule, each in value.items()}


_BRONZE = (Layer.BRONZE,)
_JUDGED = (Layer.SILVER, Layer.GOLD)
"""Bronze takes what arrives, and knows no other table."""


@dataclass(frozen=True, slots=True)
class Options:
    """What the decorator of an asset was given, defaults filled in: the one table of options.

    What else is to be known of an option stands beside it; :mod:`polster.decorators` alone names
    them again, for editors and type checkers.

    Attributes:
        contract: Name of the contract class as written, if any.
        load: Bronze only.
        source: Where bronze rows come from, for the audit column ``_source``.
        repeated_batch: Bronze that appends only.
        on_violation: Policy by rule; ``"*"`` stands for the rules not named.
        max_quarantined: Share of the returned rows, 0 to 1, above which the asset fails; None if
            it fails only where every row is rejected.
        extra_columns: What happens to columns that the contract does not name.
        allow_empty: Whether a table that had rows may have none.
        expect: What a new version may be beside the last one.
        owner: Who answers for the asset.
        tags: Words to select by.
        description: One line; the docstring's first if not given.
        references: Which columns must hold values of other tables; never in bronze.
        frozen: Which published rows stay as they are, in SQL; never in bronze.
        slice_by: The column by whose values parts of the table can be made; never in bronze.
    """

    contract: str | None = None
    load: Load = option(
        Load.SNAPSHOT,
        one_of(Load),
        'such as load="append"',
        "how it lands what it reads",
        layers=_BRONZE,
    )
    source: str | None = option(
        None,
        text,
        'such as source="https://api.example.com/orders"',
        "where its rows are said to come from",
        layers=_BRONZE,
    )
    repeated_batch: Repeated = option(
        Repeated.FAIL,
        one_of(Repeated),
        'such as repeated_batch="skip"',
        "what happens to a batch that comes again",
        layers=_BRONZE,
    )
    on_violation: Mapping[str, Policy] = option(
        MappingProxyType({EVERY_RULE: Policy.QUARANTINE}),
        _policies,
        'such as on_violation={"amount|min": "fail", "*": "quarantine"}',
        "what happens to rows that break the contract",
    )
    max_quarantined: float | None = option(
        None,
        share,
        "such as max_quarantined=0.05 for five in a hundred",
        "the share of rows that may be quarantined",
    )
    extra_columns: ExtraColumns = option(
        ExtraColumns.KEEP,
        one_of(ExtraColumns),
        'such as extra_columns="drop"',
        "what happens to columns beyond the contract",
    )
    allow_empty: bool = option(
        False,
        yes_or_no,
        "such as allow_empty=True for a table that may have no rows",
        "whether it may have no rows",
    )
    expect: Expect = option(
        Expect(),
        expectation,
        "such as expect=Expect(min_rows=1_000, shrink=0.5), and from polster import Expect",
        "what is expected of a new version",
    )
    owner: str | None = option(
        None, text, 'such as owner="finance"', "its owner", is_descriptive=True
    )
    tags: tuple[str, ...] = option(
        (), texts, 'such as tags=["daily"]', "its tags", is_descriptive=True
    )
    description: str | None = option(
        None, text, "one line for people", "its description", is_descriptive=True
    )
    references: tuple[Reference, ...] = option(
        (),
        referred,
        'such as references={"product_id": "products.product_id"}',
        "what its columns refer to",
        layers=_JUDGED,
    )
    frozen: str | None = option(
        None,
        text,
        "such as frozen=\"ordered_on < '2024-01-01'\"",
        "which of its rows stay as they are",
        layers=_JUDGED,
    )
    slice_by: str | None = option(
        None,
        text,
        'such as slice_by="month"',
        "by which column it is made in parts",
        layers=_JUDGED,
    )

    def policy(self, rule: str) -> Policy:
        """Return what happens to a row that breaks ``rule``."""
        if rule == LATE:
            return Policy.QUARANTINE
        return self.on_violation.get(rule, self.on_violation[EVERY_RULE])


OPTIONS: Mapping[str, Option] = {
    each.name: each.metadata["option"] for each in fields(Options) if each.metadata
}
"""All of them, apart from the contract, which is read and compared in its own way."""


def options_of(layer: Layer) -> list[str]:
    """List the options that the decorator of ``layer`` takes."""
    return ["contract", *(name for name, each in OPTIONS.items() if layer in each.layers)]


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of an asset's function: the wish for one upstream table.

    Attributes:
        has_default: Whether it is written with a value, as if it were no table.
    """

    name: str
    line: int
    has_default: bool = False


@dataclass(frozen=True, slots=True)
class Asset:
    """One function that makes one table, as it is written in its file.

    Attributes:
        key: Layer and name.
        file: Relative to the project's folder, forward slashes.
        line: Line of the function's ``def``.
        module: Import path of the file, ``core.silver_clean_logs``.
        parameters: In the function's order, without the run context.
        options: What the decorator was given.
    """

    key: AssetKey
    file: str
    line: int
    module: str
    parameters: tuple[Parameter, ...] = ()
    options: Options = Options()

    @property
    def place(self) -> str:
        """Return ``file:line`` of the function."""
        return f"{self.file}:{self.line}"
