"""Settings that the reference lacks: actors and compiled rows agree on them, to the byte."""

import msgspec
import numpy as np

from agents.crowd import reference as ref
from agents.crowd.population import Population
from agents.crowd.rows import U_BEFORE
from environment.market import layout as at
from tests.conformance.twin_world import OPENS_NS, POPULATIONS, SECOND_NS, TwinWorld

TEN_MINUTES_NS = OPENS_NS + 600 * SECOND_NS
CHOSEN = (at.NOISE, at.VALUE, at.ADAPTIVE_MAKER)
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


def test_noise_traders_who_wait_for_the_open_trade_alike() -> None:
    compiled, acting = _worlds(_changed(at.NOISE, {ref.F_OPENING: 0.7}, {}))
    tape = compiled.tape()
    early = tape[(tape[:, at.T_TIME] < OPENS_NS + 60 * SECOND_NS)]
    assert np.count_nonzero(early[:, at.T_KIND] == at.K_REFUSE) > 0  # The book is open already.
    assert acting.tape_sha256() == compiled.tape_sha256()
