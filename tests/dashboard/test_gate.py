"""Who may talk to the dashboard."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.routing import Route

from polster.dashboard import gate
from polster.dashboard.gate import Gate, is_loopback

TOKEN = "a-long-and-random-token"
OWN = "http://127.0.0.1:3000"


async def _behind(request: Request) -> PlainTextResponse:
    return PlainTextResponse(f"reached by {request.method}")


@asynccontextmanager
async def _client(
    *, host: str = "127.0.0.1", token: str | None = None, url: str = OWN
) -> AsyncIterator[httpx.AsyncClient]:
    app = Starlette(routes=[Route("/{path:path}", _behind, methods=["GET", "POST"])])
    transport = httpx.ASGITransport(Gate(app, host=host, token=token, port=3000))
    async with httpx.AsyncClient(transport=transport, base_url=url) as client:
        yield client


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


@pytest.mark.parametrize("url", [OWN, "http://localhost:3000", "http://[::1]:3000"])
async def test_the_names_of_this_machine_are_answered(url: str) -> None:
    async with _client(url=url) as client:
        answer = await client.get("/")

    assert answer.text == "reached by GET"


@pytest.mark.parametrize(
    "name",
    ["evil.example", "evil.example:3000", "127.0.0.1.evil.example", "[broken", "", "127.0.0.2"],
)
async def test_a_foreign_name_that_points_here_is_refused(name: str) -> None:
    async with _client() as client:
        answer = await client.get("/", headers={"host": name})

    assert answer.status_code == 403
    assert "does not go by that name" in answer.text


@pytest.mark.parametrize(
    "origin",
    [
        "http://evil.example",
        "http://localhost:8080",
        "http://127.0.0.1:3001",
        "null",
        "http://[",
        "",
    ],
)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_page_of_another_origin_is_refused(method: str, origin: str) -> None:
    async with _client() as client:
        answer = await client.request(method, "/", headers={"origin": origin})

    assert answer.status_code == 403
    assert "another origin" in answer.text


async def test_a_page_of_this_server_is_answered() -> None:
    async with _client() as client:
        answer = await client.post("/", headers={"origin": OWN, "sec-fetch-site": "same-origin"})

    assert answer.text == "reached by POST"


@pytest.mark.parametrize("site", ["cross-site", "same-site"])
async def test_what_a_foreign_page_fetches_without_saying_its_origin_is_refused(site: str) -> None:
    said = {"sec-fetch-site": site, "sec-fetch-mode": "no-cors", "sec-fetch-dest": "script"}
    async with _client() as client:
        answer = await client.get("/_nicegui_ws/socket.io/?transport=polling", headers=said)

    assert answer.status_code == 403


async def test_a_link_on_a_foreign_page_may_be_followed_but_not_framed() -> None:
    link = {"sec-fetch-site": "cross-site", "sec-fetch-mode": "navigate"}
    async with _client() as client:
        followed = await client.get("/", headers={**link, "sec-fetch-dest": "document"})
        framed = await client.get("/", headers={**link, "sec-fetch-dest": "iframe"})
        posted = await client.post("/", headers={**link, "sec-fetch-dest": "document"})

    assert followed.status_code == 200
    assert (framed.status_code, posted.status_code) == (403, 403)


async def test_answers_forbid_frames_and_foreign_sources() -> None:
    async with _client() as client:
        answer = await client.get("/")

    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"


async def test_with_a_token_nothing_is_answered_before_one_signs_in() -> None:
    async with _client(token=TOKEN) as client:
        asked = await client.get("/runs")
        opened = await client.get("/runs", headers={"accept": "text/html"})

    assert (asked.status_code, asked.text) == (401, "sign in first")
    assert (opened.status_code, opened.headers["location"]) == (303, "/sign-in")


async def test_signing_in_gives_a_cookie_that_pages_of_other_sites_and_scripts_never_get() -> None:
    async with _client(token=TOKEN) as client:
        signed_in = await client.post("/sign-in", data={"token": TOKEN})
        answer = await client.get("/runs")

    cookie = signed_in.headers["set-cookie"]
    assert re.search("httponly", cookie, re.IGNORECASE)
    assert re.search("samesite=strict", cookie, re.IGNORECASE)
    assert TOKEN not in cookie
    assert answer.text == "reached by GET"


async def test_a_wrong_token_is_told_after_a_while(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FAILURE_SECONDS", 0.01)
    async with _client(token=TOKEN) as client:
        wrong = await client.post("/sign-in", data={"token": "guess"})
        none = await client.post("/sign-in", content=b"\xff\xfe")
        answer = await client.get("/runs")

    assert (wrong.status_code, none.status_code) == (401, 401)
    assert 'role="alert"' in wrong.text
    assert answer.status_code == 401


async def test_a_cookie_of_ones_own_making_opens_nothing() -> None:
    async with _client(token=TOKEN) as client:
        answers = [
            await client.get("/", headers={"cookie": cookie})
            for cookie in (f"polster_3000={TOKEN}", "polster_3000=", 'polster_3000="', "a=b; =;")
        ]

    assert {answer.status_code for answer in answers} == {401}


async def test_odd_cookies_of_other_servers_on_this_machine_do_not_sign_out() -> None:
    async with _client(token=TOKEN) as client:
        signed_in = await client.post("/sign-in", data={"token": TOKEN})
        own = signed_in.headers["set-cookie"].partition(";")[0]
        client.cookies.clear()
        answer = await client.get("/", headers={"cookie": f'prefs={{"a": 1}}; {own}; b[]=c d'})

    assert answer.status_code == 200


async def test_a_long_form_is_not_read_to_its_end() -> None:
    async with _client(token=TOKEN) as client:
        answer = await client.post("/sign-in", content=b"token=" + b"x" * 100_000)

    assert answer.status_code == 413


async def test_a_foreign_page_cannot_sign_somebody_in() -> None:
    async with _client(token=TOKEN) as client:
        answer = await client.post(
            "/sign-in", data={"token": TOKEN}, headers={"origin": "http://evil.example"}
        )

    assert answer.status_code == 403


async def test_on_a_network_any_name_is_answered_to_who_signed_in() -> None:
    url = "http://lakehouse.internal:3000"
    async with _client(host="0.0.0.0", token=TOKEN, url=url) as client:
        before = await client.get("/")
        await client.post("/sign-in", data={"token": TOKEN}, headers={"origin": url})
        after = await client.get("/")

    assert (before.status_code, after.status_code) == (401, 200)


@pytest.mark.parametrize(
    ("host", "expected"),
    [("::1", True), ("127.0.0.2", True), ("::", False), ("10.0.0.1", False), ("a-name", False)],
)
async def test_hosts_that_others_can_reach_are_known(host: str, expected: bool) -> None:
    assert is_loopback(host) is expected
