"""The panel's server against what attackers try, one by one."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import aiohttp
import jwt
import pytest

from agents.desk.reload import AllowLooser
from agents.human.panel_lockout import FREE_TRIES
from environment.approval_messages import CardAnswer
from environment.control_messages import Audited, LowerDesk, RaiseDesk, RulesDiffer
from environment.messages import CancelRequest
from tests.unit.human.floor import PASSWORD, Panel, make_card, open_panel
from tests.unit.human.pages import Browser, closed, heard, opened_socket, talk, unsigned


@pytest.fixture(scope="module")
def panel(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Panel]:
    with open_panel(tmp_path_factory.mktemp("panel")) as panel:
        yield panel


@pytest.fixture
def browser(panel: Panel) -> Browser:
    return Browser(panel.address)


@pytest.fixture
def ana(browser: Browser) -> Browser:
    assert browser.sign_in() == 200
    return browser


def answer_frame(number: str, **changes: Any) -> dict[str, Any]:
    card = make_card()
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    return {"t": "answer", "id": number, "word": "approve", "shown": shown} | changes


# --- pages and headers ------------------------------------------------------------------------


def test_every_answer_carries_the_policy(browser: Browser) -> None:
    for path in ("/", "/static/app.js", "/api/session", "/nothing"):
        _, headers, _ = browser.ask("GET", path)
        assert headers["Content-Security-Policy"] == (
            "default-src 'none'; script-src 'self'; "
            "style-src-elem 'self' 'sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU='; "
            "style-src-attr 'unsafe-inline'; img-src 'self' data: blob:; connect-src 'self'; "
            "font-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        )
        assert headers["X-Content-Type-Options"] == "nosniff"


def test_cookies_are_out_of_reach_of_scripts_and_other_sites(browser: Browser) -> None:
    browser.ask("GET", "/")
    _, headers, _ = browser.ask("POST", "/api/sign-in", {"name": "ana", "password": PASSWORD})
    assert "HttpOnly" in headers["Set-Cookie"]
    assert "SameSite=Strict" in headers["Set-Cookie"]


@pytest.mark.parametrize(
    "path",
    [
        "/static/../people.json", "/static/%2e%2e/%2e%2e/people.py", "/static/..%2fpeople.py",
        "/static/....//app.js", "/static//etc/passwd", "/static/%00app.js", "/../../etc/passwd",
        "/static/app.js%00.css", "/static/__pycache__", "/people.json", "/static/",
    ],
)  # fmt: skip
def test_no_path_leads_out_of_the_panels_own_files(browser: Browser, path: str) -> None:
    status, _, told = browser.ask("GET", path)
    assert status in {400, 404}
    assert b"import" not in told


@pytest.mark.parametrize("host", ["evil.example:80", "127.0.0.1", "localhost.evil.example", ""])
def test_a_foreign_host_is_refused(browser: Browser, host: str) -> None:
    status, _, _ = browser.ask("GET", "/", Host=host)
    assert status in {400, 403}


@pytest.mark.parametrize("origin", ["https://evil.example", "null", "http://127.0.0.1:1", None])
def test_a_foreign_or_absent_origin_may_change_nothing(ana: Browser, origin: str | None) -> None:
    status, _, _ = ana.ask("POST", "/api/sign-out", {}, Origin=origin)
    assert status == 403
    assert json.loads(ana.ask("GET", "/api/session")[2])["signed_in"]


def test_a_foreign_origin_may_not_even_look(ana: Browser) -> None:
    assert ana.ask("GET", "/api/session", Origin="https://evil.example")[0] == 403


@pytest.mark.parametrize("token", ["", "wrong", "A" * 32])
def test_without_the_sign_ins_own_token_nothing_is_done(ana: Browser, token: str) -> None:
    assert ana.ask("POST", "/api/sign-out", {}, X_CSRF=token)[0] == 403
    assert json.loads(ana.ask("GET", "/api/session")[2])["signed_in"]


def test_a_form_of_another_page_is_no_sign_in(browser: Browser) -> None:
    status, _, _ = browser.ask(
        "POST", "/api/sign-in", raw=b"name=ana&password=x",
        Content_Type="application/x-www-form-urlencoded",
    )  # fmt: skip
    assert status == 415


@pytest.mark.parametrize("raw", [b"", b"{", b"[]", b'{"name":"ana"}', b'{"name":1,"password":"x"}'])
def test_a_malformed_body_is_refused(browser: Browser, raw: bytes) -> None:
    assert browser.ask("POST", "/api/sign-in", raw=raw)[0] == 400


def test_an_oversized_body_is_refused(browser: Browser) -> None:
    body = {"name": "ana", "password": "x" * 100_000}
    assert browser.ask("POST", "/api/sign-in", body)[0] in {400, 413}


# --- sign-in ----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "token",
    [
        "", "x", "a.b.c",
        unsigned({"sid": "x", "exp": 1 << 40}),
        jwt.encode({"sid": "x", "exp": 1 << 40}, b"guess" * 10, algorithm="HS256"),
    ],
)  # fmt: skip
def test_a_forged_cookie_is_nobody(browser: Browser, token: str) -> None:
    browser.cookies["outcry"] = token
    assert not json.loads(browser.ask("GET", "/api/session")[2])["signed_in"]


def test_the_signature_is_not_dropped_from_a_real_token(ana: Browser) -> None:
    head, claims, _ = ana.cookies["outcry"].split(".")
    none = unsigned({}).split(".")[0]
    for forged in (f"{none}.{claims}.", f"{head}.{claims}.", f"{none}.{claims}.AAAA"):
        ana.cookies["outcry"] = forged
        assert not json.loads(ana.ask("GET", "/api/session")[2])["signed_in"]


def test_an_unknown_name_is_answered_like_a_wrong_password(browser: Browser) -> None:
    told = [
        browser.ask("POST", "/api/sign-in", {"name": name, "password": "wrong"})[::2]
        for name in ("tom", "nobody")
    ]
    assert told[0] == told[1] == (401, told[0][1])


def test_guessing_is_stopped_even_for_the_right_password(panel: Panel) -> None:
    guesser = Browser(panel.address)
    states = [guesser.sign_in("ben", f"guess {number}") for number in range(FREE_TRIES)]
    assert states == [401] * FREE_TRIES
    assert guesser.sign_in("ben") == 429
    assert any(told.kind == "locked_out" for told in panel.floor.heard(Audited))


def test_signing_in_anew_ends_the_sign_in_before(ana: Browser) -> None:
    before = ana.cookies["outcry"]
    ana.sign_in()
    ana.cookies["outcry"] = before
    assert not json.loads(ana.ask("GET", "/api/session")[2])["signed_in"]


def test_a_stolen_cookie_is_worthless_after_log_out(ana: Browser) -> None:
    stolen = ana.cookies["outcry"]
    assert ana.ask("POST", "/api/sign-out", {})[0] == 200
    ana.cookies["outcry"] = stolen
    assert not json.loads(ana.ask("GET", "/api/session")[2])["signed_in"]


def test_a_one_time_link_works_once(panel: Panel, browser: Browser) -> None:
    panel.people.add("eve", ("viewer",))
    import time

    token = panel.people.make_link("eve", time.time_ns())
    form = {"token": token, "password": "a password of hers"}
    assert browser.ask("POST", "/api/link", form)[0] == 200
    assert Browser(panel.address).ask("POST", "/api/link", form)[0] == 403
    assert Browser(panel.address).sign_in("eve", "a password of hers") == 200


def test_a_link_older_than_ten_minutes_is_refused(panel: Panel, browser: Browser) -> None:
    import time

    panel.people.add("old", ("viewer",))
    token = panel.people.make_link("old", time.time_ns() - 601 * 10**9)
    form = {"token": token, "password": "a password of hers"}
    assert browser.ask("POST", "/api/link", form)[0] == 403


def test_no_secret_reaches_the_record(panel: Panel, ana: Browser) -> None:
    text = repr(panel.floor.heard(Audited))
    assert PASSWORD not in text
    assert ana.cookies["outcry"] not in text
    assert ana.csrf not in text


# --- sockets -----------------------------------------------------------------------------------


def refused_upgrade(browser: Browser, **headers: str) -> int:
    async def run() -> int:
        try:
            async with opened_socket(browser, **headers):
                return 101
        except aiohttp.WSServerHandshakeError as error:
            return error.status

    return asyncio.run(run())


def test_a_socket_needs_a_sign_in(browser: Browser) -> None:
    assert refused_upgrade(browser) == 401


@pytest.mark.parametrize("origin", ["https://evil.example", "null", ""])
def test_a_socket_of_another_site_is_refused(ana: Browser, origin: str) -> None:
    assert refused_upgrade(ana, Origin=origin) == 403


def test_a_socket_under_a_foreign_host_is_refused(ana: Browser) -> None:
    assert refused_upgrade(ana, Host="rebound.example:8750") == 403


def test_a_socket_without_the_sign_ins_token_hears_nothing(ana: Browser) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> Any:
        message = await socket.receive()
        return message.type, socket.close_code

    assert talk(ana, act, csrf="wrong") == (aiohttp.WSMsgType.CLOSE, 4403)


@pytest.mark.parametrize(
    "text",
    [
        "", "{", "[]", "null", '{"t":"nothing"}', '{"t":"say","id":"a","text":"x","more":1}',
        '{"t":"answer","id":"a","word":"approve"}', '{"t":"say","id":"","text":"x"}',
        '{"t":"say","id":"a","text":"x","text":', '{"t":"say","id":"a b","text":"x"}',
        json.dumps(answer_frame("a", quantity=-1)), json.dumps(answer_frame("a", quantity=1.5)),
        json.dumps(answer_frame("a", word="approve_all")), '{"t":"say","id":"a","text":NaN}',
        "[" * 3_000,
    ],
)  # fmt: skip
def test_a_malformed_frame_ends_the_socket(panel: Panel, ana: Browser, text: str) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        await socket.send_str(text)
        return await closed(socket)

    assert talk(ana, act) == 4400


def test_an_oversized_frame_ends_the_socket(ana: Browser) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        await socket.send_json({"t": "say", "id": "a", "text": "x" * 20_000})
        return await closed(socket)

    assert talk(ana, act) == 1009


def test_a_binary_frame_ends_the_socket(ana: Browser) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        await socket.send_bytes(b"\x80")
        return await closed(socket)

    assert talk(ana, act) == 4400


def test_a_flood_of_frames_ends_the_socket(ana: Browser) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        for number in range(200):
            await socket.send_json({"t": "hello", "csrf": "x", "version": str(number)})
        return await closed(socket)

    assert talk(ana, act) == 4429


@pytest.mark.parametrize("way", ["sign out", "disabled", "other role"])
def test_an_open_socket_ends_with_its_sign_in_within_a_second(panel: Panel, way: str) -> None:
    name = f"p{way[:2].strip()}{way[-2:]}"
    panel.people.add(name, ("approver",), PASSWORD)
    browser = Browser(panel.address)
    assert browser.sign_in(name) == 200

    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        await heard(socket, "room")
        if way == "sign out":
            await asyncio.to_thread(browser.ask, "POST", "/api/sign-out", {})
        elif way == "disabled":
            panel.people.disable(name)
        else:
            panel.people.set_password(name, PASSWORD)  # Any change: the generation rises.
        return await asyncio.wait_for(closed(socket), 1.0)

    assert talk(browser, act) == 4401


# --- what people may do ------------------------------------------------------------------------


def say(browser: Browser, frame: dict[str, Any], kind: str = "refused") -> dict[str, Any]:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
        await heard(socket, "room")
        await socket.send_json(frame)
        return await heard(socket, kind)

    told: dict[str, Any] = talk(browser, act)
    return told


@pytest.mark.parametrize(
    ("name", "word"),
    [("vic", "approve"), ("vic", "reject"), ("tom", "approve"), ("tom", "smaller"),
     ("adm", "approve"), ("adm", "reject")],
)  # fmt: skip
def test_a_role_too_small_answers_nothing(panel: Panel, name: str, word: str) -> None:
    panel.floor.show(make_card())
    browser, before = Browser(panel.address), len(panel.floor.heard(CardAnswer))
    browser.sign_in(name)
    told = say(browser, answer_frame(f"r{name}{word}", word=word))
    assert "takes the role" in told["reason"]
    assert len(panel.floor.heard(CardAnswer)) == before


def test_a_trader_may_reject(panel: Panel) -> None:
    panel.floor.show(make_card())
    browser = Browser(panel.address)
    browser.sign_in("tom")
    assert say(browser, answer_frame("x1", word="reject"), "noted")["is_taken"]


def test_an_answer_to_an_unknown_card_is_refused(ana: Browser) -> None:
    shown = {"code": "FFFF", "record_hash": "0" * 64, "sequence": 1}
    assert "no card FFFF" in say(ana, answer_frame("x2", shown=shown))["reason"]


def test_an_answer_to_a_record_that_changed_is_refused(panel: Panel, ana: Browser) -> None:
    panel.floor.show(make_card())
    shown = {"code": "4F2A", "record_hash": "0" * 64, "sequence": 1}
    assert "has changed" in say(ana, answer_frame("x3", shown=shown))["reason"]


def test_an_answer_names_who_gave_it_not_who_the_frame_says(panel: Panel, ana: Browser) -> None:
    panel.floor.show(make_card("0A0A"))
    card = make_card("0A0A")
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    say(ana, answer_frame("x4", shown=shown), "noted")
    given = panel.floor.heard(CardAnswer)[-1]
    assert (given.person, given.password_proved, bool(given.browser_id)) == ("ana", False, True)
    assert len(given.figures_hash) == 64


def test_a_frame_that_names_another_person_is_malformed(ana: Browser) -> None:
    async def act(socket: aiohttp.ClientWebSocketResponse) -> int | None:
        await socket.send_json(answer_frame("x5", person="ben", password_proved=True))
        return await closed(socket)

    assert talk(ana, act) == 4400


def test_a_double_press_is_one_answer(panel: Panel, ana: Browser) -> None:
    card = make_card("0B0B")
    panel.floor.show(card)
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    before = len(panel.floor.heard(CardAnswer))

    async def act(socket: aiohttp.ClientWebSocketResponse) -> dict[str, Any]:
        await heard(socket, "room")
        for _ in range(3):
            await socket.send_json(answer_frame("press", shown=shown))
        return await heard(socket, "noted")

    assert talk(ana, act)["is_taken"]
    assert len(panel.floor.heard(CardAnswer)) == before + 1


def test_two_people_each_prove_their_password(panel: Panel, ana: Browser) -> None:
    card = make_card("0C0C", tier="two")
    panel.floor.show(card)
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    without = say(ana, answer_frame("t1", shown=shown, quantity=40))
    wrong = say(ana, answer_frame("t2", shown=shown, quantity=40, password="wrong"))
    assert "needs your password" in without["reason"]
    assert "wrong password" in wrong["reason"]
    say(ana, answer_frame("t3", shown=shown, quantity=40, password=PASSWORD), "noted")
    assert panel.floor.heard(CardAnswer)[-1].password_proved


def test_resuming_needs_an_approver_a_reason_and_a_password(panel: Panel, ana: Browser) -> None:
    control = {"t": "control", "word": "resume"}
    assert "reason" in say(ana, {**control, "id": "c1", "password": PASSWORD})["reason"]
    assert "password" in say(ana, {**control, "id": "c2", "reason": "looked at it"})["reason"]
    trader = Browser(panel.address)
    trader.sign_in("tom")
    full = {**control, "reason": "looked at it", "password": PASSWORD}
    assert "role approver" in say(trader, {**full, "id": "c3"})["reason"]
    assert panel.floor.heard(RaiseDesk) == []
    say(ana, {**full, "id": "c4"}, "state")
    assert [told.person for told in panel.floor.heard(RaiseDesk)] == ["ana"]


def test_a_part_of_the_desk_is_resumed_by_its_name(panel: Panel, ana: Browser) -> None:
    given = {
        "word": "resume", "reason": "looked", "password": PASSWORD, "scope": "agent",
        "name": "quant/trend",
    }  # fmt: skip
    frame = {"t": "control", "id": "part1"} | given
    say(ana, frame, "state")
    lifted = panel.floor.heard(RaiseDesk)[-1]
    assert (lifted.person, lifted.scope, lifted.name) == ("ana", "agent", "quant/trend")


@pytest.mark.parametrize(("name", "may"), [("vic", False), ("tom", True), ("ana", True)])
def test_a_trader_cancels_through_risk_which_knows_the_parent(
    panel: Panel, name: str, may: bool
) -> None:
    browser = Browser(panel.address)
    assert browser.sign_in(name) == 200
    frame = {"t": "cancel", "id": f"cancel-{name}", "order_id": "desk/execution/7"}
    before = len(panel.floor.heard(CancelRequest))
    say(browser, frame, "said" if may else "refused")
    sent = [one for one in panel.floor.admitted if isinstance(one[1], CancelRequest)][before:]
    asked = [("desk/risk", CancelRequest(order_id="desk/execution/7"))]
    assert sent == (asked if may else [])


def test_looser_rules_wait_for_an_admin_with_a_password_and_for_what_was_shown(
    panel: Panel, ana: Browser
) -> None:
    source, other = "a" * 64, "b" * 64
    waits = (("limits.position", "hard 20", "hard 30"),)
    panel.floor.say(RulesDiffer(version=1, source=source, waits=waits))
    frame = {"t": "allow", "source": source, "password": PASSWORD}
    assert "the role admin" in say(ana, frame | {"id": "n1"})["reason"]
    eve = Browser(panel.address)
    assert eve.sign_in("adm") == 200
    assert "the file has changed" in say(eve, frame | {"id": "n2", "source": other})["reason"]
    assert "wrong password" in say(eve, frame | {"id": "n3", "password": "not it"})["reason"]
    assert panel.floor.heard(AllowLooser) == []
    assert "adm let looser rules hold" in say(eve, frame | {"id": "n4"}, "said")["entry"]["text"]
    assert panel.floor.heard(AllowLooser) == [AllowLooser(person="adm", source=source)]
    assert "the file has changed" in say(eve, frame | {"id": "n5"})["reason"]


def test_a_trader_halts_at_once(panel: Panel) -> None:
    trader = Browser(panel.address)
    trader.sign_in("tom")
    say(trader, {"t": "say", "id": "h1", "text": "/halt odd prices"}, "state")
    halt = panel.floor.heard(LowerDesk)[-1]
    assert (halt.to, halt.person, halt.reason) == ("halted", "tom", "odd prices")


def test_words_that_decide_need_their_card_on_screen(panel: Panel, ana: Browser) -> None:
    card = make_card("0D0D")
    panel.floor.show(card)
    before = len(panel.floor.heard(CardAnswer))
    assert "open it first" in say(ana, {"t": "say", "id": "s1", "text": "approve 0D0D"})["reason"]
    assert len(panel.floor.heard(CardAnswer)) == before
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    say(ana, {"t": "say", "id": "s2", "text": "approve 0D0D 15", "shown": shown}, "noted")
    given = panel.floor.heard(CardAnswer)[-1]
    assert (given.answer, given.quantity) == ("smaller", 15)


def test_a_question_changes_nothing(panel: Panel, ana: Browser) -> None:
    card = make_card("0E0E")
    panel.floor.show(card)
    shown = {"code": card.code, "record_hash": card.record_hash, "sequence": 1}
    before = len(panel.floor.heard(CardAnswer))
    asked = {"t": "say", "id": "q1", "text": "yes, approve it please", "shown": shown}
    say(ana, asked, "said")
    assert len(panel.floor.heard(CardAnswer)) == before
