"""A table of PostgreSQL into bronze, beside Polars' own reader and a plain Delta write.

A million rows, nine columns, from a server that the benchmark starts on loopback; what the plain
way writes is Polars' ``read_database_uri`` by connectorx, then ``write_delta``. It makes decimals
of 38 digits, judges and records nothing, and reads everything before it writes.
"""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path
from urllib.parse import quote

import adbc_driver_postgresql.dbapi as adbc
from tests.sources.servers import PASSWORD, postgres

from benchmarks.measure import (
    ENVIRONMENT,
    POLSTER,
    PYTHON,
    Cost,
    Result,
    median_peak,
    median_seconds,
    say,
    show_costs,
    timed,
)

ROWS = 1_000_000
SALE = f"""
CREATE TABLE sale AS SELECT
  g::bigint AS id, (g % 1000)::int AS customer, (g * 0.01)::numeric(12,2) AS amount,
  timestamptz '2026-01-01' + g * interval '1 second' AS sold_at,
  date '2026-01-01' + (g % 365)::int AS day, 'item ' || g % 5000 AS item,
  g % 2 = 0 AS is_paid, random() AS score, md5(g::text) AS note
FROM generate_series(1, {ROWS}) g
"""
PLAIN = """
import sys
import polars as pl
rows = pl.read_database_uri("SELECT * FROM sale", sys.argv[1], engine="connectorx")
rows.write_delta(sys.argv[2])
"""
BRONZE = '''\
"""Sales of a shop."""

import polster
from polster import bronze
from polster.sources import Source, sql


@bronze
def sale() -> Source:
    return sql("{uri}", table="sale", password=polster.secret("SHOP_PASSWORD"))
'''


def measure(rounds: int) -> list[Result]:
    """Print what each took; return Polster's share."""
    costs: dict[str, list[Cost]] = {"polster run": [], "plain script": []}
    environment = {**ENVIRONMENT, "SHOP_PASSWORD": PASSWORD}
    with tempfile.TemporaryDirectory(prefix="polster-sources-") as folder, postgres() as port:
        root, plain = Path(folder, "shop"), str(Path(folder, "plain"))
        login = f"postgresql://shop:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"
        with adbc.connect(login, autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(SALE)
        core = root / "src" / "core"
        core.mkdir(parents=True)
        (root / "pyproject.toml").write_text("[tool.polster]\n", encoding="utf-8")
        (core / "__init__.py").touch()
        text = BRONZE.format(uri=f"postgresql://shop@127.0.0.1:{port}/postgres")
        (core / "bronze_sale.py").write_text(text, encoding="utf-8")
        for number in range(rounds + 1):
            say(f"sources: round {number} of {rounds}")
            for each in (root / "data", Path(plain)):
                shutil.rmtree(each, ignore_errors=True)
            run, _ = timed([*POLSTER, "run"], folder=root, environment=environment)
            by_hand, _ = timed([PYTHON, "-c", PLAIN, login, plain])
            if number:  # the first warms up
                costs["polster run"].append(run)
                costs["plain script"].append(by_hand)
    show_costs(f"sources: {ROWS:,} rows of PostgreSQL", costs)
    ours, theirs = costs["polster run"], costs["plain script"]
    wall, peak = (
        median_seconds(ours) / median_seconds(theirs),
        median_peak(ours) / median_peak(theirs),
    )
    return [
        Result("sources, PostgreSQL / plain script", wall, 1.2),
        Result("sources, peak memory", peak, 1.0),
    ]
