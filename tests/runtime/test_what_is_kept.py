"""What a run keeps of an error: where it happened, and no value of the data."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

import pytest

from polster.model.record import Failure
from polster.operations.runs import recorded_run

if TYPE_CHECKING:
    from tests.conftest import Pipeline

VALUE = "zanzibar 4711"
BRONZE = """
@bronze
def x():
    return pl.scan_csv("landing/x.csv")
"""
SILVER = """
class X(dy.Schema):
    a = dy.String(){rule}


@silver(contract=X)
def x(bronze_x: pl.LazyFrame) -> pl.LazyFrame:
    value = bronze_x.collect()["a"][0]
    {body}
"""
RULE = """

    @dy.rule()
    def is_number(cls) -> pl.Expr:
        return pl.col("a").cast(pl.Int64) > 0
"""
CHAIN = """try:
        raise LookupError(value)
    except LookupError as error:
        raise ValueError("no") from error"""
MEANWHILE = """try:
        raise LookupError(value)
    except LookupError:
        raise ValueError(value)"""
NOTED = """error = ValueError("no")
    error.add_note(value)
    raise error"""
GROUP = 'raise ExceptionGroup(value, [ValueError(value), KeyError("k", value)])'


def _kept(pipeline: Pipeline) -> str:
    """Return all that the lakehouse says of runs: the ledger's cells and the commits' metadata."""
    cells = [json.dumps(row, default=str) for row in pipeline.ledger().rows(named=True)]
    commits = [file.read_text() for file in pipeline.data.rglob("_delta_log/*.json")]
    said = [line for text in commits for line in text.splitlines() if "commitInfo" in line]
    return "\n".join([*cells, *said])


def _fail(pipeline: Pipeline, body: str, rule: str = "") -> tuple[Failure, Failure]:
    """Break ``silver.x``; return the error as the run told it, and as it is kept."""
    pipeline.write("landing/x.csv", f"a\n{VALUE}\n")
    pipeline.asset("bronze.x", BRONZE)
    pipeline.asset("silver.x", SILVER.format(body=body, rule=rule))
    run = pipeline.run()
    told = run.assets[1].error
    kept = recorded_run(pipeline.open(), run.run_id).assets[1].error
    assert told is not None
    assert kept is not None
    return told, kept


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ("raise ValueError(value)", "the function raised ValueError"),
        ('raise ValueError("first\\n" + value)', "the function raised ValueError"),
        ("raise KeyError(value)", "the function raised KeyError"),
        ("raise SystemExit(value)", "the function raised SystemExit"),
        (CHAIN, "the function raised ValueError"),
        (MEANWHILE, "the function raised ValueError"),
        (NOTED, "the function raised ValueError"),
        (GROUP, "the function raised ExceptionGroup"),
        ("int(value)", "the function raised ValueError"),
        (
            'return bronze_x.with_columns(pl.col("a").cast(pl.Int64).cast(pl.String))',
            "the frame cannot be computed: InvalidOperationError",
        ),
    ],
)
def test_what_an_exception_says_is_told_and_not_kept(
    pipeline: Pipeline, body: str, message: str
) -> None:
    told, kept = _fail(pipeline, body)

    assert VALUE in (told.message + (told.traceback or ""))
    assert kept.message == message
    assert kept.traceback is not None
    assert VALUE not in _kept(pipeline)


def test_a_rule_that_stumbles_quotes_no_value(pipeline: Pipeline) -> None:
    told, kept = _fail(pipeline, "return bronze_x", rule=RULE)

    assert told.code == "POL317"
    assert VALUE in told.message
    assert kept.message.endswith("cannot be evaluated: InvalidOperationError")
    assert VALUE not in _kept(pipeline)


def test_names_of_the_code_and_of_columns_are_kept(pipeline: Pipeline) -> None:
    _, kept = _fail(pipeline, 'return bronze_x.select("nope").collect().lazy()')

    assert kept.message.startswith("the function raised ColumnNotFoundError: ")
    assert "nope" in kept.message


def test_frames_name_files_from_the_project_or_the_packages_on(pipeline: Pipeline) -> None:
    told, kept = _fail(
        pipeline, 'return pl.DataFrame({"a": ["y"]}).select(pl.col("a").cast(pl.Int64)).lazy()'
    )

    assert kept.traceback is not None
    lines = kept.traceback.splitlines()
    assert lines[0] == "Traceback (most recent call last):"
    assert lines[1] == '  File "src/core/silver_x.py", line 13, in x'
    assert lines[2].strip().startswith('return pl.DataFrame({"a": ["y"]})')
    assert any(line.startswith('  File "site-packages/polars/') for line in lines)
    assert lines[-1] == "InvalidOperationError"
    assert str(pipeline.root) not in kept.traceback
    assert str(pipeline.root) in (told.traceback or "")


@pytest.mark.parametrize(
    ("body", "link"),
    [
        (CHAIN, "The above exception was the direct cause of the following exception:"),
        (MEANWHILE, "During handling of the above exception, another exception occurred:"),
        (MEANWHILE.replace("ValueError(value)", "ValueError(value) from None"), None),
    ],
)
def test_a_chain_is_kept_as_python_writes_it(
    pipeline: Pipeline, body: str, link: str | None
) -> None:
    told, kept = _fail(pipeline, body)

    for text in (told.traceback, kept.traceback):
        assert text is not None
        assert ("LookupError" in text.replace("except LookupError", "")) is (link is not None)
        assert link is None or f"\n\n{link}\n\n" in text
    assert (kept.traceback or "").splitlines()[-1] == "ValueError"
