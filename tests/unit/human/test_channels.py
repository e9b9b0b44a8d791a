"""Calls to people: what a webhook and a mail carry, what is tried again, what is never said."""

import asyncio
import hmac
import json
from typing import Any

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from agents.human.channels import Channels, ChannelSettings, NotReached, webhook_fault
from agents.human.escalation import Notified, NotifyPeople
from tests.servers.mail import mail_box

KEY = b"a key of the desk's own"
NOTICE = NotifyPeople(code="4F2A", tier="two", left_ns=60_000_000_000)
WALL_NS = 1_402_063_387_000_000_000


class Hook:
    """A webhook's other end: what came, and the statuses that it answers in turn."""

    def __init__(self, *statuses: int) -> None:
        self.statuses = list(statuses)
        self.bodies: list[bytes] = []
        self.signatures: list[str] = []

    async def take(self, request: web.Request) -> web.Response:
        self.bodies.append(await request.read())
        self.signatures.append(request.headers.get("X-Outcry-Signature", ""))
        status = self.statuses.pop(0) if self.statuses else 200
        return web.Response(status=status, headers={"Location": "/elsewhere"})


def called(
    hook: Hook, notice: NotifyPeople = NOTICE, **given: Any
) -> tuple[Notified | None, str, list[float]]:
    """Call once by a real server, and return what came of it, why not, and the pauses taken."""
    pauses: list[float] = []

    async def pause(seconds: float) -> None:
        pauses.append(seconds)

    async def run() -> tuple[Notified | None, str, list[float]]:
        application = web.Application()
        application.router.add_post("/hook", hook.take)
        application.router.add_post("/elsewhere", hook.take)
        async with TestServer(application) as server:
            url = str(server.make_url("/hook"))
            settings = ChannelSettings(
                link="https://desk.example:8750", floor="floor", webhook=url, key=KEY, **given
            )
            channels = Channels(settings, lambda: WALL_NS, pause=pause)
            try:
                return await channels.perform(notice), "", pauses
            except NotReached as error:
                return None, str(error), pauses

    return asyncio.run(run())


def mailed(
    notice: NotifyPeople = NOTICE, refusals: list[str] | None = None
) -> tuple[list[str], Notified | str]:
    async def run() -> tuple[list[str], Notified | str]:
        async with mail_box(refusals) as box:
            settings = ChannelSettings(
                link="http://127.0.0.1:8750", floor="floor", mail="desk@example.com",
                mail_port=box.port,
            )  # fmt: skip
            channels = Channels(settings, lambda: WALL_NS, pause=_at_once)
            try:
                return box.letters, await channels.perform(notice)
            except NotReached as error:
                return box.letters, str(error)

    return asyncio.run(run())


async def _at_once(_: float) -> None:
    return None


def test_webhook_is_signed_and_says_neither_instrument_nor_size_nor_price() -> None:
    hook = Hook()
    told, _, _ = called(hook)
    assert told == Notified(("webhook 200",))
    assert hook.signatures == ["sha256=" + hmac.new(KEY, hook.bodies[0], "sha256").hexdigest()]
    assert json.loads(hook.bodies[0]) == {
        "kind": "card", "code": "4F2A", "tier": "two", "because": "escalate", "seconds_left": 60,
        "link": "https://desk.example:8750/#card=4F2A", "sent_ms": WALL_NS // 1_000_000,
    }  # fmt: skip


def test_server_that_fails_is_tried_again_and_says_less_time_is_left() -> None:
    hook = Hook(500, 429)
    told, _, pauses = called(hook)
    assert told == Notified(("webhook 200",))
    assert pauses == [1.0, 4.0]
    assert [json.loads(body)["seconds_left"] for body in hook.bodies] == [60, 59, 55]


@pytest.mark.parametrize("status", [302, 400, 404])
def test_what_will_not_change_is_not_tried_again_and_no_redirect_is_followed(status: int) -> None:
    hook = Hook(status)
    told, why, pauses = called(hook)
    assert (told, why, pauses, len(hook.bodies)) == (None, f"webhook: status {status}", [], 1)


def test_address_of_a_webhook_stands_in_no_reason() -> None:
    async def run() -> str:
        settings = ChannelSettings(link="", floor="", webhook="http://127.0.0.1:9/secret", key=KEY)
        with pytest.raises(NotReached) as caught:
            await Channels(settings, lambda: WALL_NS, pause=_at_once).perform(NOTICE)
        return str(caught.value)

    assert asyncio.run(run()) == "webhook: ClientConnectorError"


def test_card_that_is_over_is_not_called_about_again() -> None:
    hook = Hook(500, 500)
    brief = NotifyPeople(code="4F2A", tier="one", left_ns=30_000_000_000)
    told, why, pauses = called(hook, brief, pace=10.0)  # Three seconds of the wall.
    assert (told, why, pauses) == (None, "webhook: status 500", [1.0])


def test_head_of_the_audit_chain_is_kept_at_the_webhook_signed() -> None:
    hook = Hook(200, 500)
    said: list[str] = []

    async def run() -> None:
        application = web.Application()
        application.router.add_post("/hook", hook.take)
        async with TestServer(application) as server:
            settings = ChannelSettings(
                link="", floor="floor", webhook=str(server.make_url("/hook")), key=KEY
            )
            channels = Channels(settings, lambda: WALL_NS, said.append)
            await channels.anchor(7, "ab" * 32)
            await channels.anchor(8, "cd" * 32)  # The next comes within a minute.
            await Channels(ChannelSettings(link="", floor=""), lambda: WALL_NS).anchor(9, "")

    asyncio.run(run())
    first = json.loads(hook.bodies[0])
    assert (first["kind"], first["number"], first["hash"]) == ("audit_head", 7, "ab" * 32)
    assert hook.signatures[0] == "sha256=" + hmac.new(KEY, hook.bodies[0], "sha256").hexdigest()
    assert len(hook.bodies) == 2
    assert said == ["audit head 8 was not anchored at the webhook: status 500"]


def test_mail_says_code_tier_time_and_link_alone() -> None:
    letters, told = mailed()
    assert told == Notified(("mail",))
    (letter,) = letters
    assert "Subject: floor: 4F2A waits for two people" in letter
    assert "60 seconds left" in letter
    assert "http://127.0.0.1:8750/#card=4F2A" in letter
    assert "AAPL" not in letter


def test_mail_is_tried_again_unless_it_is_refused_for_good() -> None:
    letters, told = mailed(refusals=["451 later"])
    assert (len(letters), told) == (1, Notified(("mail",)))
    letters, told = mailed(refusals=["550 no such box"])
    assert (letters, told) == ([], "mail: code 550")


def test_one_channel_that_takes_it_is_enough() -> None:
    async def run() -> Notified:
        async with mail_box() as box:
            settings = ChannelSettings(
                link="http://127.0.0.1:8750", floor="floor", webhook="http://127.0.0.1:9/",
                key=KEY, mail="desk@example.com", mail_port=box.port,
            )  # fmt: skip
            return await Channels(settings, lambda: WALL_NS, pause=_at_once).perform(NOTICE)

    assert asyncio.run(run()) == Notified(("mail",))


def test_login_is_not_said_to_a_server_without_tls() -> None:
    async def run() -> tuple[list[str], str]:
        async with mail_box() as box:
            settings = ChannelSettings(
                link="http://127.0.0.1:8750", floor="floor", mail="desk@example.com",
                mail_port=box.port, login="desk:secret",
            )  # fmt: skip
            with pytest.raises(NotReached) as caught:
                await Channels(settings, lambda: WALL_NS, pause=_at_once).perform(NOTICE)
            return box.letters, str(caught.value)

    letters, why = asyncio.run(run())
    assert letters == []
    assert "secret" not in why


@pytest.mark.parametrize(
    ("url", "word"),
    [
        ("https://desk.example/hook", ""),
        ("http://127.0.0.1:9000/hook", ""),
        ("http://localhost/hook", ""),
        ("http://desk.example/hook", "unencrypted"),
        ("ftp://desk.example/hook", "no address"),
        ("https://", "no address"),
        ("https://[::1/", "no address"),
    ],
)
def test_address_that_would_be_told_in_the_open_is_refused(url: str, word: str) -> None:
    assert word in webhook_fault(url)
    assert bool(word) == bool(webhook_fault(url))
