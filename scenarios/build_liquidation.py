"""The clearing house's own actors: they carry out the margin calls and buy-ins of the night."""

from typing import Any

from agents.crowd.actors import account_numbers
from agents.crowd.buy_in import BuyIn, BuyInSettings
from agents.crowd.liquidator import Liquidator, LiquidatorSettings
from environment.actors import ActorRef, SimulationKernel
from environment.market.account_books import AccountBooks
from environment.market.exchange import ADDRESS as EXCHANGE
from scenarios.build_floor import SWARM_ACCOUNT
from scenarios.builder import World

LIQUIDATOR, BUY_IN = "clearing/liquidator", "clearing/buy_in"


def names_of(world: World) -> dict[int, str]:
    """Return the names of the accounts that others than the venue may trade for, by number."""
    accounts = world.floor.accounts | account_numbers(world.crowd, compiled=True)
    return {number: name for name, number in accounts.items() if name != SWARM_ACCOUNT}


def spawn_clearing(world: World) -> None:
    """Put the liquidator and the buyer-in at their addresses, where a night leads to another day.

    A gated account is the desk's to bring in order: the exchange takes its orders from the venue
    alone. With `[clearing] liquidation` on, the broker's office does both, and for options too;
    two who close the same position would close it twice.
    """
    if len(world.sessions) < 2 or world.config.scenario.clearing.liquidation:
        return
    kernel: SimulationKernel = world.kernel
    books = AccountBooks(world.market, world.instruments, names_of(world))
    exchange: ActorRef[Any] = kernel.reference(EXCHANGE)
    symbols = tuple(instrument.symbol for instrument in world.instruments)
    liquidating, buying = LiquidatorSettings(symbols=symbols), BuyInSettings(symbols=symbols)
    kernel.spawn(LIQUIDATOR, lambda: Liquidator(exchange, books, liquidating))
    kernel.spawn(BUY_IN, lambda: BuyIn(exchange, books, buying))
