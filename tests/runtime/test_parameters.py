"""What the annotation of a parameter asks for, however it is written."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from polster.operations.validate import validate

if TYPE_CHECKING:
    from tests.conftest import Pipeline

CONTRACT = """

class N(dy.Schema):
    \"\"\"One row.\"\"\"

    kind = dy.String(primary_key=True)
"""
LATE = "from __future__ import annotations\n\nfrom typing import TYPE_CHECKING\n\n"
ALIASED = LATE + "import dataframely as dy\nfrom polster import silver\n\nif TYPE_CHECKING:\n    "
USUAL = (
    "import dataframely as dy\nimport polars as pl\nimport polster\nfrom polster import silver\n"
)
OTHERWISE = (
    USUAL + "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
    "    from polars import DataFrame as Eager\nelse:\n"
)
NEEDED = "\n\nclass Needed(dy.Schema):\n    id = dy.Int64()\n"
EAGER = {
    "quoted": (USUAL, '"pl.DataFrame"'),
    "optional": (USUAL, "pl.DataFrame | None"),
    "optional_in_words": (USUAL + "from typing import Optional\n", 'Optional["pl.DataFrame"]'),
    "annotated": (USUAL + "from typing import Annotated\n", 'Annotated[pl.DataFrame, "all"]'),
    "annotated_text": (USUAL + "from typing import Annotated\n", '"Annotated[pl.DataFrame, 1]"'),
    "alias": (USUAL + "Eager = pl.DataFrame\n", "Eager"),
    "alias_in_quotes": (USUAL + 'Eager = "pl.DataFrame"\n', "Eager"),
    "type_statement": (
        USUAL + 'from typing_extensions import TypeAliasType\nEager = TypeAliasType("Eager", '
        "pl.DataFrame)\n",
        "Eager | None",
    ),
    "new_type": (
        USUAL + 'from typing import NewType\nEager = NewType("Eager", pl.DataFrame)\n',
        "Eager",
    ),
    "type_variable": (
        USUAL + 'from typing import TypeVar\nF = TypeVar("F", bound=pl.DataFrame)\n',
        "F",
    ),
    "for_checkers": (ALIASED + "import polars as pl\n", "pl.DataFrame"),
    "renamed_for_checkers": (ALIASED + "from polars import DataFrame as All\n", "All | None"),
    "alias_for_checkers": (ALIASED + "import polars\n    Eager = polars.DataFrame\n", "Eager"),
    "helper_for_checkers": (ALIASED + "from core.frames import Eager\n", "Eager"),
    "relative_for_checkers": (ALIASED + "from .frames import Eager\n", "Eager"),
    "the_same_otherwise": (OTHERWISE + "    Eager = pl.DataFrame\n", "Eager"),
    "with_contract": (USUAL + NEEDED, "dy.DataFrame[Needed]"),
    "contract_in_quotes": (USUAL + NEEDED, 'dy.DataFrame["Needed"] | None'),
    "contract_for_checkers": (ALIASED + "from core.frames import Needed\n", "dy.DataFrame[Needed]"),
}
LAZY = {
    "nothing": (USUAL, ""),
    "anything": (USUAL + "from typing import Any\n", ": Any"),
    "lazy": (USUAL, ": pl.LazyFrame"),
    "either": (USUAL, ": pl.DataFrame | pl.LazyFrame"),
    "lazy_for_checkers": (ALIASED + "import polars as pl\n", ": pl.LazyFrame"),
    "only_the_result_is_unknown": (USUAL, ': pl.LazyFrame, run: polster.RunContext) -> "NoFrame"'),
}
CONTEXT = {
    "named": (USUAL + "from polster import RunContext\n", "RunContext"),
    "in_quotes": (USUAL, '"polster.RunContext"'),
    "or_none": (USUAL, "polster.RunContext | None"),
    "with_a_note": (USUAL + "from typing import Annotated\n", "Annotated[polster.RunContext, 1]"),
    "by_another_name": (USUAL + "from polster import RunContext as Run\n", "Run"),
    "by_an_alias": (USUAL + "Run = polster.RunContext\n", "Run"),
    "seen_by_checkers": (ALIASED + "from polster import RunContext as Run\n", "Run"),
}
REFUSED = {
    "pandas": (USUAL + "from core.pandas import DataFrame\n", "DataFrame", "POL340", "pandas.Dat"),
    "series": (USUAL, "pl.Series", "POL340", "polars.Series"),
    "listed": (USUAL, "list[int]", "POL340", "list[int]"),
    "misspelled": (USUAL, '"pl.Dataframe"', "POL341", "Dataframe"),
    "missing": (ALIASED + "import no_such as pl\n", "pl.DataFrame", "POL341", "cannot be imported"),
    "nowhere": (USUAL, '"Orders"', "POL341", "there is no `Orders`"),
    "else_anything": (OTHERWISE + "    Eager = object\n", "Eager", "POL341", "`Eager`"),
    "else_any": (
        OTHERWISE + "    from typing import Any as Eager\n",
        "Eager | None",
        "POL341",
        "`E",
    ),
    "else_any_late": (LATE + OTHERWISE + "    Eager = object\n", "Eager", "POL341", "`Eager`"),
    "else_any_elsewhere": (USUAL + "from core.hidden import Eager\n", "Eager", "POL341", "`Eager`"),
    "no_contract": (USUAL, "dy.DataFrame[int]", "POL340", "DataFrame"),
}
KIND = "{'kind': ['eager' if isinstance(bronze_n, polars.DataFrame) else 'lazy']}"
FRAMES = USUAL + "\nEager = pl.DataFrame\n" + NEEDED


def write(pipeline: Pipeline, name: str, imports: str, parameters: str, result: str) -> None:
    arrow = "" if " -> " in parameters else ")"
    pipeline.write(
        f"src/core/silver_{name}.py",
        f"{imports}{CONTRACT}\n\n@silver(contract=N)\ndef {name}({parameters}{arrow}:\n"
        f"    import polars\n    return polars.DataFrame({result})\n",
    )


@pytest.fixture
def numbers(pipeline: Pipeline) -> Pipeline:
    pipeline.asset("bronze.n", "@bronze\ndef n():\n    return pl.DataFrame({'id': [1]})\n")
    pipeline.write("src/core/frames.py", FRAMES)
    return pipeline


def test_every_way_to_write_a_type_gets_a_frame_of_that_kind(numbers: Pipeline) -> None:
    for name, (imports, annotation) in EAGER.items():
        write(numbers, name, imports, f"bronze_n: {annotation}", KIND)
    for name, (imports, annotation) in LAZY.items():
        write(numbers, name, imports, f"bronze_n{annotation}", KIND)

    record = numbers.run()

    assert {str(a.asset): a.error for a in record.assets if a.error} == {}
    kinds = {name: numbers.table(f"silver.{name}").item() for name in (*EAGER, *LAZY)}
    assert kinds == dict.fromkeys(EAGER, "eager") | dict.fromkeys(LAZY, "lazy")
    assert [f for f in validate(numbers.open()).findings if f.severity == "error"] == []


def test_every_way_to_write_the_run_context_gets_the_run(numbers: Pipeline) -> None:
    for name, (imports, annotation) in CONTEXT.items():
        write(numbers, name, imports, f"bronze_n, run: {annotation}", "{'kind': [run.environment]}")

    outcome = numbers.outcome()

    assert outcome == {"bronze.n": "published"} | {f"silver.{n}": "published" for n in CONTEXT}


def test_what_cannot_be_handed_over_is_refused_in_the_same_words_everywhere(
    numbers: Pipeline,
) -> None:
    foreign = "class DataFrame:\n    __module__ = 'pandas.core.frame'\n"
    numbers.write("src/core/pandas.py", foreign)
    numbers.write("src/core/hidden.py", OTHERWISE + "    Eager = object\n")
    for name, (imports, annotation, _, _) in REFUSED.items():
        write(numbers, name, imports, f"bronze_n: {annotation}", "{'kind': ['x']}")

    found = {f.asset: f for f in validate(numbers.open()).findings if f.severity == "error"}
    failed = {str(a.asset): a.error for a in numbers.run().assets if a.error}

    assert found.keys() == failed.keys() == {f"silver.{name}" for name in REFUSED}
    for name, (_, _, code, says) in REFUSED.items():
        finding, error = found[f"silver.{name}"], failed[f"silver.{name}"]
        assert (finding.code, finding.place) == (code, error.place)
        assert (error.code, error.message, error.hint) == (code, finding.message, finding.hint)
        assert says in finding.message


def test_a_foreign_type_is_told_even_if_the_columns_of_the_upstream_are_unknown(
    numbers: Pipeline,
) -> None:
    write(numbers, "some", USUAL, "bronze_n: pl.Series", "{'kind': ['x']}")

    assert "POL340" in {finding.code for finding in validate(numbers.open()).findings}
