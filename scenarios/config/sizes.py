"""Amounts that no run could hold, refused where they are read and not after a day of market.

Money is an int64 of millionths. A single amount must stay below 2^62 (`environment.instruments`),
and so must what all accounts hold together, and what one can trade in a day at the first prices.
"""

from collections.abc import Iterator
from decimal import Decimal
from typing import Final, NamedTuple

from environment.instruments import MICROS, Instrument, make_equity
from scenarios.config import world
from scenarios.config.market import Correlated, Heston, MeanReverting
from scenarios.config.scenario import Scenario

LIMIT_MICROS: Final = 1 << 62
MOST_A_SECOND: Final = 1_000_000.0  # Of market time; a compiled crowd does about so many a second.
_DEAR: Final = Decimal(1_000)
_TRADED_SECONDS: Final = 30_600.0  # From 08:00 to 16:30, more than any exchange's day.
_MIXTURE_LOTS: Final = 1_000  # The reference's mixture of sizes hardly ever draws more.

Fault = tuple[tuple[str, ...], str]


class Activity(NamedTuple):
    """How often one trader may order in a day, what it asks at most, and the keys of both."""

    orders: float
    lots: int
    rate_key: str
    size_key: str


def size_faults(scenario: Scenario) -> Iterator[Fault]:
    """Yield ticks, prices, sizes and amounts beyond what instruments and accounts can hold."""
    stocks: list[Instrument] = []
    for index, told in enumerate(scenario.instruments):
        path = ("instruments", str(index))
        try:
            stocks.append(make_equity(told.symbol, tick=told.tick, lot=told.lot))
        except ValueError as error:
            yield (*path, "tick"), f"{error}; choose 0.01"
            return
        yield from _price_faults((*path, "price"), told.price, stocks[-1])
    dearest = max(_start(told.price) for told in scenario.instruments)
    shares = max(stock.lot_units for stock in stocks)
    most_lots = min(stock.quantity_lots_max for stock in stocks)
    yield from _order_faults(scenario, most_lots)
    yield from _sum_faults(scenario, int(dearest * MICROS) * shares)


def _start(price: object) -> Decimal:
    match price:
        case MeanReverting():
            return Decimal(price.mean)
        case Heston() | Correlated():
            return Decimal(price.start)
        case _:  # What a file says is not known yet: it stands for a dear stock.
            return _DEAR


def _price_faults(path: tuple[str, ...], price: object, stock: Instrument) -> Iterator[Fault]:
    """Yield a price below one tick, or above what the instrument's orders may carry."""
    if not isinstance(price, MeanReverting | Heston | Correlated):
        return
    start = _start(price)
    key = (*path, "mean" if isinstance(price, MeanReverting) else "start")
    least, most = stock.price_decimal(1), stock.price_decimal(stock.price_ticks_max)
    if not least <= start <= most:
        span = f"from one tick, {least.normalize():f}, to {most:,.0f}"
        yield key, f"expected a price {span}, found {start}"


def _order_faults(scenario: Scenario, most_lots: int) -> Iterator[Fault]:
    """Yield orders larger than an instrument takes, and crowds that never come to an end."""
    for name, crowd in scenario.crowds.items():
        told = activity(crowd)
        if told is None:
            continue
        if told.lots > most_lots:
            text = f"expected orders of at most {most_lots:,} lots, found up to {told.lots:,}"
            yield ("crowds", name, told.size_key), text
        if crowd.count * told.orders / _TRADED_SECONDS > MOST_A_SECOND:
            text = (
                f"{crowd.count:,} traders would act more than {MOST_A_SECOND:,.0f} times a second"
            )
            mend = "let fewer of them act, or less often"
            yield ("crowds", name, told.rate_key), f"{text} of market time; {mend}"


def _sum_faults(scenario: Scenario, lot_micros: int) -> Iterator[Fault]:
    """Yield cash and stock that together do not fit, and trading that one account could not hold.

    What every account begins with is owed by one contra account, so it is their sum that counts.
    """
    keys: list[tuple[int, tuple[str, ...]]] = [(int(scenario.account.cash), ("account", "cash"))]
    for name, actor in scenario.actors.items():
        keys.append((int(actor.cash), ("actors", name, "cash")))
    for name, crowd in scenario.crowds.items():
        path = ("crowds", name)
        keys.append((crowd.count * int(crowd.cash), (*path, "cash")))
        keys.append((crowd.count * crowd.holding * lot_micros, (*path, "holding")))
    total, limit = sum(amount for amount, _ in keys), _money(LIMIT_MICROS)
    if total >= LIMIT_MICROS:
        amount, key = max(keys)
        text = f"comes to {_money(amount)}, and all that accounts begin with to {_money(total)}"
        yield key, f"{text}, of which less than {limit} can be counted; give less"
    for name, crowd in scenario.crowds.items():
        told = activity(crowd)
        traded = 0 if told is None else int(told.orders + 1) * told.lots * lot_micros
        if told is not None and traded >= LIMIT_MICROS:
            text = f"one trader could trade {_money(traded)} in a day"
            mend = "give smaller orders"
            yield (
                ("crowds", name, told.size_key),
                f"{text}, of which less than {limit} can be counted; {mend}",
            )


def _money(micros: int) -> str:
    return f"{micros // MICROS:,}"


def activity(crowd: world.CrowdKind) -> Activity | None:
    """Return what one trader of a crowd may order in a day; None for those of options."""
    match crowd:
        case world.Noise():
            return Activity(crowd.wakes, _most(crowd.size), "wakes", "size")
        case world.Value():
            wakes = crowd.arrivals_per_ns * 1e9 * _TRADED_SECONDS
            return Activity(wakes, _most(crowd.size) * crowd.conviction, "arrivals_per_ns", "size")
        case world.Momentum():
            return Activity(_beats(int(crowd.every)), crowd.size[1], "every", "size")
        case world.AdaptiveMaker():
            lots = max(crowd.minimum_size, crowd.backstop)
            orders = 2 * crowd.levels * _beats(int(crowd.every))
            key = "backstop" if crowd.backstop >= crowd.minimum_size else "minimum_size"
            return Activity(orders, lots, "every", key)
        case world.Hawkes():
            rate = crowd.rate_per_second / (1.0 - crowd.branching)
            return Activity(rate * _TRADED_SECONDS, _most(crowd.size), "rate_per_second", "size")
        case world.Spoofer():
            orders = (crowd.layers + 1) * _beats(int(crowd.every))
            key = "layer_size" if crowd.layer_size >= crowd.size else "size"
            return Activity(orders, max(crowd.layer_size, crowd.size), "every", key)
        case world.Ignition():
            return Activity(2 * crowd.burst * _beats(int(crowd.every)), crowd.size, "every", "size")
        case _:
            return None


def _beats(every_ns: int) -> float:
    return _TRADED_SECONDS * 1e9 / every_ns


def _most(size: object) -> int:
    return size if isinstance(size, int) else _MIXTURE_LOTS
