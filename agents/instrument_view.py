"""What one agent knows of one instrument: the touch as last heard, and the phase."""

import msgspec

from environment.messages import Phase, PhaseChanged, QuoteUpdate


def quotes_topic(symbol: str) -> str:
    """Return the topic on which an instrument's touch is published."""
    return f"market/{symbol}/quotes"


def status_topic(symbol: str) -> str:
    """Return the topic of an instrument's phases, bands and auction indications."""
    return f"market/{symbol}/status"


class InstrumentView(msgspec.Struct):
    """The delayed view of one instrument; part of its agent's state."""

    bid_price: int | None = None
    bid_quantity: int = 0
    ask_price: int | None = None
    ask_quantity: int = 0
    volume: int = 0  # Lots traded today.
    phase: Phase | None = None  # None: not told yet; then the touch alone decides.
    heard_ns: int = -1  # When the touch was last heard; below 0: never.

    @property
    def is_continuous(self) -> bool:
        """Return whether orders meet as they arrive, as far as is known."""
        return self.phase in {None, "continuous"}

    @property
    def twice_mid(self) -> int | None:
        """Return twice the mid in ticks, which is whole, or None without both sides."""
        if self.bid_price is None or self.ask_price is None:
            return None
        return self.bid_price + self.ask_price

    def hear(self, message: QuoteUpdate | PhaseChanged, now_ns: int) -> None:
        """Take an update in."""
        if isinstance(message, PhaseChanged):
            self.phase = message.phase
            return
        self.bid_price, self.bid_quantity = message.bid_price, message.bid_quantity
        self.ask_price, self.ask_quantity = message.ask_price, message.ask_quantity
        self.volume, self.heard_ns = message.volume, now_ns
