"""Who may talk to the dashboard: this machine's own pages, and who knows the token.

Three things are checked before anything else sees a request, the socket's too. The name in
``Host`` must be one that the server goes by, so that a foreign name that was pointed at this
machine (DNS rebinding) gets no answer. A request that changes something, or opens the socket,
must come from a page of this server (``Origin``, ``Sec-Fetch-Site``), so that a foreign page
cannot start a run through the browser. With a token, everything but the sign-in wants the cookie
that signing in gave.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ipaddress
import secrets
import urllib.parse
from collections.abc import Mapping
from importlib.resources import files

from starlette.datastructures import Headers, MutableHeaders
from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, RedirectResponse, Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

SIGN_IN_PATH = "/sign-in"
LOOPBACK_NAMES = frozenset({"localhost", "127.0.0.1", "::1"})
SAFE_METHODS = frozenset({"GET", "HEAD"})
FAILURE_SECONDS = 1.0
"""How long a wrong token waits for its answer; attempts wait for each other."""
SESSIONS = 1_000
FORM_BYTES = 4_096

PROTECTION = {
    "content-security-policy": "default-src 'self'; script-src 'self' 'unsafe-inline' "
    "'unsafe-eval'; style-src 'self' 'unsafe-inline'; img-src 'self' data: blob:; "
    "font-src 'self' data:; connect-src 'self'; object-src 'none'; base-uri 'self'; "
    "form-action 'self'; frame-ancestors 'none'",
    "cross-origin-opener-policy": "same-origin",
    "cross-origin-resource-policy": "same-origin",
    "referrer-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
}
"""Vue compiles its templates in the browser, hence ``unsafe-eval``; all comes from here."""


def is_loopback(host: str) -> bool:
    """Tell whether a server that listens on ``host`` is reached from this machine alone.

    >>> is_loopback("127.0.0.1"), is_loopback("localhost"), is_loopback("0.0.0.0")
    (True, True, False)
    """
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class Gate:
    """The outermost part of the server; refuses what has no business here.

    Args:
        app: What is behind it.
        host: The address that the server listens on.
        token: What one must know to come in; None lets in whoever is on this machine.
        port: Names the cookie, since browsers share cookies between ports.
    """

    def __init__(self, app: ASGIApp, *, host: str, token: str | None, port: int) -> None:
        self.app = app
        self.host = host
        self.token = token
        self.cookie = f"polster_{port}"
        self._sessions: dict[str, None] = {}
        self._attempts = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let a request pass, or answer it."""
        if scope["type"] not in ("http", "websocket"):
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal:
            await _refuse(PlainTextResponse(refusal, 403), scope, receive, send)
            return
        if self.token is not None:
            if scope["type"] == "http" and scope["path"] == SIGN_IN_PATH:
                await self._sign_in(self.token, scope, receive, _protected(send))
                return
            if not self._is_known(scope):
                response: Response = PlainTextResponse("sign in first", 401)
                if scope["type"] == "http" and "text/html" in headers.get("accept", ""):
                    response = RedirectResponse(SIGN_IN_PATH, 303)
                await _refuse(response, scope, receive, send)
                return
        await self.app(scope, receive, _protected(send))

    def _refusal(self, scope: Scope, headers: Headers) -> str | None:
        """Say why a request is refused; None if it is not."""
        host = headers.get("host", "")
        if not self._goes_by(_name(host)):
            return "this dashboard does not go by that name; open it by the address that it printed"
        origin = headers.get("origin")
        if origin is not None and origin.partition("://")[2].lower() != host.lower():
            return "a page of another origin may not talk to this dashboard"
        foreign = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        opens_page = (
            scope["type"] == "http"
            and scope["method"] in SAFE_METHODS
            and headers.get("sec-fetch-mode") == "navigate"
            and headers.get("sec-fetch-dest", "document") == "document"
        )
        if foreign and not opens_page:
            return "a page of another origin may not talk to this dashboard"
        return None

    def _goes_by(self, name: str) -> bool:
        if is_loopback(self.host):
            return name in LOOPBACK_NAMES or name == self.host
        return True  # reached by names that only the network knows; the token guards it

    def _is_known(self, scope: Scope) -> bool:
        session = HTTPConnection(scope).cookies.get(self.cookie)
        return session is not None and _digest(session) in self._sessions

    async def _sign_in(self, token: str, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["method"] in SAFE_METHODS:
            await HTMLResponse(_page(""))(scope, receive, send)
            return
        if scope["method"] != "POST":
            await PlainTextResponse("not allowed", 405)(scope, receive, send)
            return
        form = await _form(receive)
        if form is None:
            await PlainTextResponse("too much", 413)(scope, receive, send)
            return
        async with self._attempts:
            if not hmac.compare_digest(form.get("token", "").encode(), token.encode()):
                await asyncio.sleep(FAILURE_SECONDS)
                wrong = "That is not the token. It is what POLSTER_DASHBOARD_TOKEN says there."
                await HTMLResponse(_page(wrong), 401)(scope, receive, send)
                return
        session = secrets.token_urlsafe(32)
        self._sessions[_digest(session)] = None
        while len(self._sessions) > SESSIONS:
            del self._sessions[next(iter(self._sessions))]
        response = RedirectResponse("/", 303)
        response.set_cookie(
            self.cookie,
            session,
            httponly=True,
            samesite="strict",
            secure=scope["scheme"] == "https",
        )
        await response(scope, receive, send)


def _digest(session: str) -> str:
    """Return what is remembered of a session: not the secret itself."""
    return hashlib.sha256(session.encode()).hexdigest()


def _name(host: str) -> str:
    """Return the name in a ``Host`` header, without its port.

    >>> _name("localhost:3000"), _name("[::1]:3000")
    ('localhost', '::1')
    """
    try:
        return urllib.parse.urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


async def _form(receive: Receive) -> Mapping[str, str] | None:
    """Read a short form; None if it is not short."""
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > FORM_BYTES:
            return None
        if not message.get("more_body"):
            return dict(urllib.parse.parse_qsl(body.decode("utf-8", "replace")))


def _page(problem: str) -> str:
    template = files("polster.dashboard").joinpath("sign_in.html").read_text(encoding="utf-8")
    return template.replace("<!-- problem -->", f'<p role="alert">{problem}</p>' if problem else "")


async def _refuse(response: Response, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()
        await send({"type": "websocket.close", "code": 1008})
        return
    await response(scope, receive, _protected(send))


def _protected(send: Send) -> Send:
    async def protected(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            for name, value in PROTECTION.items():
                headers.setdefault(name, value)
        await send(message)

    return protected
