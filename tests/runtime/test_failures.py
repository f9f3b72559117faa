"""What can go wrong in a user's code: a code of its own, the place, and no harm done."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polster.model.record import Failure

if TYPE_CHECKING:
    from tests.conftest import Pipeline

FILE = "src/core/silver_x.py"


@pytest.fixture
def built(pipeline: Pipeline) -> Pipeline:
    """A bronze and a silver asset, published once."""
    pipeline.asset(
        "bronze.x",
        '@bronze\ndef x():\n    return pl.LazyFrame({"a": [1, 2, 3], "b": list("xyz")})\n',
    )
    pipeline.asset("silver.x", SILVER.format(body="return bronze_x"))
    pipeline.run()
    return pipeline


SILVER = """
class X(dy.Schema):
    a = dy.Int64()
    b = dy.String()


@silver(contract=X)
def x(bronze_x: pl.LazyFrame) -> pl.LazyFrame:
    {body}
"""


def fail(pipeline: Pipeline, body: str, *, before: str = "") -> Failure:
    """Break ``silver.x``; return its error after checking that nothing was harmed."""
    earlier = pipeline.table("silver.x")
    pipeline.asset("silver.x", before + SILVER.format(body=body))

    record = pipeline.run()

    bronze, silver = record.assets
    assert (record.status, bronze.status, silver.status) == ("failed", "unchanged", "failed")
    assert pipeline.table("silver.x").equals(earlier)
    assert pipeline.version("silver.x") == 0
    assert pipeline.staged_files() == []
    assert silver.error is not None
    assert "/polster/" not in (silver.error.traceback or "")
    assert pipeline.ledger().filter(run_id=record.run_id, status="failed").height == 1
    return silver.error


def test_a_function_that_raises(built: Pipeline) -> None:
    error = fail(built, 'return helper({})["nope"]', before="\ndef helper(x):\n    return x\n")

    assert error.code == "POL305"
    assert error.message == "the function raised KeyError: nope"
    assert error.place == f"{FILE}:16"
    assert error.traceback is not None
    assert error.traceback.splitlines()[0] == "Traceback (most recent call last):"
    assert error.traceback.splitlines()[1].endswith('silver_x.py", line 16, in x')
    assert error.traceback.splitlines()[-1] == "KeyError: 'nope'"


def test_a_cause_is_shown_with_the_error(built: Pipeline) -> None:
    error = fail(
        built,
        "try:\n        1 / 0\n"
        '    except ZeroDivisionError as error:\n        raise RuntimeError("why") from error',
    )

    assert error.message == "the function raised RuntimeError: why"
    assert "ZeroDivisionError: division by zero" in (error.traceback or "")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise SystemExit(3)", "the function raised SystemExit: 3"),
        ("import sys; sys.exit()", "the function raised SystemExit"),
        ('raise pl.exceptions.PanicException("oh")', "the function raised PanicException: oh"),
    ],
)
def test_a_function_cannot_end_the_run(built: Pipeline, body: str, message: str) -> None:
    error = fail(built, body)

    assert (error.code, error.message) == ("POL305", message)


@pytest.mark.parametrize(
    ("body", "code", "message", "hint"),
    [
        ("pass", "POL304", "the function returned nothing", "end it with `return` and the frame"),
        (
            "return [1]",
            "POL303",
            "the function returned a builtins.list, not a frame of Polars",
            "wrap it: pl.DataFrame(…)",
        ),
        (
            'return {"a": [1]}',
            "POL303",
            "the function returned a builtins.dict, not a frame of Polars",
            "wrap it: pl.DataFrame(…)",
        ),
        (
            'return pl.Series("a", [1])',
            "POL303",
            "the function returned a polars.series.series.Series, not a frame of Polars",
            "return a pl.LazyFrame, or a pl.DataFrame where it must be eager",
        ),
        (
            "return type('DataFrame', (), {'__module__': 'pandas'})()",
            "POL303",
            "the function returned a pandas.DataFrame, not a frame of Polars",
            "wrap it: pl.from_pandas(…)",
        ),
        (
            "yield bronze_x",
            "POL303",
            "the function returned a builtins.generator, not a frame of Polars",
            "return a pl.LazyFrame, or a pl.DataFrame where it must be eager",
        ),
        (
            "return pl.DataFrame()",
            "POL303",
            "the function returns a frame without columns",
            None,
        ),
        (
            'return bronze_x.rename({"a": "aa"})',
            "POL301",
            "the function does not return the column `a`, which the contract X wants",
            "`a` may be what is returned as `aa`",
        ),
        (
            'return bronze_x.select("a")',
            "POL301",
            "the function does not return the column `b`, which the contract X wants",
            "it returns: a",
        ),
        (
            'return bronze_x.with_columns(a=pl.concat_list("a"))',
            "POL302",
            "the column `a` is List(Int64) and cannot become Int64, which the contract wants",
            "return Int64 for `a`, or change its type in the contract",
        ),
        (
            "return bronze_x.with_columns(_rules=1)",
            "POL312",
            "the function returns `_rules`, a name that Polster uses itself",
            'rename it: .rename({"_rules": "source_rules"})',
        ),
    ],
)
def test_a_result_that_is_no_table(
    built: Pipeline, body: str, code: str, message: str, hint: str | None
) -> None:
    error = fail(built, body)

    assert (error.code, error.message, error.hint) == (code, message, hint)
    assert error.place == f"{FILE}:12"
    assert error.traceback is None


def test_a_column_that_its_inputs_do_not_have(built: Pipeline) -> None:
    error = fail(built, 'return bronze_x.with_columns(a=pl.col("nope"))')

    assert error.code == "POL305"
    assert error.message.startswith("the frame cannot be computed: ColumnNotFoundError: ")
    assert error.hint is not None
    assert error.hint.startswith("the columns that its inputs have: bronze.x: a, b")
    assert "site-packages" not in (error.traceback or "")


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (
            'return bronze_x.with_columns(pl.col("b").cast(pl.Int64))',
            "InvalidOperationError: conversion from `str` to `i64` failed",
        ),
        (
            'return bronze_x.with_columns(a=pl.col("a").str.to_uppercase())',
            "SchemaError: invalid series dtype: expected `String`",
        ),
        (
            'return pl.scan_csv("landing/nope.csv")',
            "FileNotFoundError: ",
        ),
    ],
)
def test_a_frame_that_cannot_be_computed(built: Pipeline, body: str, message: str) -> None:
    error = fail(built, body)

    assert error.code == "POL305"
    assert error.message.startswith(f"the frame cannot be computed: {message}")
    assert error.place == f"{FILE}:12"


def test_a_source_that_is_not_there_says_where_paths_begin(built: Pipeline) -> None:
    error = fail(built, 'return pl.scan_csv("landing/nope.csv")')

    assert "landing/nope.csv" in error.message
    assert error.hint == "relative paths mean the project's folder"


@pytest.mark.parametrize("error", ["KeyError", "RuntimeError", "Refusal", "AssertionError"])
def test_a_function_of_the_user_that_raises_while_rows_stream(built: Pipeline, error: str) -> None:
    before = f"""
class Refusal(Exception):
    pass


def refuse(batch):
    raise {error}("this one")
"""

    failure = fail(built, "return bronze_x.map_batches(refuse, streamable=True)", before=before)

    assert failure.code == "POL305"
    assert failure.message.endswith(f"{error}: this one")
    assert failure.place == f"{FILE}:11"
    assert failure.traceback is not None
    assert 'silver_x.py", line 11, in refuse' in failure.traceback


def test_an_element_that_its_function_refuses(built: Pipeline) -> None:
    error = fail(
        built,
        "def only_one(value):\n        return {1: 1}[value]\n"
        '    return bronze_x.with_columns(pl.col("a").map_elements(only_one, pl.Int64))',
    )

    assert error.code == "POL305"
    assert error.message.startswith("the frame cannot be computed: KeyError: ")
    assert error.place == f"{FILE}:14"


def test_a_source_of_the_user_that_raises_half_way(built: Pipeline) -> None:
    before = """
from polars.io.plugins import register_io_source


def read(columns, predicate, limit, size):
    yield pl.DataFrame({"a": [1], "b": ["x"]})
    raise ConnectionError("the line went dead")
"""
    body = 'return register_io_source(read, schema={"a": pl.Int64, "b": pl.String})'

    error = fail(built, body, before=before)

    assert error.code == "POL305"
    assert "the line went dead" in error.message


def test_a_module_that_is_not_installed(built: Pipeline) -> None:
    error = fail(built, "return bronze_x", before="import requessts\n")

    assert error.code == "POL213"
    assert error.message == (
        "the file cannot be imported: ModuleNotFoundError: No module named 'requessts'"
    )
    assert error.hint == (
        "install it in the project's environment, or correct the name `requessts`"
    )
    assert error.place == f"{FILE}:5"


def test_a_file_that_ends_the_process_when_imported(built: Pipeline) -> None:
    error = fail(built, "return bronze_x", before="raise SystemExit('go away')\n")

    assert error.code == "POL213"
    assert error.message == "the file cannot be imported: SystemExit: go away"


def test_a_helper_with_a_syntax_error(built: Pipeline) -> None:
    built.write("src/core/bad.py", "def :\n")

    error = fail(built, "return bronze_x", before="import core.bad\n")

    assert error.code == "POL213"
    assert 'core/bad.py", line 1' in (error.traceback or "")


@pytest.mark.parametrize(
    ("option", "code", "message"),
    [
        (
            'on_violation="fail"',
            "POL306",
            "rows break the contract, which lets none pass: a|min (2 rows)",
        ),
        (
            'on_violation={"a|min": "fail"}',
            "POL306",
            "rows break the contract, which lets none pass: a|min (2 rows)",
        ),
        (
            "max_quarantined=0.5",
            "POL307",
            "2 of 3 rows break the contract, 66.7% where 50.0% are allowed",
        ),
        (
            'on_violation={"a|mn": "fail"}',
            "POL313",
            "`on_violation` names the rule `a|mn`, which X does not have",
        ),
    ],
)
def test_rows_that_the_contract_does_not_let_pass(
    built: Pipeline, option: str, code: str, message: str
) -> None:
    earlier = built.table("silver.x")
    built.edit(FILE, "dy.Int64()", "dy.Int64(min=3)")
    built.edit(FILE, "contract=X", f"contract=X, {option}")

    silver = built.run().assets[1]

    assert silver.error is not None
    assert (silver.error.code, silver.error.message) == (code, message)
    assert built.table("silver.x").equals(earlier)
    assert built.staged_files() == []
    if code != "POL313":
        assert silver.error.hint == "look at the rows: polster quarantine silver.x"
        assert (silver.rows_returned, silver.rows_quarantined) == (3, 2)
        assert sorted(built.rejected("silver.x")["a"]) == [1, 2]


def test_where_every_row_is_rejected_the_table_stays(built: Pipeline) -> None:
    earlier = built.table("silver.x")
    built.edit(FILE, "dy.Int64()", "dy.Int64(min=9)")

    silver = built.run().assets[1]

    assert silver.error is not None
    assert silver.error.code == "POL307"
    assert silver.error.message == "all 3 rows break the contract, so nothing would be left"
    assert str(silver.error.hint).endswith("if an empty table is right, write max_quarantined=1.0")
    assert built.table("silver.x").equals(earlier)
    assert sorted(built.rejected("silver.x")["a"]) == [1, 2, 3]

    built.edit(FILE, "contract=X", "contract=X, max_quarantined=1.0")
    assert built.run().assets[1].error is None
    assert built.table("silver.x").height == 0


def test_a_policy_for_one_rule_leaves_the_others(built: Pipeline) -> None:
    built.edit(FILE, "dy.Int64()", "dy.Int64(min=2, max=2)")
    built.edit(FILE, "contract=X", 'contract=X, on_violation={"a|max": "warn", "*": "quarantine"}')

    silver = built.run().assets[1]

    assert silver.rules_broken == {"a|max": 1, "a|min": 1}
    assert built.table("silver.x")["a"].to_list() == [2, 3]


def test_an_asset_may_return_no_rows(built: Pipeline) -> None:
    built.edit(FILE, "return bronze_x", "return bronze_x.clear()")
    built.edit(FILE, "contract=X", "contract=X, allow_empty=True")

    silver = built.run().assets[1]

    assert silver.status == "published"
    assert silver.notes == ("the function returned no rows",)
    assert built.table("silver.x").shape == (0, 2)


def test_odd_columns_and_huge_values_survive(pipeline: Pipeline) -> None:
    pipeline.asset(
        "bronze.x",
        """
        @bronze
        def x() -> pl.LazyFrame:
            return pl.LazyFrame(
                {
                    "a b": [1],
                    "ä|é": ["\\x00\\x1b[31m"],
                    "": [2**63 - 1],
                    "a.b": ["y" * 2_000_000],
                    "'\\"`": [1e308],
                }
            )
        """,
    )

    record = pipeline.run()

    assert record.status == "succeeded", record.assets[0].error
    table = pipeline.table("bronze.x")
    assert table.columns == ["a b", "ä|é", "", "a.b", "'\"`"]
    assert table[""].item() == 2**63 - 1
    assert len(table["a.b"].item()) == 2_000_000
