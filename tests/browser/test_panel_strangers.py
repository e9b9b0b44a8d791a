"""A page of somebody else, in the browser of an approver who is signed in: it reaches nothing."""

import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from typing import Any, ClassVar

import pytest
from playwright.sync_api import Page

from environment.approval_messages import CardAnswer
from environment.control_messages import FlattenDesk, LowerDesk
from tests.browser.desk_page import DeskPages, desk, on_screen, served

__all__ = ["desk", "served"]  # Fixtures.

# Another port of the same machine is the same site to a browser: the cookie goes along, and only
# what the panel itself looks at stands between.
SOCKET = """(address) => new Promise((done) => {
    const heard = [];
    const socket = new WebSocket(address.replace("http", "ws") + "/socket");
    socket.onopen = () => {
        socket.send(JSON.stringify({ t: "hello", csrf: "", version: "any" }));
        socket.send(JSON.stringify({ t: "control", id: "x", word: "halt", reason: "" }));
    };
    socket.onmessage = (event) => heard.push(event.data);
    socket.onclose = () => done(heard);
    setTimeout(() => done(heard), 3000);
})"""
POST = """async ([address, path, type]) => {
    try {
        const told = await fetch(address + path, {
            method: "POST", credentials: "include", mode: "no-cors",
            headers: { "Content-Type": type }, body: "{}",
        });
        return told.type;
    } catch (error) {
        return "blocked";
    }
}"""
READ = """async (address) => {
    try {
        return await (await fetch(address + "/api/session", { credentials: "include" })).text();
    } catch (error) {
        return "blocked";
    }
}"""
FRAME = """(address) => new Promise((done) => {
    const frame = document.createElement("iframe");
    frame.onload = () => {
        try {
            done(frame.contentDocument === null ? "foreign" : "empty");
        } catch (error) {
            done("foreign");
        }
    };
    frame.src = address;
    document.body.append(frame);
})"""


class Stranger(BaseHTTPRequestHandler):
    """An empty page, and what cookies came with the asking for it."""

    cookies: ClassVar[list[str]] = []

    def do_GET(self) -> None:
        self.cookies.append(self.headers.get("Cookie", ""))
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><title>win a prize</title>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture(scope="module")
def elsewhere() -> Iterator[str]:
    server = HTTPServer(("127.0.0.1", 0), Stranger)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join(10)


@pytest.fixture
def stranger(desk: DeskPages, elsewhere: str) -> Iterator[Page]:
    """Return a page of elsewhere in the browser of somebody who has a card before him."""
    page = desk.open()
    on_screen(page, desk.show())
    other = page.context.new_page()
    other.goto(elsewhere)
    before = len(desk.panel.floor.admitted)
    yield other
    moved = (CardAnswer, LowerDesk, FlattenDesk)
    assert not [m for _, m in desk.panel.floor.admitted[before:] if isinstance(m, moved)]


@pytest.mark.usefixtures("stranger")
def test_the_cookie_goes_along_to_every_port() -> None:
    """Otherwise the others would show nothing."""
    assert "outcry=" in Stranger.cookies[-1]


def test_a_strangers_socket_hears_nothing_and_moves_nothing(
    desk: DeskPages, stranger: Page
) -> None:
    assert stranger.evaluate(SOCKET, desk.panel.address) == []


def test_a_stranger_posts_nothing(desk: DeskPages, stranger: Page) -> None:
    for path in ("sign-out", "sign-in", "link", "renew"):
        for kind in ("text/plain", "application/json"):
            sent = [desk.panel.address, f"/api/{path}", kind]
            assert stranger.evaluate(POST, sent) in {"opaque", "blocked"}
    again = desk.open()  # Still signed in.
    assert again.locator("#bar .state").is_visible()


def test_a_stranger_reads_nothing(desk: DeskPages, stranger: Page) -> None:
    assert stranger.evaluate(READ, desk.panel.address) == "blocked"


def test_the_panel_lets_nobody_frame_it(desk: DeskPages, stranger: Page) -> None:
    stranger.evaluate(FRAME, desk.panel.address)
    assert all("Sign in" not in (frame.title() or "") for frame in stranger.frames)
    framed = stranger.frames[-1]
    assert framed.locator("#card, #gate, #floor").count() == 0
