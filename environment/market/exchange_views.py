"""What a crowd's trader sees when it wakes, out of the core's rows: its stock, series, itself."""

import msgspec

from environment.market import layout as at
from environment.messages import MarketView
from environment.option_messages import ChainView, DealerView, OwnSeries, SeriesTouch


def view_of(row: list[int], seen: list[list[int]]) -> MarketView:
    """Return the message of a wake-up; `seen` are the rows before it, of a trader of options."""
    stock = MarketView(
        is_open=row[at.W_STATE] != at.VIEW_NONE, is_trading=row[at.W_STATE] == at.VIEW_TRADING,
        bid_price=row[at.Q_BID], bid_quantity=row[at.Q_BID_QUANTITY], ask_price=row[at.Q_ASK],
        ask_quantity=row[at.Q_ASK_QUANTITY], last_price=row[at.Q_LAST], volume=row[at.Q_VOLUME],
        observed=row[at.X_EXTRA], now_ns=row[at.X_DELIVERY_NS], opens_ns=row[at.W_OPENS],
        closes_ns=row[at.W_CLOSES], inventory=row[at.W_INVENTORY],
    )  # fmt: skip
    return stock if row[at.X_KIND] == at.M_WAKE else _with_series(stock, seen)


def _with_series(stock: MarketView, seen: list[list[int]]) -> ChainView:
    touch = msgspec.structs.asdict(stock)
    series = tuple(
        SeriesTouch(
            one[at.X_INSTRUMENT], one[at.Q_BID], one[at.Q_BID_QUANTITY], one[at.Q_ASK],
            one[at.Q_ASK_QUANTITY],
        )
        for one in seen if one[at.X_KIND] == at.M_SEEN
    )  # fmt: skip
    if not seen or seen[-1][at.X_KIND] != at.M_STANDING:
        return ChainView(series=series, **touch)
    own = tuple(
        OwnSeries(one[at.OWN_HELD], one[at.OWN_BID_LEFT], one[at.OWN_ASK_LEFT])
        for one in seen if one[at.X_KIND] == at.M_OWN
    )  # fmt: skip
    return DealerView(
        series=series, own=own, is_armed=seen[-1][at.STANDS_ARMED] != 0,
        fills=seen[-1][at.STANDS_FILLS], room=seen[-1][at.STANDS_ROOM], **touch,
    )  # fmt: skip
