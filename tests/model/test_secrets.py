from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from polster.model.secrets import without_secrets

PLAIN = "abcXYZ019-_.~!*,+%"


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("at postgres://ann:pw@db:5432/x failed", "at postgres://***@db:5432/x failed"),
        ("redis://:pw@db", "redis://***@db"),
        ("'mysql+pymysql://a:p@w/1@db/x'", "'mysql+pymysql://***@db/x'"),
        ("https://ghp_abc@github.com/a/b", "https://***@github.com/a/b"),
        ("s3://KEY:a/b+c=@lake and s3://K:S@b", "s3://***@lake and s3://***@b"),
        ("u://h/x?sv=1&sig=a%2Fb&se=2", "u://h/x?sv=1&sig=***&se=2"),
        (
            "u://h/x?X-Amz-Signature=a&X-Amz-Credential=b&y",
            "u://h/x?X-Amz-Signature=***&X-Amz-Credential=***&y",
        ),
        ("AccountName=a;AccountKey=b+c==;Suffix=d", "AccountName=a;AccountKey=***;Suffix=d"),
        ("Server=db;Password=pw;x=1", "Server=db;Password=***;x=1"),
    ],
)
def test_credentials_are_hidden_and_the_rest_stays(text: str, shown: str) -> None:
    assert without_secrets(text) == shown


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s3://lake/prod/x@y:z",
        "http://127.0.0.1:9000/a@b",
        "abfss://box@account.dfs.core.windows.net/x",
        "git@github.com:a/b.git",
        "dy.Int64(primary_key=True), sort(key=len), token=1",
        "https://host/x?page=2&monkeys=3",
        "ann@example.com",
    ],
)
def test_what_holds_no_credentials_stays_as_it_is(text: str) -> None:
    assert without_secrets(text) == text


@given(
    st.sampled_from(["s3", "https", "postgres", "mssql+pyodbc"]),
    st.text(PLAIN, max_size=8),
    st.text(PLAIN + "/@:", min_size=1).map("S3CRET".__add__),
    st.sampled_from(["", " and so on", "'", '"}', "?x=1&sig=S3CRET"]),
)
def test_no_password_of_a_url_is_left(scheme: str, user: str, password: str, after: str) -> None:
    hidden = without_secrets(f"at {scheme}://{user}:{password}@host/path{after}")

    assert "S3CRET" not in hidden
    assert hidden.startswith(f"at {scheme}://***@")
    assert without_secrets(hidden) == hidden
