"""What a dealer knows that it holds, and what that comes to.

It takes in at one wake-up what it has heard at the one before, as does
`dealer_holdings.hear_fills`.
"""

import msgspec

from agents.crowd.option_traders.chain import Chain
from agents.crowd.option_traders.surface import ExpiryShift, Value
from environment.option_messages import DealerView


class Holdings(msgspec.Struct):
    """Contracts by place, negative where written, and the sums of their greeks.

    `heard` waits to be taken in; `seen` and `handled` count the trades behind the two. Delta and
    gamma are in shares (the latter per 1 of price), vega in money per point.
    """

    held: list[int] = []
    heard: list[int] = []
    seen: int = 0
    handled: int = 0
    delta: float = 0.0
    gamma: float = 0.0
    vega: float = 0.0

    def begin_day(self, view: DealerView) -> None:
        """Know in the morning what is held: the night may have changed it."""
        self.held = self.heard = [own.held for own in view.own]
        self.seen = self.handled = view.fills

    def hear(self, view: DealerView) -> bool:
        """Take in what the last wake-up heard of; return whether that changed what is known."""
        is_news = self.seen != self.handled
        if is_news:
            self.held, self.handled = self.heard, self.seen
        if view.fills != self.seen:
            self.heard, self.seen = [own.held for own in view.own], view.fills
        return is_news

    def sum_greeks(self, chain: Chain, values: list[Value], shifts: list[ExpiryShift]) -> None:
        """Sum the greeks of all that is held, vega and gamma also by expiry."""
        for shift in shifts:
            shift.vega = shift.gamma = 0.0
        delta = gamma = vega = 0.0
        for place, contracts in enumerate(self.held):
            if not contracts:
                continue
            held, value = contracts * chain.multiplier(place), values[place]
            delta += held * value.delta
            gamma += held * value.gamma
            points = held * value.vega * 0.01
            vega += points
            shift = shifts[chain.expiry(place)]
            shift.vega += points
            shift.gamma += held * value.gamma
        self.delta, self.gamma, self.vega = delta, gamma, vega
