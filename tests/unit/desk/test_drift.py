"""What drift is measured by: mid of stock, value of an option, all legs of a structure."""

from datetime import date

import msgspec
import pytest

from agents.desk.limits import Mandate
from agents.desk.reload import AllowLooser, RulesRead
from environment.messages import CancelOrder, Resumed
from tests.unit.desk.factories import AAPL, AGENT, DOLLAR, accepted, ask, phase, quote
from tests.unit.desk.option_factories import C105, CONDOR, P95, SERIES, TOUCHES, chain
from tests.unit.desk.test_cards_flow import Desk

SCOPES = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1_000_000 * DOLLAR)
TWICE_NET = -2 * (67.5 + 62.5 - 22.5 - 17.5)


def option_desk() -> Desk:
    desk = Desk(
        risk={"instruments": (AAPL, *SERIES), "mandates": {AGENT: SCOPES},
              "today": date(2014, 6, 6)}
    )  # fmt: skip
    for message in (Resumed(), phase("continuous"), quote(), chain()):
        desk.tell(message)
    return desk


def condor(desk: Desk, price: int = -80) -> None:
    desk.tell(ask(1, instrument="AAPL", quantity=1, price=price, legs=CONDOR))


def cancels(desk: Desk) -> list[str]:
    return [s.message.order_id for s in desk.ctx.sent if isinstance(s.message, CancelOrder)]


def test_structure_is_worth_the_net_of_its_legs_and_drifts_as_a_share_of_them_all() -> None:
    desk = option_desk()
    condor(desk)
    assert desk.card.twice_mid == pytest.approx(TWICE_NET, abs=1)
    first = desk.card.record_hash
    # One short leg gains a cent: 2 half ticks of 340 that all legs come to, 0.6 %.
    desk.tell(chain({**TOUCHES, C105: (61, 66)}))
    assert desk.card.record_hash != first
    assert desk.card.changed_because == "drift"


def test_half_a_tick_of_a_small_net_price_is_no_drift_of_the_whole() -> None:
    desk = option_desk()
    condor(desk)
    first = desk.card.record_hash
    # Half a cent of the net 90, more than the band; of the 170 that all legs come to, less.
    desk.tell(chain({**TOUCHES, C105: (61, 65)}))
    assert desk.card.record_hash == first


def test_quote_of_the_stock_alone_does_not_cancel_an_approved_structure() -> None:
    desk = option_desk()
    condor(desk)
    desk.answer()
    desk.tell(accepted(f"{AGENT}/1"))
    desk.tell(quote())
    assert cancels(desk) == []
    desk.tell(chain({**TOUCHES, C105: (80, 85)}))
    assert cancels(desk) == [f"{AGENT}/1"]


def test_option_drifts_with_its_value_before_its_own_quote_moves() -> None:
    desk = option_desk()
    desk.tell(ask(1, instrument=P95, quantity=1, price=70))
    asked = desk.card
    desk.tell(quote(9_949, 9_951))  # The stock falls half a per cent: the put is worth more.
    assert desk.card.changed_because == "drift"
    assert (desk.card.twice_mid or 0) > (asked.twice_mid or 0)


def test_approved_order_keeps_the_band_that_people_saw() -> None:
    desk = Desk()
    desk.tell(ask())
    desk.answer()
    desk.tell(accepted(f"{AGENT}/1"))
    rules = desk.risk.state.rules
    wider = msgspec.structs.replace(rules.approval, drift=0.5)
    read = msgspec.structs.replace(rules, approval=wider)
    desk.ctx.handle(desk.risk, RulesRead(rules=read, source="f"), sender="human/panel")
    desk.ctx.handle(desk.risk, AllowLooser(person="eve", source="f"), sender="human/panel")
    assert desk.risk.state.rules.approval.drift == 0.5
    desk.tell(quote(10_099, 10_101))
    assert cancels(desk) == [f"{AGENT}/1"]
