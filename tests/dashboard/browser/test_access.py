"""Who gets in, with a real browser and a real socket."""

from __future__ import annotations

import http.client
import urllib.parse
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from playwright.sync_api import Browser, Page, expect
from tests.dashboard.browser.conftest import Dashboard, served

if TYPE_CHECKING:
    from tests.conftest import Pipeline

TOKEN = "a-token-that-nobody-guesses"
SOCKET = "/_nicegui_ws/socket.io/?EIO=4&transport=websocket"
UPGRADE = {
    "Connection": "Upgrade",
    "Upgrade": "websocket",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}

REACH = (
    """async (url) => {
        const socket = new WebSocket(url.replace("http", "ws") + "SOCKET");
        const opened = await new Promise((done) => {
            socket.onopen = () => done(true);
            socket.onerror = () => done(false);
        });
        const fetched = await fetch(url, { credentials: "include" }).then(
            () => true,
            () => false,
        );
        const frame = document.createElement("iframe");
        frame.src = url;
        const framed = await new Promise((done) => {
            frame.onload = () => {
                try {
                    done(frame.contentDocument !== null);
                } catch {
                    done(false);
                }
            };
            document.body.append(frame);
        });
        return [opened, fetched, framed];
    }"""
).replace("SOCKET", SOCKET)


def _status(dashboard: Dashboard, path: str, **headers: str) -> int:
    host = urllib.parse.urlsplit(dashboard.url).netloc
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", path, headers={k.replace("_", "-"): v for k, v in headers.items()})
    status = connection.getresponse().status
    connection.close()
    return status


@pytest.fixture
def dashboard(shop: Pipeline) -> Iterator[Dashboard]:
    with served(shop.root) as dashboard:
        yield dashboard


def test_a_foreign_page_gets_neither_a_page_nor_the_socket(dashboard: Dashboard) -> None:
    own = {**UPGRADE, "Origin": dashboard.url}
    foreign = {**UPGRADE, "Origin": "http://evil.example"}
    rebound = {**UPGRADE, "Origin": "http://evil.example", "Host": "evil.example"}

    assert _status(dashboard, SOCKET, **own) == 101
    assert _status(dashboard, SOCKET, **foreign) == 403
    assert _status(dashboard, SOCKET, **rebound) == 403
    assert _status(dashboard, "/", Origin="http://evil.example") == 403
    assert _status(dashboard, "/", Host="evil.example") == 403


def test_a_foreign_page_in_the_same_browser_cannot_reach_it(
    dashboard: Dashboard, browser: Browser, tmp_path: Path
) -> None:
    context = browser.new_context()
    page = context.new_page()
    page.route(
        "http://evil.example/",
        lambda route: route.fulfill(body="<p>evil</p>", content_type="text/html"),
    )
    page.goto("http://evil.example/")

    reached = page.evaluate(REACH, dashboard.url)

    assert reached == [False, False, False]
    context.close()


@pytest.mark.parametrize(
    "path",
    [
        "/asset/..%2f..%2fetc%2fpasswd",
        "/asset/../../etc/passwd",
        "/..%2f..%2f..%2fetc%2fpasswd",
        "/quarantine/download/..%2f..%2fpyproject.toml",
        "/_nicegui/3.18.0/static/..%2f..%2f..%2f..%2fetc%2fpasswd",
        "/runs/..%2f..%2fpyproject.toml",
    ],
)
def test_no_address_reads_outside_the_project(dashboard: Dashboard, path: str) -> None:
    host = urllib.parse.urlsplit(dashboard.url).netloc
    connection = http.client.HTTPConnection(host, timeout=20)
    connection.request("GET", path)
    body = connection.getresponse().read()
    connection.close()

    assert b"root:" not in body
    assert b"[tool.polster]" not in body


def test_the_token_opens_the_pages_and_the_socket(shop: Pipeline, page: Page) -> None:
    with served(shop.root, "--host", "0.0.0.0", POLSTER_DASHBOARD_TOKEN=TOKEN) as dashboard:
        url = dashboard.url.replace("0.0.0.0", "127.0.0.1")
        near = Dashboard(url, dashboard.root, dashboard.process)
        refused = [_status(near, "/"), _status(near, SOCKET, **UPGRADE, Origin=url)]
        page.goto(f"{url}/runs")
        page.get_by_label("Token").fill(TOKEN)
        page.get_by_role("button", name="Sign in").click()

        expect(page.get_by_role("link", name="Overview")).to_be_visible()
        expect(page.locator("header").get_by_role("button", name="Run")).to_be_visible()
        page.close()  # before the server, of which it may still want something

    assert refused == [401, 403]
    assert {cookie["name"]: cookie["httpOnly"] for cookie in page.context.cookies()} == {
        f"polster_{urllib.parse.urlsplit(url).port}": True
    }


def test_two_dashboards_take_two_ports_and_say_which(shop: Pipeline) -> None:
    with served(shop.root, port=None) as first, served(shop.root, port=None) as second:
        assert first.url != second.url
        assert [_status(each, "/") for each in (first, second)] == [200, 200]
