"""Snapshots of durable actors are taken between turns, and never of one that has just failed."""

from typing import Any

from environment.actors import LiveKernel
from tests.conformance.actors.cast import DurablePlayer, Note, Player

ENOUGH = 300  # More steps than an incarnation runs again.


def floor() -> tuple[LiveKernel, list[DurablePlayer]]:
    """Return a kernel with a durable actor that fails at the word "fail", and its incarnations."""
    kernel, made = LiveKernel(), list[DurablePlayer]()

    def script(ctx: Any, message: Any, player: Player) -> None:
        if isinstance(message, Note) and message.text == "fail":
            player.state.heard.clear()  # What it leaves behind must not be kept.
            raise ValueError("as it was told")

    def make() -> DurablePlayer:
        made.append(DurablePlayer(script))
        return made[-1]

    kernel.spawn("a", make)
    kernel.on_alarm(lambda _: None)
    while kernel.turn():
        pass
    return kernel, made


def say(kernel: LiveKernel, *texts: str) -> None:
    for text in texts:
        kernel.admit("door", "a", Note(text=text))
    while kernel.turn():
        pass


def test_long_history_is_short_after_the_turn() -> None:
    kernel, _ = floor()
    say(kernel, *map(str, range(ENOUGH)))
    history = kernel.floor.cells["a"].history
    assert history is not None
    assert history.number > ENOUGH
    assert len(history.steps) < ENOUGH


def test_actor_that_fails_in_the_turn_that_was_long_comes_back_whole() -> None:
    kernel, made = floor()
    say(kernel, *map(str, range(ENOUGH)), "fail")
    while len(made) == 1 or not kernel.floor.cells["a"].is_up:
        kernel.turn()
    say(kernel, "after")
    texts = [text for _, name, text in made[-1].state.heard if name == "Note"]
    assert texts == [*map(str, range(ENOUGH)), "after"]
