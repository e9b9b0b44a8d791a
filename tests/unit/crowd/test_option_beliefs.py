"""Arbitrageurs and end users who go by curves of their own, right or wrong."""

import pytest

from agents.crowd import option_belief as belief
from agents.crowd.option_belief import believed_ticks
from agents.crowd.option_seats import CurveErrors, seat_users
from agents.crowd.option_traders.surface import Beliefs
from agents.crowd.option_user import may_take, resting_price
from environment.market import layout as at
from environment.option_messages import SeriesTouch
from tests.unit.crowd.option_world import SPOT, World, table
from tests.unit.crowd.test_option_actors import SYMBOLS, TABLE, make_view, orders, user

YEARS = 15 / 365
CALL, PUT = 2, 3  # At 100, of the first date.
FAR_CALL = 8
TICK = 0.01


def ticks(series: int, beliefs: Beliefs) -> int:
    floats = TABLE.floats()
    return believed_ticks(floats, 0, len(TABLE.series), series, SPOT, 0.0, 1, *beliefs)


def test_faster_growth_makes_a_call_worth_more_and_a_put_less() -> None:
    growing = Beliefs(growth=0.10)
    # Half of the forward's gain of 0.1 times 15 days: 41 cents, times a delta near a half.
    assert ticks(CALL, growing) == pytest.approx(100.0 * 0.1 * YEARS * 0.5 / TICK, abs=3)
    assert ticks(PUT, growing) == pytest.approx(-100.0 * 0.1 * YEARS * 0.5 / TICK, abs=3)
    assert ticks(FAR_CALL, growing) > 4 * ticks(CALL, growing)
    assert ticks(CALL, Beliefs()) == 0


def test_opinion_is_told_in_whole_increments() -> None:
    floats = table().floats()
    at_five = believed_ticks(floats, 0, len(TABLE.series), FAR_CALL, SPOT, 0.0, 500, 0.0, 0.1, 0.0)
    assert at_five % 5 == 0
    assert ticks(CALL, Beliefs(growth=1e-5)) == 0  # Less than half a cent is nothing.


@pytest.mark.parametrize(("side", "takes"), [(at.BUY, (False, True, True)),
                                             (at.SELL, (True, True, False))])  # fmt: skip
def test_who_thinks_a_series_worth_less_does_not_pay_the_far_touch(
    side: int, takes: tuple[bool, ...]
) -> None:
    assert tuple(may_take(side, believed) for believed in (-1, 0, 1)) == takes


def test_resting_price_follows_the_opinion_and_never_crosses() -> None:
    assert resting_price(at.BUY, 40, 60, 1, 0) == 50
    assert resting_price(at.BUY, 40, 60, 1, -7) == 43
    assert resting_price(at.BUY, 40, 60, 1, 30) == 59
    assert resting_price(at.SELL, 40, 60, 1, 7) == 57
    assert resting_price(at.SELL, 40, 60, 1, -30) == 41


def test_end_user_with_a_low_opinion_rests_where_another_takes() -> None:
    low, high = Beliefs(growth=-0.02), Beliefs(growth=0.02)
    less = ticks(CALL, low)
    assert less < 0
    assert orders(user("lottery", beliefs=low).see(make_view())) == [
        (SYMBOLS[3], "buy", 50 + less, 3, "day")
    ]
    assert orders(user("lottery", beliefs=high).see(make_view())) == [
        (SYMBOLS[3], "buy", 60, 3, "ioc")
    ]
    assert orders(user("overwriter", beliefs=low).see(make_view())) == [
        (SYMBOLS[3], "sell", 40, 3, "ioc")
    ]


def test_opinion_wants_a_price_of_the_stock() -> None:
    view = make_view(bid_quantity=0)
    sent = user("lottery", beliefs=Beliefs(growth=-0.5)).see(view)
    assert orders(sent) == [(SYMBOLS[3], "buy", 60, 3, "ioc")]


FAIR = (SeriesTouch(CALL, 295, 9, 305, 9), SeriesTouch(PUT, 287, 9, 297, 9))


def test_arbitrageur_with_a_wrong_rate_sees_riches_in_fair_prices() -> None:
    assert orders(user("parity").see(make_view(series=FAIR))) == []
    # Rates 10 points lower: what is paid at expiry is worth 41 cents more today.
    cheap = orders(user("parity", beliefs=Beliefs(rate=-0.1)).see(make_view(series=FAIR)))
    assert [order[:2] for order in cheap] == [
        (SYMBOLS[3], "sell"), (SYMBOLS[4], "buy"), ("ABC", "buy"),
    ]  # fmt: skip


def test_arbitrageur_with_a_wrong_rate_passes_what_is_none_to_it() -> None:
    dear = make_view(series=(SeriesTouch(2, 400, 9, 410, 9), SeriesTouch(3, 290, 9, 300, 9)))
    assert len(orders(user("parity").see(dear))) == 3
    assert orders(user("parity", beliefs=Beliefs(rate=0.5, growth=0.5)).see(dear)) == []


def test_borrowing_thought_dear_keeps_an_arbitrageur_from_selling_short() -> None:
    # A reversal of 30 cents: the put dear, the stock sold short for 15 days.
    view = make_view(series=(SeriesTouch(2, 290, 9, 300, 9), SeriesTouch(3, 332, 9, 340, 9)))
    assert [o[1] for o in orders(user("parity").see(view))] == ["buy", "sell", "sell"]
    assert orders(user("parity", beliefs=Beliefs(growth=-0.1)).see(view)) == []


def drawn(errors: CurveErrors, seed: int) -> list[tuple[float, ...]]:
    """Return what each of three users believes, as they are seated."""
    world = World(role="lottery", users=3, seed=seed)
    index = next(k for k, p in enumerate(world.crowd.populations) if p.kind == at.OPTION_USER)
    seat_users(world.market, world.crowd, index, errors)
    first = world.crowd.first_trader[index]
    places = world.market.section(at.S_TRADER)[first : first + 3, at.TR_BELIEF]
    words = belief.B_RATE, belief.B_GROWTH, belief.B_DIVIDEND
    return [tuple(float(world.crowd.beliefs[p + word]) for word in words) for p in places]


def test_each_user_draws_its_curves_once_from_the_seed() -> None:
    wrong = CurveErrors(rate_sd=0.01, dividend_sd=0.2, borrow_sd=0.01)
    found = drawn(wrong, 1)
    assert len({one for user in found for one in user}) == 9
    assert found == drawn(wrong, 1) != drawn(wrong, 2)
    assert drawn(CurveErrors(), 1) == [(0.0, 0.0, 0.0)] * 3
