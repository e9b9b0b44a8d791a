"""The actors whose messages both kernels' benchmarks count."""

import msgspec

from environment.actors import Actor, ActorContext, ActorRef
from environment.messages import Message, QuoteUpdate, Resumed

ACTORS = 100  # How many relays stand in a ring.


class Token(Message, frozen=True, kw_only=True):
    """What goes round and round."""

    number: int


class Relay(Actor[Resumed | Token]):
    """Passes each token on to the next; the first one brings `tokens` of them in."""

    def __init__(self, to: ActorRef[Token], tokens: int) -> None:
        self._to, self._tokens = to, tokens

    def receive(self, ctx: ActorContext, message: Resumed | Token) -> None:
        """Pass on."""
        if isinstance(message, Token):
            ctx.send(self._to, message)
        else:
            for number in range(self._tokens):
                ctx.send(self._to, Token(number=number))


class CountState(msgspec.Struct):
    """How many were seen."""

    seen: int = 0


class Listener(Actor[Resumed | QuoteUpdate]):
    """Counts quotes."""

    def __init__(self) -> None:
        self.state: CountState = CountState()

    def receive(self, ctx: ActorContext, message: Resumed | QuoteUpdate) -> None:
        """Count, or subscribe."""
        if isinstance(message, QuoteUpdate):
            self.state.seen += 1
        else:
            ctx.subscribe("quotes")


def quote_at(now_ns: int) -> QuoteUpdate:
    """Return a quote of one moment."""
    return QuoteUpdate(
        instrument="AAPL", bid_price=100, bid_quantity=1, ask_price=101, ask_quantity=1,
        last_price=None, volume=0, exchange_ns=now_ns, first_sequence=1, last_sequence=1,
    )  # fmt: skip


def next_in_ring(index: int) -> str:
    """Return the address to which a relay passes its tokens on: not its neighbour's."""
    return f"relay/{(index * 7 + 1) % ACTORS}"
