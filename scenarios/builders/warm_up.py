"""Compile what a run needs before its clock starts, so that compilation is a step of its own."""

import numpy as np

from agents.crowd import advance as crowd
from agents.desk.control_proofs import prove_all
from environment.compiled import is_cached
from environment.draws import draw_bits, draw_exponential, draw_integer, draw_normal, draw_uniform
from environment.errors import Defect
from environment.market import advance as core, layout as at
from environment.market.arena import make_arena
from environment.market.replay_flow import ReplayFlow
from environment.market.replay_rows import OP_WORDS, RecordedDay


def compiling() -> str:
    """Return what compiling will come to, for whoever waits for it."""
    if is_cached("environment/market") and is_cached("agents/crowd"):
        return "from the cache"
    return "compiled now, once on a machine; that takes a minute or two"


def compile_replay() -> None:
    """Load the loop that replays a recording, or compile it: only such runs need it."""
    arena = make_arena({name: 64 for name, _ in at.SECTIONS} | {"bucket": 300, "tape": 4096})
    rows = np.zeros((1, OP_WORDS), np.int64)
    ReplayFlow(RecordedDay(rows, np.zeros((1, 4), np.int64), 1)).advance(arena, 0)


def warm_desk() -> None:
    """Load what the risk desk reckons with, by breaching every control once.

    Left to the first order, that takes seconds in which a live desk sends no heartbeat.
    """
    silent = [proof.name for proof in prove_all() if not proof.fired]
    if silent:
        raise Defect(f"Expected every control to speak, found {silent} silent.")


def compile_all() -> None:
    """Load every compiled entry from the cache, or compile it where the cache lacks it."""
    arena = make_arena({name: 64 for name, _ in at.SECTIONS} | {"bucket": 300, "tape": 4096})
    beliefs = np.zeros(64)
    arena[at.H_INSTRUMENTS] = 1
    core.post_event(arena, 1, at.E_PHASE, 0, at.CLOSED)
    core.post_order(arena, 2, 0, 0, 0, 0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0)
    core.post_cancel(arena, 3, 0, 0)
    core.post_cancel_all(arena, 3, 0, 0)
    core.post_replace(arena, 3, 0, 0, 1, 1)
    crowd.advance(arena, beliefs, 0)
    crowd.start(arena, beliefs, 0, 0)
    crowd.arrival_of(arena, 0, 0)
    for draw in (draw_bits, draw_uniform, draw_normal, draw_exponential):
        draw(0, 0)
    draw_integer(0, 0, 0, 2)
