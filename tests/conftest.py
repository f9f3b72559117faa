"""What all tests share: projects written from text, and a law that every run must keep."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from importlib.metadata import version
from pathlib import Path
from textwrap import dedent
from typing import Any

import polars as pl
import pytest
from deltalake import DeltaTable
from hypothesis import settings
from tests.warm import end_origins, forked
from typer.testing import CliRunner, Result

from polster.checks import children
from polster.cli.app import app
from polster.lakehouse.lakehouse import Lakehouse
from polster.lakehouse.store import Store
from polster.model.asset import AssetKey
from polster.model.event import nobody
from polster.model.record import AssetRecord, AssetStatus, RunRecord
from polster.operations.open_project import Session, open_project
from polster.operations.plan import plan
from polster.operations.run import run
from polster.runtime import processes

IMPORTS = """\
import dataframely as dy
import polars as pl
import polster
from polster import bronze, gold, silver
"""
EXECUTOR = os.environ.get("POLSTER_TEST_EXECUTOR", "threads")
"""Where the jobs of every run are done, also of one in a process of its own: or ``processes``."""
settings.register_profile("polster", deadline=None)  # no test depends on the clock
settings.load_profile("polster")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a failed test about a private part of a library which version broke what."""
    report = yield
    mark = item.get_closest_marker("private_part_of")
    if mark is not None and report.failed:
        library, sentence = mark.args[0], item.name.removeprefix("test_").replace("_", " ")
        broken = f"{library} {version(library)} breaks: {sentence}"
        report.sections.append(("What a library no longer does", broken))
    return report


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Leave out what holds of threads alone, where jobs are done in processes."""
    if EXECUTOR == "processes":
        out = [item for item in items if item.get_closest_marker("in_this_process")]
        config.hook.pytest_deselected(items=out)
        items[:] = [item for item in items if item not in out]


@pytest.fixture(scope="session", autouse=True)
def _origins() -> Iterator[None]:
    yield
    end_origins()


@pytest.fixture(scope="module", autouse=True)
def _forked(request: pytest.FixtureRequest) -> Iterator[None]:
    """Fork the processes that check and build, but where a module is about starting them."""
    if getattr(request.module, "STARTS_FROM_NOTHING", False):
        yield
        return
    with forked(children, processes):
        yield


@dataclass
class Pipeline:
    """A project in a temporary folder, its assets written from text, its tables real."""

    root: Path
    data: Path = field(init=False)
    runs: list[RunRecord] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.data = self.root / "data"
        (self.root / "src" / "core").mkdir(parents=True)
        self.write("src/core/__init__.py", "")
        self.write("pyproject.toml", "[tool.polster]\n")

    def write(self, path: str, text: str) -> Path:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(dedent(text), encoding="utf-8")
        return file

    def asset(self, key: str, text: str) -> Path:
        """Write an asset's file; the usual imports are put in front."""
        parsed = AssetKey.parse(key)
        assert parsed is not None
        return self.write(f"src/core/{parsed.identifier}.py", IMPORTS + dedent(text))

    def edit(self, path: str, old: str, new: str) -> None:
        file = self.root / path
        text = file.read_text(encoding="utf-8")
        assert old in text
        file.write_text(text.replace(old, new), encoding="utf-8")

    def open(self) -> Session:
        return open_project(self.root)

    def run(self, *selection: str, **options: Any) -> RunRecord:
        """Run in this process; every record must balance."""
        options.setdefault("isolate", EXECUTOR == "processes")
        session = self.open().elsewhere(options.pop("environment", None))
        record = run(session, selection, listener=options.pop("listener", nobody), **options)
        self.runs.append(record)
        for asset in record.assets:
            self.check_balance(record.run_id, asset)
        return record

    def landed(self, key: str = "bronze.orders") -> AssetRecord:
        """Run an asset, and see that it did not fail."""
        record = self.run(key).assets[0]
        assert record.error is None, record.error
        return record

    def outcome(self, *selection: str, **options: Any) -> dict[str, str]:
        """Run, and return how each asset came out."""
        return {str(a.asset): a.status.value for a in self.run(*selection, **options).assets}

    def reasons(self, *selection: str, **options: Any) -> dict[str, tuple[str, ...]]:
        """Return why each asset would run; assets that would not are left out."""
        planned = plan(
            self.open().elsewhere(options.pop("environment", None)), selection, **options
        )
        return {str(p.asset): p.reasons for p in planned if p.action.value == "run"}

    def check_balance(self, run_id: str, asset: AssetRecord) -> None:
        """Check that no row of an asset's run was lost, by the tables themselves too."""
        if asset.status is AssetStatus.FAILED:
            assert asset.rows_published == 0
            assert asset.rows_quarantined <= asset.rows_returned
        else:
            assert asset.rows_returned == asset.rows_published + asset.rows_quarantined
        lakehouse = Lakehouse(Store(str(self.data)))
        rejected = lakehouse.quarantine(asset.asset).scan(run_id)
        kept = 0 if rejected is None else rejected.select(pl.len()).collect().item()
        assert kept == asset.rows_quarantined
        if asset.status is AssetStatus.PUBLISHED and asset.version is not None:
            table = lakehouse.pin(asset.asset, asset.version)
            assert table is not None
            rows = table.scan()
            if asset.asset.layer == "bronze":
                rows = rows.filter(pl.col("_batch_id").is_in(asset.batches))
            assert rows.select(pl.len()).collect().item() == asset.rows_now

    def table(self, key: str) -> pl.DataFrame:
        """Read a table as its readers get it, audit columns left out."""
        parsed = AssetKey.parse(key)
        assert parsed is not None
        pinned = Lakehouse(Store(str(self.data))).pin(parsed)
        assert pinned is not None, f"{key} was never built"
        return pinned.scan().select(pl.exclude("_ingested_at", "_batch_id", "_source")).collect()

    def rejected(self, key: str) -> pl.DataFrame:
        return pl.DataFrame(
            pl.scan_delta(str(self.data / "quarantine" / key.replace(".", "/"))).collect()
        )

    def version(self, key: str) -> int:
        return DeltaTable(str(self.data / key.replace(".", "/"))).version()

    def ledger(self) -> pl.DataFrame:
        return pl.read_delta(str(self.data / "_polster" / "runs"))

    def staged_files(self) -> list[str]:
        """List data files that no version of any table names: what a stopped run left behind."""
        named: set[Path] = set()
        for log in self.data.rglob("_delta_log"):
            for commit in log.glob("*.json"):
                for line in commit.read_text(encoding="utf-8").splitlines():
                    action = json.loads(line)
                    if said := action.get("add") or action.get("remove"):
                        named.add((log.parent / said["path"].replace("%3D", "=")).resolve())
        data = (file for file in self.data.rglob("*.parquet") if file.parent.name != "_delta_log")
        files = {file.resolve() for file in data}
        return sorted(str(file) for file in files - named)

    def let_first_wait(self) -> None:
        """Write ``core.turns``: whose code calls its ``wait`` first waits, once.

        It is there when the file ``here`` is, and goes on when the file ``go`` is.
        """
        self.write(
            "src/core/turns.py",
            """
            import time
            from pathlib import Path


            def wait():
                if not Path("here").exists():
                    Path("here").touch()
                    while not Path("go").exists():
                        time.sleep(0.01)
            """,
        )

    def cli(self, *arguments: str) -> Result:
        """Type a command, in this process."""
        return CliRunner().invoke(app, [*_isolated(arguments), "--project", str(self.root)])

    def json(self, *arguments: str) -> Any:
        result = self.cli(*arguments, "--format", "json")
        return json.loads(result.stdout)

    def start(
        self, *command: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.Popen[str]:
        """Start Python in a process of its own, in the project's folder unless told otherwise."""
        return subprocess.Popen(
            [sys.executable, *_isolated(command)],
            cwd=options.pop("cwd", self.root),
            env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def process(
        self, *command: str, env: Mapping[str, str] | None = None, **options: Any
    ) -> subprocess.CompletedProcess[str]:
        """Do the same and wait for its end."""
        with self.start(*command, env=env, **options) as started:
            try:
                stdout, stderr = started.communicate(timeout=60)
            except subprocess.TimeoutExpired:
                started.kill()
                raise
        return subprocess.CompletedProcess(command, started.returncode, stdout, stderr)


def _isolated(command: Sequence[str]) -> Sequence[str]:
    """Have a command that runs assets do so where all tests do."""
    place = next((at for at in (0, 2) if command[at : at + 1] == ("run",)), None)
    if EXECUTOR != "processes" or place is None or "--isolate" in command:
        return command
    return (*command[: place + 1], "--isolate", *command[place + 1 :])


def masked(text: str) -> str:
    """Return ``text`` with run identifiers and times replaced, and their widths forgotten."""
    text = re.sub(r"\d{8}T\d{6}-[0-9a-f]{6}", "<run>", text)
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "<time>", text)
    text = re.sub(r"\d+\.\d+ s\b", "<seconds>", text)
    return "\n".join(re.sub(r"  +", "  ", line).rstrip() for line in text.splitlines())


@pytest.fixture(name="masked")
def masked_fixture() -> Any:
    return masked


@pytest.fixture
def pipeline(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    """An empty project; what it imports is forgotten afterwards."""
    yield from make_pipeline(tmp_path / "shop", monkeypatch)


def make_pipeline(root: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Pipeline]:
    monkeypatch.delenv("POLSTER_ENV", raising=False)
    monkeypatch.setattr(sys, "path", list(sys.path))
    made = Pipeline(root)
    yield made
    for name in [name for name in sys.modules if name.split(".")[0] == "core"]:
        del sys.modules[name]
    if (made.data / "_polster" / "runs" / "_delta_log").is_dir():
        rows = made.ledger()
        assert not rows.select("run_id", "asset").is_duplicated().any()


@pytest.fixture
def shop(pipeline: Pipeline) -> Pipeline:
    """Orders with flaws, customers, and what they spend: bronze, silver, gold."""
    pipeline.write(
        "landing/orders.csv",
        """\
        id,customer,amount
        1,ann,10.5
        2,bob,20
        2,bob,20
        3,cid,-5
        4,,7
        """,
    )
    pipeline.asset(
        "bronze.orders",
        """
        @bronze(source="landing/orders.csv")
        def orders() -> pl.LazyFrame:
            return pl.scan_csv("landing/orders.csv", infer_schema=False)
        """,
    )
    pipeline.asset(
        "silver.orders",
        """
        class Orders(dy.Schema):
            id = dy.Int64(primary_key=True)
            customer = dy.String(nullable=False)
            amount = dy.Float64(nullable=False, min=0)


        @silver(contract=Orders, owner="ops", tags=["daily"])
        def orders(bronze_orders: pl.LazyFrame) -> pl.LazyFrame:
            return bronze_orders
        """,
    )
    pipeline.asset(
        "gold.spending",
        """
        class Spending(dy.Schema):
            customer = dy.String(primary_key=True)
            spent = dy.Float64(nullable=False, min=0)


        @gold(contract=Spending, owner="sales", description="Who spends what.")
        def spending(orders: pl.LazyFrame) -> pl.LazyFrame:
            return orders.group_by("customer").agg(spent=pl.col("amount").sum())
        """,
    )
    return pipeline
