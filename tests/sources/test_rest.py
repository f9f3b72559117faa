"""APIs as a source of bronze: a real server that pages, throttles, fails, cuts and repeats."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import TYPE_CHECKING, Any

import polars as pl
import pytest
from deltalake import DeltaTable
from pytest_httpserver import HTTPServer
from tenacity.wait import wait_none
from werkzeug import Request, Response

from polster.errors import AssetError
from polster.model.record import AssetRecord, AssetStatus
from polster.model.secret import secret
from polster.sources import OAuth, rest, rest_pages
from polster.sources.rest_rows import Rows

if TYPE_CHECKING:
    from tests.conftest import Pipeline

TOKEN = "t0ken/not-to-be-seen"
ITEMS = [{"id": n, "name": f"item {n}"} for n in range(1, 8)]
SIZE = 3


@pytest.fixture(autouse=True)
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait no longer than the API asks for."""
    monkeypatch.setattr(rest_pages, "BACKOFF", wait_none())
    monkeypatch.setenv("API_TOKEN", TOKEN)


@pytest.fixture
def api(httpserver: HTTPServer) -> Iterator[HTTPServer]:
    yield httpserver
    httpserver.check_assertions()
    httpserver.check_handler_errors()


def bronze(pipeline: Pipeline, api: HTTPServer, arguments: str, options: str = "") -> None:
    pipeline.asset(
        "bronze.item",
        f"""
        from polster import sources

        @bronze{options}
        def item():
            return sources.rest("{api.url_for("/items")}", {arguments})
        """,
    )


def landed(pipeline: Pipeline) -> AssetRecord:
    (record,) = pipeline.run("bronze.item").assets
    return record


def items(pipeline: Pipeline) -> pl.DataFrame:
    rows = pl.read_delta(str(pipeline.data / "bronze/item"))
    return rows.drop("_ingested_at", "_batch_id")


def refused(pipeline: Pipeline, code: str) -> tuple[str, str]:
    """Run, see that nothing landed, and return what was said."""
    table = str(pipeline.data / "bronze/item")
    before = pl.read_delta(table) if DeltaTable.is_deltatable(table) else None
    record = landed(pipeline)
    assert record.status is AssetStatus.FAILED
    assert record.error is not None
    assert record.error.code == code, record.error
    assert TOKEN not in str(record)
    after = pl.read_delta(table) if DeltaTable.is_deltatable(table) else None
    assert (before is None) == (after is None)
    assert before is None or after is None or before.equals(after)
    return record.error.message, record.error.hint or ""


def answering(answer: Callable[[Request], Any]) -> Callable[[Request], Response]:
    def handle(request: Request) -> Response:
        said = answer(request)
        if isinstance(said, Response):
            return said
        return Response(json.dumps(said), content_type="application/json")

    return handle


def test_pages_follow_the_address_that_each_names(pipeline: Pipeline, api: HTTPServer) -> None:
    def page(request: Request) -> Any:
        start = int(request.args.get("from", 0))
        more = start + SIZE < len(ITEMS)
        following = f"/items?from={start + SIZE}" if more else None  # relative, as some are
        return {
            "meta": {"next": following, "total": 7},
            "data": {"rows": ITEMS[start : start + SIZE]},
        }

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, 'records="data.rows", next="meta.next", total="meta.total"')

    record = landed(pipeline)

    assert record.error is None, record.error
    rows = items(pipeline)
    assert rows.sort("id").drop("_source").to_dicts() == ITEMS
    assert set(rows["_source"]) == {api.url_for("/items")}
    assert rows.schema["id"] == pl.Int64
    assert record.source_counts["rows"].said == 7
    assert landed(pipeline).status is AssetStatus.UNCHANGED


@pytest.mark.parametrize("style", ["token", "page", "offset", "link"])
def test_each_way_to_the_next_page_leads_to_the_last(
    pipeline: Pipeline, api: HTTPServer, style: str
) -> None:
    arguments = {
        "token": 'records="data", next="cursor", next_param="after"',
        "page": 'page_param="page", params={"size": 3}',
        "offset": 'offset_param="skip", params={"size": 3}',
        "link": "link_header=True",
    }[style]

    def page(request: Request) -> Any:
        if style == "token":
            start = int(request.args.get("after", 0))
            is_last = start + SIZE >= len(ITEMS)
            return {
                "data": ITEMS[start : start + SIZE],
                "cursor": None if is_last else start + SIZE,
            }
        if style == "page":
            start = (int(request.args["page"]) - 1) * int(request.args["size"])
            return ITEMS[start : start + SIZE]
        if style == "offset":
            start = int(request.args["skip"])
            return ITEMS[start : start + SIZE]
        start = int(request.args.get("start", 0))
        answer = Response(json.dumps(ITEMS[start : start + SIZE]), content_type="application/json")
        if start + SIZE < len(ITEMS):
            answer.headers["Link"] = f'</items?start={start + SIZE}>; rel="next", </a>; rel="last"'
        return answer

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, arguments)

    assert landed(pipeline).error is None
    assert items(pipeline)["id"].to_list() == [each["id"] for each in ITEMS]


@pytest.mark.parametrize("written", ["0", "moment", "none"])
def test_an_api_that_is_busy_is_asked_again_when_it_says(
    pipeline: Pipeline, api: HTTPServer, written: str
) -> None:
    past = format_datetime(datetime.now(UTC) - timedelta(seconds=5), usegmt=True)
    after = {"0": "0", "moment": past, "none": ""}[written]
    for status in (429, 503, 500):
        api.expect_ordered_request("/items").respond_with_response(
            Response("busy", status, headers={"Retry-After": after})
        )
    api.expect_ordered_request("/items").respond_with_json(ITEMS)
    bronze(pipeline, api, "")

    assert landed(pipeline).error is None
    assert len(items(pipeline)) == len(ITEMS)


def test_an_api_that_wants_to_be_left_alone_for_long_is(
    pipeline: Pipeline, api: HTTPServer
) -> None:
    api.expect_request("/items").respond_with_response(
        Response("no", 429, headers={"Retry-After": "86400"})
    )
    bronze(pipeline, api, "")

    message, hint = refused(pipeline, "POL382")

    assert "it asks to be left alone for 86400 s" in message
    assert "requests_per_second=" in hint
    assert len(api.log) == 1


def test_a_failure_half_way_lands_nothing_and_the_next_run_all(
    pipeline: Pipeline, api: HTTPServer
) -> None:
    is_down = [True]

    def page(request: Request) -> Any:
        number = int(request.args["page"])
        if number == 2 and is_down[0]:
            return Response("oh no", 502)
        return ITEMS[(number - 1) * SIZE : number * SIZE]

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, 'page_param="page"')

    message, _ = refused(pipeline, "POL382")
    is_down[0] = False

    assert message == (
        f"the API {api.url_for('/items')} cannot be reached: page 2, asked for 6 times: "
        "502 BAD GATEWAY: oh no"
    )
    assert landed(pipeline).error is None
    assert len(items(pipeline)) == len(ITEMS)


def test_a_body_that_is_cut_is_asked_for_again(pipeline: Pipeline, api: HTTPServer) -> None:
    whole = json.dumps(ITEMS).encode()
    cut = Response(iter([whole[:40]]), headers={"Content-Length": str(len(whole))})
    api.expect_ordered_request("/items").respond_with_response(cut)
    api.expect_ordered_request("/items").respond_with_json(ITEMS)
    bronze(pipeline, api, "")

    assert landed(pipeline).error is None
    assert len(items(pipeline)) == len(ITEMS)


def test_an_api_that_is_down_is_told(pipeline: Pipeline, api: HTTPServer) -> None:
    pipeline.asset(
        "bronze.item",
        """
        from polster import sources

        @bronze
        def item():
            return sources.rest("http://127.0.0.1:9/items", bearer=polster.secret("API_TOKEN"))
        """,
    )

    message, _ = refused(pipeline, "POL382")

    assert "page 1, asked for 6 times: " in message
    assert "Connection refused" in message


def test_pages_that_shift_while_they_are_read_land_nothing(
    pipeline: Pipeline, api: HTTPServer
) -> None:
    def page(request: Request) -> Any:
        number = int(request.args["page"])
        rows = ITEMS if number == 1 else ITEMS[1:]  # the first one was deleted meanwhile
        return {"total": len(rows), "data": rows[(number - 1) * SIZE : number * SIZE]}

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, 'records="data", page_param="page", total="total"')

    message, _ = refused(pipeline, "POL392")

    assert "7" in message
    assert "6" in message


@pytest.mark.parametrize("style", ["page", "circle"])
def test_pages_that_go_round_in_a_circle_end(
    pipeline: Pipeline, api: HTTPServer, style: str
) -> None:
    def page(request: Request) -> Any:
        if style == "page":  # it does not know the parameter
            return ITEMS[:SIZE]
        at = request.args.get("at", "a")
        following = {"a": "b", "b": "a"}[at]
        return {"data": [{"at": at}], "next": f"/items?at={following}"}

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, 'page_param="p"' if style == "page" else 'records="data", next="next"')

    message, hint = refused(pipeline, "POL385")

    assert (
        ("page 2 is page 1 once more" in message)
        or ("was read before" in message)
        or ("is page 1 once more" in message)
    )
    assert hint


def test_pages_without_records_come_to_an_end(pipeline: Pipeline, api: HTTPServer) -> None:
    def page(request: Request) -> Any:
        return {"data": [], "next": str(int(request.args.get("at", 0)) + 1)}

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, 'records="data", next="next", next_param="at"')

    message, _ = refused(pipeline, "POL385")

    assert "100 pages without records followed each other" in message


def test_a_next_page_at_another_host_is_not_asked(pipeline: Pipeline, api: HTTPServer) -> None:
    elsewhere = "http://127.0.0.2:9/items"
    api.expect_request("/items").respond_with_json({"data": ITEMS, "next": elsewhere})
    bronze(pipeline, api, 'records="data", next="next", bearer=polster.secret("API_TOKEN")')

    message, _ = refused(pipeline, "POL385")

    assert "the next page lies at another host, 127.0.0.2" in message


def test_a_redirect_is_not_followed(pipeline: Pipeline, api: HTTPServer) -> None:
    api.expect_request("/items").respond_with_response(
        Response("", 302, headers={"Location": "http://127.0.0.2:9/stolen"})
    )
    bronze(pipeline, api, 'bearer=polster.secret("API_TOKEN")')

    message, _ = refused(pipeline, "POL383")

    assert "it sends on to another address at 127.0.0.2" in message


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [
        (Response("<html>log in</html>", content_type="text/html"), "POL384", "a page of HTML"),
        (Response(b'{"data": [1, 2'), "POL384", "no JSON"),
        (Response(b'[{"a": "\xff\xfe"}]'), "POL384", "no JSON"),
        (Response(b'[{"a": NaN}]'), "POL384", "NaN is no number"),
        (
            Response('{"rows": []}'),
            "POL384",
            "nothing at `data` that could be records: it has r",
        ),
        (Response('{"data": [{"_source": 1}]}'), "POL384", "a column _source"),
        (Response("no such thing", 404), "POL383", "404 NOT FOUND: no such thing"),
        (Response(f"unknown token {TOKEN}", 401), "POL383", "401 UNAUTHORIZED: unknown token ***"),
        (Response("", 403), "POL383", "403 FORBIDDEN"),
    ],
    ids=["html", "cut", "utf-8", "nan", "path", "own column", "404", "401", "403"],
)
def test_an_answer_that_is_none_is_told(
    pipeline: Pipeline, api: HTTPServer, answer: Response, code: str, said: str
) -> None:
    api.expect_request("/items").respond_with_response(answer)
    bronze(pipeline, api, 'records="data", bearer=polster.secret("API_TOKEN")')

    message, hint = refused(pipeline, code)

    assert said in message
    assert hint


def test_credentials_are_sent_and_seen_nowhere(pipeline: Pipeline, api: HTTPServer) -> None:
    def page(request: Request) -> Any:
        assert request.headers["Authorization"] == f"Bearer {TOKEN}"
        assert request.headers["X-Api-Key"] == TOKEN
        assert request.args["key"] == TOKEN
        more = "from" not in request.args
        return {"data": [{"id": len(request.args)}], "next": "/items?from=1" if more else None}

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(
        pipeline,
        api,
        'records="data", next="next", bearer=polster.secret("API_TOKEN"), '
        'headers={"X-Api-Key": polster.secret("API_TOKEN")}, '
        'params={"key": polster.secret("API_TOKEN")}',
    )

    assert landed(pipeline).error is None
    assert items(pipeline)["id"].to_list() == [1, 2]
    for file in pipeline.root.rglob("*"):
        if file.is_file():
            assert TOKEN.encode() not in file.read_bytes(), file


def test_basic_credentials_are_sent(pipeline: Pipeline, api: HTTPServer) -> None:
    def page(request: Request) -> Any:
        assert request.authorization is not None
        assert (request.authorization.username, request.authorization.password) == ("ann", TOKEN)
        return ITEMS

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(pipeline, api, 'basic=("ann", polster.secret("API_TOKEN"))')

    assert landed(pipeline).error is None


def test_a_program_asks_for_a_token_and_for_another_when_that_ends(
    pipeline: Pipeline, api: HTTPServer
) -> None:
    given: list[str] = []

    def token(request: Request) -> Any:
        assert request.form["grant_type"] == "client_credentials"
        assert (request.form["client_id"], request.form["client_secret"]) == ("shop", TOKEN)
        assert request.form["scope"] == "read"
        given.append(f"given-{len(given)}")
        return {"access_token": given[-1]}

    def page(request: Request) -> Any:
        number = int(request.args["page"])
        if number == 2 and len(given) == 1:
            return Response("expired", 401)
        assert request.headers["Authorization"] == f"Bearer {given[-1]}"
        return ITEMS[(number - 1) * SIZE : number * SIZE]

    api.expect_request("/token", method="POST").respond_with_handler(answering(token))
    api.expect_request("/items").respond_with_handler(answering(page))
    oauth = f'"{api.url_for("/token")}", "shop", polster.secret("API_TOKEN"), "read"'
    bronze(pipeline, api, f'page_param="page", oauth=sources.OAuth({oauth})')

    assert landed(pipeline).error is None
    assert len(items(pipeline)) == len(ITEMS)
    assert len(given) == 2


def test_only_what_is_new_is_asked_for_and_lands_once(pipeline: Pipeline, api: HTTPServer) -> None:
    at = [f"2026-01-0{day}T10:00:00Z" for day in range(1, 6)]
    known = [{"id": n, "updated_at": each} for n, each in enumerate(at[:3])]
    asked: list[str | None] = []

    def page(request: Request) -> Any:
        asked.append(since := request.args.get("since"))
        return [each for each in known if since is None or str(each["updated_at"]) >= since[:19]]

    api.expect_request("/items").respond_with_handler(answering(page))
    bronze(
        pipeline,
        api,
        'cursor="updated_at", since_param="since", overlap="1d"',
        '(load="append")',
    )

    landed(pipeline)
    known += [{"id": n, "updated_at": each} for n, each in enumerate(at[3:], 3)]
    second = landed(pipeline)
    third = landed(pipeline)

    assert asked == [None, "2026-01-02T10:00:00Z", "2026-01-04T10:00:00Z"]
    assert second.rows_published == 2
    assert third.status is AssetStatus.UNCHANGED
    rows = items(pipeline).sort("id")
    assert rows["id"].to_list() == [0, 1, 2, 3, 4]
    assert rows.schema["updated_at"] == pl.Datetime("us", "UTC")


def test_a_cursor_that_is_no_moment_is_told(pipeline: Pipeline, api: HTTPServer) -> None:
    api.expect_request("/items").respond_with_json([{"at": "yesterday"}])
    bronze(pipeline, api, 'cursor="at", since_param="since", overlap="1d"', '(load="append")')

    message, hint = refused(pipeline, "POL384")

    assert "the cursor `at` holds 'yesterday', which is no moment" in message
    assert "overlap=" in hint


def test_a_schema_that_changes_between_pages_loses_no_value(
    pipeline: Pipeline, api: HTTPServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("polster.sources.rest_rows.PIECE_BYTES", 1)  # each page by itself
    pages = [
        [{"id": 1, "price": 2, "more": {"a": 1}}],
        [{"id": 2, "price": 2.5, "new": True}],
        [{"id": 12345678901234567890123, "price": "free", "more": {"b": "x"}}],
        [],
    ]
    api.expect_request("/items").respond_with_handler(
        answering(lambda request: pages[int(request.args["page"]) - 1])
    )
    bronze(pipeline, api, 'page_param="page"')

    assert landed(pipeline).error is None
    rows = items(pipeline).drop("_source")
    assert [*map(int, rows["id"])] == [1, 2, 12345678901234567890123]
    assert rows["price"].to_list()[2] == "free"
    assert [float(each) for each in rows["price"].to_list()[:2]] == [2.0, 2.5]
    assert rows["new"].to_list() == [None, True, None]
    assert rows["more"].to_list() == [{"a": 1, "b": None}, None, {"a": None, "b": "x"}]


@pytest.mark.parametrize("nested", ["struct", "text"])
def test_what_is_nested_stays_or_becomes_text(
    pipeline: Pipeline, api: HTTPServer, nested: str
) -> None:
    record = {"id": 1, "who": {"name": "ann", "ages": [1, 2]}, "tags": ["a"]}
    api.expect_request("/items").respond_with_json([record])
    bronze(pipeline, api, f'nested="{nested}", keep_raw=True')

    assert landed(pipeline).error is None
    (row,) = items(pipeline).to_dicts()
    assert json.loads(row["_raw"]) == record
    if nested == "text":
        assert (json.loads(row["who"]), json.loads(row["tags"])) == (record["who"], ["a"])
    else:
        assert (row["who"], row["tags"]) == (record["who"], ["a"])


def test_an_answer_without_records_is_an_empty_batch(pipeline: Pipeline, api: HTTPServer) -> None:
    answer: list[Any] = []
    api.expect_request("/items").respond_with_handler(answering(lambda _: answer))
    bronze(pipeline, api, "")

    first = landed(pipeline)
    answer += ITEMS
    second = landed(pipeline)

    assert first.error is None
    assert first.status is AssetStatus.UNCHANGED
    assert second.rows_published == len(ITEMS)


def test_records_that_are_no_objects_are_values(pipeline: Pipeline, api: HTTPServer) -> None:
    api.expect_request("/items").respond_with_json(["a", "b"])
    bronze(pipeline, api, "")

    assert landed(pipeline).error is None
    assert items(pipeline)["value"].to_list() == ["a", "b"]


def test_requests_are_no_closer_than_allowed(api: HTTPServer) -> None:
    at: list[datetime] = []

    def page(request: Request) -> Any:
        at.append(datetime.now(UTC))
        return ITEMS[(int(request.args["page"]) - 1) * 4 :][:4]

    api.expect_request("/items").respond_with_handler(answering(page))

    rest(api.url_for("/items"), page_param="page", requests_per_second=20).read(None)

    assert len(at) == 3
    assert at[-1] - at[0] >= timedelta(seconds=0.09)


def test_all_rows_are_not_added_each_time(pipeline: Pipeline, api: HTTPServer) -> None:
    bronze(pipeline, api, "", '(load="append")')

    message, hint = refused(pipeline, "POL373")

    assert "gives all rows each time" in message
    assert "cursor=" in hint


def test_validate_asks_no_api(pipeline: Pipeline, api: HTTPServer) -> None:
    bronze(pipeline, api, 'bearer=polster.secret("API_TOKEN")')

    result = pipeline.cli("validate")

    assert result.exit_code == 0, result.output
    assert api.log == []


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        ({"url": "ftp://x/y"}, "is no address of an API"),
        ({"url": "https://ann:pw@x/y"}, "credentials stand in the address"),
        ({"url": "https://x/y?a=1"}, "the address ends with a query (a)"),
        ({"bearer": "ey123"}, "`bearer` is a text, and would stand in the code"),
        ({"basic": ("ann", "pw")}, "`basic` is a text"),
        ({"headers": {"X-API-Key": "abc"}}, "`X-API-Key` is a text"),
        ({"params": {"access_token": "abc"}}, "`access_token` is a text"),
        ({"params": {"a": [1]}}, "the parameter `a` is no text and no number"),
        ({"next": "a", "page_param": "p"}, "`next` and `page_param` are two ways"),
        ({"next_param": "a"}, "`next_param` is about `next`"),
        ({"nested": "flat"}, "`nested` is 'flat'"),
        ({"cursor": "at"}, "`cursor` and `since_param` belong together"),
        ({"overlap": "2h"}, "are about a cursor"),
        ({"requests_per_second": 0}, "`requests_per_second` is 0"),
        ({"oauth": OAuth("https://x/t", "id", "text")}, "`client_secret` is a text"),  # type: ignore[arg-type]
    ],
)
def test_arguments_that_make_no_sense(arguments: dict[str, Any], said: str) -> None:
    with pytest.raises(AssetError, match="`rest`: ") as caught:
        rest(**{"url": "https://api.example.com/items", **arguments})

    assert caught.value.code == "POL386"
    assert said in caught.value.message
    assert caught.value.hint


def test_a_secret_that_nobody_says_is_told() -> None:
    source = rest("http://127.0.0.1:9/items", bearer=secret("NO_SUCH_TOKEN"))

    with pytest.raises(AssetError, match="`NO_SUCH_TOKEN` is not known"):
        source.read(None)


def test_without_the_library_it_says_how_to_have_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "polster.sources.rest_pages")
    monkeypatch.setitem(sys.modules, "tenacity", None)

    with pytest.raises(AssetError, match="tenacity is not installed") as caught:
        rest("http://127.0.0.1:9/items").read(None)

    assert caught.value.hint == "pip install 'polster[rest]'"


def test_records_of_many_pages_wait_in_files() -> None:
    rows = Rows(nested_as_text=False, keeps_raw=False, moments=None)
    for page in range(1_000):
        rows.add([{"id": f"{page}-{n}", "text": "x" * 1_000} for n in range(100)], page)
    rows.end()

    assert rows.frame().select(pl.len()).collect().item() == 100_000
