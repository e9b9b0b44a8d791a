"""Rates by scope, shares of daily volume and collars over a window, through the risk desk."""

from datetime import date
from typing import Any

import msgspec
import pytest
from hypothesis import given, strategies as st

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.price_window import PriceWindow
from agents.desk.reload import merged
from agents.desk.risk import Risk
from agents.desk.risk_state import RiskState
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.messages import (
    ApprovedReplace,
    CancelOrder,
    CancelRequest,
    OrderRefused,
    ReplaceRequest,
    Resumed,
)
from tests.unit.desk.factories import (
    AAPL,
    AGENT,
    DOLLAR,
    OTHER,
    accepted,
    ask,
    limits,
    make_risk,
    phase,
    quote,
    sender_of,
)
from tests.unit.desk.option_factories import C105, C110, CONDOR, P90, SERIES, TOUCHES, chain

SECOND = 1_000_000_000
EXECUTION = "desk/execution"


class Desk:
    """A risk desk, its clock, and what it says."""

    def __init__(self, rules: Rulebook, **given: Any) -> None:
        self.risk: Risk = make_risk(rules, execution=ActorRef(EXECUTION), **given)
        self.ctx = RecordingContext("desk/risk", now_ns=SECOND)
        self.tell(Resumed(), phase("continuous"), quote())

    def tell(self, *messages: Any, after_ns: int = 0) -> str:
        """Return the refusal of the last message, or ""."""
        self.ctx.set_time(self.ctx.now_ns() + after_ns)
        for message in messages:
            self.ctx.sent.clear()
            self.ctx.handle(self.risk, message, sender=sender_of(message))
        refused = [s.message for s in self.ctx.sent if isinstance(s.message, OrderRefused)]
        return refused[0].reason if refused else ""

    def price(self, mid: int, after_ns: int = SECOND) -> None:
        self.tell(quote(mid - 1, mid + 1), after_ns=after_ns)


def test_rate_of_a_strategy_counts_all_its_agents() -> None:
    desk = Desk(limits(strategy_orders_per_second=2))
    assert desk.tell(ask(1, strategy="trend")) == ""
    assert desk.tell(ask(1, OTHER, strategy="trend")) == ""
    assert desk.tell(ask(2, strategy="trend")).startswith("strategy_orders_per_second: 3 count")
    assert desk.tell(ask(3, strategy="carry")) == ""
    assert desk.tell(ask(4, strategy="trend"), after_ns=SECOND) == ""  # The second is over.


def test_rate_of_who_names_no_strategy_is_his_own() -> None:
    desk = Desk(limits(strategy_orders_per_second=1))
    assert desk.tell(ask(1)) == ""
    assert desk.tell(ask(1, OTHER)) == ""
    assert desk.tell(ask(2)).startswith("strategy_orders_per_second")


def test_rate_of_the_desk_counts_everybody_and_replacements_but_no_cancel() -> None:
    desk = Desk(limits(desk_orders_per_second=3))
    assert desk.tell(ask(1, strategy="trend"), accepted(f"{AGENT}/1")) == ""
    desk.tell(ReplaceRequest(order_id=f"{AGENT}/1", quantity=9, price=10_000))
    assert any(isinstance(s.message, ApprovedReplace) for s in desk.ctx.sent)
    assert desk.tell(ask(1, OTHER)) == ""
    assert desk.tell(ask(2, OTHER)).startswith("desk_orders_per_second: 4 count, limit 3")
    late = ReplaceRequest(order_id=f"{AGENT}/1", quantity=8, price=10_000)
    assert desk.tell(late).startswith("desk_orders_per_second: 5 count, limit 3")
    desk.tell(CancelRequest(order_id=f"{AGENT}/1"))
    assert any(isinstance(s.message, CancelOrder) for s in desk.ctx.sent)
    assert len(desk.risk.state.activity.sent) == 5


def test_rate_of_the_desk_refuses_a_child_of_a_loop_in_execution() -> None:
    desk = Desk(limits(desk_orders_per_second=3, strategy_orders_per_second=3, orders_per_second=1))
    parent = ask(1, quantity=10, style="passive", strategy="trend")
    assert desk.tell(parent) == ""
    said = [
        desk.tell(ask(number, EXECUTION, quantity=1, parent=parent.order_id))
        for number in (1, 2, 3)
    ]
    assert [reason.partition(":")[0] for reason in said] == ["", "", "strategy_orders_per_second"]


def test_rate_keeps_nothing_of_what_is_over() -> None:
    desk = Desk(limits(desk_orders_per_second=100))
    for number in range(1, 6):
        desk.tell(ask(number, strategy=f"s{number}"), after_ns=SECOND)
    activity = desk.risk.state.activity
    assert (len(activity.sent), activity.by_strategy) == (1, {"s5": 1})


def test_rate_goes_on_after_a_restart() -> None:
    desk = Desk(limits(desk_orders_per_second=1))
    desk.tell(ask(1))
    kept = msgspec.msgpack.encode(desk.risk.state)
    desk.risk.state = msgspec.msgpack.decode(kept, type=RiskState)
    assert desk.tell(ask(2)).startswith("desk_orders_per_second: 2 count")


def test_daily_volume_takes_the_order_at_its_mark() -> None:
    # 10 shares of 100.00 are a thousandth of a day that trades a million.
    day = {"AAPL": 1_000_000.0 * DOLLAR}
    at_limit = Desk(limits(order_share_of_daily_volume=0.001), day_micros=day)
    assert at_limit.tell(ask(1)) == ""
    assert at_limit.tell(ask(2, quantity=11)).startswith("order_share_of_daily_volume: 0.0011 sh")


def test_daily_volume_is_the_same_after_a_split() -> None:
    desk = Desk(
        limits(order_share_of_daily_volume=0.001), day_micros={"AAPL": 1_000_000.0 * DOLLAR}
    )
    desk.tell(quote(999, 1_001))  # Ten for one: a day trades ten times as many.
    assert desk.tell(ask(1, quantity=100, price=1_000)) == ""
    assert desk.tell(ask(2, quantity=101, price=1_000)).startswith("order_share_of_daily_volume")


def test_daily_volume_that_nobody_knows_is_refused_or_asked_and_says_so() -> None:
    desk = Desk(limits(order_share_of_daily_volume=1.0), day_micros={"MSFT": 1e18})
    assert desk.tell(ask(1)) == (
        "order_share_of_daily_volume: no day's volume is known of it, limit 1"
    )
    asks = Desk(Rulebook(limits={"order_share_of_daily_volume": Limit(soft=1.0)}))
    assert asks.tell(ask(1)) == ""
    assert list(asks.risk.state.waiting) == [f"{AGENT}/1"]


def collar(share: float = 0.02, seconds: int = 60) -> Rulebook:
    limit = Limit(hard=share, within_ns=seconds * SECOND)
    return Rulebook(limits={"window_collar": limit, "price_collar": Limit(hard=0.01)})


@pytest.mark.parametrize(("side", "step"), [("buy", 50), ("sell", -50)])
def test_slow_walk_away_of_small_steps_is_caught(side: str, step: int) -> None:
    desk = Desk(collar())
    said = []
    for number in range(1, 7):  # Each is half a per cent worse, and right at the price of now.
        mid = 10_000 + (number - 1) * step
        desk.price(mid)
        said.append(desk.tell(ask(number, side=side, price=mid, quantity=1)).partition(":")[0])
    assert said == ["", "", "", "", "", "window_collar"]  # 2 % is the limit, 2.5 % over it.


def test_slow_walk_that_takes_longer_than_the_window_passes() -> None:
    desk = Desk(collar(seconds=3))
    for number in range(1, 12):
        mid = 10_000 + (number - 1) * 50
        desk.price(mid)
        assert desk.tell(ask(number, price=mid, quantity=1)) == ""


def test_order_without_a_limit_pays_the_touch() -> None:
    desk = Desk(collar())
    desk.price(10_000)
    desk.tell(quote(10_198, 10_202), after_ns=SECOND)
    order = ask(1, order_type="market", price=None, quantity=1)
    assert desk.tell(order).startswith("window_collar: 0.0202 share, limit 0.02")


def test_print_counts_when_it_is_new_and_only_then() -> None:
    desk = Desk(collar())
    desk.price(10_000)
    for last, volume in ((9_700, 5), (10_000, 6), (10_000, 6)):
        desk.tell(quote(last_price=last, volume=volume), after_ns=SECOND)
    assert desk.tell(ask(1, quantity=1)).startswith("window_collar: 0.03093 share")
    desk = Desk(collar())
    desk.tell(quote(last_price=9_700, volume=0), after_ns=SECOND)  # Of the day before.
    desk.tell(quote(last_price=10_000, volume=0), after_ns=SECOND)
    assert desk.tell(ask(1, quantity=1)) == ""


def test_night_is_nobodys_walk() -> None:
    desk = Desk(collar())
    desk.price(9_000)
    desk.tell(phase("closed"), phase("continuous"), quote())
    assert desk.tell(ask(1, quantity=1)) == ""


def test_order_that_only_reduces_may_follow_a_fall() -> None:
    desk = Desk(collar())
    desk.risk.state.book.account_in("AAPL").position = 10
    desk.risk.state.book.owner_in(AGENT, "AAPL").position = 10
    desk.price(10_400)
    desk.price(10_000)
    assert desk.tell(ask(1, side="sell", quantity=10)) == ""
    assert desk.tell(ask(2, side="sell", quantity=1)).startswith("window_collar")


def test_window_is_kept_only_where_a_limit_asks_for_it() -> None:
    desk = Desk(limits(price_collar=0.01))
    assert desk.risk.state.views["AAPL"].window is None
    desk.risk.state.rules = msgspec.structs.replace(desk.risk.state.rules, limits=collar().limits)
    desk.price(10_000)
    assert desk.risk.state.views["AAPL"].window == PriceWindow(
        60 * SECOND, 20_000, [(2 * SECOND, 20_000)], [(2 * SECOND, 20_000)]
    )


def test_longer_window_holds_at_once_and_a_shorter_one_waits() -> None:
    held = collar(seconds=60)
    longer, none_wait = merged(held, collar(seconds=90))
    assert longer.limits["window_collar"].within_ns == 90 * SECOND
    assert none_wait == ()
    kept, waits = merged(held, collar(seconds=30))
    assert kept.limits["window_collar"].within_ns == 60 * SECOND
    assert [wait.name for wait in waits] == ["limits.window_collar"]


@given(st.lists(st.tuples(st.integers(0, 5), st.integers(90, 110)), min_size=1, max_size=30))
def test_extremes_are_those_of_all_prices_that_held_within_the_time(
    steps: list[tuple[int, int]],
) -> None:
    window, now, span = PriceWindow(6), 0, 6
    heard: list[tuple[int, int]] = []
    for after, price in steps:
        now += after
        window.hear(2 * price, None, now)
        heard.append((now, price))
        # A price holds until the next is heard, which is when it was last seen.
        ends = [at for at, _ in heard[1:]] + [now]
        within = [p for (_, p), end in zip(heard, ends, strict=True) if end >= now - span]
        assert window.lowest(now) == min(within)
        assert window.highest(now) == max(within)


def option_desk(rules: Rulebook) -> Desk:
    scopes = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1_000_000 * DOLLAR)
    desk = Desk(
        rules, instruments=(AAPL, *SERIES), mandates={AGENT: scopes}, today=date(2014, 6, 6),
        day_micros={"AAPL": 1_000_000.0 * DOLLAR},
    )  # fmt: skip
    desk.tell(chain())
    return desk


def test_options_walk_away_by_their_own_prices() -> None:
    wide = Limit(hard=0.1, within_ns=30 * SECOND)
    desk = option_desk(Rulebook(limits={"window_collar": wide, "option_window_collar": wide}))
    assert desk.tell(ask(1, instrument=C105, price=65, quantity=1)) == ""  # 62.5 was its mid.
    desk.tell(chain(TOUCHES | {C105: (67, 72)}), after_ns=SECOND)
    refused = desk.tell(ask(2, instrument=C105, price=72, quantity=1))
    assert refused.startswith("option_window_collar: 0.152 share, limit 0.1")
    desk.tell(chain(TOUCHES | {C105: (67, 72)}), after_ns=20 * SECOND)
    desk.tell(chain(TOUCHES | {C105: (67, 72)}), after_ns=31 * SECOND)
    assert desk.tell(ask(3, instrument=C105, price=72, quantity=1)) == ""


def test_structure_walks_away_by_the_best_of_each_leg() -> None:
    # Worth -90 in the middle, of legs of 170 in all; every leg then moves 5 against it.
    desk = option_desk(Rulebook(limits={"option_window_collar": Limit(hard=0.1)}))
    condor: dict[str, Any] = {"legs": CONDOR, "quantity": 1}
    assert desk.tell(ask(1, price=-80, **condor)) == ""
    refused = desk.tell(ask(2, price=-70, **condor))
    assert refused.startswith("option_window_collar: 0.1176 share, limit 0.1")
    desk.tell(chain(TOUCHES | {P90: (25, 30), C110: (20, 25)}), after_ns=SECOND)
    assert desk.tell(ask(3, price=-70, **condor)).startswith("option_window_collar")


def test_daily_volume_of_an_option_is_that_of_its_shares() -> None:
    desk = option_desk(limits(order_share_of_daily_volume=0.02))
    assert desk.tell(ask(1, instrument=C105, price=65, quantity=2)) == ""  # 200 shares of 10,000.
    refused = desk.tell(ask(2, instrument=C105, price=65, quantity=3))
    assert refused.startswith("order_share_of_daily_volume: 0.03 share, limit 0.02")
