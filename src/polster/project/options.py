"""The options of the decorators: which there are, and what values they take."""

from __future__ import annotations

from polster.model.asset import EVERY_RULE, LAYERS, ExtraColumns, Load, Policy, Repeated
from polster.model.expect import Expect
from polster.model.layer import Layer
from polster.model.reference import Reference


def _text(value: object) -> str:
    if not isinstance(value, str) or not value.strip():
        raise ValueError("must be a text")
    return value


def _tags(value: object) -> tuple[str, ...]:
    if not isinstance(value, list | tuple) or not all(
        isinstance(tag, str) and tag for tag in value
    ):
        raise ValueError("must be a list of texts")
    return tuple(value)


def _load(value: object) -> Load:
    if value not in list(Load):
        raise ValueError("must be one of " + ", ".join(f'"{mode}"' for mode in Load))
    return Load(str(value))


def _repeated(value: object) -> Repeated:
    if value not in list(Repeated):
        raise ValueError("must be one of " + ", ".join(f'"{mode}"' for mode in Repeated))
    return Repeated(str(value))


def _extra_columns(value: object) -> ExtraColumns:
    if value not in list(ExtraColumns):
        raise ValueError("must be one of " + ", ".join(f'"{mode}"' for mode in ExtraColumns))
    return ExtraColumns(str(value))


def _policy(value: object) -> Policy:
    if value not in list(Policy):
        raise ValueError("must be one of " + ", ".join(f'"{policy}"' for policy in Policy))
    return Policy(str(value))


def _policies(value: object) -> dict[str, Policy]:
    if not isinstance(value, dict):
        return {EVERY_RULE: _policy(value)}
    if not all(isinstance(rule, str) for rule in value):
        raise ValueError("must name its rules as texts")
    return {rule: _policy(policy) for rule, policy in value.items()}


def _share(value: object) -> float | None:
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value <= 1:
        raise ValueError("must be a share between 0 and 1")
    return float(value)


def _yes_or_no(value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be True or False")
    return value


def _expect(value: object) -> Expect:
    if value is None:
        return Expect()
    if not isinstance(value, Expect):
        raise ValueError("must be an Expect(…)")
    return value


def _references(value: object) -> tuple[Reference, ...]:
    if not isinstance(value, dict):
        raise ValueError("must be a mapping from column to the column that it refers to")
    found = [_reference(columns, target) for columns, target in value.items()]
    if len({reference.rule for reference in found}) < len(found):
        raise ValueError("names the same columns twice")
    return tuple(found)


def _reference(columns: object, target: object) -> Reference:
    own, meant = (side if isinstance(side, tuple) else (side,) for side in (columns, target))
    if not own or not all(isinstance(each, str) and each for each in (*own, *meant)):
        raise ValueError("must name columns as texts")
    if len(own) != len(meant):
        raise ValueError(f"refers with {len(own)} of its columns to {len(meant)}")
    pairs = [_asset_and_column(str(each)) for each in meant]
    if len({asset for asset, _ in pairs}) > 1:
        raise ValueError("refers with several columns to several tables at once")
    return Reference(tuple(map(str, own)), pairs[0][0], tuple(column for _, column in pairs))


def _asset_and_column(text: str) -> tuple[str, str]:
    """Split ``[layer.]asset.column``; what stands behind the asset's name is the column's."""
    layer, _, rest = text.partition(".")
    asset, _, column = (rest if layer in LAYERS else text).partition(".")
    if not asset or not column:
        raise ValueError(f"must name an asset and its column, not `{text}` alone")
    return (f"{layer}.{asset}" if layer in LAYERS else asset), column


OPTION_CHECKS = {
    "load": _load,
    "source": _text,
    "repeated_batch": _repeated,
    "on_violation": _policies,
    "max_quarantined": _share,
    "extra_columns": _extra_columns,
    "allow_empty": _yes_or_no,
    "expect": _expect,
    "owner": _text,
    "tags": _tags,
    "description": _text,
    "references": _references,
}
BRONZE_OPTIONS = frozenset({"load", "repeated_batch", "source"})
JUDGED_OPTIONS = frozenset({"references"})
"""Those of silver and gold alone: bronze takes what arrives, and knows no other table."""
OPTION_HINTS = {
    "load": 'such as load="append"',
    "repeated_batch": 'such as repeated_batch="skip"',
    "source": 'such as source="https://api.example.com/orders"',
    "on_violation": 'such as on_violation={"amount|min": "fail", "*": "quarantine"}',
    "max_quarantined": "such as max_quarantined=0.05 for five in a hundred",
    "extra_columns": 'such as extra_columns="drop"',
    "allow_empty": "such as allow_empty=True for a table that may have no rows",
    "expect": "such as expect=Expect(min_rows=1_000, shrink=0.5), and from polster import Expect",
    "owner": 'such as owner="finance"',
    "tags": 'such as tags=["daily"]',
    "description": "one line for people",
    "references": 'such as references={"product_id": "products.product_id"}',
}


def options_of(layer: Layer) -> list[str]:
    """List the options that the decorator of ``layer`` takes."""
    others = JUDGED_OPTIONS if layer is Layer.BRONZE else BRONZE_OPTIONS
    return [name for name in ("contract", *OPTION_CHECKS) if name not in others]
