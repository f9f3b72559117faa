"""`run` does what `plan` said, with the same reasons: over random histories of a small project."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.conftest import Pipeline

from polster.model.asset import AssetKey
from polster.model.decision import Blocked, Skip
from polster.model.layer import Layer
from polster.model.plan import Action, PlannedAsset
from polster.model.reason import Reason, Why, texts
from polster.model.record import AssetRecord, AssetStatus, RunRecord
from polster.operations.plan import plan

BRONZE = """\
from pathlib import Path

@bronze
def {name}() -> pl.LazyFrame:
    return pl.scan_csv("landing/{name}.csv")
"""
TABLE = """\
from pathlib import Path
from core.rate import RATE

class Table(dy.Schema):
    id = dy.Int64(primary_key=True)
    amount = dy.Int64()

@{layer}(contract=Table{options})
def {name}({parameters}) -> pl.LazyFrame:
    if Path("fail_{name}").exists():
        raise RuntimeError("as asked")
    return {first}.select("id", amount=pl.col("amount") * RATE + 0)
"""
READS = {
    "silver.one": ("a",),
    "silver.two": ("a", "b"),
    "gold.total": ("one", "two"),
    "gold.final": ("two",),
}
REFERS = ', references={"id": "one.id"}'
KEYS = ("bronze.a", "bronze.b", *READS)
NOT_COMPARED = {
    Why.NEVER_BUILT,
    Why.TABLE_GONE,
    Why.TABLE_DAMAGED,
    Why.TABLE_CHANGED,
    Why.FULL_REFRESH,
}
"""With one of these, what an asset needs does not matter any more."""

STEPS = st.one_of(
    st.tuples(st.just("data"), st.sampled_from(("a", "b"))),
    st.tuples(st.just("code"), st.sampled_from(tuple(READS))),
    st.tuples(st.just("helper"), st.just("")),
    st.tuples(st.just("delete"), st.sampled_from(KEYS)),
    st.tuples(st.just("damage"), st.sampled_from(tuple(READS))),
    st.tuples(st.just("fail"), st.sampled_from(tuple(READS))),
    st.tuples(st.just("mend"), st.sampled_from(tuple(READS))),
    st.tuples(st.just("forget the last run"), st.just("")),
    st.tuples(st.just("run"), st.sampled_from(("", "+total", "two+", "silver.one", "final"))),
    st.tuples(st.just("full refresh"), st.just("")),
)


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(steps=st.lists(STEPS, min_size=3, max_size=8))
def test_a_run_does_what_the_plan_said_for_the_same_reasons(
    tmp_path_factory: pytest.TempPathFactory, steps: list[tuple[str, str]]
) -> None:
    project = written(tmp_path_factory.mktemp("histories"))

    for number, (step, about) in enumerate([*steps, ("run", "")]):
        if step not in ("run", "full refresh"):
            change(project, step, about, number)
            continue
        selection = (about,) if about else ()
        anew = step == "full refresh"
        planned = plan(project.open(), selection, full_refresh=anew)
        run = project.run(*selection, full_refresh=anew)
        check(project, planned, run)

    shutil.rmtree(project.root)


def check(project: Pipeline, planned: tuple[PlannedAsset, ...], run: RunRecord) -> None:
    """Compare every asset of a run with what was planned."""
    records = {record.asset: record for record in run.assets}
    plans = {entry.asset: entry for entry in planned}
    graph = project.open().graph
    assert [entry.asset for entry in planned] == [record.asset for record in run.assets]
    for entry in planned:
        record = records[entry.asset]
        needs = [records[key] for key in graph.needs(entry.asset) if key in records]
        held_up = {AssetStatus.FAILED, AssetStatus.SKIPPED} & {each.status for each in needs}
        if held_up or isinstance(entry.decision, Skip):
            assert (bool(held_up), record.status) == (True, AssetStatus.SKIPPED)
        elif isinstance(entry.decision, Blocked):
            assert record.status is AssetStatus.FAILED
        elif entry.asset.layer is Layer.BRONZE:
            came = (record.status is AssetStatus.PUBLISHED, record.reasons)
            assert came in ((True, entry.reasons), (False, ("its source holds nothing new",)))
        elif expected := as_it_came(entry, needs, plans):
            assert set(record.reasons) == set(texts(expected))
            assert record.status in (AssetStatus.PUBLISHED, AssetStatus.FAILED)
        else:
            assert (record.status, record.reasons) == (AssetStatus.UNCHANGED, ("nothing changed",))


def as_it_came(
    entry: PlannedAsset, needs: list[AssetRecord], plans: Mapping[AssetKey, PlannedAsset]
) -> set[Reason]:
    """Return the planned reasons, now that it is known what came of what the asset needs."""
    said = set(entry.decision.reasons)
    own = {each for each in said if each.why not in (Why.NOTHING, Why.NOTHING_UNLESS)}
    known = {each for each in own if each.why is not Why.RUNS_FIRST}
    if {each.why for each in own} & NOT_COMPARED:
        return known
    told = {
        each.about[0]
        for each in own
        if each.why in (Why.READS, Why.REFERS, Why.NEED_GONE, Why.NEED_DAMAGED)
    }
    for need in needs:
        if need.status is AssetStatus.PUBLISHED and str(need.asset) not in told:
            was_sure = plans[need.asset].action is Action.RUN and need.asset.layer != Layer.BRONZE
            foretold = Reason(Why.RUNS_FIRST, (str(need.asset),)) in own
            assert foretold == was_sure
            assert own or entry.decision.reasons[0].why is Why.NOTHING_UNLESS
            refers = entry.asset == TWO and need.asset == ONE
            kind = Why.NEW_REFERRED_DATA if refers else Why.NEW_DATA
            known.add(Reason(kind, (str(need.asset),)))
    return known


ONE, TWO = AssetKey(Layer.SILVER, "one"), AssetKey(Layer.SILVER, "two")


def change(project: Pipeline, step: str, about: str, number: int) -> None:
    """Do to the project what may happen between two runs."""
    folder = project.data / about.replace(".", "/")
    name = about.partition(".")[2]
    if step == "data":
        land(project, about, number)
    elif step == "code":
        path = f"src/core/{about.replace('.', '_')}.py"
        text = (project.root / path).read_text()
        project.write(path, text.replace("* RATE +", f"* RATE + {number} +"))
    elif step == "helper":
        project.write("src/core/rate.py", f"RATE = {number + 2}\n")
    elif step == "delete":
        shutil.rmtree(folder, ignore_errors=True)
    elif step == "damage" and folder.exists():
        for file in folder.glob("*.parquet"):
            file.unlink()
    elif step == "fail":
        (project.root / f"fail_{name}").touch()
    elif step == "mend":
        (project.root / f"fail_{name}").unlink(missing_ok=True)
    elif step == "forget the last run":  # as if it was killed before it recorded anything
        commits = sorted((project.data / "_polster/runs/_delta_log").glob("*.json"))
        if len(commits) > 1:
            commits[-1].unlink()


def land(project: Pipeline, name: str, number: int) -> None:
    """Put other rows into a source."""
    project.write(f"landing/{name}.csv", f"id,amount\n1,{number}\n2,{number}\n")


def written(folder: Path) -> Pipeline:
    """Write the project: two sources, two silver tables, one that refers to the other, two gold."""
    project = Pipeline(folder)
    project.write("src/core/rate.py", "RATE = 1\n")
    for name in ("a", "b"):
        land(project, name, -1)
        project.asset(f"bronze.{name}", BRONZE.format(name=name))
    for key, reads in READS.items():
        layer, _, name = key.partition(".")
        text = TABLE.format(
            layer=layer,
            name=name,
            parameters=", ".join(reads),
            first=reads[0],
            options=REFERS if key == "silver.two" else "",
        )
        project.asset(key, text)
    return project
