"""What must hold before anything of a daemon starts: file, folder, lock, secrets."""

import fcntl
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from environment.errors import ConfigError
from scenarios.config.built import check_built
from scenarios.config.check import check_swarm_files
from scenarios.config.errors import make_error
from scenarios.config.load import Config, load_config, load_swarm
from scenarios.config.scenario import Approver
from scenarios.config.secret import Secret
from scenarios.config.swarm import Panel, Swarm
from scenarios.live.state_folder import refuse_loose, refuse_writable, state_folder
from scenarios.places import find_file, shown_path


class Desk(msgspec.Struct, frozen=True, kw_only=True):
    """A swarm file that a daemon can be started from, with its world and folder."""

    config: Config
    file: Path
    folder: Path

    @property
    def swarm(self) -> Swarm:
        """The swarm file's content."""
        assert self.config.swarm is not None, "a desk is made from a swarm file"
        return self.config.swarm


def swarm_file(path: Path) -> Path:
    """Return the file that a command's argument means: from here, then from the project."""
    return find_file(str(path), Path.cwd() / "here")


def load_desk(path: Path) -> Desk:
    """Return what a daemon is started from.

    Raises
    ------
    ConfigError
        For anything in the file that is wrong, or that this version does not carry out.
    """
    file = swarm_file(path)
    where = shown_path(file)
    if not file.is_file():
        raise ConfigError(f"{where}: there is no such file; name a swarm file")
    refuse_writable(file)
    swarm = load_swarm(file)
    check_swarm_files(swarm, lambda told: find_file(told, file), where)
    if swarm.venue is None:
        text = 'is missing; add [venue] with kind = "simulated" and world = "opening_bell"'
        raise make_error(where, ("venue",), text)
    if swarm.venue.kind != "simulated":
        raise make_error(where, ("venue", "kind"), "is not in this version; use simulated")
    if swarm.venue.world is None:
        raise make_error(where, ("venue", "world"), "is missing; add the name of a scenario")
    if swarm.venue.hours != "always" and swarm.venue.pace != 1.0:
        raise make_error(where, ("venue", "pace"), 'expected 1.0 unless hours = "always"')
    try:
        world = load_config(swarm.venue.world)
    except ConfigError as error:
        raise make_error(where, ("venue", "world"), str(error)) from error
    config = Config(
        # Nobody but a person answers here, whatever the world's own table says.
        scenario=msgspec.structs.replace(
            world.scenario, approver=Approver(kind="person", pace=swarm.venue.pace),
            cassette=None, compare=None,
        ),
        swarm=swarm, scenario_file=world.scenario_file, swarm_file=file,
    )  # fmt: skip
    check_built(config)
    _check_agents(config, where)
    for key, secret in secrets_of(swarm):
        check_secret(where, key, secret, file)
    return Desk(config=config, file=file, folder=state_folder(swarm.name))


def _check_agents(config: Config, where: str) -> None:
    assert config.swarm is not None, "a desk has a swarm"
    traded = {told.symbol for told in config.scenario.instruments}
    for address in config.swarm.swarm:
        agent = config.swarm.agents[address]
        if not traded & set(agent.mandate.instruments):
            text = f"names nothing that the venue trades; it trades {', '.join(sorted(traded))}"
            raise make_error(where, ("agents", address, "mandate", "instruments"), text)


def check_ports(swarm: Swarm, where: str) -> None:
    """Raise ConfigError for a port that is in use, before minutes are spent on a market."""
    asked = {("daemon", "metrics"): swarm.daemon.metrics if swarm.daemon is not None else None}
    asked["panel", "listen"] = (swarm.panel or Panel()).listen
    for key, address in asked.items():
        if address is None:
            continue
        host, _, port = address.rpartition(":")
        with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as door:
            door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                door.bind((host.strip("[]"), int(port)))
            except OverflowError as error:
                raise make_error(where, key, f"{address}: a port is 0 to 65535") from error
            except OSError as error:
                cause = error.strerror or str(error)
                text = f"{address} cannot be listened on ({cause}); choose another"
                raise make_error(where, key, text) from error


def lock_desk(folder: Path) -> int:
    """Return the descriptor of the folder's lock, held until the process ends.

    Raises
    ------
    ConfigError
        If another swarm runs from this folder.
    """
    file = folder / "live.lock"
    descriptor = os.open(file, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    refuse_loose(file, "the lock", "600")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        os.close(descriptor)
        raise ConfigError(
            f"{folder}: another swarm runs from this folder; outcry stop ends it, or give this "
            "one another name"
        ) from error
    return descriptor


def is_locked(folder: Path) -> bool:
    """Return whether a swarm runs from a folder, or is about to."""
    try:
        descriptor = os.open(folder / "live.lock", os.O_RDWR | os.O_CLOEXEC | os.O_NOFOLLOW)
    except OSError:
        return False
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return True
    finally:
        os.close(descriptor)
    return False


def secrets_of(value: object, path: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Yield every secret of a configuration with the keys that lead to it."""
    if isinstance(value, Secret):
        yield path, value
    elif isinstance(value, msgspec.Struct):
        for name in value.__struct_fields__:
            yield from secrets_of(getattr(value, name), (*path, name))
    elif isinstance(value, dict):
        for name, item in value.items():
            yield from secrets_of(item, (*path, str(name)))


def check_secret(where: str, key: tuple[str, ...], secret: Secret, beside: Path) -> str:
    """Return what a secret is; raises ConfigError where it is nowhere, or open to others."""
    if secret.env is not None:
        content = os.environ.get(secret.env, "")
        if not content:
            raise make_error(where, key, f"the variable {secret.env} is not set; set it")
        return content
    assert secret.file is not None, "a secret is in one of two places"
    file = find_file(secret.file, beside)
    try:
        state = file.stat()
        content = file.read_text(encoding="utf-8").strip()
    except (OSError, UnicodeDecodeError) as error:
        raise make_error(where, key, f"{file} cannot be read; put the secret there") from error
    mode = stat.S_IMODE(state.st_mode)
    if mode & 0o077 or state.st_uid != os.getuid():
        raise make_error(where, key, f"{file} has mode {mode:04o}; chmod 600 it")
    return content
