"""Files on real servers of FTP and of the web: each lands once, whole."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from pytest_httpserver import HTTPServer
from tests.sources.servers import free_port, running
from werkzeug import Request, Response

from polster.errors import AssetError
from polster.model.record import AssetRecord, AssetStatus
from polster.sources import files

if TYPE_CHECKING:
    from tests.conftest import Pipeline

PASSWORD = "pa55-not-to-be-seen"


def bronze(pipeline: Pipeline, pattern: str, arguments: str = "") -> None:
    pipeline.asset(
        "bronze.orders",
        f"""
        from polster.sources import files

        @bronze(load="append")
        def orders():
            return files("{pattern}", {arguments})
        """,
    )


def landed(pipeline: Pipeline) -> AssetRecord:
    (record,) = pipeline.run("bronze.orders").assets
    assert PASSWORD not in str(record)
    return record


def ids(pipeline: Pipeline) -> list[str]:
    return sorted(pl.read_delta(str(pipeline.data / "bronze/orders"))["id"])


@pytest.fixture(scope="module")
def serving(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, int]]:
    root = tmp_path_factory.mktemp("ftp")

    port = free_port()
    options = ["-i", "127.0.0.1", "-p", str(port), "-w", "-u", "partner", "-P", PASSWORD]
    command = [sys.executable, "-W", "ignore", "-m", "pyftpdlib", *options, "-d", str(root)]
    connects = f"import socket; socket.create_connection(('127.0.0.1', {port}))"
    with running(command, [sys.executable, "-c", connects]):
        yield root, port


@pytest.fixture
def ftp(
    serving: tuple[Path, int], monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest
) -> tuple[Path, str]:
    """A folder of the server, and its address."""
    monkeypatch.setenv("FTP_PASSWORD", PASSWORD)
    root, port = serving
    folder = root / request.node.name.partition("[")[0]
    folder.mkdir(exist_ok=True)
    return folder, f"ftp://partner@127.0.0.1:{port}/{folder.name}"


LOGIN = 'password=polster.secret("FTP_PASSWORD")'


def test_each_file_of_an_ftp_server_lands_once(pipeline: Pipeline, ftp: tuple[Path, str]) -> None:
    folder, address = ftp
    (folder / "a b").mkdir()
    (folder / "a b" / "caf\xe9 'x'.csv").write_text("id\n1\n")
    (folder / "b").mkdir()
    (folder / "b" / "o.csv").write_text("id\n2\n")
    (folder / "b" / "o.csv.tmp").write_text("id\n9\n")
    bronze(pipeline, f"{address}/**/*.csv", LOGIN)

    first, second = landed(pipeline), landed(pipeline)
    (folder / "b" / "again.csv").write_text("id\n2\n")
    (folder / "b" / "p.csv").write_text("id\n3\n")
    third = landed(pipeline)

    assert first.error is None, first.error
    assert (first.rows_published, second.status) == (2, AssetStatus.UNCHANGED)
    assert third.rows_published == 1
    assert ids(pipeline) == ["1", "2", "3"]


@pytest.mark.parametrize(
    ("below", "login", "said"),
    [
        ("", 'password=polster.secret("WRONG")', "it does not let partner in: 530"),
        ("/nowhere", LOGIN, "/nowhere"),
    ],
    ids=["password", "folder"],
)
def test_what_an_ftp_server_says_is_told(
    pipeline: Pipeline,
    ftp: tuple[Path, str],
    monkeypatch: pytest.MonkeyPatch,
    below: str,
    login: str,
    said: str,
) -> None:
    monkeypatch.setenv("WRONG", "not it")
    bronze(pipeline, f"{ftp[1]}{below}/*.csv", login)

    error = landed(pipeline).error

    assert error is not None
    assert (error.code, said in error.message) == ("POL362", True), error


def test_a_server_that_is_down_is_told(pipeline: Pipeline) -> None:
    for pattern in ("ftp://127.0.0.1:9/a/*.csv", "http://127.0.0.1:9/a.csv"):
        bronze(pipeline, pattern)

        error = landed(pipeline).error

        assert error is not None
        assert error.code == "POL362"
        assert "Connection refused" in error.message


@pytest.fixture
def web(httpserver: HTTPServer) -> HTTPServer:
    return httpserver


def test_a_file_of_the_web_is_fetched_when_it_is_another_one(
    pipeline: Pipeline, web: HTTPServer
) -> None:
    state = {"tag": '"1"', "text": "id\n1\n"}
    methods: list[str] = []

    def answer(request: Request) -> Response:
        methods.append(request.method)
        return Response(state["text"], headers={"ETag": state["tag"]}, content_type="text/csv")

    web.expect_request("/data/o.csv").respond_with_handler(answer)
    bronze(pipeline, web.url_for("/data/o.csv"))

    first, second = landed(pipeline), landed(pipeline)
    state.update(tag='"2"', text="id\n1\n2\n")
    third = landed(pipeline)

    assert first.error is None, first.error
    assert second.status is AssetStatus.UNCHANGED
    assert third.rows_published == 2
    assert methods == ["HEAD", "GET", "HEAD", "HEAD", "GET"]


def test_a_server_that_says_nothing_of_versions_is_known_by_content(
    pipeline: Pipeline, web: HTTPServer
) -> None:
    web.expect_request("/o.csv").respond_with_data("id\n1\n", content_type="text/csv")
    bronze(pipeline, web.url_for("/o.csv"))

    first, second = landed(pipeline), landed(pipeline)

    assert first.error is None, first.error
    assert (first.rows_published, second.status) == (1, AssetStatus.UNCHANGED)


def test_a_packed_file_stays_packed_whatever_the_server_says(
    pipeline: Pipeline, web: HTTPServer
) -> None:
    headers = {"ETag": "x", "Content-Encoding": "gzip"}
    packed = Response(gzip.compress(b"id\n1\n"), headers=headers)
    web.expect_request("/o.csv.gz").respond_with_response(packed)
    bronze(pipeline, web.url_for("/o.csv.gz"))

    record = landed(pipeline)

    assert record.error is None, record.error
    assert ids(pipeline) == ["1"]


def test_a_body_that_is_cut_is_fetched_again(pipeline: Pipeline, web: HTTPServer) -> None:
    left = [1]

    def answer(request: Request) -> Response:
        if request.method == "GET" and left[0]:
            left[0] -= 1
            return Response(iter([b"id\n1"]), headers={"Content-Length": "100", "ETag": "x"})
        return Response("id\n1\n2\n", headers={"ETag": "x"})

    web.expect_request("/o.csv").respond_with_handler(answer)
    bronze(pipeline, web.url_for("/o.csv"))

    assert landed(pipeline).error is None
    assert ids(pipeline) == ["1", "2"]


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (Response("<html>", content_type="text/html; charset=utf-8"), "it is a page of HTML"),
        (Response("", 404), "404 NOT FOUND"),
        (Response("", 302, headers={"Location": "/other"}), "it sends on to another address"),
    ],
    ids=["html", "404", "redirect"],
)
def test_what_is_no_file_is_told(
    pipeline: Pipeline,
    web: HTTPServer,
    answer: Response,
    said: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("FTP_PASSWORD", PASSWORD)
    web.expect_request("/o.csv").respond_with_response(answer)
    address = web.url_for("/o.csv").replace("://", "://partner@")
    bronze(pipeline, address, LOGIN)

    error = landed(pipeline).error

    assert error is not None
    assert (error.code, said in error.message) == ("POL362", True), error


def test_a_user_of_the_web_is_let_in(
    pipeline: Pipeline, web: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FTP_PASSWORD", PASSWORD)

    def answer(request: Request) -> Response:
        assert request.authorization is not None
        assert (request.authorization.username, request.authorization.password) == (
            "partner",
            PASSWORD,
        )
        return Response("id\n1\n", content_type="text/csv")

    web.expect_request("/o.csv").respond_with_handler(answer)
    bronze(pipeline, web.url_for("/o.csv").replace("://", "://partner@"), LOGIN)

    assert landed(pipeline).error is None


@pytest.mark.parametrize(
    ("pattern", "arguments", "said"),
    [
        ("https://h/*.csv", {}, "https://h/*.csv stands for several addresses"),
        ("ftp://a@h/*.csv", {"host_key": "SHA256:A"}, "`host_key` is about a server of SFTP"),
    ],
)
def test_arguments_that_make_no_sense(pattern: str, arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(AssetError) as caught:
        files(pattern, **arguments)

    assert said in caught.value.message
