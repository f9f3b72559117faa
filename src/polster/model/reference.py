"""A reference: columns of one table whose values must stand in another one."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Reference:
    """What an asset says its columns refer to.

    Attributes:
        columns: Of the asset's own table.
        target: The asset meant, as it is written, with its layer or without.
        target_columns: The columns of that table, in the order of ``columns``.
    """

    columns: tuple[str, ...]
    target: str
    target_columns: tuple[str, ...]

    @property
    def rule(self) -> str:
        """Return the name of the rule that a row breaks whose values are not there.

        >>> Reference(("shop", "sku"), "products", ("shop", "sku")).rule
        'shop,sku|references'
        """
        return f"{','.join(self.columns)}|references"

    def __str__(self) -> str:
        """Say where values must stand.

        >>> str(Reference(("shop", "sku"), "products", ("shop", "sku")))
        'in products.shop, products.sku'
        """
        return "in " + ", ".join(f"{self.target}.{column}" for column in self.target_columns)
