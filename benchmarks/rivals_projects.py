"""The pipeline of ``examples/flights`` as users of dbt-duckdb and SQLMesh write it.

The queries are the same for both, and so are the rules that a row of silver keeps; only what is
said around them differs. The reference tables are small: both read them where they lie.
"""

from __future__ import annotations

import re
from typing import Literal

SILVER_FLIGHTS = """\
WITH typed AS (
  SELECT
    make_date(year::INT, month::INT, day::INT) AS flight_date,
    carrier,
    flight::SMALLINT AS flight,
    origin,
    dest,
    nullif(tailnum, 'NA') AS tailnum,
    time_hour::TIMESTAMP AS time_hour,
    time_hour::TIMESTAMP + to_minutes(minute::INT) AS scheduled_departure,
    nullif(dep_time, 'NA')::SMALLINT % 2400 AS dep_time,
    nullif(dep_delay, 'NA')::SMALLINT AS dep_delay,
    sched_arr_time::SMALLINT % 2400 AS sched_arr_time,
    nullif(arr_time, 'NA')::SMALLINT % 2400 AS arr_time,
    nullif(arr_delay, 'NA')::SMALLINT AS arr_delay,
    nullif(air_time, 'NA')::SMALLINT AS air_time,
    distance::SMALLINT AS distance,
    delivered
  FROM [bronze.flights]
  [new]
), timed AS (
  SELECT
    *,
    CASE
      WHEN dep_delay IS NULL THEN 'cancelled' WHEN arr_delay IS NULL THEN 'diverted' ELSE 'landed'
    END AS status,
    scheduled_departure + to_minutes(dep_delay::INT) AS departure
  FROM typed
), locally AS (
  SELECT
    *,
    timezone('America/New_York', timezone('UTC', scheduled_departure)) AS scheduled_locally,
    timezone('America/New_York', timezone('UTC', departure)) AS departed_locally
  FROM timed
)
SELECT
  flight_date, carrier, flight, origin, dest, tailnum, status, time_hour, scheduled_departure,
  departure, dep_time, dep_delay, sched_arr_time, arr_time, arr_delay, air_time, distance, delivered
FROM locally
WHERE
  regexp_full_match(carrier, '[0-9A-Z]{2}')
  AND flight BETWEEN 1 AND 9999
  AND origin IN ('EWR', 'JFK', 'LGA')
  AND regexp_full_match(dest, '[0-9A-Z]{3}')
  AND regexp_full_match(tailnum, 'N[0-9A-Z]{1,5}') IS NOT FALSE
  AND time_hour = date_trunc('hour', time_hour)
  AND (dep_time BETWEEN 0 AND 2359) IS NOT FALSE
  AND (dep_delay BETWEEN -60 AND 2880) IS NOT FALSE
  AND sched_arr_time BETWEEN 0 AND 2359
  AND (arr_time BETWEEN 0 AND 2359) IS NOT FALSE
  AND (arr_delay BETWEEN -180 AND 2880) IS NOT FALSE
  AND (air_time BETWEEN 10 AND 900) IS NOT FALSE
  AND distance BETWEEN 10 AND 5100
  AND (departure IS NULL OR tailnum IS NOT NULL)
  AND CAST(scheduled_locally AS DATE) = flight_date
  AND (hour(departed_locally) * 100 + minute(departed_locally) = dep_time) IS NOT FALSE
  AND (dep_time % 100 < 60) IS NOT FALSE
  AND sched_arr_time % 100 < 60
  AND (arr_time % 100 < 60) IS NOT FALSE
  AND (departure IS NOT NULL OR arr_time IS NULL)
  AND (arr_delay IS NULL) = (air_time IS NULL)
  AND (distance <= CAST(air_time AS INT) * 10) IS NOT FALSE
"""
SILVER = {
    "airlines": """\
SELECT carrier, name
FROM [landing.airlines]
WHERE regexp_full_match(carrier, '[0-9A-Z]{2}') AND length(name) >= 1
""",
    "airports": """\
WITH typed AS (
  SELECT
    faa, name, nullif(lat, 'NA')::DOUBLE AS lat, nullif(lon, 'NA')::DOUBLE AS lon,
    nullif(alt, 'NA')::SMALLINT AS alt, nullif(tz, 'NA')::SMALLINT AS tz, dst,
    nullif(tzone, 'NA') AS tzone
  FROM [landing.airports]
)
SELECT faa, name, lat, lon, alt, tz, dst, tzone
FROM typed
WHERE
  regexp_full_match(faa, '[0-9A-Z]{3}') AND length(name) >= 1 AND lat BETWEEN 18 AND 72
  AND lon BETWEEN -180 AND 180 AND alt BETWEEN -300 AND 10000 AND tz BETWEEN -10 AND -5
  AND dst IN ('A', 'N', 'U') AND (lon <= -66 OR lon >= 172)
""",
    "planes": """\
WITH typed AS (
  SELECT
    tailnum, nullif(year, 'NA')::SMALLINT AS year, type, manufacturer, model,
    nullif(engines, 'NA')::SMALLINT AS engines, nullif(seats, 'NA')::SMALLINT AS seats,
    nullif(speed, 'NA')::SMALLINT AS speed, engine
  FROM [landing.planes]
)
SELECT tailnum, year, type, manufacturer, model, engines, seats, speed, engine
FROM typed
WHERE
  regexp_full_match(tailnum, 'N[0-9A-Z]{1,5}') AND (year BETWEEN 1950 AND 2013) IS NOT FALSE
  AND type IN ('Fixed wing single engine', 'Fixed wing multi engine', 'Rotorcraft')
  AND length(manufacturer) >= 1 AND length(model) >= 1 AND engines BETWEEN 1 AND 4
  AND seats BETWEEN 10 AND 853 AND (speed BETWEEN 50 AND 700) IS NOT FALSE
  AND engine IN ('Turbo-fan', 'Turbo-jet', 'Turbo-prop')
""",
    "weather": """\
WITH typed AS (
  SELECT
    origin, time_hour::TIMESTAMP AS time_hour, nullif("temp", 'NA')::DOUBLE AS "temp",
    nullif(dewp, 'NA')::DOUBLE AS dewp, nullif(humid, 'NA')::DOUBLE AS humid,
    nullif(wind_dir, 'NA')::SMALLINT AS wind_dir, nullif(wind_speed, 'NA')::DOUBLE AS wind_speed,
    nullif(wind_gust, 'NA')::DOUBLE AS wind_gust, nullif(precip, 'NA')::DOUBLE AS precip,
    nullif(pressure, 'NA')::DOUBLE AS pressure, nullif(visib, 'NA')::DOUBLE AS visib
  FROM [landing.weather]
)
SELECT
  origin, time_hour, "temp", dewp, humid, wind_dir, wind_speed, wind_gust, precip, pressure, visib
FROM typed
WHERE
  origin IN ('EWR', 'JFK', 'LGA') AND time_hour = date_trunc('hour', time_hour)
  AND ("temp" BETWEEN -40 AND 120) IS NOT FALSE AND (dewp BETWEEN -60 AND 90) IS NOT FALSE
  AND (humid BETWEEN 0 AND 100) IS NOT FALSE AND (wind_dir BETWEEN 0 AND 360) IS NOT FALSE
  AND (wind_speed BETWEEN 0 AND 150) IS NOT FALSE AND (wind_gust BETWEEN 0 AND 200) IS NOT FALSE
  AND precip BETWEEN 0 AND 12 AND (pressure BETWEEN 870 AND 1085) IS NOT FALSE
  AND visib BETWEEN 0 AND 10 AND (dewp <= "temp") IS NOT FALSE
  AND (wind_gust >= wind_speed) IS NOT FALSE
""",
}
CARRIER_DELAYS = """\
WITH months AS (
  SELECT
    carrier,
    date_trunc('month', flight_date)::DATE AS month,
    count(*) AS flights,
    avg(dep_delay) AS mean_departure_delay,
    quantile_cont(arr_delay, 0.95) AS p95_arrival_delay,
    avg(CASE WHEN status = 'cancelled' THEN 1 ELSE 0 END) AS share_cancelled,
    max(delivered) AS delivered
  FROM [silver.flights]
  [new]
  GROUP BY 1, 2
)
SELECT
  months.carrier, months.month, coalesce(airlines.name, months.carrier) AS name, months.flights,
  months.mean_departure_delay, months.p95_arrival_delay, months.share_cancelled, months.delivered
FROM months
LEFT JOIN [silver.airlines] AS airlines ON airlines.carrier = months.carrier
"""
PLANE_UTILISATION = """\
WITH work AS (
  SELECT
    tailnum,
    count(*) AS flights,
    sum(air_time)::BIGINT / 60 AS hours_in_the_air,
    sum(CASE WHEN status = 'landed' THEN distance END)::BIGINT AS miles,
    count(DISTINCT flight_date) AS days_active,
    min(flight_date) AS first_flight,
    max(flight_date) AS last_flight,
    max(delivered) AS delivered
  FROM [silver.flights]
  WHERE status <> 'cancelled' [new]
  GROUP BY 1
)
SELECT
  work.tailnum, planes.manufacturer, planes.model, planes.seats, work.flights,
  coalesce(work.hours_in_the_air, 0) AS hours_in_the_air, coalesce(work.miles, 0) AS miles,
  work.days_active, work.first_flight, work.last_flight, work.delivered
FROM work
LEFT JOIN [silver.planes] AS planes ON planes.tailnum = work.tailnum
"""
WEATHER_DELAYS = """\
WITH kinds AS (
  SELECT
    origin,
    time_hour,
    CASE WHEN visib < 1 THEN 'poor' WHEN visib < 5 THEN 'hazy'
      WHEN visib IS NOT NULL THEN 'clear' END AS visibility,
    CASE WHEN wind_speed < 10 THEN 'calm' WHEN wind_speed < 20 THEN 'breezy'
      WHEN wind_speed IS NOT NULL THEN 'strong' END AS wind,
    CASE WHEN precip > 0.1 THEN 'heavy' WHEN precip > 0 THEN 'light'
      WHEN precip IS NOT NULL THEN 'none' END AS rain
  FROM [silver.weather]
)
SELECT
  coalesce(kinds.visibility, 'unknown') AS visibility,
  coalesce(kinds.wind, 'unknown') AS wind,
  coalesce(kinds.rain, 'unknown') AS rain,
  count(*) AS flights,
  avg(flights.dep_delay) AS mean_departure_delay,
  avg(CASE WHEN flights.dep_delay >= 15 THEN 1 WHEN flights.dep_delay < 15 THEN 0 END)
    AS share_late,
  avg(CASE WHEN flights.status = 'cancelled' THEN 1 ELSE 0 END) AS share_cancelled
FROM [silver.flights] AS flights
LEFT JOIN kinds ON kinds.origin = flights.origin AND kinds.time_hour = flights.time_hour
GROUP BY 1, 2, 3
"""

LANDING = {
    "flights": "read_csv('landing/flights/*/*.csv', header = true, all_varchar = true, "
    "hive_partitioning = true)",
    **{
        name: f"read_csv('landing/{name}.csv', header = true, all_varchar = true)"
        for name in SILVER
    },
}
KEYS = {
    "silver.flights": ("flight_date", "carrier", "flight", "origin"),
    "gold.carrier_delays": ("carrier", "month"),
    "gold.plane_utilisation": ("tailnum",),
}
MONTHS = """\
WHERE (carrier, date_trunc('month', flight_date)) IN (
    SELECT carrier, date_trunc('month', flight_date) FROM [silver.flights] WHERE [arrived]
  )"""
PLANES = "AND tailnum IN (SELECT tailnum FROM [silver.flights] WHERE [arrived])"
FLIGHT_DATE = "make_date(year::INT, month::INT, day::INT) AS flight_date"
BRONZE = """\
SELECT
  year, month, day, dep_time, sched_dep_time, dep_delay, arr_time, sched_arr_time, arr_delay,
  carrier, flight, tailnum, origin, dest, air_time, distance, hour, minute, time_hour, delivered
FROM [landing.flights]
WHERE [arrived]
"""

DBT_PROJECT = """\
name: flights
version: "1.0"
profile: flights
flags:
  send_anonymous_usage_stats: false
"""
DBT_PROFILES = """\
flights:
  target: prod
  outputs:
    prod:
      type: duckdb
      path: flights.db
      threads: 2
      settings:
        threads: 2
"""
DBT_NEWEST = """\
{% macro newest(table) %}
  {%- if execute -%}
    {{- run_query("SELECT max(delivered) FROM " ~ table).columns[0].values()[0] -}}
  {%- endif -%}
{% endmacro %}
"""
SQLMESH_CONFIG = """\
gateways:
  local:
    connection:
      type: duckdb
      database: flights.db
      connector_config:
        threads: 2
default_gateway: local
disable_anonymized_analytics: true
model_defaults:
  dialect: duckdb
  start: 2013-01-01
  cron: "@daily"
"""


def dbt_project(*, microbatch: bool) -> dict[str, str]:
    """Return the files of a project for dbt-duckdb, by path.

    Args:
        microbatch: Silver, and what gold says of months, is made anew by the month of the flight.
            Otherwise ``is_incremental`` finds what was delivered, and it replaces what has its key.
    """
    incremental = "materialized='incremental', incremental_strategy='{}', "
    if microbatch:
        months = incremental.format("microbatch") + (
            "event_time='{}', begin='2013-01-01', batch_size='month', lookback=0"
        )
        how = {
            "bronze.flights": incremental.format("append") + "event_time='flight_date'",
            "silver.flights": months.format("flight_date"),
            "gold.carrier_delays": months.format("month"),
        }
    else:
        by_key = incremental.format("delete+insert") + "unique_key={}"
        how = {name: by_key.format(list(key)) for name, key in KEYS.items()}
        how["bronze.flights"] = incremental.format("append")
    files = {
        "dbt_project.yml": DBT_PROJECT,
        "profiles.yml": DBT_PROFILES,
        "macros/newest.sql": DBT_NEWEST,
        "models/landing.yml": "sources:\n  - name: landing\n    tables:\n",
    }
    for name, read in LANDING.items():
        files["models/landing.yml"] += (
            f"      - name: {name}\n        config:\n          meta:\n"
            f'            external_location: "{read}"\n'
        )
    for name, query in _queries(by_day=microbatch, by_arrival=not microbatch).items():
        sql = query.replace("[only]", "{% if is_incremental() %}").replace("[end]", "{% endif %}")
        sql = sql.replace("[arrived]", "delivered > DATE '{{ newest(this) }}'")
        sql = re.sub(r"\[landing\.(\w+)\]", r"{{ source('landing', '\1') }}", sql)
        sql = re.sub(r"\[(\w+)\.(\w+)\]", r"{{ ref('\1_\2') }}", sql)
        said = how.get(name, "materialized='table'")
        files[f"models/{name.replace('.', '_')}.sql"] = f"{{{{ config({said}) }}}}\n\n{sql}"
    return files


def sqlmesh_project(
    *, silver: Literal["key", "flight_date", "delivered"], lookback: int = 0
) -> dict[str, str]:
    """Return the files of a project for SQLMesh, by path.

    Args:
        silver: What flights replace: those of their key, or of the days of ``flight_date`` or
            ``delivered`` that are made. Gold is by key, of what these days touch.
        lookback: So many days are made anew with each day.
    """
    back = f", lookback {lookback}" if lookback else ""
    by_day = "INCREMENTAL_BY_TIME_RANGE (time_column {}{})"
    how = {
        name: f"INCREMENTAL_BY_UNIQUE_KEY (unique_key ({', '.join(key)}){back})"
        for name, key in KEYS.items()
    }
    how["bronze.flights"] = by_day.format("delivered", "")
    if silver != "key":
        how["silver.flights"] = by_day.format(silver, back)
    by_flight = silver == "flight_date"
    files = {"config.yaml": SQLMESH_CONFIG}
    for name, query in _queries(by_day=by_flight, by_arrival=True).items():
        day = "flight_date" if by_flight and name != "bronze.flights" else "delivered"
        sql = query.replace("[only]", "").replace("[end]", "")
        sql = sql.replace("[arrived]", f"{day} BETWEEN @start_date AND @end_date")
        sql = re.sub(r"\[landing\.(\w+)\]", lambda found: LANDING[found[1]], sql)
        sql = re.sub(r"\[(\w+\.\w+)\]", r"\1", sql)
        head = f"MODEL (name {name}, kind {how.get(name, 'FULL')});"
        files[f"models/{name.replace('.', '_')}.sql"] = f"{head}\n\n{sql}"
    return files


def _queries(*, by_day: bool, by_arrival: bool) -> dict[str, str]:
    """Return the query of each table, what is looked at between ``[only]`` and ``[end]``.

    Args:
        by_day: Bronze knows the day of the flight.
        by_arrival: Each query looks for itself at what arrived.
    """

    def put(query: str, condition: str) -> str:
        return query.replace("[new]", f"[only]{condition}[end]" if by_arrival else "")

    bronze = BRONZE.replace("delivered\n", f"delivered, {FLIGHT_DATE}\n") if by_day else BRONZE
    return {
        "bronze.flights": bronze.replace("WHERE [arrived]", "[only]WHERE [arrived][end]"),
        "silver.flights": put(SILVER_FLIGHTS, "WHERE [arrived]"),
        **{f"silver.{name}": query for name, query in SILVER.items()},
        "gold.carrier_delays": put(CARRIER_DELAYS, MONTHS),
        "gold.plane_utilisation": put(PLANE_UTILISATION, PLANES),
        "gold.weather_delays": WEATHER_DELAYS,
    }
