"""A small options market behind the real exchange: a stock, two series, and actors with scripts."""

from collections.abc import Mapping
from datetime import date
from typing import Any

import msgspec

from environment.actors import (
    Actor,
    ActorContext,
    ActorRef,
    Connection,
    Ports,
    Settings,
    SimulationKernel,
)
from environment.actors.latency import Constant, LatencyModel
from environment.actors.ports import NoRecorder
from environment.instruments import make_option
from environment.market import layout as at, option_rows
from environment.market.exchange import ADDRESS, Exchange
from environment.market.market import Market
from environment.market.publication import Publisher
from environment.messages import (
    Message,
    OrderEvent,
    QuoteUpdate,
    Resumed,
    TimerFired,
    TradePrint,
)
from environment.option_messages import (
    ChainUpdate,
    LegFilled,
    PackageAccepted,
    PackageCancelled,
    PackageFilled,
    PackageReplaced,
    QuoteFilled,
    QuotesPulled,
    QuotesRefused,
    QuoteWithdrawn,
    ReArmed,
    SeriesListed,
)

SECOND_NS = 1_000_000_000
START_NS = 1_402_061_400 * SECOND_NS
OPTIONS = tuple(make_option("AAPL", date(2014, 6, 20), "call", strike) for strike in ("90", "100"))
LOW, HIGH = (one.symbol for one in OPTIONS)
Told = (
    Resumed | TimerFired | OrderEvent | QuoteUpdate | TradePrint | QuoteFilled | QuoteWithdrawn
    | QuotesRefused | QuotesPulled | ReArmed | PackageAccepted | LegFilled | PackageFilled
    | PackageCancelled | PackageReplaced | SeriesListed | ChainUpdate
)  # fmt: skip
Script = Mapping[int, tuple[Message, ...]]  # By second.


class Link:
    """A network of a microsecond."""

    def connection(self, _sender: str, _recipient: str) -> Connection:
        """Return how anybody reaches anybody."""
        return Connection(latency=Constant(nanoseconds=1_000))

    def subscription(self, _topic: str, _subscriber: str) -> LatencyModel | None:
        """Return None: the topic's latency holds for all."""
        return None


class Heard(msgspec.Struct):
    """All that a scripted actor keeps."""

    messages: list[Any] = []


class Scripted(Actor[Told]):
    """Sends each line of its script at its second, and keeps what it hears."""

    def __init__(self, exchange: ActorRef[Any], script: Script, topics: tuple[str, ...]) -> None:
        self._exchange, self._script, self._topics = exchange, script, topics
        self.state: Heard = Heard()

    def receive(self, ctx: ActorContext, message: Told) -> None:
        """Say what is due, or keep what is said."""
        match message:
            case Resumed():
                for second in self._script:
                    ctx.after(second * SECOND_NS, str(second))
                for topic in self._topics:
                    ctx.subscribe(topic, 0)
            case TimerFired(name=name):
                for line in self._script[int(name)]:
                    ctx.send(self._exchange, line)
            case _:
                self.state.messages.append(message)


class OptionWorld:
    """A dealer, a customer and a watcher of `topics`; continuous from the second second on."""

    def __init__(self, *, dealer: Script, customer: Script, topics: tuple[str, ...] = ()) -> None:
        self.blocks: list[Any] = []
        self.market = Market(instruments=1, accounts=2, on_tape=self.blocks.append)
        self.market.add_instrument(value_micros=10_000, last_close=10_000)
        series = [self.market.add_series(one, stock=0) for one in OPTIONS]
        owners = ["dealer", "customer"]
        accounts = {
            name: self.market.add_account(cash_micros=10**12, owner=owner)
            for owner, name in enumerate(owners)
        }
        self.dealer = option_rows.add_dealer(self.market, accounts["dealer"], series)
        self.market.arena[at.H_NOW] = START_NS
        self.market.post_event(START_NS + SECOND_NS, at.E_PHASE, 0, at.CONTINUOUS)
        symbols = {"AAPL": 0} | {one.symbol: n for one, n in zip(OPTIONS, series, strict=True)}
        publisher = Publisher(list(symbols), ADDRESS, {one.symbol: one for one in OPTIONS})
        for symbol, number in symbols.items():
            publisher.offer(symbol, number, 0, number)
        self.exchange = Exchange(
            self.market, symbols=symbols, accounts=accounts, owners=owners, publisher=publisher
        )
        self.kernel = SimulationKernel(
            Settings(seed=1, start_ns=START_NS),
            Ports(link=Link(), engine=self.exchange, recorder=NoRecorder()),
        )
        self.exchange.bind(self.kernel)
        exchange: ActorRef[Any] = self.kernel.reference(ADDRESS)
        scripts = {"dealer": (dealer, ()), "customer": (customer, ()), "watcher": ({}, topics)}
        self.actors: dict[str, Scripted] = {}
        for name, (script, heard) in scripts.items():
            self.actors[name] = Scripted(exchange, script, heard)
            self.kernel.spawn(name, lambda name=name: self.actors[name])  # type: ignore[misc]
        self.kernel.run_until(START_NS + 30 * SECOND_NS)

    def heard(self, name: str) -> list[Any]:
        """Return what an actor heard."""
        return self.actors[name].state.messages
