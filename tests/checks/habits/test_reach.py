from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.checks.habits.conftest import Source
READING = """
    import polars as pl


    def rates():
        return pl.scan_csv("rates.csv")


    def unused():
        return pl.scan_csv("other.csv")
    """


@pytest.mark.parametrize(
    ("top", "call"),
    [
        ("from core.files import rates", "rates()"),
        ("from core.files import rates as known", "known()"),
        ("import core.files", "core.files.rates()"),
        ("import core.files as f", "f.rates()"),
        ("from core import files", "files.rates()"),
        ("from .files import rates", "rates()"),
        ("from . import files as f", "f.rates()"),
        ("from core.files import *", "rates()"),
        ("", "from core.files import rates\n    rates()"),
        ("from core.files import rates", "rows.pipe(rates)"),
        ("from core.files import rates", "READERS['rates']"),
    ],
)
def test_a_helper_that_reads_is_found_at_its_own_line(source: Source, top: str, call: str) -> None:
    if "READERS" in call:
        top += "\nREADERS = {'rates': rates}"
    source.write("src/core/files.py", READING)
    source.silver(f"if True:\n    {call}\nreturn rows\n", top=top)

    [finding] = source.findings()

    assert (finding.code, finding.place) == ("POL603", "src/core/files.py:6")
    assert finding.asset == "silver.orders"
    assert "reached from `silver.orders`" in finding.message


def test_a_helper_is_followed_through_other_modules(source: Source) -> None:
    source.write("src/core/io/__init__.py", "from core.io.files import rates\n")
    source.write("src/core/io/files.py", READING)
    source.write(
        "src/core/money.py", "from .io import rates\n\ndef euros(x):\n    return rates()\n"
    )
    source.gold("return euros(rows)\n", top="from core.money import euros")

    assert [finding.place for finding in source.findings()] == ["src/core/io/files.py:6"]


def test_of_a_class_the_methods_that_are_called_count(source: Source) -> None:
    source.write(
        "src/core/rates.py",
        """
        import polars as pl


        class Base:
            def load(self):
                return pl.read_csv("base.csv")


        class Rates(Base):
            def __init__(self):
                self.rows = pl.read_csv("rates.csv")

            def refresh(self):
                self.rows = pl.read_csv("fresh.csv")

            def pure(self):
                return 1
        """,
    )
    source.gold("Rates().pure()\nRates().load()\nreturn rows\n", top="from core.rates import Rates")

    assert [finding.line for finding in source.findings()] == [7, 12]


def test_the_rules_of_an_imported_contract_are_called_by_polster(source: Source) -> None:
    source.write(
        "src/core/contracts.py",
        """
        from datetime import date

        import dataframely as dy


        class Orders(dy.Schema):
            @dy.rule()
            def past(cls):
                return cls.day.col < date.today()

            @classmethod
            def fresh(cls):
                return date.today()
        """,
    )
    source.gold("return rows\n", top="from core.contracts import Orders\nBASE = Orders")

    assert [(each.code, each.line) for each in source.findings()] == [("POL607", 10)]


def test_code_that_is_nested_too_deep_to_follow_is_left_alone(source: Source) -> None:
    source.write("src/core/deep.py", "x = 1" + ".a()" * 3000 + "\n")
    source.gold("return rows\n", top="from core.deep import x")

    assert source.findings() == []


def test_what_a_module_does_on_import_counts(source: Source) -> None:
    source.write(
        "src/core/rates.py", "import polars as pl\n\nRATES = pl.read_csv('x')\nNAME = 'a'\n"
    )
    source.gold("return rows.select(NAME)\n", top="from core.rates import NAME")

    assert [finding.place for finding in source.findings()] == ["src/core/rates.py:3"]


def test_a_helper_that_only_bronze_reaches_may_read(source: Source) -> None:
    source.write("src/core/files.py", READING)
    source.bronze("return rates()\n", top="from core.files import rates")
    source.silver("return rows\n", top="from core.files import unused as _")

    assert source.findings() == []


def test_a_line_that_many_assets_reach_is_told_once(source: Source) -> None:
    source.write("src/core/files.py", READING)
    for number in range(5):
        source.silver("return rates()\n", top="from core.files import rates", name=f"t{number}")

    [finding] = source.findings()

    assert finding.message.startswith(
        "the helper reached from `silver.t0`, `silver.t1`, `silver.t2` and 2 more reaches"
    )


def test_code_for_scripts_and_for_type_checkers_does_not_run(source: Source) -> None:
    path = source.silver("return rows\n", top="from typing import TYPE_CHECKING")
    text = (source.root / path).read_text()
    source.write(
        path,
        text
        + "\nif TYPE_CHECKING:\n    from core.silver_other import other\n"
        + "\nif __name__ == '__main__':\n    pl.read_csv('x')\n    orders.run()\n",
    )

    assert source.findings() == []


def test_a_name_that_is_a_variable_is_not_the_module_of_that_name(source: Source) -> None:
    source.write("src/core/files.py", READING)
    source.silver(
        "files = rows\nfiles.rates = 1\nreturn files.rates()\n", top="from core import files"
    )

    assert source.findings() == []


def test_every_kind_of_statement_is_walked_through(source: Source) -> None:
    source.write(
        "src/core/files.py",
        """
        def f(x):
            global kept
            match x:
                case {"a": 1, **rest} if rest:
                    pass
                case list(count=1) | [*_]:
                    open("x")
            kept: int
            async def g():
                async with x as y, y:
                    async for z in [w async for w in x]:
                        return await z
            try:
                del x[0:1:2]
            except* OSError:
                lambda *a, k=open("y"), **b: (yield)
            return [(n := 1), *x, {**x}, f"{x!r:>{n}}", ...]
        """,
    )
    source.gold("return f(rows)\n", top="from core.files import f")

    assert [finding.line for finding in source.findings()] == [8, 17]


def test_a_package_needs_no_file_of_its_own(source: Source) -> None:
    (source.root / "src/core/__init__.py").unlink()
    source.write("src/shared/files.py", READING)
    source.gold("return rates()\n", top="from shared.files import rates")

    assert [finding.place for finding in source.findings()] == ["src/shared/files.py:6"]


def test_modules_that_import_each_other_are_followed_once(source: Source) -> None:
    source.write("src/core/a.py", "from core.b import g\n\ndef f():\n    return g()\n")
    source.write("src/core/b.py", "from core.a import f\n\ndef g():\n    return open('x') or f()\n")
    source.gold("return f()\n", top="from core.a import f")

    assert [finding.place for finding in source.findings()] == ["src/core/b.py:4"]


def test_a_helper_that_is_no_python_is_left_alone(source: Source) -> None:
    source.write("src/core/a.py", "def f(:\n")
    source.gold("return rows\n", top="from core.a import f")

    assert source.findings() == []


@pytest.mark.parametrize(
    ("top", "use"),
    [
        ("from core.silver_orders import orders", "orders(rows)"),
        ("from core.silver_orders import orders as made", "made"),
        ("import core.silver_orders as other", "other.orders(rows)"),
        ("import core.silver_orders", "core.silver_orders.orders(rows)"),
        ("from core import silver_orders as other", "other.orders(rows)"),
    ],
)
def test_the_function_of_another_asset_is_no_helper(source: Source, top: str, use: str) -> None:
    source.silver("return rows\n")
    source.gold(f"{use}\nreturn rows\n", top=top)

    [finding] = source.findings()

    assert (finding.code, finding.asset) == ("POL606", "gold.sales")
    assert "`silver_orders: pl.LazyFrame`" in str(finding.hint)


@pytest.mark.parametrize(
    "top",
    ["from core.silver_orders import Contract", "import core.silver_orders as m\nC = m.Contract"],
)
def test_the_contract_of_another_asset_may_be_imported(source: Source, top: str) -> None:
    source.silver("return rows\n")
    source.gold("return rows\n", top=top)

    assert source.findings() == []
