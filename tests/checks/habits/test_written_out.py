from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from tests.checks.habits.conftest import Source


@pytest.mark.parametrize(
    "text",
    [
        "/home/ann/orders.csv",
        "/Users/ann/orders/",
        "~/orders.csv",
        "C:\\\\data\\\\orders.csv",
        "/mnt/share/x",
        "file:///x/y",
    ],
)
@pytest.mark.parametrize("layer", ["bronze", "silver"])
def test_a_folder_of_one_machine_is_found_in_every_layer(
    source: Source, layer: str, text: str
) -> None:
    getattr(source, layer)(f"place = '{text}'\nreturn pl.LazyFrame()\n")

    assert source.codes() == ["POL601"]


@pytest.mark.parametrize(
    "text",
    [
        "s3://bucket/orders",
        "abfss://box@account.dfs.core.windows.net/x",
        "postgresql://db.example.com/shop",
        "mssql+pyodbc://db/shop",
        "/srv/exports/orders",
        "/data/exports/orders.parquet",
    ],
)
def test_an_address_is_bronze_business(source: Source, text: str) -> None:
    source.bronze(f"return pl.scan_csv('{text}')\n")
    source.silver(f"place = '{text}'\nreturn rows\n")

    assert [(each.code, each.asset) for each in source.findings()] == [("POL601", "silver.orders")]


@pytest.mark.parametrize(
    "value",
    [
        "'/'",
        "'/api'",
        "'/v1/customers'",
        "'%d/%m/%Y'",
        "r'^/home/.*$'",
        "'https://example.com/x'",
        "'a: b'",
        "'12:30'",
        "pl.col('path') == '/home/ann'",
        "pl.col('path').str.starts_with('/home/ann')",
        "pl.col('path').is_in(['/home/ann'])",
        "'n/a'",
        "'C:'",
        "'gs: no'",
        "'s3://'",
        "'file:///'",
    ],
)
def test_what_only_looks_like_a_path_is_no_finding(source: Source, value: str) -> None:
    source.silver(f"kept = {value}\nreturn rows\n")

    assert source.findings() == []


def test_a_docstring_may_name_any_place(source: Source) -> None:
    source.silver('"""From /home/ann/x, by postgresql://u:p4ssw0rt@db/x."""\nreturn rows\n')

    assert source.findings() == []


def test_the_beginning_of_an_f_string_counts(source: Source) -> None:
    source.bronze("day = 1\nreturn pl.scan_csv(f'/home/ann/{day}.csv')\n")

    assert source.shown() == [("POL601", "f'/home/ann/{day}.csv')")]


def test_the_address_of_a_store_may_be_put_together(source: Source) -> None:
    source.silver("box = 'x'\nplace = f's3://{box}/orders'\nreturn rows\n")

    assert source.codes() == ["POL601"]


def test_of_a_helper_the_constants_that_are_used_count(source: Source) -> None:
    source.write("src/core/places.py", "A = '/home/ann/a'\nB = '/home/ann/b'\n")
    source.silver("return rows.filter(pl.lit(B) != '')\n", top="from core.places import B")

    assert [finding.place for finding in source.findings()] == ["src/core/places.py:2"]


@pytest.mark.parametrize(
    "statement",
    [
        "PASSWORD = 'Tr0ub4dor&3'",
        "db_password = 'correcthorse'",
        "API_KEY: str = 'a1b2c3d4e5'",
        "connect(token='q7Rz41vbPx09')",
        "connect(user='ann', password='hunter2')",
        "OPTIONS = {'aws_secret_access_key': 'q7Rz41/vbPx09+abc'}",
        "os.environ['SHOP_TOKEN'] = 'q7Rz41vbPx09'",
        "def f(secret='q7Rz41vbPx09'): ...",
        "URL = 'postgresql://ann:hunter22@db.example.com/shop'",
        "KEY = 'AKIA2E0A8F3B244C9986'",
        "PEM = '-----BEGIN RSA PRIVATE KEY-----'",
        "X = 'ghp_0123456789abcdefghijABCDEFGHIJ012345'",
    ],
)
def test_a_credential_is_found_and_not_repeated(source: Source, statement: str) -> None:
    source.bronze("return pl.LazyFrame()\n", top=statement)

    [finding] = source.findings()

    assert finding.code == "POL602"
    told = f"{finding.message} {finding.hint}"
    for secret in ("Tr0ub", "correcth", "a1b2", "q7Rz", "hunter", "AKIA2E", "ghp_"):
        assert secret not in told


@pytest.mark.parametrize(
    "statement",
    [
        "PASSWORD = os.environ['PASSWORD']",
        "PASSWORD = ''",
        "TOKEN = '${SHOP_TOKEN}'",
        "TOKEN_VARIABLE = 'SHOP_TOKEN'",
        "TOKEN = 'SHOP_TOKEN'",
        "PASSWORD = 'changeme'",
        "API_KEY = 'your-api-key-1'",
        "token_column = 'session_token'",
        "TOKEN = 'session_token'",
        "NAMES = {'secret': 'hidden'}",
        "class T(dy.Schema):\n    token = dy.String(regex='^[a-z0-9]{32}$')",
        "pl.LazyFrame().rename({'token': 'token2'})",
        "URL = 'https://example.com/a:b@c'",
        "URL = 'postgresql://${USER}:${PASSWORD}@db/x'",
        "URL = 'postgresql://user:password@localhost/x'",
        "if x == 'AKIA': ...",
        "primary_key = 'order_id_2'",
        "PASSWORD = 'PASSWORD'",
        "PAGES = {'next_token': 'NextToken'}",
        "next_token = 'NextToken'",
        "PASSWORD_HINT = 'name of the 1st dog'",
    ],
)
def test_what_only_looks_like_a_credential_is_no_finding(source: Source, statement: str) -> None:
    source.bronze("return pl.LazyFrame()\n", top=statement)

    assert source.findings() == []


def test_a_credential_in_a_helper_is_found_wherever_it_stands(source: Source) -> None:
    source.write("src/core/shop.py", "TOKEN = 'q7Rz41vbPx09'\n\ndef rows():\n    return 1\n")
    source.bronze("return pl.LazyFrame(rows())\n", top="from core.shop import rows")

    [finding] = source.findings()

    assert (finding.code, finding.place) == ("POL602", "src/core/shop.py:1")


def test_an_address_with_a_password_is_told_as_a_credential_only(source: Source) -> None:
    source.silver("url = 'postgresql://ann:hunter22@db/x'\nreturn rows\n")

    assert source.codes() == ["POL602"]
