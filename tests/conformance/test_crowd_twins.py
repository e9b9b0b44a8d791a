"""The crowd as compiled rows and as Python actors: the same tape, to the byte."""

import numpy as np
import pytest

from environment.market import layout as at
from tests.conformance.twin_world import (
    OPENS_NS,
    POPULATIONS,
    SECOND_NS,
    TwinWorld,
)

EVERY_KIND = tuple(POPULATIONS.values())
TEN_MINUTES_NS = OPENS_NS + 600 * SECOND_NS


def test_twenty_traders_of_every_kind_trade_alike_for_an_hour() -> None:
    compiled = TwinWorld(EVERY_KIND, actors=False).run()
    acting = TwinWorld(EVERY_KIND, actors=True).run()
    fills = np.count_nonzero(compiled.tape()[:, at.T_KIND] == at.K_FILL)
    assert fills > 5_000
    assert acting.tape_sha256() == compiled.tape_sha256()
    assert acting.kernel is not None
    assert acting.kernel.dead_letters == ()
    # Rows are asked for by bounds: none may run away with memory.
    assert all(world.market.arena.nbytes < 64 * 2**20 for world in (compiled, acting))


@pytest.mark.parametrize("kind", [at.MOMENTUM, at.HAWKES, at.SPOOFER, at.IGNITION])
def test_each_kind_trades_alike_among_noise_value_and_makers(kind: int) -> None:
    among = (at.NOISE, at.VALUE, at.ADAPTIVE_MAKER, kind)
    chosen = tuple(POPULATIONS[k] for k in among)
    compiled = TwinWorld(chosen, actors=False, seed=kind).run(TEN_MINUTES_NS)
    acting = TwinWorld(chosen, actors=True, seed=kind).run(TEN_MINUTES_NS)
    assert len(compiled.tape()) > 500
    assert acting.tape_sha256() == compiled.tape_sha256()


def test_a_crowd_may_be_half_compiled_and_half_actors() -> None:
    half = TwinWorld(EVERY_KIND, actors=True, remote={at.NOISE, at.VALUE}).run(TEN_MINUTES_NS)
    compiled = TwinWorld(EVERY_KIND, actors=False).run(TEN_MINUTES_NS)
    assert half.tape_sha256() == compiled.tape_sha256()


def test_withdrawn_makers_stay_away_alike() -> None:
    worlds = [TwinWorld(EVERY_KIND, actors=actors) for actors in (False, True)]
    makers = list(POPULATIONS).index(at.ADAPTIVE_MAKER)
    gone_ns, back_ns = OPENS_NS + 120 * SECOND_NS, OPENS_NS + 400 * SECOND_NS
    for world in worlds:
        world.crowd.withdraw(world.market, makers, 0.5, gone_ns, back_ns)
        world.run(TEN_MINUTES_NS)
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
    tape, first = worlds[0].tape(), worlds[0].crowd.first_account[makers]
    entered = tape[(tape[:, at.T_KIND] == at.K_ENTER) & (tape[:, at.T_ACCOUNT] == first)]
    away = (entered[:, at.T_TIME] > gone_ns + SECOND_NS) & (entered[:, at.T_TIME] < back_ns)
    assert not away.any()
    assert (entered[:, at.T_TIME] >= back_ns).any()


def test_where_the_loop_returns_changes_nothing() -> None:
    whole = TwinWorld(EVERY_KIND, actors=True).run(TEN_MINUTES_NS)
    sliced = TwinWorld(EVERY_KIND, actors=True)
    for minute in range(1, 11):
        sliced.run(OPENS_NS + minute * 60 * SECOND_NS)
    assert sliced.tape_sha256() == whole.tape_sha256()


def test_a_second_day_is_traded_alike() -> None:
    worlds = [TwinWorld(EVERY_KIND, actors=actors, seed=3) for actors in (False, True)]
    for world in worlds:
        world.run()
        world.start_second_day()
        world.run(OPENS_NS + 24 * 3_600 * SECOND_NS + 600 * SECOND_NS)
    assert worlds[0].tape_sha256() == worlds[1].tape_sha256()
