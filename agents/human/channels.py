"""The performer of a call: a webhook signed with HMAC, or a mail. Neither says size or price.

A call is tried a few times while its card still waits; what answers by a redirect is not followed.
"""

import asyncio
import ipaddress
import smtplib
import ssl
from collections.abc import Awaitable, Callable
from email.message import EmailMessage
from typing import Final
from urllib.parse import urlsplit

import aiohttp
import msgspec

from agents.human.escalation import (
    SIGNATURE,
    Notified,
    NotifyPeople,
    signature_of,
    webhook_body,
)
from environment.errors import OperatingError

_SECOND_NS: Final = 1_000_000_000
_TIMEOUT_S: Final = 5.0
_PAUSES_S: Final = (1.0, 4.0)  # Before the second and the third try.
_AGAIN: Final = frozenset({408, 425, 429})  # Besides 500 and above: worth another try.


class ChannelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where people are called. `pace` is market seconds a wall second.

    `login` is `NAME:PASSWORD` of the mail server; with one, nothing is said to it before TLS.
    """

    link: str  # Of the panel; a page that is opened by it asks to sign in, as any other.
    floor: str
    webhook: str = ""
    key: bytes = b""
    mail: str = ""
    mail_host: str = "127.0.0.1"
    mail_port: int = 25
    login: str = ""
    pace: float = 1.0


class NotReached(OperatingError):
    """A channel did not take a call, and why; the address of a webhook is not in it."""


def webhook_fault(url: str) -> str:
    """Return why calls cannot go to an address, or ""."""
    try:
        told = urlsplit(url)
        host = told.hostname or ""
    except ValueError:
        return "is no address; expected https://HOST/PATH"
    if told.scheme not in {"https", "http"} or not host:
        return "is no address; expected https://HOST/PATH"
    if told.scheme == "http" and not _is_loopback(host):
        return "would cross the network unencrypted; expected https"
    return ""


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


class Channels:
    """Calls people by everything that is configured; one channel that takes it is enough.

    `wall_ns` is UTC since 1970. `told` hears how each try went, for the log.
    """

    def __init__(
        self, settings: ChannelSettings, wall_ns: Callable[[], int],
        told: Callable[[str], None] = lambda _: None,
        pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:  # fmt: skip
        self.settings = settings
        self._wall_ns = wall_ns
        self.told = told
        self._pause = pause

    async def perform(self, notice: NotifyPeople) -> Notified:
        """Call.

        Raises
        ------
        NotReached
            If no channel took it.
        """
        took: list[str] = []
        failed: list[str] = []
        settings = self.settings
        for name, is_told, call in (
            ("webhook", settings.webhook, self._post), ("mail", settings.mail, self._mail),
        ):  # fmt: skip
            if not is_told:
                continue
            try:
                took.append(await self._tried(call, notice))
            except NotReached as error:
                failed.append(f"{name}: {error}")
        text = f"{notice.code} ({notice.because}): {', '.join([*took, *failed])}"
        self.told(text)
        if not took:
            raise NotReached("; ".join(failed))
        return Notified(tuple(took))

    async def anchor(self, number: int, digest: str) -> None:
        """Keep a head of the audit chain elsewhere: at the webhook, where there is one.

        One that did not arrive is told, and not tried again: the next comes within a minute.
        """
        if not self.settings.webhook:
            return
        body = msgspec.json.encode({
            "kind": "audit_head", "floor": self.settings.floor, "number": number, "hash": digest,
            "sent_ms": self._wall_ns() // 1_000_000,
        })  # fmt: skip
        try:
            await self.post(body)
        except NotReached as error:
            self.told(f"audit head {number} was not anchored at the webhook: {error}")

    async def post(self, body: bytes) -> str:
        """Post a signed body to the webhook, once."""
        settings = self.settings
        headers = {
            "Content-Type": "application/json", SIGNATURE: signature_of(body, settings.key),
        }  # fmt: skip
        limit = aiohttp.ClientTimeout(total=_TIMEOUT_S)
        try:
            async with (
                aiohttp.ClientSession(timeout=limit) as session,
                session.post(
                    settings.webhook, data=body, headers=headers, allow_redirects=False
                ) as answer,
            ):
                status = answer.status
        except (aiohttp.ClientError, OSError, TimeoutError) as error:
            # Not the error's own words: they hold the address, which is a secret.
            raise _AgainError(type(error).__name__) from None
        if status in _AGAIN or status >= 500:
            raise _AgainError(f"status {status}")
        if not 200 <= status < 300:
            raise NotReached(f"status {status}")
        return f"webhook {status}"

    # --- parts ---------------------------------------------------------------------------------

    async def _tried(
        self, call: Callable[[NotifyPeople, int], Awaitable[str]], notice: NotifyPeople
    ) -> str:
        left_s = notice.left_ns / self.settings.pace / _SECOND_NS
        passed = 0.0
        for pause in (*_PAUSES_S, None):
            try:
                return await call(notice, int(left_s - passed))
            except _AgainError as error:
                if pause is None or passed + pause >= left_s:
                    raise NotReached(str(error)) from None
                await self._pause(pause)
                passed += pause
        raise AssertionError("the last try either returns or raises")

    async def _post(self, notice: NotifyPeople, seconds_left: int) -> str:
        link = f"{self.settings.link}/#card={notice.code}"
        return await self.post(
            webhook_body(notice, link, seconds_left, self._wall_ns() // 1_000_000)
        )

    async def _mail(self, notice: NotifyPeople, seconds_left: int) -> str:
        settings = self.settings
        people = {"two": "two people"}.get(notice.tier, "a person")
        letter = EmailMessage()
        letter["From"] = letter["To"] = settings.mail
        letter["Subject"] = f"{settings.floor}: {notice.code} waits for {people}"
        letter.set_content(
            f"Order {notice.code} waits for {people} (tier {notice.tier}).\n"
            f"{max(seconds_left, 0)} seconds left when this was sent. No answer: not sent.\n\n"
            f"{settings.link}/#card={notice.code}\n"
        )
        try:
            await asyncio.to_thread(_send, settings, letter)
        except smtplib.SMTPResponseException as error:
            is_final = 500 <= error.smtp_code < 600
            raise (NotReached if is_final else _AgainError)(f"code {error.smtp_code}") from None
        except (smtplib.SMTPException, OSError) as error:
            raise _AgainError(type(error).__name__) from None
        return "mail"


class _AgainError(NotReached):
    """One try failed; another may not."""


def _send(settings: ChannelSettings, letter: EmailMessage) -> None:
    """Hand a letter to the mail server, over TLS wherever it offers that."""
    with smtplib.SMTP(settings.mail_host, settings.mail_port, timeout=_TIMEOUT_S) as server:
        server.ehlo()
        if settings.login or server.has_extn("starttls"):
            server.starttls(context=_tls(settings.mail_host))
            server.ehlo()
        if settings.login:
            name, _, password = settings.login.partition(":")
            server.login(name, password)
        server.send_message(letter)


def _tls(host: str) -> ssl.SSLContext:
    """Return a context that knows whom it speaks to; a server of this machine has no name."""
    context = ssl.create_default_context()
    if _is_loopback(host):
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    return context
