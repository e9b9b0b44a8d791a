"""Holdings as the panel follows them: cost, what closing made, and orders that still work."""

from agents.human.panel_books import Books, Holding
from environment.instruments import make_equity
from environment.messages import ApprovedOrder, OrderCancelled, OrderFilled, OrderRequest

AAPL = make_equity("AAPL")
DOLLAR = 1_000_000


def test_closing_gives_back_its_share_of_the_cost() -> None:
    held = Holding()
    held.trade("buy", 10, 1_000 * DOLLAR)
    held.trade("sell", 4, 440 * DOLLAR)
    assert (held.lots, held.cost_micros, held.realised_micros) == (
        6, 600 * DOLLAR, 40 * DOLLAR,
    )  # fmt: skip


def test_a_short_position_gains_when_it_is_bought_back_cheaper() -> None:
    held = Holding()
    held.trade("sell", 10, 1_000 * DOLLAR)
    held.trade("buy", 10, 900 * DOLLAR)
    assert (held.lots, held.cost_micros, held.realised_micros) == (0, 0, 100 * DOLLAR)


def test_a_fill_may_close_and_open_at_once() -> None:
    held = Holding()
    held.trade("buy", 5, 500 * DOLLAR)
    held.trade("sell", 8, 880 * DOLLAR)
    assert (held.lots, held.cost_micros, held.realised_micros) == (
        -3, -330 * DOLLAR, 50 * DOLLAR,
    )  # fmt: skip


def approved(order_id: str) -> ApprovedOrder:
    order = OrderRequest(
        order_id=order_id, instrument="AAPL", side="buy", quantity=10, price=10_000
    )
    return ApprovedOrder(order=order, owner="quant/a", account="swarm", verdict_id=1)


def filled(order_id: str, quantity: int, leaves: int) -> OrderFilled:
    return OrderFilled(
        order_id=order_id, instrument="AAPL", side="buy", price=10_000, quantity=quantity,
        leaves=leaves, liquidity="taker", fee_micros=5, exchange_ns=1, trade_id=1,
    )  # fmt: skip


def test_orders_work_until_they_are_filled_or_cancelled() -> None:
    books = Books({"AAPL": AAPL}, {})
    for name in ("quant/a/1", "quant/a/2"):
        books.approve(approved(name))
    books.follow(filled("quant/a/1", 10, 0))
    assert [order.order_id for order in books.working()] == ["quant/a/2"]
    books.follow(
        OrderCancelled(
            order_id="quant/a/2", instrument="AAPL", quantity=10, reason="asked", exchange_ns=1
        )
    )
    assert books.working() == []
    assert books.holdings["AAPL"].fees_micros == 5
