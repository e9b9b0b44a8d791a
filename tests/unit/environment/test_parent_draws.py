"""What an approved parent's children may draw from it, whatever the venue reports."""

from environment.messages import OrderAccepted, OrderCancelled, OrderFilled, OrderRefused
from environment.parent_draws import ParentDraws


def filled(order_id: str, quantity: int) -> OrderFilled:
    return OrderFilled(
        order_id=order_id, instrument="AAPL", side="buy", price=1, quantity=quantity, leaves=1,
        liquidity="taker", fee_micros=0, exchange_ns=0, trade_id=1,
    )  # fmt: skip


def cancelled(order_id: str, left: int) -> OrderCancelled:
    return OrderCancelled(
        order_id=order_id, instrument="AAPL", quantity=left, reason="", exchange_ns=0
    )


def drawn(*lots: int) -> ParentDraws:
    draws = ParentDraws()
    for number, quantity in enumerate(lots):
        assert draws.claim(f"a/{number}", "p", quantity, 10) == ""
    return draws


def test_draws_stop_at_what_was_approved() -> None:
    draws = drawn(6, 4)
    assert "covers 10, 10 of them are drawn" in draws.claim("a/9", "p", 1, 10)


def test_draws_give_back_a_refused_order() -> None:
    draws = drawn(6)
    draws.follow(OrderRefused(order_id="a/0", reason="halted"))
    assert draws.claim("a/1", "p", 10, 10) == ""


def test_draws_keep_an_order_whose_replace_was_refused() -> None:
    draws = drawn(6)
    draws.follow(OrderAccepted(order_id="a/0", instrument="AAPL", exchange_ns=0))
    draws.follow(OrderRefused(order_id="a/0", reason="no"))
    assert draws.claim("a/1", "p", 5, 10) != ""


def test_draws_count_fills_that_come_after_the_cancel() -> None:
    draws = drawn(6)
    draws.follow(cancelled("a/0", 4))
    draws.follow(filled("a/0", 2))
    assert draws.claim("a/1", "p", 9, 10) != ""
    assert draws.claim("a/1", "p", 8, 10) == ""


def test_draws_grow_with_a_replacement_and_never_shrink_by_one() -> None:
    draws = drawn(6)
    assert draws.claim("a/0", "p", 4, 10) == ""
    assert draws.claim("a/1", "p", 5, 10) != ""
    assert draws.claim("a/0", "p", 10, 10) == ""


def test_draws_refuse_an_order_of_another_parent() -> None:
    assert "belongs to p" in drawn(6).claim("a/0", "q", 6, 10)
