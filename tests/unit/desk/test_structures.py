"""Structures in the portfolio: what they are worth, how many are wanted, opened and closed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from agents.desk.portfolio import Portfolio, PortfolioSettings
from agents.desk.sizing import SizingSettings
from agents.desk.structure_desk import StructureSettings
from agents.desk.structure_quotes import LegQuotes, opposite, unit_micros, worst_loss_ticks
from agents.desk.structure_size import structure_size
from environment.actors import ActorRef
from environment.actors.testing import RecordingContext
from environment.instruments import make_option
from environment.messages import CancelRequest, Leg, OpenOrder, OrderRequest, Resumed
from environment.venue_messages import PositionMoved
from tests.unit.desk.factories import (
    AAPL,
    DOLLAR,
    cancelled,
    context,
    filled,
    quote,
    refused,
)
from tests.unit.desk.option_factories import (
    C105,
    CONDOR,
    P90,
    P95,
    SERIES,
    VERTICAL,
    chain,
    leg_fill,
    structure_fills,
)
from tests.unit.desk.test_portfolio import proposal, voice

INSTRUMENTS = {one.symbol: one for one in (AAPL, *SERIES)}
YEAR_NS = 365 * 86_400 * 1_000_000_000


def view(direction: Any = "up", legs: tuple[Leg, ...] = CONDOR, **given: Any) -> Any:
    """Return a proposal for a structure so good that the cap of five units decides."""
    values: dict[str, Any] = {
        "structure": "condor", "legs": legs, "probability": 0.8, "expected_return": 0.3,
        "holding_ns": YEAR_NS // 12, "voices": (voice("quant/volpremium"),),
    }  # fmt: skip
    return proposal(direction, **(values | given))


class Desk:
    """A portfolio, its context, and what it asked for."""

    def __init__(self, **given: Any) -> None:
        sizing = SizingSettings(lots_cap=5)
        settings = PortfolioSettings(
            instruments=(AAPL,), cash_micros=1_000_000 * DOLLAR, series=SERIES, sizing=sizing,
            structures=StructureSettings(sizing=sizing, **given),
        )  # fmt: skip
        self.actor = Portfolio(ActorRef("desk/risk"), settings)
        self.ctx: RecordingContext = context("desk/portfolio")
        self.do(Resumed(), quote())

    def do(self, *messages: Any) -> "Desk":
        for message in messages:
            self.ctx.handle(self.actor, message)
        return self

    @property
    def orders(self) -> list[OrderRequest]:
        return [m for m in self.ctx.messages() if isinstance(m, OrderRequest)]

    def fill(self, units: int, leaves: int = 0) -> "Desk":
        order = self.orders[-1]
        return self.do(*structure_fills(order.order_id, order.legs, units, leaves))

    @property
    def held(self) -> dict[str, int]:
        return self.actor.statistics().units


def test_touch_of_a_structure_is_the_net_of_its_legs() -> None:
    quotes = LegQuotes()
    quotes.listen(context(), "AAPL", CONDOR, 1)
    assert quotes.touch(CONDOR, INSTRUMENTS) is None
    quotes.hear(chain(size=7), 5)
    touch = quotes.touch(CONDOR, INSTRUMENTS)
    assert touch is not None
    assert (touch.far, touch.near, touch.units) == (-80, -100, 7)
    closing = quotes.touch(opposite(CONDOR), INSTRUMENTS)
    assert closing is not None
    assert (closing.far, closing.near) == (100, 80)
    quotes.hear(chain({P90: (0, 25)}, size=0), 6)
    assert quotes.touch(CONDOR, INSTRUMENTS) is None


@pytest.mark.parametrize(
    ("legs", "net", "loss"),
    [
        (CONDOR, -80, 420.0),
        (VERTICAL, -40, 460.0),
        (CONDOR[:1], 25, 25.0),
        ((Leg(instrument=C105, side="sell"),), -60, None),
        ((Leg(instrument=C105, side="sell"), Leg(instrument="AAPL", side="buy", ratio=100)),
         9_940, 9_940.0),
    ],
)  # fmt: skip
def test_worst_loss_is_that_at_the_end(legs: tuple[Leg, ...], net: int, loss: float | None) -> None:
    assert worst_loss_ticks(legs, INSTRUMENTS, net) == loss
    assert unit_micros(legs, INSTRUMENTS) == 100 * DOLLAR // 100


def test_size_puts_the_kelly_share_at_risk() -> None:
    told = view(probability=0.8, expected_return=0.3, edge_error=0.0)
    settings = SizingSettings(kelly_fraction=0.5, caution=0.0, volatility_target=10.0)
    size = structure_size(told, 420 * DOLLAR, 1_000_000 * DOLLAR, settings)
    pays = (0.3 + 0.2) / 0.8
    share = 0.5 * 0.3 / (0.8 * 0.2 * (1.0 + pays) ** 2)
    assert size.bound == "kelly"
    assert size.lots == int(1_000_000 * share / 420)


def test_size_of_what_has_no_edge_is_nothing() -> None:
    settings = SizingSettings(caution=1.0)
    for told in (
        view(expected_return=-0.1),
        view(probability=0.5),
        view(edge_error=1.0),  # Not sure enough.
    ):
        assert structure_size(told, DOLLAR, 10**12, settings).lots == 0


def test_proposal_becomes_one_worked_order_for_all_legs() -> None:
    desk = Desk().do(view())
    assert desk.orders == []  # Its legs have not been heard of.
    desk.do(chain())
    (order,) = desk.orders
    assert (order.instrument, order.side, order.quantity) == ("AAPL", "buy", 5)
    assert (order.price, order.legs, order.style) == (-80, CONDOR, "passive")
    assert (order.strategy, order.least_quantity) == ("quant/volpremium", 1)
    desk.do(chain(), view())
    assert len(desk.orders) == 1  # One on its way.


def test_fills_are_held_and_earned_by_their_source() -> None:
    desk = Desk().do(view(), chain()).fill(5)
    assert desk.held == {"AAPL/condor": 5}
    statistics = desk.actor.statistics()
    profit = statistics.profits["quant/volpremium"]
    # Bought and sold at the far touches, marked at the mids: half of each spread is lost.
    assert (profit.realised_micros, profit.unrealised_micros) == (0, -5 * 10 * DOLLAR)


def test_withdrawn_proposal_closes_with_the_opposite_legs() -> None:
    desk = Desk().do(view(), chain()).fill(5).do(view("flat", expected_return=0.0))
    closing = desk.orders[-1]
    assert (closing.legs, closing.quantity, closing.price) == (opposite(CONDOR), 5, 100)
    assert closing.least_quantity == 0
    desk.fill(5)
    assert desk.held == {}
    assert sum(
        lots for line in desk.actor.state.structures.values() for lots in line.held.values()
    ) == 0  # fmt: skip


def test_other_legs_wait_until_the_old_ones_are_closed() -> None:
    desk = Desk().do(view(), chain()).fill(5).do(view(legs=VERTICAL))
    assert desk.orders[-1].legs == opposite(CONDOR)
    desk.fill(5).do(chain())
    assert desk.orders[-1].legs == VERTICAL


def test_refused_opening_waits_for_the_next_proposal_and_a_closing_tries_again() -> None:
    desk = Desk().do(view(), chain())
    desk.do(refused(desk.orders[-1].order_id), chain())
    assert len(desk.orders) == 1
    desk.ctx.set_time(31_000_000_000)
    desk.do(view(expected_return=0.4)).fill(5)
    desk.do(view("flat", expected_return=0.0))
    count = len(desk.orders)
    desk.do(refused(desk.orders[-1].order_id), chain())
    assert len(desk.orders) == count
    desk.ctx.set_time(92_000_000_000)
    desk.do(chain())
    assert len(desk.orders) == count + 1


def test_what_did_not_trade_is_asked_for_again_later() -> None:
    desk = Desk().do(view(), chain()).fill(2, 3)
    desk.do(cancelled(desk.orders[-1].order_id, 3), chain())
    assert (desk.held, len(desk.orders)) == ({"AAPL/condor": 2}, 1)
    desk.ctx.set_time(31_000_000_000)
    assert desk.do(chain()).orders[-1].quantity == 3


def test_structure_with_an_unlisted_leg_is_ignored() -> None:
    legs = (CONDOR[0], Leg(instrument="AAPL  991231C00100000", side="sell"))
    desk = Desk().do(view(legs=legs), chain())
    assert (desk.orders, desk.actor.statistics().ignored) == ([], 1)


def test_restart_cancels_what_still_works() -> None:
    desk = Desk().do(view(), chain())
    order = desk.orders[-1]
    still_open = OpenOrder(
        order_id=order.order_id, instrument="AAPL", side="buy", price=-80, leaves=5, legs=CONDOR
    )
    desk.do(Resumed(open_orders=(still_open,)))
    assert desk.ctx.messages()[-1] == CancelRequest(order_id=order.order_id)
    desk.do(cancelled(order.order_id, 5))
    assert desk.actor.state.structures["AAPL/condor"].order is None


def night(symbol: str, change: int, reason: Any = "expiry", **told: Any) -> PositionMoved:
    return PositionMoved(
        instrument=symbol, change=change, reason=reason, session=date(2014, 7, 3), **told
    )


STATEMENT = night("", 0, "statement", cash_after_micros=0)


def test_structure_that_expired_is_forgotten() -> None:
    desk = Desk().do(view(), chain()).fill(5)
    desk.do(*(night(leg.instrument, -5 if leg.side == "buy" else 5) for leg in CONDOR))
    desk.do(STATEMENT, chain())
    assert desk.held == {}
    assert len(desk.orders) == 1
    profit = desk.actor.statistics().profits["quant/volpremium"]
    assert profit.realised_micros == 5 * 80 * DOLLAR  # All of the premium.


def test_what_an_assignment_leaves_is_closed_unit_by_unit_then_leg_by_leg() -> None:
    desk = Desk().do(view(), chain()).fill(5)
    assigned = night(
        C105, 2, "assignment", into="AAPL", into_change=-200, cash_micros=200 * 105 * DOLLAR
    )
    desk.do(assigned, STATEMENT, quote(10_599, 10_601))
    # The shares that were delivered are bought back,
    shares = desk.orders[-1]
    assert (shares.instrument, shares.side, shares.quantity) == ("AAPL", "buy", 100)
    # the three whole units are closed,
    desk.do(chain())
    units = desk.orders[-1]
    assert (units.legs, units.quantity) == (opposite(CONDOR), 3)
    desk.fill(3)
    # and then what stands alone, written contracts first.
    singles = []
    for _ in range(3):
        desk.do(chain())
        single = desk.orders[-1]
        singles.append((single.instrument, single.side, single.quantity))
        desk.do(leg_fill(single.order_id, single.instrument, single.side, single.price or 0, 2))
    assert singles[0] == (P95, "buy", 2)
    assert {symbol for symbol, _, _ in singles[1:]} == {CONDOR[0].instrument, CONDOR[3].instrument}
    desk.do(chain())
    assert not any(desk.actor.state.structures["AAPL/condor"].held.values())


def test_adjusted_legs_are_held_under_their_new_symbols() -> None:
    desk = Desk().do(view(), chain()).fill(5)
    adjusted = {leg.instrument: leg.instrument.replace("00", "77", 1) for leg in CONDOR}
    for leg in CONDOR:
        lots = 5 if leg.side == "buy" else -5
        old, new = leg.instrument, adjusted[leg.instrument]
        desk.do(night(old, -lots, "adjustment", into=new, into_change=7 * lots))
    desk.do(STATEMENT)
    line = desk.actor.state.structures["AAPL/condor"]
    assert (line.units, line.is_broken) == (35, False)
    assert {leg.instrument for leg in line.legs} == set(adjusted.values())
    heard = desk.ctx.subscriptions
    assert all(f"market/{symbol}/quotes" in heard for symbol in adjusted.values())


def test_adjusted_legs_keep_what_they_were_worth_until_quoted_again() -> None:
    desk = Desk().do(view(), chain()).fill(5)
    before = desk.actor.statistics().profits["quant/volpremium"]
    assert before.unrealised_micros, "the structure stands at a profit or a loss"
    terms = {i.symbol: i for i in SERIES}
    listed = []
    for leg in CONDOR:
        old = terms[leg.instrument]
        assert old.expiry is not None
        assert old.right is not None
        assert old.strike_micros is not None
        strike = Decimal(old.strike_micros) / 7 / 1_000_000
        new = make_option("AAPL", old.expiry, old.right, round(strike, 2))
        lots = 5 if leg.side == "buy" else -5
        desk.do(night(old.symbol, -lots, "adjustment", into=new.symbol, into_change=7 * lots))
        listed.append(new)
    desk.do(night("", 0, "statement", cash_after_micros=0, listed=tuple(listed)))
    after = desk.actor.statistics().profits["quant/volpremium"]
    # A tick of a seventh is lost in each leg at most.
    assert abs(after.unrealised_micros - before.unrealised_micros) <= 4 * 35 * 100 * DOLLAR // 200
    assert after.realised_micros == before.realised_micros


def test_split_of_the_stock_scales_what_is_wanted() -> None:
    desk = Desk().do(proposal())
    order = desk.orders[-1]
    desk.do(filled(order.order_id, order.quantity))
    before = desk.actor.state.lines["AAPL"].position
    desk.do(night("AAPL", 6 * before, "corporate_action"))
    line = desk.actor.state.lines["AAPL"]
    assert (line.position, line.target) == (7 * before, 7 * before)


def test_what_is_held_is_marked_at_its_last_middle_once_all_quotes_are_pulled() -> None:
    desk = Desk().do(view(), chain()).fill(5)
    before = desk.actor.statistics().profits["quant/volpremium"]
    desk.do(chain(size=0))
    assert desk.actor.statistics().profits["quant/volpremium"] == before
    assert before.unrealised_micros < 0
