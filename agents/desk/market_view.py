"""What the desk knows of one instrument: touch, depth, last print, phase, and when it heard."""

from agents.desk.price_window import PriceWindow
from agents.instrument_view import InstrumentView
from environment.messages import DepthUpdate, QuoteUpdate


class DeskView(InstrumentView):
    """An instrument view with what price collars and the share of depth need."""

    last_price: int | None = None
    bid_depth: int | None = None  # Lots of all levels seen; None: no depth was heard.
    ask_depth: int | None = None
    spot_micros: int = 0  # Of the underlying, when this option was last heard of.
    window: PriceWindow | None = None  # Kept where a limit asks for it.

    def hear_quote(self, quote: QuoteUpdate, now_ns: int, spot_micros: int) -> None:
        """Take a touch in; without depth, the touch is all that is shown."""
        is_print = quote.volume not in {0, self.volume}
        self.hear(quote, now_ns)
        if self.window is not None:
            last = quote.last_price if is_print else None
            self.window.hear(self.twice_mid, last, now_ns)
        self.last_price, self.spot_micros = quote.last_price, spot_micros
        self.bid_depth, self.ask_depth = quote.bid_quantity, quote.ask_quantity

    def keep_window(self, span_ns: int) -> None:
        """Keep the prices of so long a time from now on; 0: of none."""
        if not span_ns:
            self.window = None
        elif self.window is None:
            self.window = PriceWindow(span_ns)
        else:
            self.window.span_ns = span_ns

    def hear_depth(self, depth: DepthUpdate) -> None:
        """Take the levels in."""
        self.bid_depth = sum(quantity for _, quantity in depth.bids)
        self.ask_depth = sum(quantity for _, quantity in depth.asks)
