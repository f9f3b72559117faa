from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.conftest import Pipeline

Mask = Callable[[str], str]
RUN_POLSTER = """\
from polster.cli.script import main

if __name__ == "__main__":
    main(__file__)
"""
END = '\n\nif __name__ == "__main__":\n    {}.run()\n'


@pytest.fixture
def scripts(shop: Pipeline) -> Pipeline:
    shop.write("run_polster.py", RUN_POLSTER)
    for key, name in (("silver_orders", "orders"), ("gold_spending", "spending")):
        file = shop.root / f"src/core/{key}.py"
        file.write_text(file.read_text() + END.format(name))
    return shop


def test_an_assets_file_runs_that_asset_from_anywhere(
    scripts: Pipeline, tmp_path: Path, masked: Mask
) -> None:
    scripts.write("src/core/tax.py", "RATE = 2\n")
    scripts.edit(
        "src/core/silver_orders.py",
        "import polster\n",
        "import polster\nfrom core.tax import RATE\n",
    )
    scripts.run("bronze.orders")

    done = scripts.process(str(scripts.root / "src/core/silver_orders.py"), cwd=tmp_path)

    assert done.returncode == 0, done.stderr
    assert masked(done.stdout).splitlines()[1] == (
        "silver.orders  published  2  3  <seconds>  "
        "amount|min 1, customer|nullability 1, primary_key 1"
    )
    assert scripts.version("silver.orders") == 0
    assert not (scripts.data / "gold").exists()


def test_an_assets_file_without_its_upstream_names_the_command(scripts: Pipeline) -> None:
    done = scripts.process("src/core/gold_spending.py")

    assert done.returncode == 1
    assert "error[POL308]: `gold.spending`: `silver.orders`, which it reads, was never built" in (
        done.stdout
    )
    assert "polster run silver.orders, or both with: polster run +gold.spending" in done.stdout


def test_arguments_of_an_assets_file_are_those_of_the_command(scripts: Pipeline) -> None:
    scripts.run()

    done = scripts.process("src/core/gold_spending.py", "--full-refresh")

    assert done.returncode == 0
    assert scripts.version("gold.spending") == 1


@pytest.mark.parametrize(
    ("decorator", "code"),
    [
        ("@gold", "POL210"),
        ("@gold()", "POL210"),
        ("@gold(contrct=Spending)", "POL211"),
        ("@gold('daily', contract=Spending)", "POL211"),
    ],
)
def test_a_mistake_in_the_decorator_is_told_when_the_file_is_run_by_itself(
    scripts: Pipeline, decorator: str, code: str
) -> None:
    written = '@gold(contract=Spending, owner="sales", description="Who spends what.")'
    scripts.edit("src/core/gold_spending.py", written, decorator)

    done = scripts.process("src/core/gold_spending.py")

    assert done.returncode == 1
    assert f"error[{code}]" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_assets_file_runs_that_is_a_link(scripts: Pipeline, tmp_path: Path) -> None:
    file = scripts.root / "src/core/silver_orders.py"
    file.rename(tmp_path / "shared.py")
    file.symlink_to(tmp_path / "shared.py")
    (tmp_path / "link").symlink_to(scripts.root)
    scripts.run("bronze.orders")

    done = scripts.process("src/core/silver_orders.py", cwd=tmp_path / "link")

    assert done.returncode == 0, done.stderr
    assert scripts.table("silver.orders").height == 2


def test_an_assets_file_runs_beside_helpers_that_are_named_like_libraries(
    scripts: Pipeline,
) -> None:
    scripts.write("src/core/types.py", "MONEY = 'Float64'\n")
    for library in ("polars", "dataframely", "deltalake", "polster"):
        scripts.write(f"src/core/{library}.py", "OURS = True\n")
    scripts.write("src/core/calendar/__init__.py", "")
    scripts.edit(
        "src/core/silver_orders.py",
        "from polster import bronze, gold, silver",
        "from polster import bronze, gold, silver\n"
        "from core.types import MONEY\nfrom core.polars import OURS",
    )
    scripts.run("bronze.orders")

    done = scripts.process("src/core/silver_orders.py")

    assert done.returncode == 0, done.stderr


def test_run_polster_runs_everything_one_asset_or_shows_the_state(
    scripts: Pipeline, tmp_path: Path
) -> None:
    script = str(scripts.root / "run_polster.py")

    everything = scripts.process(script, cwd=tmp_path)
    one = scripts.process(script, "--asset", "gold.spending")
    status = scripts.process(script, "--status", "--env", "dev")
    wrong = scripts.process(script, "--asset", "gold.nope")

    assert (everything.returncode, one.returncode, status.returncode) == (0, 0, 0)
    assert everything.stdout.endswith("3 published\n")
    assert one.stdout.endswith("nothing to do: 1 unchanged\n")
    assert status.stdout.splitlines()[3].startswith("gold.spending  published")
    assert wrong.returncode == 2


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--no-materialize"], "--no-materialize goes with --ui"),
        (["--ui", "--status"], "--ui shows the state of every asset"),
        (["--ui", "--asset", "gold.spending"], "--ui shows the state of every asset"),
    ],
)
def test_flags_that_contradict_each_other_are_told(
    scripts: Pipeline, flags: list[str], said: str
) -> None:
    done = scripts.process("run_polster.py", *flags)

    assert done.returncode == 2
    assert done.stdout == ""
    assert said in done.stderr
    assert not scripts.data.exists()
