"""The option crowd as compiled rows and as Python actors: the same tape, to the byte."""

from dataclasses import replace

import numpy as np
import pytest
from numpy.typing import NDArray

from agents.crowd import dealer_rows as dealer
from agents.crowd.option_roles import ROLES
from agents.crowd.option_seats import CurveErrors
from environment.market import layout as at
from environment.market.option_rows import held
from tests.conformance.option_twin_world import DAY_NS, DEALERS, TERMS, OptionTwinWorld
from tests.conformance.twin_world import OPENS_NS, SECOND_NS

FLOW = (at.NOISE, at.VALUE, at.ADAPTIVE_MAKER)
ALL = (*FLOW, at.OPTION_DEALER, at.OPTION_USER)
SECONDS = 150


@pytest.fixture(scope="module")
def compiled() -> OptionTwinWorld:
    """Return the compiled world, to which others are held."""
    return OptionTwinWorld().run(SECONDS)


def option_rows(world: OptionTwinWorld, kind: int) -> NDArray[np.int64]:
    """Return the tape's rows of one kind about series."""
    tape = world.tape()
    found: NDArray[np.int64] = tape[(tape[:, at.T_KIND] == kind) & (tape[:, at.T_INSTRUMENT] > 0)]
    return found


@pytest.mark.parametrize("remote", [(at.OPTION_USER,), (at.OPTION_DEALER,), ALL])
def test_traders_of_options_trade_alike(
    compiled: OptionTwinWorld, remote: tuple[int, ...]
) -> None:  # fmt: skip
    acting = OptionTwinWorld(remote=remote).run(SECONDS)
    assert acting.tape_sha256() == compiled.tape_sha256()
    assert acting.kernel is not None
    assert acting.kernel.dead_letters == ()
    wanted = {f"crowd/{role}/0" for role in ROLES} if at.OPTION_USER in remote else set()
    if at.OPTION_DEALER in remote:
        wanted |= {f"crowd/option_dealer/{k}" for k in range(DEALERS)}
    handled = {one.address for one in acting.kernel.statistics().actors if one.handled > 10}
    assert wanted <= handled


def test_the_market_that_is_compared_has_all_that_dealers_and_users_do(
    compiled: OptionTwinWorld,
) -> None:
    """Say what the twins are equal in: a quiet market would show nothing."""
    fills, quotes = option_rows(compiled, at.K_FILL), option_rows(compiled, at.K_QUOTE)
    entered = option_rows(compiled, at.K_ENTER)
    first = dict(zip([p.name for p in compiled.crowd.populations], compiled.crowd.first_account,
                     strict=True))  # fmt: skip
    # Every role has sent orders, the protection has gone off, limits have closed sides of quotes.
    for role in ROLES:
        assert np.isin(entered[:, at.T_ACCOUNT], first[role] + np.arange(3)).any(), role
    assert len(fills) > 200
    assert compiled.market.arena[at.H_TRIPS] > 2 * DEALERS  # So each has armed itself again.
    one_sided = (quotes[:, at.T_QUANTITY] == 0) != (quotes[:, at.T_LEAVES] == 0)
    assert one_sided.sum() > 20
    pulled = option_rows(compiled, at.K_PURGE)  # While the stock had no price.
    assert (pulled[:, at.T_LIQUIDITY] == at.R_PURGED).sum() > 10
    tape = compiled.tape()
    hedges = (tape[:, at.T_KIND] == at.K_ENTER) & (tape[:, at.T_INSTRUMENT] == 0)
    hedges &= np.isin(tape[:, at.T_ACCOUNT], first["option_dealer"] + np.arange(DEALERS))
    assert hedges.sum() > 10


def test_the_survey_reads_the_greeks_of_dealers_who_are_actors(compiled: OptionTwinWorld) -> None:
    acting = OptionTwinWorld(remote=ALL).run(SECONDS)
    known, found = compiled.survey(), acting.survey()
    assert np.abs(known.dealers[:, :DEALERS]).sum() > 0.0
    assert np.array_equal(found.dealers, known.dealers)
    assert np.array_equal(found.violations, known.violations)


def test_a_break_and_a_second_day_are_traded_alike() -> None:
    worlds = [OptionTwinWorld(remote=remote, seed=2, open_s=100) for remote in ((), ALL)]
    for world in worlds:
        world.market.post_event(OPENS_NS + 40 * SECOND_NS, at.E_PHASE, 0, at.CLOSED)
        world.market.post_event(OPENS_NS + 70 * SECOND_NS, at.E_PHASE, 0, at.CONTINUOUS)
        world.run(110)
        world.start_day(OPENS_NS + DAY_NS)
        world.run(86_400 + 40)
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
    moments = (option_rows(worlds[0], at.K_QUOTE)[:, at.T_TIME] - OPENS_NS) / SECOND_NS
    within = [np.count_nonzero((begin < moments) & (moments < end))
              for begin, end in ((0, 40), (40.1, 70), (70, 100), (86_400, 86_440))]  # fmt: skip
    assert within[1] == 0
    assert min(within[0], within[2], within[3]) > 100


def test_where_the_loop_returns_changes_nothing(compiled: OptionTwinWorld) -> None:
    sliced = OptionTwinWorld(remote=ALL)
    for second in range(1, SECONDS + 1):
        sliced.run(second)
    assert sliced.tape_sha256() == compiled.tape_sha256()


@pytest.mark.parametrize(
    ("name", "value"),
    [
        (dealer.D_LEARN, 0.0),
        (dealer.D_EVENT_OVER, 1.0),
        (dealer.D_VEGA_MAX, 300.0),
        (dealer.D_DELTA_MAX, 150.0),
    ],
)
def test_dealers_settings_reach_both_alike(
    compiled: OptionTwinWorld, name: int, value: float
) -> None:
    worlds = [OptionTwinWorld(remote=r, floats={name: value}).run(60) for r in ((), ALL)]
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
    assert not np.array_equal(worlds[0].tape(), compiled.tape()[: len(worlds[0].tape())])


NARROWING = {dealer.D_NARROW: 0.9, dealer.D_LAST_CONTRACTS: 20.0, dealer.D_LEAN: 0.8}
EVENING_S = 300


def held_of_the_day(world: OptionTwinWorld) -> NDArray[np.int64]:
    """Return what each dealer holds of this evening's series, of shape (dealers, series)."""
    first = world.crowd.first_account[len(FLOW)]
    places = np.flatnonzero(world.table.expiry == 0)
    return np.array(
        [[held(world.market, first + k, 1 + int(p)) for p in places] for k in range(DEALERS)]
    )


def evening(seed: int, floats: dict[int, float], remote: tuple[int, ...] = ()) -> OptionTwinWorld:
    """Return a world of many users, a second before its nearest series trade last."""
    world = OptionTwinWorld(
        seed=seed, users=10, evening_s=EVENING_S, floats=floats, remote=remote
    )  # fmt: skip
    return world.run(EVENING_S - 1)


def test_dealers_narrow_alike_on_the_last_day() -> None:
    acting = evening(1, NARROWING, ALL)
    assert acting.tape_sha256() == evening(1, NARROWING).tape_sha256()


@pytest.mark.parametrize("name", list(NARROWING))
def test_each_part_of_narrowing_changes_what_is_traded(name: int) -> None:
    assert (
        evening(1, NARROWING | {name: 0.0}).tape_sha256() != evening(1, NARROWING).tape_sha256()
    )  # fmt: skip


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_dealers_who_narrow_go_into_the_evening_with_less(seed: int) -> None:
    """The same seed and the same users: what differs is that dealers narrow.

    What keeps positions small on every day would hide it, and is left out of both.
    """
    every_day = {dealer.D_SERIES: 0.0, dealer.D_VEGA_LEAN: 0.0}
    narrow, alone = (
        np.abs(held_of_the_day(evening(seed, every_day | last_day))) for last_day in (NARROWING, {})
    )
    assert narrow.sum() < 0.5 * alone.sum()
    assert narrow.max() < 0.5 * alone.max()


def test_dealers_with_curves_of_their_own_trade_alike(compiled: OptionTwinWorld) -> None:
    errors = CurveErrors(rate_sd=0.02, dividend_sd=0.3, borrow_sd=0.01)
    terms = replace(TERMS, errors=errors)
    worlds = [OptionTwinWorld(remote=remote, terms=terms).run(40) for remote in ((), ALL)]
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
    assert not np.array_equal(worlds[0].tape(), compiled.tape()[: len(worlds[0].tape())])


@pytest.mark.parametrize("rate_sd", [0.0, 0.02, 0.2])
def test_users_with_curves_of_their_own_trade_alike(
    compiled: OptionTwinWorld, rate_sd: float
) -> None:
    errors = CurveErrors(rate_sd=rate_sd, dividend_sd=0.3, borrow_sd=rate_sd / 2.0)
    worlds = [OptionTwinWorld(remote=r, errors=errors).run(60) for r in ((), ALL)]
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
    errs = not np.array_equal(worlds[0].tape(), compiled.tape()[: len(worlds[0].tape())])
    assert errs == (rate_sd > 0.0)  # Nothing pays a dividend here: a wrong one changes nothing.


@pytest.mark.slow
@pytest.mark.parametrize("seed", [3, 4])
def test_a_busy_hour_is_traded_alike(seed: int) -> None:
    busy = {dealer.D_SERIES: 1_000.0}  # With a limit of 60 an hour like this comes to rest.
    worlds = [
        OptionTwinWorld(remote=r, seed=seed, users=10, floats=busy).run(3_601) for r in ((), ALL)
    ]
    assert len(option_rows(worlds[0], at.K_FILL)) > 3_000
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
