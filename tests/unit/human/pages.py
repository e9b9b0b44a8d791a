"""A bare HTTP client and a bare socket, so that tests say exactly what crosses the wire."""

import asyncio
import base64
import http.client
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from tests.unit.human.floor import PASSWORD


def unsigned(claims: dict[str, Any]) -> str:
    """Return a token that says of itself that it needs no signature."""
    parts = ({"alg": "none", "typ": "JWT"}, claims)
    encoded = [base64.urlsafe_b64encode(json.dumps(p).encode()).decode().strip("=") for p in parts]
    return f"{encoded[0]}.{encoded[1]}."


class Browser:
    """Keeps cookies and the CSRF token, as a page does; every header can be another."""

    def __init__(self, address: str) -> None:
        self.host = address.removeprefix("http://")
        self.origin = address
        self.cookies: dict[str, str] = {}
        self.csrf = ""

    def ask(
        self,
        method: str,
        path: str,
        body: Any = None,
        *,
        raw: bytes | None = None,
        **headers: str | None,
    ) -> tuple[int, dict[str, str], bytes]:
        sent: dict[str, str | None] = {
            "Host": self.host,
            "Origin": self.origin if method == "POST" else None,
            "Content-Type": "application/json",
            "X-CSRF": self.csrf,
            "Cookie": self.cookie() or None,
        }
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        connection = http.client.HTTPConnection(
            "127.0.0.1", int(self.host.rpartition(":")[2]), timeout=10
        )
        connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
        content = raw if raw is not None else b"" if body is None else json.dumps(body).encode()
        for name, value in sent.items():
            if value is not None:
                connection.putheader(name, value)
        connection.putheader("Content-Length", str(len(content)))
        connection.endheaders(content)
        answer = connection.getresponse()
        told = answer.read()
        for line in answer.headers.get_all("Set-Cookie") or []:
            name, _, value = line.partition(";")[0].partition("=")
            self.cookies[name] = value
        connection.close()
        return answer.status, dict(answer.headers), told

    def cookie(self) -> str:
        return "; ".join(f"{name}={value}" for name, value in self.cookies.items())

    def sign_in(self, name: str = "ana", password: str = PASSWORD) -> int:
        self.ask("GET", "/")
        status, _, told = self.ask("POST", "/api/sign-in", {"name": name, "password": password})
        if status == 200:
            self.csrf = json.loads(told)["csrf"]
        return status


Talk = Callable[[aiohttp.ClientWebSocketResponse], Awaitable[Any]]


@asynccontextmanager
async def opened_socket(
    browser: Browser, **headers: str
) -> AsyncIterator[aiohttp.ClientWebSocketResponse]:
    sent = {"Origin": browser.origin, "Cookie": browser.cookie(), **headers}
    async with aiohttp.ClientSession() as session:
        url = f"ws://{browser.host}/socket"
        async with session.ws_connect(url, headers=sent) as socket:
            yield socket


def talk(
    browser: Browser, act: Talk, *, csrf: str | None = None, patience_s: float = 10, **headers: str
) -> Any:
    """Open a socket, greet, and let `act` speak over it; return what it returns."""

    async def run() -> Any:
        async with opened_socket(browser, **headers) as socket:
            given = browser.csrf if csrf is None else csrf
            await socket.send_json({"t": "hello", "csrf": given, "version": "any"})
            return await asyncio.wait_for(act(socket), patience_s)

    return asyncio.run(run())


async def heard(socket: aiohttp.ClientWebSocketResponse, kind: str) -> dict[str, Any]:
    """Return the next frame of a kind."""
    while True:
        message = await socket.receive()
        assert message.type == aiohttp.WSMsgType.TEXT, f"closed: {message.data} {message.extra}"
        frame: dict[str, Any] = json.loads(message.data)
        if frame["t"] == kind:
            return frame


async def closed(socket: aiohttp.ClientWebSocketResponse) -> int | None:
    """Return the code with which the server ends a socket."""
    while True:
        message = await socket.receive()
        if message.type != aiohttp.WSMsgType.TEXT:
            return socket.close_code
