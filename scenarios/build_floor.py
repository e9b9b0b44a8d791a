"""Everybody with an account of his own: the swarm behind its gate, and the world's actors."""

from dataclasses import dataclass, field

import msgspec

from environment.actors import SimulationKernel
from environment.instruments import Instrument
from environment.market.calendar import Session
from scenarios.config import Config


class FloorAccount(msgspec.Struct, frozen=True, kw_only=True):
    """An account outside the crowd, and the address that is told of its orders."""

    owner: str
    cash_micros: int


@dataclass
class Floor:
    """What the actors outside the crowd are made from."""

    config: Config
    instruments: tuple[Instrument, ...]
    session: Session
    accounts: dict[str, int] = field(default_factory=dict)
    needs_feeds: bool = False


def floor_accounts(config: Config) -> dict[str, FloorAccount]:
    """Return the accounts outside the crowd, by name."""
    found: dict[str, FloorAccount] = {}
    if config.swarm is not None and config.swarm.swarm:
        cash = int(config.scenario.account.cash)
        found["swarm"] = FloorAccount(owner="venue", cash_micros=cash)
    for address, actor in config.scenario.actors.items():
        found[address] = FloorAccount(owner=address, cash_micros=int(actor.cash))
    return found


def spawn_floor(floor: Floor, kernel: SimulationKernel) -> None:
    """Put the desk, the swarm's agents and the world's actors at their addresses."""
