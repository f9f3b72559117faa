"""Whatever a user writes, names, sets or raises: Polster says what is wrong, and never stumbles."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tests.conftest import Pipeline, make_pipeline
from typer.testing import CliRunner

from polster.cli.app import app

ODD_EXCEPTIONS = """
class Mute(Exception):
    def __str__(self):
        raise KeyboardInterrupt
    __repr__ = __str__


class Secretive(BaseException):
    def __str__(self):
        return 5
    def __getattribute__(self, name):
        if name in ("args", "__notes__"):
            raise ValueError(name)
        return super().__getattribute__(name)


class Nameless(type):
    @property
    def __name__(cls):
        raise ValueError


class Anonymous(Exception, metaclass=Nameless):
    __notes__ = 5


def deep():
    return deep()


def fail(*_):
    raise {raised}
"""
RAISED = (
    "KeyboardInterrupt",
    "SystemExit(0)",
    "GeneratorExit",
    "StopIteration",
    "MemoryError",
    "deep()",
    "BaseException('x')",
    "BaseExceptionGroup('g', [KeyboardInterrupt()])",
    "Mute()",
    "Secretive()",
    "Anonymous()",
    "KeyError(Mute())",
    "AttributeError(Mute())",
    "UnicodeDecodeError('utf-8', b'x', 0, 1, 'y')",
    "OSError(28, 'No space left on device')",
    "FileNotFoundError",
    "SyntaxError('a', ('f', None, None, None))",
    "ValueError('\\ud800\\0')",
    "ImportError(name=3)",
    "pl.exceptions.ColumnNotFoundError",
    "5",
)
CONTRACT = "class C(dy.Schema):\n    a = dy.Int64({check})\n    {rule}\n\n"
RULE = "@dy.rule()\n    def r(cls):\n        return {}"
CALLS = "pl.col('a').map_elements(fail, return_dtype=pl.Boolean)"
NUMBERS = "pl.LazyFrame({'a': [1, 2]})"
PLACES = {
    "import": "fail()\n{head}\n    return " + NUMBERS,
    "call": "{head}\n    fail()",
    "batch": "{head}\n    return " + NUMBERS + ".map_batches(fail)",
    "value": "{head}\n    return " + NUMBERS + ".select(" + CALLS + ")",
    "rule": CONTRACT.format(check="", rule=RULE.format("fail()"))
    + "{judged}\n    return "
    + NUMBERS,
    "in rule": CONTRACT.format(check="", rule=RULE.format(CALLS))
    + "{judged}\n    return "
    + NUMBERS,
    "over rule": CONTRACT.format(check="", rule=RULE.format(f"{CALLS}.all().over('a')"))
    + "{judged}\n    return "
    + NUMBERS,
    "check": CONTRACT.format(
        check="check=lambda c: c.map_batches(fail, return_dtype=pl.Boolean)", rule=""
    )
    + "{judged}\n    return "
    + NUMBERS,
}
NAMES = st.one_of(
    st.sampled_from(
        ["", "*", "^a$", "^.*$", "\0", "a\0", ".", "a.b", "`", "\n", "_id", "a|b", "É"]
    ),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=12),
)
SIMPLE = st.sampled_from(
    [
        *("pl.Null", "pl.Int8", "pl.Int64", "pl.Int128", "pl.UInt64", "pl.UInt128"),
        *("pl.Float16", "pl.Categorical", "pl.Time", "pl.Date", "pl.Boolean", "pl.String"),
        *("pl.Binary", "pl.Enum(['a'])", "pl.Duration('ns')", "pl.Datetime('ns')"),
        *("pl.Datetime('us', 'Asia/Kathmandu')", "pl.Decimal(38, 10)"),
    ]
)
NESTED = st.recursive(
    SIMPLE,
    lambda inner: (
        inner.map("pl.List({})".format)
        | st.tuples(inner, st.integers(0, 2)).map(lambda each: f"pl.Array({each[0]}, {each[1]})")
        | st.dictionaries(NAMES, inner, max_size=2).map(
            lambda fields: f"pl.Struct({{{', '.join(f'{n!r}: {t}' for n, t in fields.items())}}})"
        )
    ),
    max_leaves=3,
)
TYPES = st.one_of(NESTED, st.just("pl.Object"))  # inside of others Polars panics over it
FRAMES = st.tuples(st.dictionaries(NAMES, TYPES, max_size=3), st.integers(0, 2)).map(
    lambda each: (
        f"pl.DataFrame({{{', '.join(f'{name!r}: [None] * {each[1]}' for name in each[0])}}}, "
        f"schema={{{', '.join(f'{name!r}: {dtype}' for name, dtype in each[0].items())}}})"
    )
)
OTHERS = st.sampled_from(
    [
        "None",
        "1",
        "pl",
        "pl.DataFrame",
        "pl.col('a')",
        "[pl.DataFrame()]",
        "(each for each in [])",
        "type('P', (), {'__module__': property(fail)})()",
        "pl.DataFrame({'a': [1]}).group_by('a')",
        "pl.LazyFrame({'a': [1]}).select('nope')",
        "pl.scan_csv('nope\\0.csv')",
        "pl.scan_parquet('s4://x/y')",
        "pl.read_csv(b'\\xff\\xfe')",
        "open('a\\0b')",
        "pl.LazyFrame({'a': [1]}).map_batches(lambda batch: 5)",
        "pl.LazyFrame({'a': ['x']}).cast(pl.Int8)",
    ]
)
STUMBLED = ("POL900", "POL901", "POL902", "tumbled")


@contextmanager
def fresh(factory: pytest.TempPathFactory) -> Iterator[Pipeline]:
    """Make a project; what it imports and sets is forgotten afterwards."""
    before = dict(os.environ)
    with (
        pytest.MonkeyPatch.context() as patch,
        contextmanager(make_pipeline)(factory.mktemp("fuzz") / "p", patch) as pipeline,
    ):
        yield pipeline
    os.environ.clear()
    os.environ.update(before)


def body(place: str, raised: str) -> str:
    """Write a bronze asset that raises something at some place; its name is still open."""
    head = "@bronze\ndef {name}():"
    judged = "@bronze(contract=C)\ndef {name}():"
    text = PLACES[place].replace("{head}", head).replace("{judged}", judged)
    return ODD_EXCEPTIONS.replace("{raised}", raised) + "\n\n" + text + "\n"


def check(*arguments: str) -> str:
    """Type a command; whatever it answers, it does not stumble."""
    result = CliRunner().invoke(app, arguments)
    assert result.exception is None or isinstance(result.exception, SystemExit), arguments
    assert result.exit_code in (0, 1, 2), arguments
    assert not any(sign in result.output for sign in STUMBLED), result.output
    return result.output


def test_whatever_is_raised_wherever_fails_its_asset_alone(
    pipeline: Pipeline,
) -> None:
    wanted: dict[str, str] = {}
    for place in PLACES:
        for raised in RAISED:
            name = f"a{len(wanted)}"
            pipeline.asset(f"bronze.{name}", body(place, raised).replace("{name}", name))
            wanted[f"bronze.{name}"] = place
    codes = {"import": "POL213", "rule": "POL316", "in rule": "POL317", "over rule": "POL317"}

    run = pipeline.json("run")

    for asset in run["assets"]:
        place = wanted[asset["asset"]]
        assert asset["status"] == "failed", place
        assert asset["error"]["code"] == codes.get(place, asset["error"]["code"])
        assert asset["error"]["code"] in ("POL213", "POL305", "POL316", "POL317", "POL403")
        assert asset["error"]["place"].startswith(f"src/core/bronze_{asset['asset'][7:]}.py")
    check("status", "--project", str(pipeline.root))


def test_validate_survives_whatever_is_raised_wherever(pipeline: Pipeline) -> None:
    pipeline.asset("bronze.x", "@bronze\ndef x():\n    ...\n")
    for number, (place, raised) in enumerate(
        (place, raised)
        for place in ("import", "call", "batch", "rule", "check")
        for raised in RAISED
    ):
        name = f"a{number}"
        text = body(place, raised).replace("{name}():", f"{name}(x: pl.DataFrame):")
        text = text.replace(
            "@bronze\n", "class E(dy.Schema):\n    a = dy.Int64()\n\n@bronze(contract=E)\n"
        )
        pipeline.asset(f"silver.{name}", text.replace("@bronze", "@silver"))
    pipeline.asset(
        "bronze.x", "class X(dy.Schema):\n    a = dy.Int64()\n\n@bronze(contract=X)\ndef x(): ...\n"
    )

    said = check("validate", "--no-cache", "--project", str(pipeline.root))

    assert "the examination ended" not in said


@settings(max_examples=8, derandomize=True)
@given(values=st.lists(st.one_of(FRAMES, FRAMES, OTHERS), min_size=4, max_size=4))
@example(values=["pl.DataFrame({'*': [1]})", "pl.DataFrame({'^.*$': [1]})", "pl.DataFrame()"])
def test_whatever_is_returned_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory, values: list[str]
) -> None:
    with fresh(tmp_path_factory) as pipeline:
        project = ("--project", str(pipeline.root))
        for number, value in enumerate(values):
            fails = "def fail(*_):\n    raise ValueError\n\n"
            text = f"{fails}@bronze\ndef a{number}():\n    return {value}\n"
            pipeline.asset(f"bronze.a{number}", text)

        check("run", *project)
        check("run", "--full-refresh", *project)
        check("plan", *project)
        check("status", *project)
        for number in range(len(values)):
            check("preview", f"bronze.a{number}", *project)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=8),
    st.lists(st.text(max_size=3), max_size=2),
)
LAKEHOUSES = st.one_of(
    JUNK,
    st.sampled_from(
        [
            "s4://x/y",
            "s3://k:s@x",
            "s3://",
            "~nobody/x",
            "${HOME",
            "${NOT_SET}",
            "a\0b",
            "file:///x",
            "x" * 5000,
        ]
    ),
)
SETTINGS = st.fixed_dictionaries(
    {},
    optional={
        "lakehouse": LAKEHOUSES,
        "environment": JUNK,
        "environments": st.one_of(
            JUNK,
            st.dictionaries(
                st.sampled_from(["dev", "prod", "", "a.b"]),
                st.one_of(JUNK, LAKEHOUSES.map(lambda each: {"lakehouse": each})),
                max_size=2,
            ),
        ),
        "rules": st.one_of(
            JUNK,
            st.dictionaries(
                st.sampled_from(["allow", "ignore", "select", "severity", "max_readers", "assets"]),
                st.one_of(JUNK, st.just({"POL601": "error"})),
                max_size=2,
            ),
        ),
    },
)


def as_toml(value: Any) -> str:
    """Write a value as TOML, which has no null."""
    if isinstance(value, Mapping):
        return (
            "{"
            + ", ".join(f"{json.dumps(key)} = {as_toml(each)}" for key, each in value.items())
            + "}"
        )
    if isinstance(value, list):
        return f"[{', '.join(map(as_toml, value))}]"
    if isinstance(value, float):
        return repr(value)
    return json.dumps(value) if value is not None else "nothing"


@settings(max_examples=30, derandomize=True)
@given(
    table=SETTINGS,
    dotenv=st.one_of(
        st.just(b""),
        st.binary(max_size=20),
        st.text(max_size=20).map(lambda each: each.encode("utf-16", "surrogatepass")),
        st.binary(max_size=5).map(b"A=".__add__),
    ),
    environment=st.one_of(st.none(), st.sampled_from(["dev", "prod", "", "a.b", "\0"])),
)
def test_whatever_is_set_is_taken_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    table: dict[str, Any],
    dotenv: bytes,
    environment: str | None,
) -> None:
    with fresh(tmp_path_factory) as pipeline:
        lines = "".join(f"{name} = {as_toml(value)}\n" for name, value in table.items())
        pipeline.write("pyproject.toml", f"[tool.polster]\n{lines}")
        (pipeline.root / ".env").write_bytes(dotenv)
        pipeline.asset("bronze.x", "@bronze\ndef x(): ...\n")
        project = ["--project", str(pipeline.root)]
        project += [] if environment is None else ["--env", environment]

        for command in ("plan", "status", "runs"):
            check(command, *project)


WORDS = st.one_of(
    st.sampled_from(
        ["", "*", "+", "layer:", "silver.*", "../x", "\0", "a\0b", "x" * 300, "-", "[", "bronze.x"]
    ),
    st.text(max_size=6),
).filter(lambda word: not word.startswith("-"))


@settings(max_examples=30, derandomize=True)
@given(
    command=st.sampled_from(
        [
            "plan",
            "run",
            "history",
            "preview",
            "runs",
            "releases",
            "quarantine",
            "lineage",
            "rule",
            "diff",
            "remove-asset",
        ]
    ),
    word=WORDS,
    option=st.sampled_from(["--project", "--env", "--format", "--rows", "--rule", None]),
    value=WORDS,
)
@example(command="plan", word="", option="--project", value="x" * 300)
def test_whatever_is_typed_is_understood_or_refused(
    tmp_path_factory: pytest.TempPathFactory,
    command: str,
    word: str,
    option: str | None,
    value: str,
) -> None:
    with fresh(tmp_path_factory) as pipeline:
        pipeline.asset("bronze.y", "@bronze\ndef y(): ...\n")
        more = [] if option is None else [option, value]

        check(
            command, word, *([] if command == "rule" else ["--project", str(pipeline.root)]), *more
        )


NO_PYTHON = (
    "x = 1\n".encode("utf-16"),
    b"x = '\xe9'\n",
    b"x = 1\0\n",
    b"# coding: nope\n",
    b"# coding: rot13\n",
    b"x = " + b"(" * 5000 + b")" * 5000,
    b"x = " + b"-" * 200_000 + b"1",
    b"x = " + b"1+" * 20_000 + b"1",
)


def test_files_that_are_no_python_are_told(pipeline: Pipeline) -> None:
    project = ("--project", str(pipeline.root))
    for number, content in enumerate(NO_PYTHON):
        (pipeline.root / "src" / "core" / f"bronze_a{number}.py").write_bytes(content)

    for command in ("run", "validate", "plan"):
        assert check(command, *project).count("[POL212]") == len(NO_PYTHON)
    check("list-assets", *project)


def test_helpers_that_are_no_python_fail_who_imports_them(pipeline: Pipeline) -> None:
    project = ("--project", str(pipeline.root))
    for number, content in enumerate(NO_PYTHON):
        (pipeline.root / "src" / "core" / f"help{number}.py").write_bytes(content)
        text = f"from core import help{number}\n@bronze\ndef a{number}():\n    ...\n"
        pipeline.asset(f"bronze.a{number}", text)

    assert check("run", *project).count("[POL213]") == len(NO_PYTHON)
    check("validate", *project)
