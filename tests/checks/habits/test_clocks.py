from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.checks.habits.conftest import Source


@pytest.mark.parametrize(
    ("top", "value"),
    [
        ("from datetime import datetime", "datetime.now()"),
        ("from datetime import datetime as dt, UTC", "dt.now(tz=UTC)"),
        ("import datetime", "datetime.datetime.utcnow()"),
        ("import datetime as d", "d.date.today()"),
        ("from time import time as clock", "clock()"),
        ("import time", "time.strftime('%Y')"),
        ("import time", "list(map(time.time_ns, []))"),
        ("import pandas as pd", "pd.Timestamp.now()"),
    ],
)
def test_asking_the_clock_is_found_and_the_run_offered_instead(
    source: Source, top: str, value: str
) -> None:
    source.silver(f"return rows.with_columns(at=pl.lit({value}))\n", top=top)

    [finding] = source.findings()

    assert finding.code == "POL607"
    assert "run.time" in str(finding.hint)


@pytest.mark.parametrize(
    ("top", "value"),
    [
        ("from datetime import datetime", "datetime(2025, 1, 1)"),
        ("from datetime import datetime", "datetime.fromisoformat('2025-01-01')"),
        ("import time", "time.strftime('%Y', (2025,) * 9)"),
        ("", "run.time"),
        ("", "pl.date(2025, 1, 1)"),
    ],
)
def test_a_time_that_is_given_is_none_of_the_clock(source: Source, top: str, value: str) -> None:
    source.silver(f"return rows.with_columns(at=pl.lit({value}))\n", top=top)

    assert source.findings() == []


@pytest.mark.parametrize(
    ("top", "value"),
    [
        ("import random", "random.random()"),
        ("from random import choice as pick", "pick([1])"),
        ("import random", "random.Random()"),
        ("import numpy as np", "np.random.rand()"),
        ("from numpy.random import default_rng", "default_rng(None)"),
        ("import secrets", "secrets.token_hex()"),
        ("import uuid", "uuid.uuid4()"),
        ("import uuid", "str(uuid.uuid1())"),
        ("import uuid", "pl.Series(list(map(uuid.uuid4, [])))"),
        ("", "pl.col('id').shuffle()"),
        ("", "pl.col('id').shuffle(seed=None)"),
        ("", "pl.col('id').sample(3)"),
        ("", "rows.collect_schema().to_frame().sample(fraction=0.1)"),
    ],
)
def test_chance_is_found(source: Source, top: str, value: str) -> None:
    source.silver(f"return rows.with_columns(x={value})\n", top=top)

    assert source.codes() == ["POL608"]


@pytest.mark.parametrize(
    ("top", "value"),
    [
        ("import random", "random.Random(7).sample([1, 2], 1)"),
        ("import numpy as np", "np.random.default_rng(seed=7).normal()"),
        ("import uuid", "uuid.uuid5(uuid.NAMESPACE_DNS, 'x')"),
        ("", "pl.col('id').shuffle(7)"),
        ("", "pl.col('id').sample(3, seed=0)"),
        ("", "pl.col('id').sample(**OPTIONS)"),
        ("", "pl.col('id').hash(seed=0)"),
    ],
)
def test_a_seed_takes_chance_away(source: Source, top: str, value: str) -> None:
    source.silver(f"return rows.with_columns(x={value})\n", top=top)

    assert source.findings() == []


def test_the_rules_of_a_contract_count_too(source: Source) -> None:
    source.write(
        "src/core/gold_sales.py",
        """
        from datetime import date

        import dataframely as dy
        import polars as pl
        from polster import gold


        class Sales(dy.Schema):
            day = dy.Date(primary_key=True)

            @dy.rule()
            def not_in_the_future(cls) -> pl.Expr:
                return pl.col("day") <= date.today()


        @gold(contract=Sales)
        def sales(orders: pl.LazyFrame) -> pl.LazyFrame:
            return orders
        """,
    )

    assert source.shown() == [("POL607", "today()")]


def test_bronze_may_ask_the_clock_and_draw(source: Source) -> None:
    source.bronze(
        "return pl.LazyFrame({'at': [datetime.now()], 'id': [uuid.uuid4()]})\n",
        top="import uuid\nfrom datetime import datetime",
    )

    assert source.findings() == []
