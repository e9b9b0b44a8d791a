"""What may fill by itself: a structure legged into is as bad as it is after the worst of its legs.

Nobody knows in which order working orders fill, nor whether all do. So an order is judged as filled
beside any of the others, filled or not. Per scenario the worst choice is to leave out each order
that would gain, which is exact over all choices without trying them.
"""

from collections.abc import Iterable

from agents.desk.exposure import DeskBook
from agents.desk.market_facts import Market
from agents.orders import TrackedOrder

Lots = dict[str, int]


def apart_of(
    book: DeskBook, without: TrackedOrder | None, market: Market, traded: Iterable[str]
) -> dict[str, list[Lots]]:
    """Return by underlying what working orders but one would add, each by itself.

    Orders of one leg and side gain and lose together, and count as one; a multi-leg order fills
    whole. Only underlyings of which an option is held, works or is `traded`: stock alone makes no
    structure.
    """
    facts = market.facts
    with_options = {facts[symbol].underlying for symbol in traded if facts[symbol].is_option}
    for symbol, held in book.account.items():
        if facts[symbol].is_option and (held.position or held.buying or held.selling):
            with_options.add(facts[symbol].underlying)
    if not with_options:
        return {}
    singles: dict[tuple[str, str], int] = {}
    found: dict[str, list[Lots]] = {}
    for order in book.orders.values():
        units = order.at_most()
        if order is without or not units:
            continue
        packages: dict[str, Lots] = {}
        for leg in order.each_leg():
            symbol, lots = leg.instrument, units * leg.ratio
            signed = lots if leg.side == "buy" else -lots
            if order.legs:
                package = packages.setdefault(facts[symbol].underlying, {})
                package[symbol] = package.get(symbol, 0) + signed
            else:
                singles[symbol, leg.side] = singles.get((symbol, leg.side), 0) + signed
        for name, package in packages.items():
            found.setdefault(name, []).append(package)
    for (symbol, _), lots in singles.items():
        found.setdefault(facts[symbol].underlying, []).append({symbol: lots})
    return {name: found[name] for name in with_options & found.keys()}
