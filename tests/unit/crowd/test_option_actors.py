"""Each trader of options as an actor: what it sends for what it sees."""

from typing import Any

import msgspec
import numpy as np
import pytest

from agents.crowd import dealer_rows as compiled
from agents.crowd.option_roles import O_AGGRESSIVE, O_FEE, O_OPENING, ROLES, U_ROLE
from agents.crowd.option_traders.arbitrageur import Arbitrageur
from agents.crowd.option_traders.chain import Chain, reading
from agents.crowd.option_traders.dealer import DealerTraits, OptionDealer
from agents.crowd.option_traders.end_user import EndUser
from agents.crowd.option_traders.seat import OptionSeat
from agents.crowd.option_traders.surface import RIGHT, Beliefs
from agents.crowd.population import Population
from agents.crowd.seat import Seat
from environment.actors.testing import RecordingContext
from environment.market import layout as at
from environment.messages import CancelAll, Message, Sleep, SubmitOrder
from environment.option_messages import (
    ChainView,
    DealerReport,
    DealerView,
    MassQuote,
    OwnSeries,
    QuoteFilled,
    ReArm,
    SeriesQuote,
    SeriesTouch,
)
from tests.unit.crowd.option_world import SPOT, table

TABLE = table()
SYMBOLS = ("ABC", *(one.symbol for one in TABLE.series))
COUNT = len(TABLE.series)
SECOND_NS = 1_000_000_000
NOW_NS = 600 * SECOND_NS
GAP = 7


def make_seat(
    kind: int, floats: dict[int, float], integers: dict[int, int], beliefs: Beliefs = RIGHT
) -> OptionSeat:
    ctx = RecordingContext("crowd/tested/0")
    population = Population(
        name="tested", kind=kind, count=1, instruments=(0,), cash_micros=0, size=(3, 3),
        floats={GAP: 1e9} | floats, integers=integers,
    )  # fmt: skip
    chain = Chain(TABLE.floats(), series=COUNT, expiries=2, first=1, symbols=SYMBOLS)
    exchange: Any = ctx.reference("exchange")
    weights = reading(np.cumsum(np.arange(COUNT) == 2, dtype=float))  # The third series alone.
    stock = Seat(population, "tested/0", "ABC", exchange)
    return OptionSeat(stock, chain, exchange, weights, beliefs)


def touches(*changed: tuple[int, int, int]) -> tuple[SeriesTouch, ...]:
    """Return a touch of 40 to 60 for each series, but for what is told as (place, bid, ask)."""
    told = {place: (bid, ask) for place, bid, ask in changed}
    prices = (told.get(place, (40, 60)) for place in range(COUNT))
    return tuple(SeriesTouch(k, bid, 9, ask, 9) for k, (bid, ask) in enumerate(prices))


def make_view(kind: type[ChainView] = ChainView, **changes: Any) -> ChainView:
    seen: dict[str, Any] = {
        "is_open": True, "bid_price": 9_999, "bid_quantity": 50, "ask_price": 10_001,
        "ask_quantity": 50, "last_price": 10_000, "volume": 400, "observed": 0, "now_ns": NOW_NS,
        "opens_ns": 1, "closes_ns": NOW_NS * 2, "series": touches(),
    }  # fmt: skip
    if kind is DealerView:
        seen |= {"is_armed": True, "fills": 0, "room": 100, "series": (), "own": own({})}
    return kind(**seen | changes)


class Trial:
    """One trader on its own, and what it has sent."""

    def __init__(self, actor: Any) -> None:
        self.ctx, self.actor = RecordingContext("crowd/tested/0"), actor

    def see(self, view: ChainView) -> list[Message]:
        """Return what the trader sends for one view."""
        before = len(self.ctx.sent)
        self.ctx.handle(self.actor, view)
        return self.ctx.messages()[before:]


def user(
    role: str, *, aggressive: float = 1.0, opening: float = 1.0, beliefs: Beliefs = RIGHT
) -> Trial:
    floats = {O_AGGRESSIVE: aggressive, O_OPENING: opening, O_FEE: 0.01}
    seat = make_seat(at.OPTION_USER, floats, {U_ROLE: ROLES.index(role)}, beliefs)
    return Trial(Arbitrageur(seat) if ROLES.index(role) >= ROLES.index("parity") else EndUser(seat))


def orders(messages: list[Message]) -> list[tuple[str, str, int, int, str]]:
    return [(m.instrument, m.side, m.price or 0, m.quantity, m.time_in_force)
            for m in messages if isinstance(m, SubmitOrder)]  # fmt: skip


@pytest.mark.parametrize(
    ("role", "side", "price"),
    [("overwriter", "sell", 40), ("protective", "buy", 60), ("lottery", "buy", 60),
     ("same_day", "buy", 60)],
)  # fmt: skip
def test_end_user_opens_on_its_roles_side_in_a_series_by_weight(
    role: str, side: str, price: int
) -> None:
    sent = user(role).see(make_view())
    assert sent[0] == CancelAll(account="tested/0")
    assert orders(sent) == [(SYMBOLS[3], side, price, 3, "ioc")]
    assert isinstance(sent[-1], Sleep)


def test_seller_of_volatility_sells_both_rights() -> None:
    assert [order[:2] for order in orders(user("volatility_seller").see(make_view()))] == [
        (SYMBOLS[3], "sell"), (SYMBOLS[4], "sell"),
    ]  # fmt: skip


def test_patient_end_user_rests_at_the_middle_and_a_closing_one_turns_about() -> None:
    assert orders(user("lottery", aggressive=0.0).see(make_view()))[0][2:] == (50, 3, "day")
    assert orders(user("lottery", opening=0.0).see(make_view()))[0][1] == "sell"


def test_end_user_remembers_what_it_has_seen_before() -> None:
    trial = user("lottery")
    trial.see(make_view())
    changed = make_view(series=(SeriesTouch(2, 70, 9, 90, 9),))
    assert orders(trial.see(changed)) == [(SYMBOLS[3], "buy", 90, 3, "ioc")]
    assert orders(trial.see(make_view(series=()))) == [(SYMBOLS[3], "buy", 90, 3, "ioc")]


def test_end_user_leaves_alone_what_it_has_never_seen() -> None:
    assert orders(user("lottery").see(make_view(series=()))) == []


def test_parity_sells_a_call_that_is_too_dear_against_put_and_stock() -> None:
    # Series 2 and 3 are call and put of one strike: fair, the call is worth 8 cents more.
    dear = (SeriesTouch(2, 400, 9, 410, 9), SeriesTouch(3, 290, 9, 300, 9))
    view = make_view(series=dear, ask_quantity=500)
    assert orders(user("parity").see(view)) == [
        (SYMBOLS[3], "sell", 400, 3, "ioc"), (SYMBOLS[4], "buy", 300, 3, "ioc"),
        ("ABC", "buy", 10_001, 300, "ioc"),
    ]  # fmt: skip


@pytest.mark.parametrize(("shown", "contracts"), [(299, [2, 2, 200]), (99, [1, 1, 100])])
def test_parity_trades_no_more_than_the_stock_shows(shown: int, contracts: list[int]) -> None:
    dear = (SeriesTouch(2, 400, 9, 410, 9), SeriesTouch(3, 290, 9, 300, 9))
    view = make_view(series=dear, ask_quantity=shown)
    assert [order[3] for order in orders(user("parity").see(view))] == contracts


def test_calendar_sells_the_nearer_of_two_dates_where_it_is_dearer() -> None:
    view = make_view(series=touches((0, 90, 95), (6, 70, 80)))
    assert orders(user("calendar").see(view)) == [
        (SYMBOLS[1], "sell", 90, 3, "ioc"), (SYMBOLS[7], "buy", 80, 3, "ioc"),
    ]  # fmt: skip


def test_relative_value_sells_the_middle_of_three_strikes_that_bends_the_wrong_way() -> None:
    # Calls of the first date are series 0, 2 and 4.
    view = make_view(series=touches((0, 95, 100), (2, 90, 99), (4, 60, 62)))
    assert orders(user("relative_value").see(view)) == [
        (SYMBOLS[3], "sell", 90, 6, "ioc"), (SYMBOLS[1], "buy", 100, 3, "ioc"),
        (SYMBOLS[5], "buy", 62, 3, "ioc"),
    ]  # fmt: skip


def test_arbitrageur_leaves_fair_prices_alone() -> None:
    fair = (SeriesTouch(2, 295, 9, 305, 9), SeriesTouch(3, 287, 9, 297, 9))
    for role in ("parity", "calendar", "relative_value"):
        assert orders(user(role).see(make_view(series=fair))) == []


# --- dealers --------------------------------------------------------------------------------------


def dealer(**told: float) -> Trial:
    settings = np.zeros(24)
    settings[GAP], settings[compiled.D_WIDTH] = 1e9, told.get("width", 1.0)
    settings[[compiled.D_DELTA_MAX, compiled.D_GAMMA_MAX, compiled.D_EXPIRY_SHARE]] = 1e6, 1e6, 1.0
    settings[compiled.D_VEGA_MAX] = told.get("vega_max", 1e6)
    settings[compiled.D_FIRST_SPOT] = SPOT
    integers = {compiled.U_HEDGE_BAND: 50, compiled.U_HEDGE_EVERY: 5 * SECOND_NS}
    traits = DealerTraits(
        settings=reading(settings), common_key=1, own_key=2, width=1.0, limits=1.0, duty=1,
        biases=(0.0, 0.0),
    )  # fmt: skip
    return Trial(OptionDealer(make_seat(at.OPTION_DEALER, {}, integers), traits))


def quoted(messages: list[Message]) -> dict[str, SeriesQuote]:
    return {q.instrument: q for m in messages if isinstance(m, MassQuote) for q in m.quotes}


def own(held: dict[int, int], left: int = 3) -> tuple[OwnSeries, ...]:
    return tuple(OwnSeries(held.get(place, 0), left, left) for place in range(COUNT))


def test_dealer_quotes_every_series_once_and_then_only_what_has_changed() -> None:
    trial = dealer()
    first = quoted(trial.see(make_view(DealerView)))
    assert set(first) == set(SYMBOLS[1:])
    assert all(0 < q.bid_price < q.ask_price and q.bid_quantity == 3 for q in first.values())
    assert quoted(trial.see(make_view(DealerView, now_ns=NOW_NS + SECOND_NS))) == {}
    moved = make_view(DealerView, now_ns=NOW_NS + 2 * SECOND_NS, bid_price=10_099, ask_price=10_101)
    again = quoted(trial.see(moved))
    assert again[SYMBOLS[3]].bid_price > first[SYMBOLS[3]].bid_price + 30


def test_dealer_knows_in_the_morning_what_the_night_has_left() -> None:
    trial = dealer()
    trial.see(make_view(DealerView, own=own({2: 10})))
    next_day = {"opens_ns": 2, "own": own({2: 30}), "fills": 4}
    (report,) = [m for m in trial.see(make_view(DealerView, **next_day))
                 if isinstance(m, DealerReport)]  # fmt: skip
    assert 1_500 < report.delta < 1_700


def test_dealer_waits_without_a_price_and_quotes_anew_after_a_halt() -> None:
    trial = dealer()
    trial.see(make_view(DealerView))
    assert quoted(trial.see(make_view(DealerView, ask_price=10_900))) == {}
    assert quoted(trial.see(make_view(DealerView, is_trading=False))) == {}
    assert len(quoted(trial.see(make_view(DealerView)))) == COUNT


def test_dealer_takes_in_at_one_wake_up_what_it_has_heard_at_the_one_before() -> None:
    trial = dealer()
    trial.see(make_view(DealerView))
    heard = make_view(DealerView, fills=1, own=own({2: 10}))
    assert [m for m in trial.see(heard) if isinstance(m, SubmitOrder)] == []
    sent = trial.see(make_view(DealerView, fills=1, own=own({2: 10}, left=0)))
    (hedge,) = orders(sent)
    assert (hedge[0], hedge[1]) == ("ABC", "sell")
    assert len(quoted(sent)) == COUNT  # Nothing was left of any: each is filled up again.
    (report,) = [m for m in sent if isinstance(m, DealerReport)]
    assert 500 < report.delta < 600


def test_pulled_dealer_arms_itself_one_wake_up_later_and_then_quotes_all() -> None:
    trial = dealer()
    trial.see(make_view(DealerView))
    assert not any(isinstance(m, ReArm) for m in trial.see(make_view(DealerView, is_armed=False)))
    assert ReArm(account="tested/0") in trial.see(make_view(DealerView, is_armed=False))
    assert len(quoted(trial.see(make_view(DealerView)))) == COUNT


def test_dealer_at_its_vega_limit_stops_the_side_that_adds_to_it() -> None:
    found = quoted(dealer(vega_max=100.0).see(make_view(DealerView, own=own({8: 50}))))
    assert {q.bid_quantity for q in found.values()} == {0}
    assert {q.ask_quantity for q in found.values()} == {3}


def test_dealer_without_room_for_its_quotes_hedges_all_the_same() -> None:
    sent = dealer().see(make_view(DealerView, room=COUNT - 1, own=own({2: 20})))
    assert quoted(sent) == {}
    assert [order[0] for order in orders(sent)] == ["ABC"]


def test_reports_change_nothing() -> None:
    trial = dealer()
    trial.see(make_view(DealerView))
    before = msgspec.msgpack.encode(trial.actor.state)
    filled = QuoteFilled(
        account="tested/0", instrument=SYMBOLS[1], side="buy", price=1, quantity=1, leaves=0,
        liquidity="maker", fee_micros=0, exchange_ns=1, trade_id=1,
    )  # fmt: skip
    trial.ctx.handle(trial.actor, filled)
    assert msgspec.msgpack.encode(trial.actor.state) == before
    assert type(filled) in OptionDealer.COSTLESS


def test_state_of_a_dealer_is_kept_and_taken_back() -> None:
    trial = dealer()
    trial.see(make_view(DealerView, series=touches(), own=own({2: 10})))
    state = trial.actor.state
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(state), type=type(state)) == state
