"""What is kept must never be told when it is no longer true."""

from __future__ import annotations

import hashlib
import json
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from tests.conftest import Pipeline
from tests.warm import is_origin

from polster.operations.open_project import open_project
from polster.operations.validate import Preparation, Validation, validate

EXPORT = """
class Export(dy.Schema):
    id = dy.String()
    amount = dy.String(nullable=True)


@bronze(contract=Export)
def orders() -> pl.LazyFrame:
    return pl.scan_csv("landing/orders.csv", infer_schema=False)
"""
ORDERS = """
from core.money import in_euros


class Orders(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Float64(nullable=True)


@silver(contract=Orders)
def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
    return bronze_orders.select("id", in_euros("amount"))
"""
SALES = """
class Sales(dy.Schema):
    amount = dy.Float64(nullable=True)


@gold(contract=Sales, owner="sales")
def sales(orders: pl.LazyFrame) -> pl.LazyFrame:
    return orders.select(pl.col("amount").sum())
"""
MONEY = """
import polars as pl


def in_euros(column: str) -> pl.Expr:
    return pl.col(column).cast(pl.Float64)
"""
SILVER = "src/core/silver_orders.py"
KEPT = Path(".polster_cache") / "examined"
ALL = ["bronze.orders", "gold.sales", "silver.orders"]

_started: list[object] = []
_is_hooked: list[bool] = []


def _count(event: str, arguments: tuple[object, ...]) -> None:
    if event == "subprocess.Popen" and not is_origin(arguments[1]):
        _started.append(arguments)


@dataclass
class Checks:
    """A project that is checked again and again."""

    pipeline: Pipeline
    started: int = 0
    environment: Mapping[str, str] = field(default_factory=dict)

    @property
    def root(self) -> Path:
        return self.pipeline.root

    def check(self) -> Validation:
        """Check from memory; the same must be found without one."""
        _started.clear()
        with Preparation(remember=True) as preparation:
            project = open_project(self.root, meanwhile=preparation.begin)
            result = validate(project, preparation=preparation)
        self.started = len(_started)
        assert result == validate(open_project(self.root))
        return result

    def codes(self) -> list[str]:
        return [finding.code for finding in self.check().findings]

    def kept(self) -> list[str]:
        """List the assets of which a result is kept."""
        lines = (self.root / KEPT).read_text(encoding="utf-8").splitlines()[1:]
        return sorted(json.loads(line.partition(" ")[2])[0] for line in lines)

    def line(self, asset: str) -> Any:
        lines = (self.root / KEPT).read_text(encoding="utf-8").splitlines()[1:]
        found = {(read := json.loads(line.partition(" ")[2]))[0]: read for line in lines}
        return found[asset]


@pytest.fixture
def checks(pipeline: Pipeline) -> Checks:
    if not _is_hooked:
        _is_hooked.append(True)
        sys.addaudithook(_count)
    pipeline.asset("bronze.orders", EXPORT)
    pipeline.asset("silver.orders", ORDERS.replace('"id",', 'pl.col("id").cast(pl.Int64),'))
    pipeline.asset("gold.sales", SALES)
    pipeline.write("src/core/money.py", MONEY)
    return Checks(pipeline)


def test_no_process_is_started_when_nothing_changed(checks: Checks) -> None:
    first = checks.check()
    started = checks.started

    second = checks.check()

    assert (started, checks.started) == (1, 0)
    assert first == second
    assert checks.kept() == ALL


def test_an_edit_of_a_helper_is_seen(checks: Checks) -> None:
    before = checks.codes()
    checks.pipeline.edit("src/core/money.py", "pl.Float64", "pl.Date")

    after = checks.codes()

    assert "POL302" not in before
    assert after != before


def test_an_edit_of_an_upstreams_contract_is_seen(checks: Checks) -> None:
    before = checks.codes()
    checks.pipeline.edit("src/core/bronze_orders.py", "amount =", "price =")

    assert checks.codes() == [*before, "POL305"]


def test_what_reads_an_asset_is_not_called_again_if_its_columns_stay(checks: Checks) -> None:
    checks.check()
    before = checks.line("gold.sales"), checks.line("silver.orders")
    checks.pipeline.edit("src/core/money.py", "pl.col(column)", "(pl.col(column) + '')")

    checks.check()

    assert checks.started == 1
    assert checks.line("gold.sales") == before[0]
    assert checks.line("silver.orders")[1] != before[1][1]


def test_an_edit_of_a_comment_moves_the_lines(checks: Checks) -> None:
    checks.pipeline.edit("src/core/silver_orders.py", '"amount"', '"amounts"')
    before = [f.line for f in checks.check().findings if f.file == SILVER]
    checks.pipeline.edit("src/core/silver_orders.py", "class Orders", "# a line more\nclass Orders")

    after = [f.line for f in checks.check().findings if f.file == SILVER]

    assert before
    assert after == [line + 1 for line in before if line]


def test_a_new_module_in_front_of_another_is_seen(checks: Checks) -> None:
    before = checks.codes()
    checks.pipeline.write("src/core/money/__init__.py", MONEY.replace("pl.Float64", "pl.Date"))

    assert checks.codes() != before


def test_a_changed_setting_of_a_rule_is_seen(checks: Checks) -> None:
    checks.pipeline.edit("src/core/bronze_orders.py", "amount =", "price =")
    checks.check()
    checks.pipeline.write(
        "pyproject.toml",
        '[tool.polster.rules]\nignore = ["POL2"]\n',
    )

    assert checks.codes() == ["POL305"]
    assert checks.started == 0


def test_a_table_that_is_published_later_is_seen(checks: Checks) -> None:
    checks.pipeline.write("landing/orders.csv", "id,amount,extra\n1,2.5,x\n")
    checks.pipeline.edit("src/core/bronze_orders.py", "(contract=Export)", "")
    before = checks.check().unchecked
    checks.pipeline.run("bronze.orders")

    after = checks.check().unchecked

    assert len(before) == 1
    assert not after


def test_an_upgrade_is_seen(checks: Checks, monkeypatch: pytest.MonkeyPatch) -> None:
    checks.check()
    other = checks.root.parent / "site-packages"
    (other / "polars-99.dist-info").mkdir(parents=True)
    monkeypatch.syspath_prepend(other)

    checks.check()

    assert checks.started == 1


@pytest.mark.parametrize(
    "code",
    [
        pytest.param("FACTOR = open('factor.txt').read()", id="reads a file"),
        pytest.param(
            "from pathlib import Path\nFACTOR = Path('factor.txt').read_bytes()", id="path"
        ),
        pytest.param("import polars as pl\nFACTOR = pl.read_csv('factor.txt')", id="polars"),
        pytest.param("import os\nFACTOR = os.listdir('.')", id="lists a folder"),
        pytest.param("import os\nFACTOR = os.environ.get('FACTOR')", id="environment"),
        pytest.param("import platform\nFACTOR = platform.node()", id="machine"),
        pytest.param("import datetime\nFACTOR = datetime.date.today()", id="clock"),
    ],
)
def test_what_depends_on_more_than_the_source_is_not_kept(checks: Checks, code: str) -> None:
    (checks.root / "factor.txt").write_text("2\n", encoding="utf-8")
    checks.pipeline.write("src/core/factor.py", code + "\n")
    checks.pipeline.edit(
        "src/core/money.py", "import polars as pl", "import polars as pl\nimport core.factor"
    )

    checks.check()

    assert checks.kept() == ["bronze.orders", "gold.sales"]


def test_a_file_that_cannot_be_imported_is_tried_each_time(checks: Checks) -> None:
    checks.pipeline.edit(
        "src/core/gold_sales.py", "import polster\n", "import polster\nimport salesss\n"
    )

    assert "POL213" in checks.codes()
    assert checks.kept() == ["bronze.orders", "silver.orders"]


def test_an_asset_that_crashes_is_tried_each_time(checks: Checks) -> None:
    checks.pipeline.edit("src/core/gold_sales.py", "return orders", "import os; os._exit(3)")

    (finding,) = [each for each in checks.check().findings if each.code == "POL705"]
    assert "the process ended with code 3" in finding.message
    assert "gold.sales" not in checks.kept()
    assert "POL705" in checks.codes()
    assert checks.started > 0


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: "", id="empty"),
        pytest.param(lambda text: text[: len(text) // 2], id="cut off"),
        pytest.param(lambda text: text.replace("Float64", "Float32", 1), id="edited"),
        pytest.param(lambda text: "\n".join(text.splitlines()[:-1]) + "\n", id="a line less"),
        pytest.param(lambda text: "\x00" + text, id="not text"),
    ],
)
def test_a_damaged_file_counts_as_none(checks: Checks, damage: Any) -> None:
    first = checks.check()
    path = checks.root / KEPT
    path.write_text(damage(path.read_text(encoding="utf-8")), encoding="utf-8")

    second = checks.check()

    assert second == first
    assert checks.started == 1
    assert checks.kept() == ALL


def test_a_result_that_cannot_be_read_counts_as_none(checks: Checks) -> None:
    first = checks.check()
    path = checks.root / KEPT
    lines = path.read_text(encoding="utf-8").splitlines()
    for number, line in enumerate(lines[1:], start=1):
        name, recipe, inputs, outcome, _ = json.loads(line.partition(" ")[2])
        text = json.dumps([name, recipe, inputs, outcome, '["of another version"]'])
        lines[number] = f"{hashlib.blake2b(text.encode(), digest_size=16).hexdigest()} {text}"
    path.write_text("\n".join(lines) + "\n", encoding="utf-8")

    second = checks.check()

    assert second == first
    assert checks.started == 1
    assert checks.kept() == ALL


def test_a_folder_in_the_place_of_the_file_harms_nothing(checks: Checks) -> None:
    (checks.root / KEPT).mkdir(parents=True)

    assert checks.check() == checks.check()


@pytest.mark.skipif(sys.platform == "win32", reason="folders are not read-only there")
def test_a_project_that_cannot_be_written_to_is_checked_without_one(checks: Checks) -> None:
    (checks.root / ".polster_cache").write_text("in the way", encoding="utf-8")
    checks.root.chmod(0o555)
    try:
        found = checks.check()
    finally:
        checks.root.chmod(0o755)

    assert found == checks.check()
    assert checks.started == 1


def test_git_does_not_see_it_and_nothing_half_written_is_left(checks: Checks) -> None:
    checks.check()

    folder = checks.root / ".polster_cache"
    assert sorted(path.name for path in folder.iterdir()) == [".gitignore", "assets", "examined"]
    assert (folder / ".gitignore").read_text(encoding="utf-8") == "*\n"


def test_a_selection_keeps_what_is_known_of_the_others(checks: Checks) -> None:
    checks.check()
    checks.pipeline.edit("src/core/gold_sales.py", "pl.col", " pl.col")

    with Preparation(remember=True) as preparation:
        project = open_project(checks.root, meanwhile=preparation.begin)
        validate(project, ["silver.orders"], preparation=preparation)

    assert checks.kept() == ALL


def test_the_command_can_do_without(checks: Checks) -> None:
    result = checks.pipeline.cli("validate", "--no-cache")

    assert result.exit_code == 0
    assert not (checks.root / ".polster_cache").exists()


def test_two_checks_at_once_leave_a_whole_file(checks: Checks) -> None:
    checks.pipeline.write("src/core/money.py", MONEY + "\n# edited\n")

    both = [checks.pipeline.start("-m", "polster", "validate") for _ in range(2)]
    codes = [process.wait(60) for process in both if process.communicate()]

    assert codes == [0, 0]
    assert checks.kept() == ALL
    checks.check()
    assert checks.started == 0
