from __future__ import annotations

from pathlib import Path

import pytest

from polster.model.asset import Asset, ExtraColumns, Load, Policy
from polster.model.finding import Finding
from polster.model.layer import Layer, LayerRules
from polster.project.asset_file import read_asset_file
from polster.project.discovery import Discovery, discover


def write(root: Path, name: str, text: str) -> Path:
    path = root / "src/core" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def read(root: Path, name: str, text: str) -> Asset:
    found = read_asset_file(write(root, name, text), root)
    assert isinstance(found, Asset), found
    return found


def mistakes(root: Path, name: str, text: str) -> list[Finding]:
    found = read_asset_file(write(root, name, text), root)
    assert isinstance(found, list), found
    assert all(finding.file == f"src/core/{name}" for finding in found)
    return found


def mistake(root: Path, name: str, text: str) -> Finding:
    (finding,) = mistakes(root, name, text)
    return finding


SILVER = """\
\"\"\"Of the module.\"\"\"
import polster
from polster import RunContext, silver
from x import Contract

@silver(contract=Contract)
def clean(logs, more, run: polster.RunContext):
    \"\"\"Clean
    logs.

    At length.\"\"\"
"""


def test_an_asset_is_read_without_being_run(tmp_path: Path) -> None:
    found = read(tmp_path, "silver_clean.py", SILVER + "\nraise SystemExit('it ran')\n")

    assert str(found.key) == "silver.clean"
    assert found.place == "src/core/silver_clean.py:7"
    assert found.module == "core.silver_clean"
    assert [(parameter.name, parameter.line) for parameter in found.parameters] == [
        ("logs", 7),
        ("more", 7),
    ]
    assert found.options.contract == "Contract"
    assert found.options.description == "Clean logs."
    assert found.options.on_violation == {"*": Policy.QUARANTINE}


@pytest.mark.parametrize(
    "code",
    [
        "from polster import bronze\n@bronze\ndef x(): ...",
        "from polster import bronze\n@bronze()\ndef x(): ...",
        "from polster import bronze as raw\n@raw\ndef x(): ...",
        "import polster\n@polster.bronze\ndef x(): ...",
        "import polster as p\n@p.bronze()\ndef x(): ...",
        "import functools\nfrom polster import bronze\n@bronze\n@functools.cache\ndef x(): ...",
    ],
)
def test_the_decorator_is_known_by_where_it_comes_from(tmp_path: Path, code: str) -> None:
    assert str(read(tmp_path, "bronze_x.py", code).key) == "bronze.x"


@pytest.mark.parametrize(
    "code",
    [
        "",
        "x = 1",
        "from elsewhere import bronze\n@bronze\ndef x(): ...",
        "def bronze(f): return f\n@bronze\ndef x(): ...",
        "class A:\n    from polster import bronze\n",
    ],
)
def test_a_file_named_like_an_asset_must_hold_one(tmp_path: Path, code: str) -> None:
    found = mistake(tmp_path, "bronze_x.py", code)

    assert found.code == "POL207"
    assert found.hint == "write `@bronze def x(…)` in it, or rename the file if it is a helper"


def test_one_asset_a_file(tmp_path: Path) -> None:
    code = "from polster import bronze\n@bronze\ndef x(): ...\n@bronze\ndef y(): ...\n"

    found = mistake(tmp_path, "bronze_x.py", code)

    assert (found.code, found.line) == ("POL208", 5)
    assert "`bronze.x`, `bronze.y`" in found.message


@pytest.mark.parametrize(
    ("name", "code", "expected"),
    [
        ("bronze_y.py", "from polster import bronze\n@bronze\ndef x(): ...", "POL206"),
        ("silver_x.py", "from polster import bronze\n@bronze\ndef x(): ...", "POL206"),
        ("bronze_X.py", "from polster import bronze\n@bronze\ndef X(): ...", "POL209"),
        ("bronze_id.py", "from polster import bronze\n@bronze\ndef id(): ...", "POL209"),
        ("bronze_x.py", "from polster import bronze\n@bronze\nasync def x(): ...", "POL214"),
        ("bronze_x.py", "from polster import bronze\n@bronze\ndef x(*, y): ...", "POL202"),
        ("bronze_x.py", "from polster import bronze\n@bronze\ndef x(*y): ...", "POL214"),
        ("bronze_x.py", "from polster import bronze\n@bronze\ndef x(**y): ...", "POL214"),
        ("bronze_x.py", "from polster import bronze\n@bronze('x')\ndef x(): ...", "POL211"),
        ("bronze_x.py", "def broken(", "POL212"),
        ("bronze_x.py", "x = '\0'", "POL212"),
        ("silver_x.py", "from polster import silver\n@silver()\ndef x(a): ...", "POL210"),
        ("silver_x.py", "from polster import silver\n@silver\ndef x(a): ...", "POL210"),
        ("gold_x.py", "from polster import gold\n@gold(contract=None)\ndef x(a): ...", "POL210"),
    ],
)
def test_each_mistake_has_its_code(tmp_path: Path, name: str, code: str, expected: str) -> None:
    found = mistake(tmp_path, name, code)

    assert found.code == expected
    assert found.line


def test_a_value_among_the_parameters_of_bronze_is_told_where_it_belongs(tmp_path: Path) -> None:
    for name, signature in ("bronze_x.py", "day='2024'"), ("bronze_y.py", "day"):
        folder = tmp_path / "src/core"
        folder.mkdir(parents=True, exist_ok=True)
        code = f"from polster import bronze\n@bronze\ndef {name[7]}({signature}): ..."
        (folder / name).write_text(code)

    value, asset = discover(tmp_path, LayerRules()).findings

    assert (value.code, asset.code) == ("POL202", "POL202")
    assert "a parameter is a dependency" in str(value.hint)
    assert "read the source in the function" in str(asset.hint)


@pytest.mark.parametrize("signature", ["orders, rate=0.2", "orders, *, rate=0.2"])
def test_a_value_among_the_parameters_is_told_where_it_belongs(
    tmp_path: Path, signature: str
) -> None:
    """Orders are no asset either, but nobody took them for a value."""
    folder = tmp_path / "src/core"
    folder.mkdir(parents=True)
    code = f"from polster import silver\n@silver(contract=C)\ndef x({signature}): ..."
    (folder / "silver_x.py").write_text(code)

    orders, rate = discover(tmp_path, LayerRules()).findings

    assert (orders.code, rate.code) == ("POL201", "POL201")
    assert "RATE = 0.2" not in str(orders.hint)
    assert "RATE = 0.2" in str(rate.hint)


def test_all_mistakes_of_a_file_are_reported_together(tmp_path: Path) -> None:
    code = "from polster import silver\n@silver(load='append', tag='x')\ndef y(*a, **b): ...\n"

    found = mistakes(tmp_path, "silver_x.py", code)

    assert sorted(finding.code for finding in found) == [
        "POL206",
        "POL210",
        "POL211",
        "POL211",
        "POL214",
        "POL214",
    ]


def test_bytes_that_are_no_text_are_a_mistake(tmp_path: Path) -> None:
    path = write(tmp_path, "bronze_x.py", "")
    path.write_bytes(b"x = '\xff'\n")

    found = read_asset_file(path, tmp_path)

    assert isinstance(found, list)
    assert found[0].code == "POL212"


def test_a_folder_in_the_place_of_a_file_is_a_mistake(tmp_path: Path) -> None:
    (tmp_path / "src/core/bronze_x.py").mkdir(parents=True)

    (finding,) = discover(tmp_path, LayerRules()).findings

    assert finding.code == "POL212"


def test_every_option_is_read(tmp_path: Path) -> None:
    code = """
from polster import bronze
FILE = "landing/x.csv"
@bronze(
    load="append", source=FILE, max_quarantined=0.5, extra_columns="drop", owner="ops",
    tags=["a", "b"], description="Of the decorator.",
    on_violation={"x|min": "warn", "*": "fail"}, contract=contracts.X,
)
def x():
    "Of the function."
"""

    options = read(tmp_path, "bronze_x.py", code).options

    assert options.load is Load.APPEND
    assert options.source == "landing/x.csv"
    assert options.max_quarantined == 0.5
    assert options.extra_columns is ExtraColumns.DROP
    assert options.owner == "ops"
    assert options.tags == ("a", "b")
    assert options.description == "Of the decorator."
    assert options.policy("x|min") is Policy.WARN
    assert options.policy("y") is Policy.FAIL
    assert options.contract == "contracts.X"


@pytest.mark.parametrize(
    "option",
    [
        "load='everything'",
        "load=['append']",
        "source=3",
        "source=' '",
        "owner=''",
        "tags='a'",
        "tags=[1]",
        "description=None",
        "max_quarantined=2",
        "max_quarantined=-0.1",
        "max_quarantined=True",
        "max_quarantined='half'",
        "extra_columns='maybe'",
        "on_violation='explode'",
        "on_violation={'x': 'explode'}",
        "on_violation={1: 'fail'}",
        "owner=name()",
        "owner=UNKNOWN",
        "owner=f'{x}'",
        "unknown=1",
        "**options",
    ],
)
def test_an_option_that_makes_no_sense_is_a_mistake_with_a_hint(
    tmp_path: Path, option: str
) -> None:
    code = f"from polster import bronze\n@bronze({option})\ndef x(): ..."

    found = mistake(tmp_path, "bronze_x.py", code)

    assert (found.code, found.line) == ("POL211", 2)
    assert found.hint


@pytest.mark.parametrize(
    "references",
    [
        "'products.id'",
        "{'id': 'products'}",
        "{'id': 'silver.products'}",
        "{'id': 3}",
        "{'': 'products.id'}",
        "{('a', 'b'): 'products.id'}",
        "{('a', 'b'): ('products.a', 'others.b')}",
        "{'a': 'products.a', ('a',): 'others.a'}",
    ],
)
def test_references_that_make_no_sense_are_a_mistake_with_a_hint(
    tmp_path: Path, references: str
) -> None:
    code = f"from polster import gold\n@gold(contract=C, references={references})\ndef x(a): ..."

    found = mistake(tmp_path, "gold_x.py", code)

    assert (found.code, found.line) == ("POL211", 2)
    assert "products.product_id" in (found.hint or "")


def test_bronze_refers_to_nothing(tmp_path: Path) -> None:
    code = "from polster import bronze\n@bronze(references={'a': 'b.c'})\ndef x(): ..."

    found = mistake(tmp_path, "bronze_x.py", code)

    assert found.code == "POL211"
    assert "references" not in (found.hint or "")


@pytest.mark.parametrize("option", ["load='append'", "source='x'"])
def test_options_of_bronze_are_of_bronze_only(tmp_path: Path, option: str) -> None:
    code = f"from polster import gold\n@gold(contract=C, {option})\ndef x(a): ..."

    found = mistake(tmp_path, "gold_x.py", code)

    assert found.code == "POL211"
    assert "load" not in (found.hint or "")


@pytest.mark.parametrize(
    ("layer", "policy"), [(Layer.SILVER, Policy.QUARANTINE), (Layer.GOLD, Policy.FAIL)]
)
def test_what_happens_to_bad_rows_depends_on_the_layer(
    tmp_path: Path, layer: Layer, policy: Policy
) -> None:
    code = f"from polster import {layer}\n@{layer}(contract=C)\ndef x(a): ..."

    found = read(tmp_path, f"{layer}_x.py", code)

    assert found.options.policy("anything") is policy


@pytest.mark.parametrize(
    "annotation", ["RunContext", "polster.RunContext", "'RunContext'", "'polster.RunContext'"]
)
def test_the_run_is_no_dependency(tmp_path: Path, annotation: str) -> None:
    code = f"from polster import bronze\n@bronze\ndef x(run: {annotation}): ..."

    assert read(tmp_path, "bronze_x.py", code).parameters == ()


def found_in(root: Path) -> Discovery:
    return discover(root, LayerRules())


def test_helpers_and_other_folders_are_no_assets(tmp_path: Path) -> None:
    write(tmp_path, "bronze_x.py", "from polster import bronze\n@bronze\ndef x(): ...")
    write(tmp_path, "tax.py", "RATE = 1")
    write(tmp_path, "__init__.py", "")
    write(tmp_path, "bronze_notes.txt", "")
    write(tmp_path, "deeper/bronze_y.py", "")

    assert [str(asset.key) for asset in found_in(tmp_path).assets] == ["bronze.x"]


def test_a_project_without_code_is_empty(tmp_path: Path) -> None:
    found = found_in(tmp_path)

    assert found.assets == ()
    assert found.findings == ()
    assert found.graph is not None


def test_a_broken_file_does_not_hide_the_others(tmp_path: Path) -> None:
    write(tmp_path, "bronze_logs.py", "def broken(")
    write(tmp_path, "silver_clean.py", SILVER.replace("more, ", ""))
    write(tmp_path, "gold_x.py", "from polster import gold\n@gold(contract=C)\ndef x(cleen): ...")

    found = found_in(tmp_path)

    assert [str(asset.key) for asset in found.assets] == ["gold.x", "silver.clean"]
    assert [(finding.file, finding.code) for finding in found.findings] == [
        ("src/core/bronze_logs.py", "POL212"),
        ("src/core/gold_x.py", "POL201"),
    ]
    assert found.graph is None


@pytest.mark.parametrize("name", ["logs.py", "daily/bronze_logs.py", "Bronze_logs.py"])
def test_an_asset_that_nothing_looks_for_is_a_mistake(tmp_path: Path, name: str) -> None:
    write(tmp_path, name, "from polster import bronze\n@bronze\ndef logs(): ...")

    (found,) = found_in(tmp_path).findings

    assert (found.code, found.file, found.line) == ("POL206", f"src/core/{name}", 3)
    assert found.hint == "move it to src/core/bronze_logs.py"


@pytest.mark.parametrize(
    ("name", "code"),
    [
        ("helper.py", "from polster import RunContext\ndef orders(run: RunContext): ..."),
        ("helper.py", "from polster import bronze\ndef broken("),
        (".old/bronze_logs.py", "from polster import bronze\n@bronze\ndef logs(): ..."),
    ],
)
def test_a_helper_holds_no_asset(tmp_path: Path, name: str, code: str) -> None:
    write(tmp_path, name, code)

    assert found_in(tmp_path).findings == ()


def test_a_file_named_otherwise_is_reported_once(tmp_path: Path) -> None:
    write(tmp_path, "bronze_logs.py", "from polster import bronze\n@bronze\ndef log(): ...")
    write(tmp_path, "silver_clean.py", SILVER.replace("more, ", ""))

    assert [finding.code for finding in found_in(tmp_path).findings] == ["POL206"]


def test_old_escapes_in_strings_are_not_warned_about_here(tmp_path: Path) -> None:
    code = "from polster import bronze\n@bronze\ndef x():\n    return '\\d'"

    assert str(read(tmp_path, "bronze_x.py", code).key) == "bronze.x"
