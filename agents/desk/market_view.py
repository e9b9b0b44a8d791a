"""What the desk knows of one instrument: touch, depth, last print, phase, and when it heard."""

from agents.instrument_view import InstrumentView
from environment.messages import DepthUpdate, QuoteUpdate


class DeskView(InstrumentView):
    """An instrument view with what price collars and the share of depth need."""

    last_price: int | None = None
    bid_depth: int | None = None  # Lots of all levels seen; None: no depth was heard.
    ask_depth: int | None = None
    spot_micros: int = 0  # Of the underlying, when this option was last heard of.

    def hear_quote(self, quote: QuoteUpdate, now_ns: int, spot_micros: int) -> None:
        """Take a touch in; without depth, the touch is all that is shown."""
        self.hear(quote, now_ns)
        self.last_price, self.spot_micros = quote.last_price, spot_micros
        self.bid_depth, self.ask_depth = quote.bid_quantity, quote.ask_quantity

    def hear_depth(self, depth: DepthUpdate) -> None:
        """Take the levels in."""
        self.bid_depth = sum(quantity for _, quantity in depth.bids)
        self.ask_depth = sum(quantity for _, quantity in depth.asks)
