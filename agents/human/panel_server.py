"""The panel's server: pages, sign-in and sockets on one event loop, beside whatever runs the floor.

The floor speaks to it through `PanelServer.hear`, from any thread; it speaks to the floor through
`FloorPort.admit`.
"""

import asyncio
import contextlib
import ipaddress
import ssl
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Final

import msgspec
from aiohttp import web

from agents.human.panel_clerk import PANEL, Clerk
from agents.human.panel_guard import guard, make_places
from agents.human.panel_http import LONGEST_BODY, PanelPages
from agents.human.panel_model import ModelVoice
from agents.human.panel_passwords import Passwords
from agents.human.panel_ports import FloorPort, Surroundings
from agents.human.panel_room import Room, RoomSettings
from agents.human.panel_sign_in import SignIns
from agents.human.panel_socket import PanelSockets
from agents.human.people import PeopleStore
from agents.human.preview import PreviewPort, PreviewResult, PreviewTask
from environment.control_messages import Audited
from environment.errors import ConfigError
from environment.messages import Message

_LOOK_S: Final = 0.4  # Between two looks for ended sign-ins: their sockets end within a second.
_LIVE_S: Final = 0.5
_BEAT_S: Final = 1.0


class PanelSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Where the panel listens. A certificate and its key are files; without them loopback only.

    `names` are further names that browsers may ask for it by, such as a certificate's.
    """

    host: str = "127.0.0.1"
    port: int = 8750
    names: tuple[str, ...] = ()
    certificate: str = ""
    key: str = ""

    @property
    def is_secure(self) -> bool:
        """Return whether it speaks TLS."""
        return bool(self.certificate)


class OnLoop:
    """Previews whose coming is told on the server's loop, whichever thread brings them."""

    def __init__(self, server: "PanelServer", port: PreviewPort) -> None:
        self._server, self._port = server, port

    def start(self, task: PreviewTask, done: Callable[[PreviewResult], None]) -> bool:
        """Begin, and return at once."""
        return self._port.start(task, lambda result: self._server.on_loop(done, result))

    def end(self, record_hash: str) -> None:
        """Draw no more worlds for a record."""
        self._port.end(record_hash)


class PanelServer:
    """Everything of the panel but its actor."""

    def __init__(
        self, settings: PanelSettings, room: RoomSettings, people: PeopleStore, key: bytes,
        floor: FloorPort, around: Surroundings, *, model: ModelVoice | None = None,
        preview: PreviewPort | None = None,
    ) -> None:  # fmt: skip
        _check_place(settings)
        self.settings = settings
        self.port = settings.port
        self.room = Room(room, floor, around, None if preview is None else OnLoop(self, preview))
        self.sign_ins = SignIns(people, key, around)
        self._people = people
        self._floor = floor
        self._passwords = Passwords(people, around)
        pages = PanelPages(
            self.sign_ins, self._passwords, is_secure=settings.is_secure, floor=room.floor,
            told=self._audit,
        )  # fmt: skip
        clerk = Clerk(self.room, self.sign_ins, self._passwords, model)
        self._sockets = PanelSockets(self.room, clerk, pages, self.sign_ins, around)
        self._pages = pages
        self.room.may_approve = self._may_approve
        self._loop: asyncio.AbstractEventLoop | None = None

    def hear(
        self, sender: str, message: Message, number: int = 0, rests_on: tuple[int, ...] = ()
    ) -> None:
        """Take a message of the floor in, with its envelope's id; safe from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(self.room.hear, sender, message, number, rests_on)

    def on_loop(self, act: Callable[[PreviewResult], None], result: PreviewResult) -> None:
        """Have something done on the server's loop; safe from any thread."""
        if self._loop is not None and not self._loop.is_closed():
            self._loop.call_soon_threadsafe(act, result)

    def is_reachable(self) -> bool:
        """Return whether an approver sits here or can be called."""
        return self.room.is_reachable()

    @contextlib.asynccontextmanager
    async def serving(self) -> AsyncIterator[str]:
        """Serve while the block runs, and give its address."""
        self._loop = asyncio.get_running_loop()
        settings = self.settings
        context = _tls(settings) if settings.is_secure else None
        listener = await self._loop.create_server(
            asyncio.Protocol, settings.host, settings.port, start_serving=False
        )
        self.port = listener.sockets[0].getsockname()[1]
        sockets = [held.dup() for held in listener.sockets]
        listener.close()
        runner = web.AppRunner(self._application(), access_log=None, shutdown_timeout=1.0)
        await runner.setup()
        for held in sockets:
            await web.SockSite(runner, held, ssl_context=context).start()
        beside = [
            asyncio.create_task(_often(_LOOK_S, self._sockets.close_ended)),
            asyncio.create_task(_often(_LIVE_S, self.room.refresh)),
            asyncio.create_task(_often(_BEAT_S, self.room.tick)),
        ]
        scheme = "https" if settings.is_secure else "http"
        try:
            yield f"{scheme}://{settings.host}:{self.port}"
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
            for seat in self.room.seats:
                seat.close(1001, "the panel stops")
            await runner.cleanup()
            self._passwords.close()

    def _application(self) -> web.Application:
        settings = self.settings
        hosts = (settings.host, *settings.names)
        if _is_loopback(settings.host):
            hosts = (*hosts, "localhost")
        places = make_places(hosts, self.port, is_secure=settings.is_secure)
        application = web.Application(middlewares=[guard(places)], client_max_size=LONGEST_BODY)
        application.add_routes([*self._pages.routes(), web.get("/socket", self._sockets.serve)])
        return application

    def _may_approve(self, name: str) -> bool:
        try:
            person = self._people.find(name)
        except ConfigError:
            return False  # A file that others could have changed lets nobody approve.
        return person is not None and person.may("approver")

    def _audit(self, kind: str, person: str, text: str) -> None:
        self._floor.admit(PANEL, Audited(kind=kind, person=person, text=text))


async def _often(seconds: float, act: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        act()


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _check_place(settings: PanelSettings) -> None:
    if bool(settings.certificate) != bool(settings.key):
        raise ConfigError("panel.tls: expected cert and key, found one of them; name both files")
    if not settings.is_secure and not _is_loopback(settings.host):
        raise ConfigError(
            f'panel.listen: "{settings.host}" is not this machine alone, and passwords would cross '
            "the network unencrypted; set tls = { cert, key }, or listen on 127.0.0.1"
        )


def _tls(settings: PanelSettings) -> ssl.SSLContext:
    """Return what speaks TLS 1.3 and nothing older."""
    for name, file in (("cert", settings.certificate), ("key", settings.key)):
        if not Path(file).is_file():
            raise ConfigError(f"panel.tls.{name}: there is no file {file}; name one that is")
    if Path(settings.key).stat().st_mode & 0o077:
        raise ConfigError(f"panel.tls.key: others can read {settings.key}; chmod 600 it")
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_3
    try:
        context.load_cert_chain(settings.certificate, settings.key)
    except ssl.SSLError as error:
        raise ConfigError(
            f"panel.tls: {settings.certificate} and {settings.key} are no pair: {error.reason}"
        ) from error
    return context
