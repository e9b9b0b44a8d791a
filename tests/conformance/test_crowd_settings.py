"""Settings that the reference lacks: actors and compiled rows agree on them, to the byte."""

import msgspec
import numpy as np
import pytest

from agents.crowd import reference as ref
from agents.crowd.population import Population
from agents.crowd.rows import U_BEFORE
from environment.market import layout as at
from environment.market.session import BY_ORDER
from tests.conformance.twin_world import OPENS_NS, POPULATIONS, SECOND_NS, TwinWorld

TEN_MINUTES_NS = OPENS_NS + 600 * SECOND_NS
CHOSEN = (at.NOISE, at.VALUE, at.ADAPTIVE_MAKER)
EAGER = {ref.U_EDGE: 2, ref.U_CONVICTION: 8}
FIRST_MINUTE = {U_BEFORE: 60 * SECOND_NS}


def _changed(kind: int, floats: dict[int, float], integers: dict[int, int]) -> Population:
    told = POPULATIONS[kind]
    return msgspec.structs.replace(
        told, floats=told.floats | floats, integers=told.integers | integers | FIRST_MINUTE
    )


def _worlds(changed: Population) -> list[TwinWorld]:
    kinds = POPULATIONS | {changed.kind: changed}
    chosen = tuple(kinds[kind] for kind in CHOSEN)
    return [TwinWorld(chosen, actors=actors).run(TEN_MINUTES_NS) for actors in (False, True)]


def test_value_traders_with_an_edge_trade_alike() -> None:
    edged = _changed(at.VALUE, {ref.F_WANDER: 2.0, ref.F_PASSIVE: 0.3}, {ref.U_EDGE: 2})
    compiled, acting = _worlds(edged)
    plain = _worlds(POPULATIONS[at.VALUE])[0]
    assert acting.tape_sha256() == compiled.tape_sha256() != plain.tape_sha256()


@pytest.mark.parametrize("actors", [False, True])
def test_value_traders_leave_limits_for_a_reopening(actors: bool) -> None:
    told = {ref.F_WANDER: 2.0, ref.F_PASSIVE: 0.0}
    world = TwinWorld((POPULATIONS[at.NOISE], _changed(at.VALUE, told, EAGER)), actors=actors)
    for number in range(2):
        world.market.post_event(OPENS_NS + 300 * SECOND_NS, at.E_HALT, number, BY_ORDER)
    tape = world.run(TEN_MINUTES_NS).tape()
    value = tape[:, at.T_ACCOUNT] >= world.crowd.first_account[1]
    paused = tape[:, at.T_TIME] > OPENS_NS + 302 * SECOND_NS
    entered, refused = (
        np.count_nonzero(value & paused & (tape[:, at.T_KIND] == kind))
        for kind in (at.K_ENTER, at.K_REFUSE)
    )
    assert entered > 10
    assert refused == 0


def test_value_traders_with_conviction_trade_alike_in_a_pause_and_towards_the_close() -> None:
    changed = _changed(at.VALUE, {ref.F_WANDER: 2.0, ref.F_SHARE: 0.5}, EAGER)
    tapes = list[str]()
    for actors in (False, True):
        world = TwinWorld((POPULATIONS[at.NOISE], changed), actors=actors)
        world.market.post_event(OPENS_NS + 300 * SECOND_NS, at.E_HALT, 0, BY_ORDER)
        tapes.append(world.run(OPENS_NS + 2_400 * SECOND_NS).tape_sha256())
    on_close = (world.tape()[:, at.T_TYPE] & 0xFF) == at.ON_CLOSE
    assert np.any(on_close & (world.tape()[:, at.T_PRICE] < at.MAX_PRICE))
    assert tapes[0] == tapes[1]


def test_noise_traders_who_wait_for_the_open_trade_alike() -> None:
    compiled, acting = _worlds(_changed(at.NOISE, {ref.F_OPENING: 0.7}, {}))
    tape = compiled.tape()
    early = tape[(tape[:, at.T_TIME] < OPENS_NS + 60 * SECOND_NS)]
    assert np.count_nonzero(early[:, at.T_KIND] == at.K_REFUSE) > 0  # The book is open already.
    assert acting.tape_sha256() == compiled.tape_sha256()
