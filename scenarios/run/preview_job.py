"""One preview as a drawer works at it: first without the swarm's agents, then with them."""

import time
from collections.abc import Callable, Sequence
from typing import Final

from agents.human.preview import PreviewLeg, PreviewOrder, PreviewResult, PreviewTask
from scenarios.config.swarm import Swarm
from scenarios.run.preview_swarm import on_rules, standing_in, standing_still
from scenarios.run.preview_world import GivenUp, Pair, draw_pair

STILL_S: Final = 1.2  # Of the two seconds in which a preview is to be on the card.
ACTING_S: Final = 20.0  # So long after it came it is left as it is: whoever asked has looked.
TELL_S: Final = 1.0  # Between two tellings, so that a page is not drawn at every pair.


class PreviewJob:
    """A task, and what was drawn of it so far.

    Parameters
    ----------
    rows
        Which seeds are its own, counted from the task's first.
    clock
        Seconds that only go forward.
    draw
        Returns the pair of one seed: `preview_world.draw_pair`.
    """

    def __init__(
        self, task: PreviewTask, swarm: Swarm | None, rows: Sequence[int], *,
        clock: Callable[[], float] = time.monotonic, draw: Callable[..., Pair] = draw_pair,
    ) -> None:  # fmt: skip
        self._task, self._rows, self._clock, self._draw = task, rows, clock, draw
        acting = standing_in(swarm, task.symbol)
        self._swarm = acting if acting is not None and acting.swarm else None
        self._still = standing_still(swarm, task.symbol)
        self._found: list[Pair] = []
        self._acting = 0  # In the first so many the agents act.
        self._began_s = self._told_s = clock()
        self.record_hash = task.record_hash
        self.is_told = False  # Whether the first worlds have gone to the card.
        self.is_over = False

    def step(self, may_go_on: Callable[[], bool]) -> PreviewResult | None:
        """Draw one pair, and return what is to be told now, if anything is.

        Where something else is more pressing a pair with the agents is given up, and begun again.
        """
        if not self.is_told:
            return self._step_without()
        try:
            pair = self._draw(self._task, self._seed(self._acting), self._swarm, may_go_on)
        except GivenUp:
            pair = None
        if pair is not None:
            self._found[self._acting : self._acting + 1] = [pair]
            self._acting += 1
        now_s = self._clock()
        is_whole = self._acting == len(self._rows)
        self.is_over = is_whole or now_s - self._began_s >= ACTING_S
        if not self.is_over and (pair is None or now_s - self._told_s < TELL_S):
            return None
        self._told_s = now_s
        return self._result()

    def _step_without(self) -> PreviewResult | None:
        """Draw one pair in which the agents stand still; tell all of them together."""
        began_s = self._clock()
        self._found.append(self._draw(self._task, self._seed(len(self._found))))
        now_s = self._clock()
        is_time_left = 2 * now_s - began_s - self._began_s < STILL_S  # For one more like it.
        if is_time_left and len(self._found) < len(self._rows):
            return None
        self.is_told, self._told_s = True, now_s
        self.is_over = self._swarm is None
        return self._result()

    def _seed(self, place: int) -> int:
        return self._task.first_seed + self._rows[place]

    def _result(self) -> PreviewResult:
        pairs = len(self._found)
        return PreviewResult(
            record_hash=self._task.record_hash, first_seed=self._task.first_seed,
            horizon_s=self._task.horizon_s, without=tuple(pair[0] for pair in self._found),
            with_order=tuple(pair[1] for pair in self._found),
            filled=tuple(pair[2] for pair in self._found),
            acting=tuple(place < self._acting for place in range(pairs)),
            still=self._still, on_rules=on_rules(self._swarm), more=not self.is_over,
        )  # fmt: skip


def warm_up(swarm: Swarm | None) -> None:
    """Draw two worlds that nobody asked for: what is needed for the first time takes a second."""
    names = [] if swarm is None else [swarm.agents[one].mandate.instruments for one in swarm.swarm]
    symbol = names[0][0].removesuffix("/options") if names else "SEEN"
    task = PreviewTask(
        record_hash="", symbol=symbol, mid=100.0, tick_micros=10_000, shares_per_lot=1,
        sigma_annual=0.3, spread_ticks=2, bids=((9_999, 100),), asks=((10_001, 100),),
        held=(PreviewLeg(kind="stock", shares=1.0),), order=PreviewOrder(side="buy", lots=1),
        horizon_s=120, first_seed=0,
    )  # fmt: skip
    draw_pair(task, 0)
    draw_pair(task, 0, standing_in(swarm, symbol))
