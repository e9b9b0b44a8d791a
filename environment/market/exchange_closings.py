"""What an account hears of the orders that its broker enters for it."""

from environment.clearing_messages import BrokerFill
from environment.instruments import half_even
from environment.market import layout as at
from environment.market.exchange_state import Closing
from environment.market.market import Market
from environment.messages import Message, OrderFilled


def broker_fill(
    market: Market, instrument: int, closing: Closing, told: Message
) -> BrokerFill | None:
    """Return a fill of an order that the broker entered for an account, as the account hears it.

    None for all else about such an order: it is the broker's business.
    """
    if not isinstance(told, OrderFilled):
        return None
    value = int(market.section(at.S_INSTRUMENT)[instrument, at.I_VALUE]) * told.quantity
    paid = half_even((2 * told.price + told.half_tick) * value, 2)
    return BrokerFill(
        order_id=told.order_id, instrument=told.instrument, side=told.side, price=told.price,
        quantity=told.quantity, fee_micros=told.fee_micros,
        cash_micros=(-paid if told.side == "buy" else paid) - told.fee_micros,
        exchange_ns=told.exchange_ns, trade_id=told.trade_id, session=closing.session,
        by=closing.by, reason=closing.reason, shortfall_micros=closing.shortfall_micros,
    )  # fmt: skip
