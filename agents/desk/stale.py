"""What a reduction goes out as on stale data: with a limit, the last good price and the collar.

It skips the limit on the age of data, so that what lowers risk is never held up; but nobody knows
where the market is now, so that it may not trade at any price (docs/decisions/0103).
"""

from math import floor
from typing import Final

import msgspec

from agents.desk.case import Case
from agents.desk.control_figures import data_age, net_at_marks
from agents.desk.limits import Rulebook
from environment.messages import OrderRequest, OrderType

_COLLAR: Final = 0.05  # Where no limit says another.
_BECOMES: Final[dict[OrderType, OrderType]] = {
    "market": "limit", "stop": "stop_limit", "trailing_stop": "stop_limit",
}  # fmt: skip


def bounded(case: Case, rules: Rulebook) -> OrderRequest:
    """Return an order as it goes out: of its own limit and the collar's the tighter one."""
    if not case.is_reducing or not _is_stale(case, rules):
        return case.request
    collar = rules.limits.get("price_collar")
    share = collar.hard if collar and collar.hard is not None else _COLLAR
    return _structure(case, share) if case.request.legs else _single(case, share)


def _is_stale(case: Case, rules: Rulebook) -> bool:
    limit, age = rules.limits.get("data_age"), data_age(case)
    if limit is None or age is None:
        return False
    return age > min(most for most in (limit.soft, limit.hard) if most is not None)


def _structure(case: Case, share: float) -> OrderRequest:
    """Bound a net price: the collar is a share of what all its legs come to."""
    request, (net, gross) = case.request, net_at_marks(case)
    worst = floor(net + share * gross)
    if request.price is not None and request.price <= worst:
        return request
    return msgspec.structs.replace(request, price=worst)


def _single(case: Case, share: float) -> OrderRequest:
    request, leg = case.request, case.legs[0]
    is_buy, mark = leg.side == "buy", case.mark_of(leg)
    trigger = request.stop_price
    if request.order_type == "trailing_stop" and trigger is not None:
        # There is nothing to follow: it stands where its offset puts it now.
        trigger = max(mark + trigger if is_buy else mark - trigger, 1)
    reference = mark
    if trigger is not None:  # It sends nothing before the market is there.
        reference = max(mark, trigger) if is_buy else min(mark, trigger)
    away = 1.0 + share if is_buy else 1.0 - share
    worst = leg.instrument.round_price(max(round(reference * away), 1), up=is_buy)
    price = request.price
    if price is None or (price > worst if is_buy else price < worst):
        price = worst
    order_type = _BECOMES.get(request.order_type, request.order_type)
    return msgspec.structs.replace(request, order_type=order_type, price=price, stop_price=trigger)
