"""The addresses of pages, with what is put into them escaped."""

from __future__ import annotations

from urllib.parse import quote, urlencode

from polster.model.asset import AssetKey


def asset_address(key: AssetKey | str, part: str = "", *, column: str | None = None) -> str:
    """Return the address of an asset's page, or of a part of it.

    >>> from polster.model.layer import Layer
    >>> asset_address(AssetKey(Layer.SILVER, "orders"), "lineage", column="a b&c")
    '/asset/silver.orders?column=a+b%26c#lineage'
    """
    query = "" if column is None else "?" + urlencode({"column": column})
    return f"/asset/{quote(str(key))}{query}" + (f"#{part}" if part else "")


def run_address(run_id: str) -> str:
    """Return the address of a run's page."""
    return f"/runs/{quote(run_id, safe='')}"


def release_address(release: str, since: str | None = None) -> str:
    """Return the address of a release, beside an earlier one if ``since`` names it."""
    asked = {"release": release} | ({"since": since} if since else {})
    return f"/releases?{urlencode(asked)}"


EVERY_RUN = "all"
"""What an address says of the rows of all runs, where a run's identifier could stand."""


def quarantine_address(key: AssetKey, rule: str | None = None, run: str | None = None) -> str:
    """Return the address of the rows kept out of an asset: of ``run``, else of its version.

    >>> from polster.model.layer import Layer
    >>> quarantine_address(AssetKey(Layer.SILVER, "orders"), "amount|min")
    '/quarantine?asset=silver.orders&rule=amount%7Cmin'
    """
    asked = {"asset": str(key), "rule": rule, "run": run}
    asked = {name: value for name, value in asked.items() if value is not None}
    return f"/quarantine?{urlencode(asked)}"
