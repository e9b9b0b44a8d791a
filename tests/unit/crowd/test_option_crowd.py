import numpy as np
import pytest

from agents.crowd import dealer_rows as dealer, option_survey, option_value as value
from agents.crowd.option_seats import DealerTerms, read_survey
from environment.market import layout as at
from environment.market.obligations import obligations
from environment.options import black_scholes
from tests.unit.crowd.option_world import MINUTE_NS, SECOND_NS, SPOT, TICKS, World

ALLOWED = ((200, 25), (501, 40), (1_001, 50), (2_001, 80), (1 << 40, 100))  # By the bid, in cents.
QUIET = {dealer.D_VOLATILITY: 0.0}


def quoting(**given: object) -> World:
    """Return a world in which the dealers have quoted for some seconds."""
    world = World(**given)  # type: ignore[arg-type]  # as World takes them
    world.quote_stock(2)
    return world.run(10 * SECOND_NS)


def test_dealer_quotes_every_series_around_its_value() -> None:
    world = quoting()
    years = world.table.expiries.years[world.table.expiry]
    fair = black_scholes.price(SPOT, world.table.strike, years, 0.3, 0.02, 0.0, world.table.is_call)
    for series, price in enumerate(np.asarray(fair)):
        bid, ask = world.touch(series)
        assert bid / 100 <= price + 0.02
        assert ask / 100 >= price - 0.02
        assert ask - bid <= 25


def test_prices_lie_on_the_increments_of_their_class() -> None:
    world = quoting()
    for series, instrument in enumerate(world.table.series):
        assert all(instrument.is_legal_price(price) for price in world.touch(series))


def test_wide_quotes_keep_to_the_width_that_their_own_bid_allows() -> None:
    world = quoting(settings=QUIET | {dealer.D_WIDTH: 30.0}).run(MINUTE_NS)
    wide = 0
    for series, instrument in enumerate(world.table.series):
        bid, ask = world.touch(series)
        step = instrument.tick_bands()[-1].increment
        allowed = next(width for below, width in ALLOWED if bid < below)
        assert ask - bid <= allowed
        wide += ask - bid > allowed - step
    assert wide > 3
    kept = obligations(world.market.arena)[0]
    assert (kept.share_of_series, kept.breaches) == (1.0, 0)


def test_dealer_withdraws_while_the_stock_has_no_price() -> None:
    world = quoting(settings=QUIET)
    before, quoted = len(world.tape(at.K_QUOTE)), world.touch(8)
    world.quote_stock(11 * SECOND_NS, TICKS - 100, TICKS + 900)  # The middle says 4 % more.
    world.run(20 * SECOND_NS)
    assert len(world.tape(at.K_QUOTE)) == before
    assert world.touch(8) == (at.NO_BID, at.NO_ASK)
    assert len(world.tape(at.K_PURGE)) == len(world.table.series)  # Once.
    world.quote_stock(21 * SECOND_NS)
    world.run(30 * SECOND_NS)
    assert world.touch(8) == quoted


def test_series_is_requoted_only_when_its_rounded_quote_changes() -> None:
    world = quoting(settings=QUIET)
    before = len(world.tape(at.K_QUOTE))
    world.run(60 * SECOND_NS)
    assert before == len(world.table.series)
    # A minute's decay moves a few prices by a step, not each at every wake-up.
    assert len(world.tape(at.K_QUOTE)) < 3 * before


def test_quotes_follow_the_stock() -> None:
    world = quoting(settings=QUIET)
    call, put = world.touch(2), world.touch(3)
    world.quote_stock(11 * SECOND_NS, TICKS + 99, TICKS + 101)
    world.run(20 * SECOND_NS)
    assert world.touch(2)[0] > call[0] + 30
    assert world.touch(3)[0] < put[0] - 30


def test_held_delta_is_hedged_in_the_stock() -> None:
    world = World(settings=QUIET)
    world.give_dealer(2, 10)
    world.quote_stock(2)
    world.run(30 * SECOND_NS)
    dealers_account = world.crowd.first_account[0]
    held = int(world.market.section(at.S_POSITION)[dealers_account, at.P_QUANTITY])
    assert held == pytest.approx(-10 * 100 * 0.53, abs=60)  # Within the band of 50 shares.


def test_dealer_at_its_vega_limit_stops_the_side_that_adds_to_it() -> None:
    world = World(settings=QUIET | {dealer.D_VEGA_MAX: 100.0})
    world.give_dealer(8, 50)
    world.quote_stock(2)
    world.run(10 * SECOND_NS)
    assert world.touch(8)[0] == at.NO_BID
    assert world.touch(8)[1] < at.NO_ASK


def at_limit(gamma_max: float) -> World:
    """Return a world whose dealer holds gamma of 2,620, hedged."""
    world = World(settings=QUIET | {dealer.D_GAMMA_MAX: gamma_max})
    world.give_dealer(2, 400)
    hedge = np.array([0]), -20_700  # Else its own hedges would empty the stock's book.
    world.market.give_all(world.crowd.first_account[0], *hedge)
    world.quote_stock(2)
    return world.run(10 * SECOND_NS)


def test_dealer_far_beyond_its_limit_adds_nothing_at_all() -> None:
    assert at_limit(2_300.0).touch(8)[0] > at.NO_BID
    beyond = at_limit(2_000.0)  # By 31 %.
    assert {beyond.touch(series)[0] for series in range(12)} == {at.NO_BID}
    assert beyond.touch(8)[1] < at.NO_ASK


def test_dealer_at_its_limit_quotes_on_what_adds_next_to_nothing() -> None:
    world = at_limit(2_300.0)
    assert world.touch(2)[0] == at.NO_BID  # A contract adds 6.6 shares a dollar, 0.3 % of it.
    bid, ask = world.touch(8)
    assert at.NO_BID < bid < ask < at.NO_ASK
    row = world.market.section(at.S_INSTRUMENT)[9]
    assert (row[at.I_SHOWN_BID_QUANTITY], row[at.I_SHOWN_ASK_QUANTITY]) == (1, 10)


def test_arbitrageur_goes_on_where_it_ended() -> None:
    world = quoting(role="calendar", users=1, settings=QUIET)
    seen = []
    for minute in (1, 2):
        world.run(minute * MINUTE_NS)
        trader = world.market.section(at.S_TRADER)[world.crowd.first_trader[1]]
        seen.append((int(trader[at.TR_STATE]), int(trader[at.TR_COUNTER])))
    (place, drawn), (later, more) = seen
    assert more > drawn  # Once a wake-up: for the time until the next one.
    assert (later - place - 50 * (more - drawn)) % len(world.table.series) == 0


def test_surface_rises_where_vega_is_sold() -> None:
    levels = []
    for held in (0, -20):
        world = World(settings=QUIET | {dealer.D_FLOW: 1e-4})
        world.give_dealer(8, held)
        world.quote_stock(2)
        world.run(MINUTE_NS)
        states = int(world.market.section(at.S_TRADER)[0, at.TR_MEMORY]) + dealer.HEAD_FLOATS
        levels.append(world.crowd.beliefs[states + value.STATE_FLOATS + value.Y_LEVEL])
    assert levels[1] > levels[0] + 0.005


def test_pulled_dealer_arms_itself_again_and_quotes() -> None:
    world = quoting(terms=DealerTerms(bias=0.0, contracts=5, window_ns=MINUTE_NS),
                    role="same_day", users=20)  # fmt: skip
    world.run(5 * MINUTE_NS)
    # A dealer that did not arm itself again could not be pulled a second time.
    assert world.market.arena[at.H_TRIPS] > 1


def test_end_users_trade_and_contracts_are_conserved() -> None:
    world = quoting(role="lottery", users=10, dealers=3)
    world.run(10 * MINUTE_NS)
    fills = world.tape(at.K_FILL)
    options = fills[fills[:, at.T_INSTRUMENT] > 0]
    assert len(options) > 50
    assert int(world.market.section(at.S_HOLDING)[:, at.P_QUANTITY].sum()) == 0


def test_arbitrageur_takes_a_call_that_is_too_dear_for_its_put() -> None:
    world = quoting(role="parity", users=3, settings=QUIET)
    bid = world.touch(2)[1] + 20  # Further away it would be stopped (`drill_through`).
    # Far more than the dealer offers at once: the rest of it stands there for others to see.
    world.market.post_order(11 * SECOND_NS, 3, world.account, at.BUY, at.LIMIT, at.DAY,
                            at.CANCEL_NEWEST, 0, bid, 500, 0, 0, 0, 0, 0)  # fmt: skip
    world.run(MINUTE_NS)
    accounts = range(world.crowd.first_account[1], world.crowd.first_account[1] + 3)
    shares = world.market.section(at.S_POSITION)[list(accounts), at.P_QUANTITY]
    assert shares.max() >= 100  # Bought against the calls that it sold.


def test_survey_samples_every_minute_and_times_a_violation() -> None:
    world = quoting(settings=QUIET)
    bid = world.touch(2)[1] + 20
    world.market.post_order(20 * SECOND_NS, 3, world.account, at.BUY, at.LIMIT, at.DAY,
                            at.CANCEL_NEWEST, 0, bid, 500, 0, 0, 0, 0, 0)  # fmt: skip
    world.market.post_event(50 * SECOND_NS, at.E_CANCEL_ALL, world.account, 3)
    world.run(3 * MINUTE_NS)
    found = read_survey(world.market, world.crowd, len(world.crowd.populations) - 1)
    assert found.quotes.shape == (4, len(world.table.series) + 1, 4)
    assert found.quotes[1, -1, 0] == TICKS - 1
    causes = {option_survey.CAUSES[int(row[2])] for row in found.violations}
    assert "conversion" in causes or "strikes" in causes
    assert found.violations[:, 1].max() <= 31.0


def test_survey_sees_a_box_that_is_too_cheap() -> None:
    world = quoting(settings=QUIET)
    low = next(k for k, one in enumerate(world.table.series) if one.right == "call")
    world.market.post_order(20 * SECOND_NS, low + 1, world.account, at.SELL, at.LIMIT, at.DAY,
                            at.CANCEL_NEWEST, 0, world.touch(low)[0] - 30, 500, 0, 0, 0, 0,
                            0)  # fmt: skip
    world.market.post_event(50 * SECOND_NS, at.E_CANCEL_ALL, world.account, low + 1)
    world.run(2 * MINUTE_NS)
    found = read_survey(world.market, world.crowd, len(world.crowd.populations) - 1)
    boxes = found.violations[found.violations[:, 2] == option_survey.CAUSES.index("box")]
    assert len(boxes) > 0
    assert set(boxes[:, 3].tolist()) == {low}


def test_survey_ends_what_a_night_interrupts() -> None:
    world = quoting(settings=QUIET)
    bid = world.touch(2)[1] + 20
    world.market.post_order(20 * SECOND_NS, 3, world.account, at.BUY, at.LIMIT, at.DAY,
                            at.CANCEL_NEWEST, 0, bid, 500, 0, 0, 0, 0, 0)  # fmt: skip
    world.market.post_event(30 * SECOND_NS, at.E_PHASE, 0, at.CLOSED)
    world.market.post_event(100 * SECOND_NS, at.E_PHASE, 0, at.CONTINUOUS)
    world.market.post_event(110 * SECOND_NS, at.E_CANCEL_ALL, world.account, at.NONE)
    world.run(3 * MINUTE_NS)
    found = read_survey(world.market, world.crowd, len(world.crowd.populations) - 1)
    assert np.unique(found.violations[:, :2], axis=0).tolist() == [[20.0, 10.0]]
    assert {option_survey.CAUSES[int(cause)] for cause in found.violations[:, 2]} == {
        "conversion", "box",
    }  # fmt: skip
    assert found.moments_ns.tolist() == [0, 120 * SECOND_NS, 180 * SECOND_NS]


def test_same_seed_gives_the_same_tape() -> None:
    one, other = (
        np.concatenate(quoting(role="lottery", users=5, dealers=2).run(MINUTE_NS).rows)
        for _ in range(2)
    )
    assert np.array_equal(one, other)
