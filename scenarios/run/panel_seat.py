"""A seat for people beside a run: the panel's server on a thread, the run at a multiple of time."""

import asyncio
import getpass
import re
import secrets
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final, Protocol

import msgspec
from cryptography import x509

from agents.human.panel_gateway import KernelFloor
from agents.human.panel_ports import Surroundings
from agents.human.panel_room import RoomSettings
from agents.human.panel_server import PanelServer, PanelSettings
from agents.human.people import PeopleStore
from environment.actors.pacing import Pacer
from environment.errors import ConfigError, OperatingError
from llm.service import ModelService
from scenarios.builders.models import panel_model
from scenarios.builders.warm_up import warm_desk
from scenarios.config.desk import Limits
from scenarios.config.load import Config
from scenarios.config.scenario import Approver
from scenarios.config.swarm import Panel, Swarm
from scenarios.config.types import Duration, Money
from scenarios.live.panel_people import link_line, people_store
from scenarios.live.state_folder import refuse_loose, state_folder
from scenarios.run.preview_worker import PreviewWorker
from scenarios.run.session_loop import SessionLoop

KEY_FILE: Final = "panel.key"
_KEY_BYTES: Final = 32
_START_S: Final = 20.0
_SLICE_NS: Final = 200_000_000  # Wall time between two looks at a request to stop.


class Voice(Protocol):
    """Where the panel's address is said."""

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads it now, and nothing keeps it."""

    def say(self, text: str) -> None:
        """Say a line."""


def with_person(config: Config, pace: float) -> Config:
    """Return the configuration with a person in the approver's place.

    Raises
    ------
    ConfigError
        If the scenario has no swarm: then nobody would ever ask.
    """
    if config.swarm is None or not config.swarm.swarm:
        raise ConfigError(
            f"{config.scenario.name}: has no swarm, so no order ever needs a person; "
            "run it without --panel"
        )
    scenario = msgspec.structs.replace(config.scenario, approver=Approver(kind="person", pace=pace))
    return msgspec.structs.replace(config, scenario=scenario)


def panel_settings(told: Panel) -> PanelSettings:
    """Return where the panel listens, with the names that its certificate is for."""
    host, _, port = told.listen.rpartition(":")
    if told.tls is None:
        return PanelSettings(host=host, port=int(port))
    if told.tls.key.file is None:
        raise ConfigError("panel.tls.key: expected { file = ... }, as TLS reads it from a file")
    return PanelSettings(
        host=host, port=int(port), certificate=told.tls.cert, key=told.tls.key.file,
        names=names_of(Path(told.tls.cert)),
    )  # fmt: skip


def names_of(certificate: Path) -> tuple[str, ...]:
    """Return the host names and addresses that a certificate is made out to."""
    try:
        read = x509.load_pem_x509_certificate(certificate.read_bytes())
        named = read.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (OSError, ValueError, x509.ExtensionNotFound) as error:
        raise ConfigError(
            f"panel.tls.cert: {certificate} is no certificate with names ({error})"
        ) from error
    hosts = named.get_values_for_type(x509.DNSName)
    addresses = [str(address) for address in named.get_values_for_type(x509.IPAddress)]
    return (*hosts, *addresses)


def sign_in_key(folder: Path) -> bytes:
    """Return the key that sign-in tokens are signed with, made on first use with mode 0600."""
    path = folder / KEY_FILE
    if not path.exists():
        path.touch(mode=0o600, exist_ok=False)
        path.write_bytes(secrets.token_bytes(_KEY_BYTES))
    refuse_loose(path, "the key of sign-ins", "600")
    key = path.read_bytes()
    if len(key) != _KEY_BYTES:
        raise ConfigError(f"{path}: is no key of {_KEY_BYTES} bytes; take it away")
    return key


def first_person(people: PeopleStore) -> str:
    """Return the name of somebody new who may approve, where nobody was added yet, or ""."""
    if people.people():
        return ""
    plain = re.sub(r"[^a-z0-9_.-]", "", getpass.getuser().lower())
    name = plain if re.fullmatch(r"[a-z][a-z0-9_.-]{0,31}", plain) else "approver"
    people.add(name, ("approver", "admin"))
    return name


def system_surroundings() -> Surroundings:
    """Return the machine's clocks and chance."""
    return Surroundings(
        wall_ns=time.time_ns, steady_ns=time.monotonic_ns, token=secrets.token_bytes
    )


def limit_rows(limits: Limits) -> tuple[tuple[str, str, str], ...]:
    """Return the limits of a swarm file as it writes them: name, soft, hard."""
    rows = []
    for name in limits.__struct_fields__:
        told = getattr(limits, name)
        if isinstance(told, tuple):
            if told:
                rows.append((name, "", ", ".join(told)))
        elif told is not None:
            rows.append((name, _amount(told.soft), _amount(told.hard)))
    return tuple(rows)


def _amount(value: object) -> str:
    """Return a limit's figure as a file would write it."""
    match value:
        case None:
            return ""
        case Money():
            return f"{value.written():,}"
        case Duration():
            return value.written()
        case _:
            return str(value)


class PanelThread:
    """A panel's server on a thread of its own, until it is stopped."""

    def __init__(self, server: PanelServer, worker: PreviewWorker) -> None:
        self.server, self.worker = server, worker
        self.address = ""
        self._failure: BaseException | None = None
        self._ready = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._over: asyncio.Event | None = None
        self._thread = threading.Thread(target=self._run, name="panel", daemon=True)

    def start(self) -> str:
        """Return the address, once it is served.

        Raises
        ------
        OperatingError
            If it cannot listen there.
        """
        self._thread.start()
        self._ready.wait(_START_S)
        if self._failure is not None or not self.address:
            place = f"{self.server.settings.host}:{self.server.settings.port}"
            raise OperatingError(
                f"panel.listen: cannot listen on {place}: {self._failure or 'it took too long'}; "
                "stop what does, or set panel.listen"
            )
        return self.address

    def stop(self) -> None:
        """Close every page and let the thread end."""
        if self._loop is not None and self._over is not None:
            self._loop.call_soon_threadsafe(self._over.set)
        self.worker.close()
        self._thread.join(5.0)

    def _run(self) -> None:
        try:
            asyncio.run(self._serve())
        except (OSError, ConfigError) as error:
            self._failure = error
        finally:
            self._ready.set()

    async def _serve(self) -> None:
        self._loop, self._over = asyncio.get_running_loop(), asyncio.Event()
        async with self.server.serving() as address:
            self.address = address
            self._ready.set()
            await self._over.wait()


def open_panel(
    swarm: Swarm, folder: Path, room: RoomSettings, floor: KernelFloor,
    models: ModelService | None = None,
) -> tuple[PanelThread, PeopleStore]:  # fmt: skip
    """Return a panel that is ready to start, and the people who may sit at it."""
    people = people_store(folder)
    worker = PreviewWorker(swarm)
    server = PanelServer(
        panel_settings(swarm.panel or Panel()), room, people, sign_in_key(folder), floor,
        system_surroundings(), model=panel_model(swarm, models), preview=worker,
    )  # fmt: skip
    return PanelThread(server, worker), people


def invite(people: PeopleStore, folder: Path, address: str, *, is_terminal: bool) -> str:
    """Return the line that lets a first person in, where nobody was added yet, or ""."""
    name = first_person(people)
    return link_line(people, folder, name, address, is_terminal=is_terminal) if name else ""


@contextmanager
def seat_for_people(loop: SessionLoop, voice: Voice) -> Iterator[None]:
    """Serve a panel beside a run that stands ready, and drive it by the wall clock meanwhile."""
    world = loop.world
    swarm, approver = world.config.swarm, world.config.scenario.approver
    assert swarm is not None
    assert approver is not None
    folder = state_folder(swarm.name)
    pacer = Pacer(world.kernel, approver.pace)
    room = RoomSettings(
        floor=swarm.name,
        instruments=world.instruments + tuple(world.series.values()),
        zone=world.sessions[0].zone,
        limits=limit_rows(swarm.limits),
        closes_ns=tuple(session.close_ns for session in world.sessions),
        answered_by=f"a person answers in this run, at {approver.pace:g} times the market's pace",
    )
    floor = KernelFloor(pacer, world.kernel.now_ns, approver.pace)
    panel, people = open_panel(swarm, folder, room, floor, loop.models)
    warm_desk()  # Before a person waits for it.
    world.floor.outlet = panel.server.hear
    loop.run_until, loop.slice_ns = pacer.run_until, round(approver.pace * _SLICE_NS)
    voice.say(f"panel    {panel.start()}")
    if line := invite(people, folder, panel.address, is_terminal=voice.is_terminal):
        voice.say(line)
    try:
        yield
    finally:
        world.floor.outlet = None
        panel.stop()
