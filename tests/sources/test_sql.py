"""Tables and queries of real databases, as bronze lands them."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import adbc_driver_postgresql.dbapi as adbc
import duckdb
import polars as pl
import pymysql
import pytest
from tests.conftest import Pipeline
from tests.sources import servers
from tests.sources.servers import PASSWORD

from polster import secret
from polster.errors import AssetError
from polster.model.record import AssetRecord, AssetStatus
from polster.sources import sql
from polster.sources.postgres import Postgres
from polster.sources.sql_source import SqlSource

AUDIT = ("_ingested_at", "_batch_id", "_source")


class Server:
    """A database to write to, beside the source that reads it."""

    def __init__(self, uri: str, do: Callable[..., None]) -> None:
        self.uri = uri
        self.do = do


@pytest.fixture(scope="module")
def postgres_port() -> Iterator[int]:
    with servers.postgres() as port:
        yield port


@pytest.fixture(scope="module")
def mariadb_port() -> Iterator[int]:
    with servers.mariadb() as port:
        yield port


@pytest.fixture(autouse=True)
def _password(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SHOP_PASSWORD", PASSWORD)


def login(port: int) -> str:
    from urllib.parse import quote

    return f"postgresql://shop:{quote(PASSWORD, safe='')}@127.0.0.1:{port}/postgres"


@pytest.fixture
def postgres(postgres_port: int) -> Iterator[Server]:
    """An empty schema of PostgreSQL."""
    with closing(adbc.connect(login(postgres_port), autocommit=True)) as connection:

        def do(*statements: str) -> None:
            for each in statements:
                with connection.cursor() as cursor:
                    cursor.execute(each)

        do("DROP SCHEMA public CASCADE", "CREATE SCHEMA public")
        yield Server(f"postgresql://shop@127.0.0.1:{postgres_port}/postgres", do)


@pytest.fixture
def mariadb(mariadb_port: int) -> Iterator[Server]:
    """An empty database of MariaDB."""
    connection = pymysql.connect(
        host="127.0.0.1", port=mariadb_port, user="shop", password=PASSWORD, autocommit=True
    )
    with closing(connection):

        def do(*statements: str) -> None:
            for each in statements:
                with connection.cursor() as cursor:
                    cursor.execute(each)

        do("DROP DATABASE IF EXISTS shop", "CREATE DATABASE shop", "USE shop")
        yield Server(f"mysql://shop@127.0.0.1:{mariadb_port}/shop", do)


@pytest.fixture
def sqlite(pipeline: Pipeline) -> Iterator[Server]:
    with closing(sqlite3.connect(pipeline.root / "shop.db", isolation_level=None)) as connection:

        def do(*statements: str) -> None:
            for each in statements:
                connection.execute(each)

        yield Server("sqlite:///shop.db", do)


@pytest.fixture
def duck(pipeline: Pipeline) -> Server:
    def do(*statements: str) -> None:
        with duckdb.connect(str(pipeline.root / "shop.duckdb")) as connection:
            for each in statements:
                connection.execute(each)

    return Server("duckdb:///shop.duckdb", do)


@pytest.fixture(params=["postgres", "mariadb", "sqlite", "duck"])
def any_server(request: pytest.FixtureRequest) -> Server:
    server: Server = request.getfixturevalue(request.param)
    return server


def bronze(pipeline: Pipeline, uri: str, load: str = "snapshot", **arguments: str) -> None:
    if "@" in uri:
        arguments["password"] = 'polster.secret("SHOP_PASSWORD")'
    given = "".join(
        f", {name}={each if name == 'password' else repr(each)}" for name, each in arguments.items()
    )
    pipeline.asset(
        "bronze.sale",
        f"""
        @bronze(load="{load}", allow_empty=True)
        def sale() -> polster.sources.Source:
            return polster.sources.sql("{uri}"{given})
        """,
    )


def run(pipeline: Pipeline) -> AssetRecord:
    (record,) = pipeline.run("bronze.sale").assets
    return record


def landed(pipeline: Pipeline) -> pl.DataFrame:
    record = run(pipeline)
    assert record.error is None, record.error
    return pipeline.table("bronze.sale")


POSTGRES = {
    "i2 smallint": ("-32768", -32768, pl.Int16()),
    "i4 integer": ("2147483647", 2**31 - 1, pl.Int32()),
    "i8 bigint": ("-9223372036854775808", -(2**63), pl.Int64()),
    "f4 real": ("1.5", 1.5, pl.Float32()),
    "f8 double precision": ("1e-300", 1e-300, pl.Float64()),
    "n numeric(12,2)": ("1234567890.12", Decimal("1234567890.12"), pl.Decimal(12, 2)),
    "big numeric(38,10)": ("0.0000000001", Decimal("0.0000000001"), pl.Decimal(38, 10)),
    "huge numeric(60,2)": (f"{10**57}.25", f"{10**57}.25", pl.String()),
    "free numeric": ("1.2345678901234567890123", "1.2345678901234567890123", pl.String()),
    "yes boolean": ("true", True, pl.Boolean()),
    "words text": ("'é%'''", "é%'", pl.String()),
    "fixed char(3)": ("'c'", "c  ", pl.String()),
    "day date": ("'9999-12-31'", date(9999, 12, 31), pl.Date()),
    "late date": ("'2262-04-12'", date(2262, 4, 12), pl.Date()),
    "at timestamp": (
        "'0001-01-01 00:00:00.000001'",
        datetime(1, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - has no zone
        pl.Datetime("us"),
    ),
    "moment timestamptz": (
        "'2024-01-01 02:00:00+02'",
        datetime(2024, 1, 1, tzinfo=UTC),
        pl.Datetime("us", "UTC"),
    ),
    "id uuid": (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        pl.String(),
    ),
    "doc jsonb": ("""'{"a": [1, null]}'""", '{"a": [1, null]}', pl.String()),
    "bytes bytea": (r"'\x00ff'", b"\x00\xff", pl.Binary()),
    "list integer[]": ("'{1,2,NULL}'", [1, 2, None], pl.List(pl.Int32)),
    "lists text[]": ("'{a,\"b c\"}'", ["a", "b c"], pl.List(pl.String)),
    "net inet": ("'10.0.0.1/8'", "10.0.0.1/8", pl.String()),
    "flags bit(4)": ("B'1010'", "1010", pl.String()),
    "span interval": ("'1 year 2 days'", "1 year 2 days", pl.String()),
    "cash money": ("12.3", "12.30", pl.String()),
    "range int4range": ("'[1,5)'", "[1,5)", pl.String()),
    "oid oid": ("4294967295", 4294967295, pl.Int64()),
    "mood mood": ("'glad'", "glad", pl.String()),
    "price price": ("1.5", Decimal("1.50"), pl.Decimal(10, 2)),
    '"Odd "" näme" integer': ("1", 1, pl.Int32()),
}
MARIADB = {
    "i1 tinyint": ("-128", -128, pl.Int8()),
    "yes tinyint(1)": ("1", True, pl.Boolean()),
    "i3 mediumint": ("8388607", 8388607, pl.Int32()),
    "i8 bigint": ("-9223372036854775808", -(2**63), pl.Int64()),
    "u1 tinyint unsigned": ("255", 255, pl.UInt8()),
    "u4 int unsigned": ("4294967295", 2**32 - 1, pl.UInt32()),
    "u8 bigint unsigned": ("18446744073709551615", 2**64 - 1, pl.UInt64()),
    "f8 double": ("1e-300", 1e-300, pl.Float64()),
    "n decimal(12,2)": ("1234567890.12", Decimal("1234567890.12"), pl.Decimal(12, 2)),
    "huge decimal(60,2)": (f"{10**57}.25", f"{10**57}.25", pl.String()),
    "words varchar(9)": ("'é%'''", "é%'", pl.String()),
    "day date": ("'9999-12-31'", date(9999, 12, 31), pl.Date()),
    "late date": ("'2262-04-12'", date(2262, 4, 12), pl.Date()),
    "at datetime(6)": (
        "'1000-01-01 00:00:00.000001'",
        datetime(1000, 1, 1, 0, 0, 0, 1),  # noqa: DTZ001 - has no zone
        pl.Datetime("us"),
    ),
    "moment timestamp(6)": (
        "'2024-01-01 00:00:00.5'",
        datetime(2024, 1, 1, 0, 0, 0, 500_000, UTC),
        pl.Datetime("us", "UTC"),
    ),
    "span time(3)": ("'-100:34:56.789'", "-100:34:56.789", pl.String()),
    "y year": ("2024", 2024, pl.Int16()),
    "doc json": ("""'{"a": 1}'""", '{"a": 1}', pl.String()),
    "bytes blob": ("x'00ff'", b"\x00\xff", pl.Binary()),
    "flag bit(1)": ("b'1'", True, pl.Boolean()),
    "flags bit(4)": ("b'1010'", 10, pl.UInt64()),
    "mood enum('glad','sad')": ("'glad'", "glad", pl.String()),
    "many set('a','b')": ("'a,b'", "a,b", pl.String()),
    "place geometry": ("ST_GeomFromText('POINT(1 1)')", "POINT(1 1)", pl.String()),
    "`Odd `` näme` int": ("1", 1, pl.Int32()),
}
DUCKDB = {
    "i1 TINYINT": ("-128", -128, pl.Int8()),
    "u8 UBIGINT": ("18446744073709551615", 2**64 - 1, pl.UInt64()),
    "huge HUGEINT": (str(2**100), str(2**100), pl.String()),
    "n DECIMAL(12,2)": ("1234567890.12", Decimal("1234567890.12"), pl.Decimal(12, 2)),
    "day DATE": ("'9999-12-31'", date(9999, 12, 31), pl.Date()),
    "moment TIMESTAMPTZ": (
        "'2024-01-01 02:00:00+02'",
        datetime(2024, 1, 1, tzinfo=UTC),
        pl.Datetime("us", "UTC"),
    ),
    "id UUID": (
        "'a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11'",
        "a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        pl.String(),
    ),
    "list INTEGER[]": ("[1, 2, NULL]", [1, 2, None], pl.List(pl.Int32)),
    "span INTERVAL": ("'1 year'", "1 year", pl.String()),
    '"Odd "" näme" INTEGER': ("1", 1, pl.Int32()),
}


def name_of(column: str) -> str:
    if column[0] in '"`':
        return 'Odd " näme' if column[0] == '"' else "Odd ` näme"
    return column.split(" ")[0]


@pytest.mark.parametrize(
    ("server", "columns"), [("postgres", POSTGRES), ("mariadb", MARIADB), ("duck", DUCKDB)]
)
def test_each_type_and_value_lands_as_it_is(
    pipeline: Pipeline,
    request: pytest.FixtureRequest,
    server: str,
    columns: dict[str, tuple[str, Any, pl.DataType]],
) -> None:
    database: Server = request.getfixturevalue(server)
    if server == "postgres":
        database.do("CREATE TYPE mood AS ENUM ('glad')", "CREATE DOMAIN price AS numeric(10,2)")
    values = ", ".join(written for written, _, _ in columns.values())
    nulls = ", ".join("NULL" for _ in columns)
    database.do(
        f"CREATE TABLE sale ({', '.join(f'{each} NULL' for each in columns)})",
        f"INSERT INTO sale VALUES ({values}), ({nulls})",
    )
    bronze(pipeline, database.uri, table="sale")

    table = landed(pipeline)

    expected = {name_of(each): (value, dtype) for each, (_, value, dtype) in columns.items()}
    assert dict(table.schema) == {name: dtype for name, (_, dtype) in expected.items()}
    assert table.row(0, named=True) == {name: value for name, (value, _) in expected.items()}
    assert set(table.row(1)) == {None}


def test_what_a_file_of_sqlite_holds_says_what_its_columns_are(
    pipeline: Pipeline, sqlite: Server
) -> None:
    sqlite.do(
        'CREATE TABLE sale (id INTEGER, price REAL, "any" , big, words TEXT, "blob" BLOB, none)',
        f"INSERT INTO sale VALUES (1, 1.5, 1, {2**53 + 1}, 'é', x'00ff', NULL)",
        "INSERT INTO sale VALUES (2, 2, 'two', 0.1, NULL, NULL, NULL)",
    )
    bronze(pipeline, sqlite.uri, table="sale")

    table = landed(pipeline)

    assert table.drop("none", strict=False).rows() == [
        (1, 1.5, "1", str(2**53 + 1), "é", b"\x00\xff"),
        (2, 2.0, "two", "0.1", None, None),
    ]
    assert table.schema["price"] == pl.Float64


@pytest.mark.parametrize(
    ("server", "values", "texts"),
    [
        ("postgres", "(1, 'infinity'), (2, '2024-02-29')", ["infinity", "2024-02-29"]),
        ("postgres", "(1, '0044-03-15 BC'), (2, NULL)", ["0044-03-15 BC", None]),
        ("mariadb", "(1, '0000-00-00'), (2, '2024-02-29')", ["0000-00-00", "2024-02-29"]),
        ("duck", "(1, 'infinity'), (2, '2024-02-29')", ["infinity", "2024-02-29"]),
    ],
)
def test_a_date_that_is_none_makes_text_of_its_column(
    pipeline: Pipeline,
    request: pytest.FixtureRequest,
    server: str,
    values: str,
    texts: list[str | None],
) -> None:
    database: Server = request.getfixturevalue(server)
    database.do("CREATE TABLE sale (id integer, day date)", f"INSERT INTO sale VALUES {values}")
    bronze(pipeline, database.uri, table="sale")

    assert landed(pipeline).sort("id")["day"].to_list() == texts


@pytest.mark.parametrize("server", ["postgres", "mariadb", "duck"])
def test_a_date_that_is_none_is_rescued_where_the_column_is_one_already(
    pipeline: Pipeline, request: pytest.FixtureRequest, server: str
) -> None:
    database: Server = request.getfixturevalue(server)
    database.do(
        "CREATE TABLE sale (id integer, day date)", "INSERT INTO sale VALUES (1, '2024-02-29')"
    )
    bronze(pipeline, database.uri, table="sale")
    landed(pipeline)
    odd = "0000-00-00" if database.uri.startswith("mysql") else "infinity"
    database.do(f"INSERT INTO sale VALUES (2, '{odd}')")

    table = landed(pipeline).sort("id")

    assert table["day"].to_list() == [date(2024, 2, 29), None]
    assert odd in table["_rescued"].to_list()[1]


def test_a_tiny_number_that_is_no_boolean_makes_numbers_of_its_column(
    pipeline: Pipeline, mariadb: Server
) -> None:
    mariadb.do("CREATE TABLE sale (n tinyint(1))", "INSERT INTO sale VALUES (1), (9), (NULL)")
    bronze(pipeline, mariadb.uri, table="sale")

    table = landed(pipeline)

    assert table.schema["n"] == pl.Int8
    assert table["n"].to_list() == [1, 9, None]


def test_a_query_lands_with_the_types_that_it_casts_to(
    pipeline: Pipeline, postgres: Server
) -> None:
    postgres.do("CREATE TABLE raw (n numeric)", "INSERT INTO raw VALUES (1.5), (2.25)")
    bronze(
        pipeline, postgres.uri, query="SELECT n::numeric(9,3) AS n, count(*) OVER () AS c FROM raw;"
    )

    table = landed(pipeline)

    assert dict(table.schema) == {"n": pl.Decimal(9, 3), "c": pl.Int64}
    assert table.sort("n").rows() == [(Decimal("1.500"), 2), (Decimal("2.250"), 2)]


def test_new_rows_are_asked_for_by_the_cursor_and_land_once(
    pipeline: Pipeline, any_server: Server
) -> None:
    at = "text" if any_server.uri.startswith("sqlite") else "timestamp"
    any_server.do(
        f"CREATE TABLE sale (id integer, seen {at} NULL)",
        "INSERT INTO sale VALUES (1, '2026-01-01 00:00:00'), (2, '2026-01-02 00:00:00')",
    )
    bronze(pipeline, any_server.uri, "append", table="sale", cursor="seen")
    first = landed(pipeline)
    again = run(pipeline)
    any_server.do(
        "INSERT INTO sale VALUES (3, '2026-01-02 00:00:00'), (4, '2026-01-03 12:00:00')",
        "INSERT INTO sale VALUES (5, '2026-01-01 12:00:00')",  # late, and not asked for
    )
    second = run(pipeline)

    assert first["id"].to_list() == [1, 2]
    assert again.status is AssetStatus.UNCHANGED
    assert second.rows_published == 2
    assert sorted(pipeline.table("bronze.sale")["id"]) == [1, 2, 3, 4]


@pytest.mark.parametrize(
    ("server", "kind", "odd"),
    [
        ("postgres", "timestamp", "'infinity'"),
        ("duck", "date", "'infinity'"),
        ("sqlite", "", "'x'"),
    ],
)
def test_a_cursor_after_which_nothing_would_be_new_is_refused(
    pipeline: Pipeline, request: pytest.FixtureRequest, server: str, kind: str, odd: str
) -> None:
    database: Server = request.getfixturevalue(server)
    good = "5" if server == "sqlite" else "'2026-01-01'"
    database.do(f"CREATE TABLE sale (seen {kind})", f"INSERT INTO sale VALUES ({good}), ({odd})")
    bronze(pipeline, database.uri, "append", table="sale", cursor="seen")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, "nothing would be new" in error.message) == ("POL371", True)


def test_a_whole_table_is_not_added_to_itself(pipeline: Pipeline, any_server: Server) -> None:
    any_server.do("CREATE TABLE sale (id integer)", "INSERT INTO sale VALUES (1)")
    bronze(pipeline, any_server.uri, "append", table="sale")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, "cursor=" in (error.hint or "")) == ("POL373", True)


def test_an_array_of_arrays_makes_text_of_its_column(pipeline: Pipeline, postgres: Server) -> None:
    postgres.do("CREATE TABLE sale (a int[])", "INSERT INTO sale VALUES ('{1,2}'), ('{{1},{2}}')")
    bronze(pipeline, postgres.uri, table="sale")

    assert landed(pipeline)["a"].to_list() == ["{1,2}", "{{1},{2}}"]


def test_midnight_at_the_end_of_a_day_is_not_lost(pipeline: Pipeline, duck: Server) -> None:
    duck.do("CREATE TABLE sale (t time)", "INSERT INTO sale VALUES ('24:00:00'), ('01:00:00')")
    bronze(pipeline, duck.uri, table="sale")

    assert landed(pipeline)["t"].to_list() == ["24:00:00", "01:00:00"]


@pytest.mark.parametrize(
    ("server", "query"),
    [
        ("postgres", "SELECT 1 / (g - 200000) AS w FROM generate_series(1, 300000) g"),
        ("duck", "SELECT error('late') AS w FROM range(300000) t(g) WHERE g > 200000"),
    ],
)
def test_what_fails_on_the_way_is_the_database_s_word(
    pipeline: Pipeline, request: pytest.FixtureRequest, server: str, query: str
) -> None:
    database: Server = request.getfixturevalue(server)
    database.do("CREATE TABLE other (id integer)")
    bronze(pipeline, database.uri, query=query)

    error = run(pipeline).error

    assert error is not None
    assert error.code == "POL371"


def test_a_user_who_only_reads_may_ask_a_query(pipeline: Pipeline, postgres: Server) -> None:
    postgres.do(
        "CREATE TABLE sale (n numeric(5,1))",
        "INSERT INTO sale VALUES (1.5)",
        "ALTER ROLE shop SET default_transaction_read_only = on",
    )
    bronze(pipeline, postgres.uri, query="SELECT n FROM sale")
    try:
        table = landed(pipeline)
    finally:
        postgres.do("ALTER ROLE shop RESET default_transaction_read_only")

    assert (table.schema["n"], table["n"].to_list()) == (pl.Decimal(5, 1), [Decimal("1.5")])


def test_types_of_mariadb_s_own_are_text(pipeline: Pipeline, mariadb: Server) -> None:
    mariadb.do(
        "CREATE TABLE sale (u uuid, n inet6)",
        "INSERT INTO sale VALUES ('a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11', '::1')",
    )
    bronze(pipeline, mariadb.uri, table="sale")

    assert landed(pipeline).row(0) == ("a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11", "::1")


@pytest.mark.parametrize("server", ["postgres", "mariadb", "sqlite", "duck"])
def test_two_columns_of_one_name_are_refused(
    pipeline: Pipeline, request: pytest.FixtureRequest, server: str
) -> None:
    database: Server = request.getfixturevalue(server)
    database.do("CREATE TABLE sale (id integer)")
    bronze(pipeline, database.uri, query="SELECT a.id, b.id FROM sale a, sale b")

    error = run(pipeline).error

    assert error is not None
    assert error.code == "POL371"


def test_an_overlap_finds_what_came_late(pipeline: Pipeline, postgres: Server) -> None:
    postgres.do(
        "CREATE TABLE sale (id integer, at timestamptz)",
        "INSERT INTO sale VALUES (1, '2026-01-01'), (2, '2026-01-02')",
    )
    bronze(pipeline, postgres.uri, "append", table="sale", cursor="at", overlap="2d")
    landed(pipeline)
    postgres.do("INSERT INTO sale VALUES (3, '2026-01-01 12:00+00')")

    assert sorted(landed(pipeline)["id"]) == [1, 2, 3]


def test_the_ledger_holds_what_the_database_counted(pipeline: Pipeline, postgres: Server) -> None:
    postgres.do(
        "CREATE TABLE sale (id integer)", "INSERT INTO sale SELECT generate_series(1, 70000)"
    )
    bronze(pipeline, postgres.uri, table="sale")

    counted = run(pipeline).source_counts["rows"]

    assert (counted.said, counted.came) == (70_000, 70_000)


def test_all_that_is_asked_is_of_one_state(
    pipeline: Pipeline, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.do("CREATE TABLE sale (id integer)", "INSERT INTO sale VALUES (1)")
    counted = Postgres.row

    def count_and_write(self: Postgres, asked: str) -> Any:
        row = counted(self, asked)
        postgres.do("INSERT INTO sale VALUES (2)")
        return row

    monkeypatch.setattr(Postgres, "row", count_and_write)
    bronze(pipeline, postgres.uri, table="sale")

    assert landed(pipeline)["id"].to_list() == [1]


def test_a_connection_that_is_lost_half_way_lands_nothing(
    pipeline: Pipeline, postgres: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    postgres.do(
        "CREATE TABLE sale (words text)",
        "INSERT INTO sale SELECT repeat('x', 400) FROM generate_series(1, 300000)",
    )
    read = Postgres.rows

    def read_and_lose(self: Postgres, asked: str) -> Iterator[pl.DataFrame]:
        for number, rows in enumerate(read(self, asked)):
            if number == 0:
                postgres.do(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND backend_type = 'client backend'"
                )
            yield rows

    monkeypatch.setattr(Postgres, "rows", read_and_lose)
    bronze(pipeline, postgres.uri, table="sale")

    record = run(pipeline)

    assert record.error is not None
    assert record.error.code == "POL371"
    assert not [*pipeline.data.glob("bronze/sale/**/*.parquet")]


@pytest.mark.parametrize("server", ["postgres", "mariadb"])
@pytest.mark.parametrize(
    ("change", "code", "says"),
    [
        (lambda uri: uri.replace("shop@", "nobody@"), "POL370", "nobody"),
        (lambda uri: uri.rpartition(":")[0] + ":1/shop", "POL370", "cannot be reached"),
    ],
)
def test_a_database_that_lets_nobody_in_is_told_without_the_password(
    pipeline: Pipeline,
    request: pytest.FixtureRequest,
    server: str,
    change: Callable[[str], str],
    code: str,
    says: str,
) -> None:
    database: Server = request.getfixturevalue(server)
    bronze(pipeline, change(database.uri), table="sale")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, says in error.message) == (code, True)
    assert PASSWORD not in f"{error}"


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"table": "sales"}, "sales"),
        ({"query": "SELECT nope FROM sale"}, "nope"),
        ({"query": "SELECT FROM FROM"}, "yntax"),
    ],
)
def test_what_the_database_refuses_is_told_in_its_words(
    pipeline: Pipeline, any_server: Server, arguments: dict[str, str], says: str
) -> None:
    any_server.do("CREATE TABLE sale (id integer)")
    bronze(pipeline, any_server.uri, **arguments)

    error = run(pipeline).error

    assert error is not None
    assert (error.code, says in error.message) == ("POL371", True)


def test_a_cursor_that_is_not_there_is_told_with_the_one_that_was_meant(
    pipeline: Pipeline, any_server: Server
) -> None:
    any_server.do("CREATE TABLE sale (id integer, changed_at integer)")
    bronze(pipeline, any_server.uri, "append", table="sale", cursor="change_at")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, error.hint) == ("POL371", "did you mean `changed_at`?")


def test_a_snapshot_has_no_cursor(pipeline: Pipeline, sqlite: Server) -> None:
    sqlite.do("CREATE TABLE sale (id integer)")
    bronze(pipeline, sqlite.uri, table="sale", cursor="id")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, "append" in (error.hint or "")) == ("POL394", True)


def test_an_empty_table_lands_without_rows(pipeline: Pipeline, any_server: Server) -> None:
    any_server.do("CREATE TABLE sale (id integer)")
    bronze(pipeline, any_server.uri, table="sale")

    assert run(pipeline).error is None


def test_a_column_that_is_gone_or_new_is_as_of_any_source(
    pipeline: Pipeline, any_server: Server
) -> None:
    any_server.do("CREATE TABLE sale (id integer, a integer)", "INSERT INTO sale VALUES (1, 1)")
    bronze(pipeline, any_server.uri, table="sale")
    landed(pipeline)
    any_server.do(
        "DROP TABLE sale",
        "CREATE TABLE sale (id integer, b integer)",
        "INSERT INTO sale VALUES (1, 2)",
    )

    record = run(pipeline)

    assert record.error is None
    assert [each.code for each in record.warnings] == ["POL326"]
    assert pipeline.table("bronze.sale")["b"].to_list() == [2]


def test_two_thousand_columns_land(pipeline: Pipeline, sqlite: Server) -> None:
    columns = ", ".join(f"c{number} integer" for number in range(2_000))
    sqlite.do(f"CREATE TABLE sale ({columns})", "INSERT INTO sale (c1999) VALUES (7)")
    bronze(pipeline, sqlite.uri, query="SELECT * FROM sale")

    assert landed(pipeline)["c1999"].to_list() == [7]


def test_the_password_is_nowhere_but_at_the_server(
    pipeline: Pipeline, postgres: Server, capfd: pytest.CaptureFixture[str]
) -> None:
    postgres.do("CREATE TABLE sale (id integer)", "INSERT INTO sale VALUES (1)")
    bronze(pipeline, postgres.uri, table="sale")
    told = [pipeline.cli(*each) for each in (["run"], ["validate"], ["plan"], ["status"])]
    postgres.do("DROP TABLE sale")
    told.append(pipeline.cli("run", "--full-refresh"))

    shown = "".join(each.output for each in told) + "".join(capfd.readouterr())
    written = [path for path in pipeline.root.rglob("*") if path.is_file()]
    assert [each.exit_code for each in told] == [0, 0, 0, 0, 1]
    for text in (PASSWORD, "s3cr3t"):
        assert text not in shown
        assert not [path for path in written if text.encode() in path.read_bytes()]


def test_a_database_in_a_file_is_only_read(pipeline: Pipeline) -> None:
    for uri in ("sqlite:///shop.db", "duckdb:///shop.db"):
        bronze(pipeline, uri, table="sale")

        error = run(pipeline).error

        assert error is not None
        assert (error.code, "no such file" in error.message) == ("POL370", True)
        assert not (pipeline.root / "shop.db").exists()


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ({"uri": "postgressql://host/shop", "table": "sale"}, "begins with none of"),
        ({"uri": "sqlite:///shop.db"}, "a table or a query"),
        ({"uri": "sqlite:///shop.db", "table": "a", "query": "b"}, "a table or a query"),
        ({"uri": "postgresql://shop:pw@host/shop", "table": "a"}, "stands in the code"),
        ({"uri": "postgresql://host/shop", "table": "a", "password": "pw"}, "would stand in"),
        ({"uri": "postgresql://host/shop?password=pw", "table": "a"}, "stands in the code"),
        ({"uri": "mysql://host/shop?ssl=1", "table": "a"}, "options, which nobody reads"),
        ({"uri": "postgresql://ann:pw/x@host/shop", "table": "a"}, "stands in the code"),
        ({"uri": "postgresql://ann:12345/pw@host/shop", "table": "a"}, "stands in the code"),
        ({"uri": "postgresql://ann:pw?x@host/shop", "table": "a"}, "stands in the code"),
        ({"uri": "duckdb:///a#b.duckdb", "table": "a"}, "options, which nobody reads"),
        ({"uri": "postgresql://host:x/shop", "table": "a"}, "no port"),
        ({"uri": "postgresql://host", "table": "a"}, "names no database"),
        ({"uri": "sqlite:///shop.db", "table": "a", "overlap": "2h"}, "about a cursor"),
    ],
)
def test_arguments_that_make_no_sense_are_refused(arguments: dict[str, Any], says: str) -> None:
    with pytest.raises(AssetError) as refused:
        sql(**arguments)

    assert refused.value.code == "POL373"
    assert says in refused.value.message
    assert "pw" not in f"{refused.value}"


def test_a_library_that_is_not_installed_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "pymysql", None)

    with pytest.raises(AssetError) as missing:
        sql("mysql://shop@host/shop", table="sale").read(None)

    assert (missing.value.code, missing.value.hint) == ("POL372", "pip install 'polster[sql]'")


def test_a_secret_is_found_by_its_name_and_never_shown(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = tmp_path / "kept"
    kept.write_text("from a file\n")
    named = secret("TOKEN")
    monkeypatch.setenv("TOKEN_FILE", str(kept))
    from_file = named.value()
    monkeypatch.setenv("TOKEN", "from a variable")

    assert (from_file, named.value()) == ("from a file", "from a variable")
    assert f"{named} {named!r}" == "Secret(name='TOKEN') Secret(name='TOKEN')"
    with pytest.raises(ValueError, match="no name of a variable"):
        secret("my token")


def test_a_secret_that_nobody_knows_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SHOP_PASSWORD")
    source: SqlSource = sql("mysql://shop@host/shop", table="a", password=secret("SHOP_PASSWORD"))

    with pytest.raises(AssetError) as unknown:
        source.read(None)

    assert unknown.value.code == "POL374"
    assert "SHOP_PASSWORD_FILE" in (unknown.value.hint or "")


def by_sqlalchemy(server: Server) -> str:
    """Return the address of a server as a dialect and driver of SQLAlchemy's."""
    drivers = {"mysql://": "mysql+pymysql://", "sqlite://": "sqlite+pysqlite://"}
    return next(
        server.uri.replace(own, theirs) for own, theirs in drivers.items() if own in server.uri
    )


def test_any_other_database_is_read_by_sqlalchemy(pipeline: Pipeline, mariadb: Server) -> None:
    mariadb.do(
        "CREATE TABLE sale (id bigint PRIMARY KEY, `first name` varchar(20), amount decimal(12,2),"
        " share double, day date, at datetime, photo blob, more json, wide decimal(50,3))",
        "INSERT INTO sale VALUES (1, 'J\xf6rg 50%', 1234567890.12, 0.5, '2026-01-02', "
        "'2026-01-02 03:04:05', x'00ff', '{\"a\": 1}', 1.5)",
        "INSERT INTO sale (id) VALUES (2)",
    )
    bronze(pipeline, by_sqlalchemy(mariadb), table="sale")

    first, second = run(pipeline), run(pipeline)

    assert first.error is None, first.error
    assert second.status is AssetStatus.UNCHANGED
    table = pipeline.table("bronze.sale").drop(AUDIT, strict=False).sort("id")
    assert table.row(0) == (
        1,
        "J\xf6rg 50%",
        Decimal("1234567890.12"),
        0.5,
        date(2026, 1, 2),
        datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC).replace(tzinfo=None),
        b"\x00\xff",
        '{"a": 1}',
        "1.500",
    )
    assert table.row(1) == (2, *[None] * 8)
    assert table.schema["amount"] == pl.Decimal(12, 2)


def test_a_query_by_sqlalchemy_may_hold_any_sign(pipeline: Pipeline, mariadb: Server) -> None:
    mariadb.do(
        "CREATE TABLE sale (id int, `50%` varchar(20))", "INSERT INTO sale VALUES (1, 'a:b%c')"
    )
    query = "SELECT id, `50%` FROM sale WHERE `50%` LIKE 'a:%' AND `50%` NOT LIKE '%x'"
    bronze(pipeline, by_sqlalchemy(mariadb), "append", query=query, cursor="50%")

    record = run(pipeline)
    mariadb.do("INSERT INTO sale VALUES (2, 'a:z%c')")
    after = run(pipeline)

    assert (record.error, after.error) == (None, None)
    assert sorted(pipeline.table("bronze.sale")["50%"]) == ["a:b%c", "a:z%c"]


def test_sqlalchemy_is_asked_for_what_is_new(pipeline: Pipeline, sqlite: Server) -> None:
    sqlite.do("CREATE TABLE sale (id integer, at text)", "INSERT INTO sale VALUES (1, 'a:b')")
    bronze(pipeline, by_sqlalchemy(sqlite), "append", table="sale", cursor="at")

    first = run(pipeline)
    sqlite.do("INSERT INTO sale VALUES (2, 'a:c')")
    second = run(pipeline)

    assert (first.error, second.error) == (None, None)
    assert (first.rows_published, second.rows_published) == (1, 1)


def test_a_query_by_sqlalchemy_has_the_types_of_its_first_rows(
    pipeline: Pipeline, sqlite: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    sqlite.do(
        "CREATE TABLE sale (id integer, note)",
        "INSERT INTO sale VALUES (1, 2), (2, 3), (3, 'free')",
    )
    bronze(pipeline, by_sqlalchemy(sqlite), query="SELECT id AS n, note FROM sale ORDER BY id")

    whole = run(pipeline)
    monkeypatch.setattr("polster.sources.any_database.ROWS_AT_ONCE", 2)
    cut = pipeline.run("bronze.sale", full_refresh=True).assets[0]

    assert whole.error is None, whole.error
    assert pipeline.table("bronze.sale")["note"].to_list() == ["2", "3", "free"]
    assert cut.error is not None
    assert (cut.error.code, "column 2 is no Int64" in cut.error.message) == ("POL371", True)


@pytest.mark.parametrize(
    ("uri", "said", "hint"),
    [
        ("mssql+pyodbc://ann@h/shop?driver=x", "pyodbc is not installed", "pip install pyodbc"),
        ("nonesuch://ann@h/shop", "SQLAlchemy knows no database `nonesuch`", "the package"),
        ("sqlite+pysqlite:////no/such/folder/x.db", "unable to open database file", "address"),
    ],
)
def test_what_sqlalchemy_cannot_reach_is_told(
    pipeline: Pipeline, uri: str, said: str, hint: str
) -> None:
    bronze(pipeline, uri, table="sale")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, said in error.message) == ("POL370", True), error
    assert hint in (error.hint or "")


def test_a_table_that_sqlalchemy_does_not_find_is_told(pipeline: Pipeline, sqlite: Server) -> None:
    sqlite.do("CREATE TABLE sale (id integer)")
    bronze(pipeline, by_sqlalchemy(sqlite), table="sales")

    error = run(pipeline).error

    assert error is not None
    assert (error.code, "there is no table sales" in error.message) == ("POL371", True)


@pytest.mark.parametrize(
    "uri",
    [
        "mssql+pyodbc://ann@db.example.com:1433/shop?driver=ODBC+Driver+18+for+SQL+Server",
        "oracle+oracledb://ann@db.example.com:1521/?service_name=shop",
        "snowflake://ann@account/shop/public",
    ],
)
def test_addresses_of_other_databases_are_taken_as_they_are(uri: str) -> None:
    import sqlalchemy

    source = sql(uri, table="sale", password=secret("SHOP_PASSWORD"))

    assert source.address.uri == uri
    assert sqlalchemy.make_url(source.address.uri).username == "ann"


def test_what_is_wrong_with_a_cursor_is_told_in_the_users_words(
    pipeline: Pipeline, sqlite: Server
) -> None:
    sqlite.do("CREATE TABLE sale (id integer, photo blob)", "INSERT INTO sale VALUES (1, x'00')")
    bronze(pipeline, sqlite.uri, "append", table="sale", cursor="photo")

    error = run(pipeline).error

    assert error is not None
    assert "`cursor=` names the column `photo`, which is Binary" in error.message
