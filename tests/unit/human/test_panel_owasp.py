"""What OWASP's lists name and no other test tries; docs/panel.md says which is where."""

import asyncio
import contextlib
import http.client
import json
import ssl
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from agents.human import panel_socket
from agents.human.panel_guard import CONTENT_POLICY
from agents.human.panel_http import PanelPages
from agents.human.panel_server import PanelSettings
from environment.approval_messages import CardAnswer
from environment.control_messages import Audited, FlattenDesk, LowerDesk, RaiseDesk
from environment.errors import ConfigError
from environment.messages import CancelOrder
from scenarios.cli.why import Clock, Told, lines_of
from tests.unit.human.floor import PASSWORD, Panel, make_card, make_server, open_panel
from tests.unit.human.pages import Browser, closed, heard, opened_socket, talk


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with open_panel(tmp_path_factory.mktemp("panel")) as panel:
        yield panel


@pytest.fixture
def browser(panel: Panel) -> Browser:
    return Browser(panel.address)


def said(browser: Browser, frame: dict[str, Any], kind: str = "refused") -> dict[str, Any]:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
        await heard(socket, "room")
        await socket.send_json(frame)
        return await heard(socket, kind)

    told: dict[str, Any] = talk(browser, act)
    return told


# --- access: objects, properties, functions ------------------------------------------------------


def test_one_cards_answer_under_anothers_code_is_refused(panel: Panel, browser: Browser) -> None:
    mine, other = make_card("0B0B"), make_card("0C0C", quantity=7)
    panel.floor.show(mine)
    panel.floor.show(other)
    browser.sign_in()
    before = len(panel.floor.heard(CardAnswer))
    shown = {"code": "0C0C", "record_hash": mine.record_hash, "sequence": 1}
    told = said(browser, {"t": "answer", "id": "o1", "word": "approve", "shown": shown})
    assert "has changed" in told["reason"]
    assert len(panel.floor.heard(CardAnswer)) == before


@pytest.mark.parametrize(
    "frame",
    [
        {"t": "cancel", "id": "f1", "order_id": "quant/maker/1"},
        {"t": "control", "id": "f2", "word": "halt"},
        {"t": "control", "id": "f3", "word": "flatten", "reason": "x"},
        {"t": "control", "id": "f4", "word": "resume", "reason": "x", "password": PASSWORD},
        {"t": "allow", "id": "f5", "source": "0" * 64, "password": PASSWORD},
    ],
)  # fmt: skip
def test_a_viewer_moves_nothing(panel: Panel, browser: Browser, frame: dict[str, Any]) -> None:
    browser.sign_in("vic")
    moved = (CancelOrder, LowerDesk, FlattenDesk, RaiseDesk)
    before = sum(len(panel.floor.heard(kind)) for kind in moved)
    assert "takes the role" in said(browser, frame)["reason"]
    assert sum(len(panel.floor.heard(kind)) for kind in moved) == before


def test_no_answer_is_given_for_more_than_one_card(panel: Panel, browser: Browser) -> None:
    panel.floor.show(make_card())
    browser.sign_in()
    card = make_card()
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    for frame in (
        {"t": "answer", "id": "m1", "word": "approve", "shown": [shown, shown]},
        {"t": "approve_all", "id": "m2"},
        {"t": "answer", "id": "m3", "word": "approve", "shown": shown, "people": ["ana", "ben"]},
    ):
        assert talk(browser, _sends(frame)) == 4400


def _sends(frame: dict[str, Any]) -> Any:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        await heard(socket, "room")
        await socket.send_json(frame)
        return await closed(socket)

    return act


@pytest.mark.parametrize("more", [{"roles": ["admin"]}, {"person": "ben"}, {"generation": 9}])
def test_a_sign_in_that_brings_properties_along_is_refused(
    browser: Browser, more: dict[str, Any]
) -> None:
    body = {"name": "ana", "password": PASSWORD} | more
    assert browser.ask("POST", "/api/sign-in", body)[0] == 400


def test_an_approval_cannot_be_had_by_a_link(panel: Panel, browser: Browser) -> None:
    panel.floor.show(make_card())
    browser.sign_in()
    before = len(panel.floor.heard(CardAnswer))
    for path in ("/?approve=4F2A", "/approve/4F2A", "/api/approve?code=4F2A", "/socket?t=answer"):
        browser.ask("GET", path)
    assert len(panel.floor.heard(CardAnswer)) == before


# --- configuration, inventory, errors ------------------------------------------------------------


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS", "TRACE", "CONNECT", "FOO"])
def test_another_method_reaches_nothing(browser: Browser, method: str) -> None:
    browser.sign_in()
    status, headers, told = browser.ask(method, "/api/session", Origin=browser.origin)
    assert status in {400, 404, 405}
    assert b"ana" not in told
    assert "Access-Control-Allow-Origin" not in headers


@pytest.mark.parametrize(
    "path", ["/api", "/api/people", "/api/users", "/metrics", "/debug", "/.git/config", "/admin"]
)
def test_there_is_nothing_that_is_not_listed(browser: Browser, path: str) -> None:
    browser.sign_in()
    assert browser.ask("GET", path)[0] == 404


def test_a_failure_inside_tells_nothing_and_keeps_the_policy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(self: PanelPages, request: object) -> None:
        raise RuntimeError("secret of the inside")

    monkeypatch.setattr(PanelPages, "_session", fails)
    with open_panel(tmp_path) as panel:
        status, headers, told = Browser(panel.address).ask("GET", "/api/session")
    assert status == 500
    assert b"secret" not in told
    assert b"Traceback" not in told
    assert headers["Content-Security-Policy"] == CONTENT_POLICY


def test_no_server_says_what_it_is_made_of(browser: Browser) -> None:
    headers = browser.ask("GET", "/nothing")[1]
    assert headers["Server"] == "outcry"
    assert "X-Powered-By" not in headers


# --- sign-in and its record ----------------------------------------------------------------------


def test_a_sign_in_that_an_attacker_began_is_not_carried_over(browser: Browser) -> None:
    browser.sign_in("tom")
    planted = browser.cookies["outcry"]
    browser.sign_in("ana")
    assert browser.cookies["outcry"] != planted
    thief = Browser(browser.origin)
    thief.cookies["outcry"] = planted
    assert not json.loads(thief.ask("GET", "/api/session")[2])["signed_in"]


def test_wrong_passwords_are_in_the_record_without_the_password(tmp_path: Path) -> None:
    with open_panel(tmp_path) as panel:
        Browser(panel.address).sign_in("ana", "hunter2 hunter2")
        told = [a for a in panel.floor.heard(Audited) if a.kind == "sign_in_failed"]
    assert [(a.person, a.text) for a in told] == [("ana", "127.0.0.1")]


def test_a_name_cannot_forge_a_line_of_the_record(tmp_path: Path) -> None:
    with open_panel(tmp_path) as panel:
        Browser(panel.address).sign_in("eve\r\nsign_in ana\x1b[2J")
        told = [a.person for a in panel.floor.heard(Audited) if a.kind == "sign_in_failed"]
    assert told
    assert not any(set(name) & set("\r\x1b") for name in told)


# --- resources -----------------------------------------------------------------------------------


def test_a_socket_that_never_greets_is_closed(
    panel: Panel, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_socket, "_HELLO_S", 0.1)
    browser.sign_in()

    async def run() -> int | None:
        async with opened_socket(browser) as socket:
            return await asyncio.wait_for(closed(socket), 5)

    assert asyncio.run(run()) == 4403


def test_nobody_takes_every_seat(
    panel: Panel, browser: Browser, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(panel_socket, "_MOST_PAGES", 1)
    browser.sign_in("vic")
    other = Browser(panel.address)
    other.sign_in("ana")

    async def act(_: aiohttp.ClientWebSocketResponse) -> tuple[int, bool]:
        await heard(_, "room")
        try:
            async with opened_socket(browser):
                status = 101
        except aiohttp.WSServerHandshakeError as error:
            status = error.status
        async with opened_socket(other) as third:
            await third.send_json({"t": "hello", "csrf": other.csrf, "version": "any"})
            return status, (await heard(third, "room"))["t"] == "room"

    assert talk(browser, act) == (503, True)


def test_passwords_that_come_all_at_once_are_not_all_hashed(tmp_path: Path) -> None:
    with open_panel(tmp_path) as panel:
        statuses: list[int] = []
        threads = [
            threading.Thread(target=lambda n=n: statuses.append(
                Browser(panel.address).ask(
                    "POST", "/api/sign-in", {"name": f"n{n}", "password": "x" * 9}
                )[0]
            ))
            for n in range(40)
        ]  # fmt: skip
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert set(statuses) <= {401, 429, 503}
    assert statuses.count(401) < 40


# --- cryptography --------------------------------------------------------------------------------


def certified(folder: Path) -> PanelSettings:
    """Return settings with a certificate that was just made for this machine."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
        .serial_number(1).not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1)).sign(key, hashes.SHA256())
    )  # fmt: skip
    cert, private = folder / "cert.pem", folder / "key.pem"
    cert.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    private.touch(0o600)
    private.write_bytes(key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ))  # fmt: skip
    return PanelSettings(port=0, certificate=str(cert), key=str(private))


def greeted(address: str, version: ssl.TLSVersion) -> http.client.HTTPMessage:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.minimum_version = context.maximum_version = version
    host = address.removeprefix("https://")
    connection = http.client.HTTPSConnection(host, context=context, timeout=10)
    with contextlib.closing(connection):
        connection.request("GET", "/", headers={"Host": host})
        return connection.getresponse().headers


def test_a_certificate_brings_tls_1_3_alone_and_cookies_that_need_it(tmp_path: Path) -> None:
    with open_panel(tmp_path, settings=certified(tmp_path)) as panel:
        headers = greeted(panel.address, ssl.TLSVersion.TLSv1_3)
        with pytest.raises(ssl.SSLError):
            greeted(panel.address, ssl.TLSVersion.TLSv1_2)
    assert headers["Strict-Transport-Security"].startswith("max-age=")
    assert "Secure" in headers["Set-Cookie"]


def test_a_key_that_others_can_read_is_refused(tmp_path: Path) -> None:
    settings = certified(tmp_path)
    Path(settings.key).chmod(0o644)
    server, *_ = make_server(tmp_path, settings=settings)

    async def serve() -> None:
        async with server.serving():
            pass

    with pytest.raises(ConfigError, match="chmod 600"):
        asyncio.run(serve())


def test_the_open_network_needs_a_certificate(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="unencrypted"):
        make_server(tmp_path, settings=PanelSettings(host="0.0.0.0", port=0))


# --- injection beside the page ------------------------------------------------------------------


def test_words_of_a_headline_do_not_command_a_terminal() -> None:
    words = "up\x1b[2J\x1b]0;owned\x07\u202e\nFAKE  9 desk/risk > venue"
    message = {"type": "Signal", "text": words}
    graph = [Told(1, 0, "analyst/a", "desk/coordinator", (), message)]
    (line,) = lines_of(graph, Clock("UTC", graph))
    assert not set(line) & set("\x1b\x07\u202e\n")
    assert "[U+001B]" in line
