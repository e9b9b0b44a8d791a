"""Market data from rows of the core to publications on topics."""

from collections.abc import Mapping
from typing import Final, Protocol

from environment.instruments import Instrument
from environment.market import layout as at
from environment.market.market import Market
from environment.market.session import PHASE_REASONS
from environment.messages import (
    AuctionIndication,
    BandsChanged,
    DepthUpdate,
    Message,
    PhaseChanged,
    QuoteUpdate,
    TradePrint,
)
from environment.option_messages import ChainRow, ChainUpdate, SeriesListed

DEPTH_LEVELS: Final = 10
# Feed by the last part of its topic `market/SYMBOL/FEED`: kind, and interval in ns.
FEEDS: Final = {
    "quotes": (at.FEED_QUOTES, 100_000_000),
    "every_quote": (at.FEED_QUOTES, 0),
    "trades": (at.FEED_TRADES, 0),
    "depth": (at.FEED_DEPTH, 1_000_000_000),
    "status": (at.FEED_STATUS, 0),
    "chain": (at.FEED_CHAIN, 5_000_000_000),
}


class Topics(Protocol):
    """What publishing needs of a kernel."""

    def now_ns(self) -> int:
        """Return the time of the event in hand, which the core may not have reached."""

    def deliver_topic(
        self, at_ns: int, sender: str, topic: str, message: Message, sent_ns: int | None = None
    ) -> int:
        """Publish one message."""


def topic_of(symbol: str, feed: str) -> str:
    """Return the topic of one feed of one instrument."""
    return f"market/{symbol}/{feed}"


class Publisher:
    """Turn the core's market-data rows into messages, once somebody has subscribed."""

    def __init__(
        self, names: list[str], sender: str, series: Mapping[str, Instrument] | None = None
    ) -> None:  # fmt: skip
        self._names, self._sender, self._series = names, sender, dict(series or {})
        self.topics: list[str] = []
        self._offered: dict[str, tuple[int, str, int, int]] = {}
        self._kernel: Topics | None = None

    def bind(self, kernel: Topics) -> None:
        """Take the kernel to publish through."""
        self._kernel = kernel

    def offer(self, symbol: str, instrument: int, latency: int, key: int) -> None:
        """Let the feeds of an instrument be had: the core begins each when somebody subscribes."""
        for number, feed in enumerate(FEEDS):
            self._offered[topic_of(symbol, feed)] = (instrument, feed, latency, key + number)

    def heard(self, market: Market, topic: str) -> None:
        """Have the core publish a topic that somebody now hears."""
        offer = self._offered.pop(topic, None)
        if offer is None:
            return
        instrument, feed, latency, key = offer
        kind, interval = FEEDS[feed]
        number = len(self.topics)
        self.topics.append(topic)
        market.add_feed(
            instrument, kind, interval, number, latency=latency, key=key,
            levels=0 if kind == at.FEED_CHAIN else DEPTH_LEVELS,
            begin_ns=0 if self._kernel is None else self._kernel.now_ns(),
        )  # fmt: skip

    def rename(self, changed: Mapping[int, Instrument]) -> None:
        """Publish series by new symbols, on topics of those; the next chain announces them.

        Whoever heard one by its old symbol subscribes anew.
        """
        names: dict[str, str] = {}
        for number, instrument in changed.items():
            old, self._names[number] = self._names[number], instrument.symbol
            self._series[instrument.symbol] = instrument
            names |= {topic_of(old, feed): topic_of(instrument.symbol, feed) for feed in FEEDS}
        self.topics = [names.get(topic, topic) for topic in self.topics]
        self._offered = {names.get(topic, topic): offer for topic, offer in self._offered.items()}

    def publish(self, rows: list[list[int]], place: int) -> int:
        """Publish what begins at a row; return how many rows it took."""
        row = rows[place]
        kind = row[at.X_KIND]
        taken = row[at.X_EXTRA] + 1 if kind in (at.M_DEPTH, at.M_CHAIN) else 1
        if kind == at.M_CALLBACK:
            return 1
        topic = self.topics[row[at.X_RECIPIENT]]
        kernel = self._kernel
        assert kernel is not None, "the publisher is not bound to a kernel"
        if kind == at.M_DEPTH:
            message: Message = self._depth(rows[place : place + taken])
        elif kind == at.M_CHAIN:
            self._announce(rows[place + 1 : place + taken], topic)
            message = self._chain(rows[place : place + taken])
        else:
            message = self._message(row, kind)
        kernel.deliver_topic(
            row[at.X_DELIVERY_NS], self._sender, topic, message, row[at.X_EXCHANGE_NS]
        )
        return taken

    def _message(self, row: list[int], kind: int) -> Message:
        symbol, now_ns = self._names[row[at.X_INSTRUMENT]], row[at.X_EXCHANGE_NS]
        sequence = row[at.X_SEQUENCE]
        if kind == at.M_QUOTE:
            return _quote(symbol, row, now_ns)
        price = row[at.X_PRICE]
        if kind == at.M_TRADE:
            return TradePrint(
                instrument=symbol, price=price, quantity=row[at.X_QUANTITY],
                aggressor="buy" if row[at.X_SIDE] == at.BUY else "sell", exchange_ns=now_ns,
                sequence=sequence, half_tick=bool(row[at.X_LIQUIDITY]),
                package_id=row[at.X_ORDER] or None,
            )  # fmt: skip
        if kind == at.M_PHASE:
            return PhaseChanged(
                instrument=symbol, phase=at.PHASES[row[at.X_SIDE]],
                reason=PHASE_REASONS[price], exchange_ns=now_ns, sequence=sequence,
            )  # fmt: skip
        if kind == at.M_BANDS:
            return BandsChanged(
                instrument=symbol, lower=price, upper=row[at.X_QUANTITY],
                reference=row[at.X_LEAVES], exchange_ns=now_ns, sequence=sequence,
            )  # fmt: skip
        return AuctionIndication(
            instrument=symbol, price=price if price > -at.MAX_PRICE else None,
            quantity=row[at.X_QUANTITY], imbalance=row[at.X_LEAVES], exchange_ns=now_ns,
            sequence=sequence,
        )  # fmt: skip

    def _depth(self, rows: list[list[int]]) -> DepthUpdate:
        sides: tuple[list[tuple[int, int]], list[tuple[int, int]]] = ([], [])
        for row in rows:
            if row[at.X_QUANTITY] > 0:
                sides[row[at.X_SIDE]].append((row[at.X_PRICE], row[at.X_QUANTITY]))
        return DepthUpdate(
            instrument=self._names[rows[0][at.X_INSTRUMENT]], bids=tuple(sides[0]),
            asks=tuple(sides[1]), exchange_ns=rows[0][at.X_EXCHANGE_NS],
            first_sequence=rows[0][at.X_ORDER], last_sequence=rows[0][at.X_SEQUENCE],
        )  # fmt: skip

    def _announce(self, rows: list[list[int]], topic: str) -> None:
        """Say of every series that a chain shows for the first time what it is."""
        kernel = self._kernel
        assert kernel is not None, "the publisher is not bound to a kernel"
        for row in rows:
            series = self._series.get(self._names[row[at.X_INSTRUMENT]])
            if row[at.X_CAUSE] and series is not None:
                kernel.deliver_topic(
                    row[at.X_DELIVERY_NS], self._sender, topic, _listed(series),
                    row[at.X_EXCHANGE_NS],
                )  # fmt: skip

    def _chain(self, rows: list[list[int]]) -> ChainUpdate:
        stock = rows[0]
        has_bid, has_ask = stock[at.Q_BID_QUANTITY] > 0, stock[at.Q_ASK_QUANTITY] > 0
        return ChainUpdate(
            underlying=self._names[stock[at.X_INSTRUMENT]],
            bid_price=stock[at.Q_BID] if has_bid else None,
            ask_price=stock[at.Q_ASK] if has_ask else None,
            rows=tuple(
                ChainRow(
                    self._names[row[at.X_INSTRUMENT]],
                    row[at.Q_BID] if row[at.Q_BID_QUANTITY] else 0, row[at.Q_BID_QUANTITY],
                    row[at.Q_ASK] if row[at.Q_ASK_QUANTITY] else 0, row[at.Q_ASK_QUANTITY],
                    row[at.Q_LAST], row[at.Q_VOLUME], row[at.X_FEE],
                )
                for row in rows[1:]
            ),
            exchange_ns=stock[at.X_EXCHANGE_NS], first_sequence=stock[at.X_SEQUENCE],
            last_sequence=stock[at.X_SEQUENCE],
        )  # fmt: skip


def _listed(series: Instrument) -> SeriesListed:
    assert series.expiry is not None, "an option has an expiry"
    return SeriesListed(
        instrument=series.symbol, underlying=series.underlying or "", expiry=series.expiry,
        strike_micros=series.strike_micros or 0, right=series.right or "call",
        style=series.style or "american", settlement=series.settlement or "physical",
        multiplier=series.multiplier,
    )  # fmt: skip


def _quote(symbol: str, row: list[int], now_ns: int) -> QuoteUpdate:
    bid, ask = row[at.Q_BID_QUANTITY] > 0, row[at.Q_ASK_QUANTITY] > 0
    return QuoteUpdate(
        instrument=symbol,
        bid_price=row[at.Q_BID] if bid else None,
        bid_quantity=row[at.Q_BID_QUANTITY],
        ask_price=row[at.Q_ASK] if ask else None,
        ask_quantity=row[at.Q_ASK_QUANTITY],
        last_price=row[at.Q_LAST] or None,
        volume=row[at.Q_VOLUME],
        exchange_ns=now_ns,
        first_sequence=row[at.Q_FIRST_SEQUENCE],
        last_sequence=row[at.Q_LAST_SEQUENCE],
    )
