"""A subscriber's own interval, on both kernels."""

from typing import Any

import msgspec
import pytest

from environment.actors import ActorContext, Connection, Settings
from environment.actors.latency import Constant
from environment.messages import DepthUpdate, QuoteUpdate, Resumed
from tests.conformance.actors.cast import MakeStage, Note, Player, at_start, make_simulation

MS = 1_000_000


def speaker(times_ms: tuple[int, ...], instrument: str = "X") -> Any:
    """Return a script that publishes its own number at each of these times."""

    def talk(ctx: ActorContext, message: Any, _: Player) -> None:
        if isinstance(message, Resumed):
            for number, at in enumerate(times_ms):
                ctx.after(at * MS, str(number))
        else:
            ctx.publish("quotes", Note(text=message.name, instrument=instrument))

    return talk


class FarAway:
    """A link on which everybody hears every topic 5 ms later."""

    def connection(self, _sender: str, _recipient: str) -> Connection:
        return Connection(latency=Constant(nanoseconds=1))

    def subscription(self, _topic: str, _subscriber: str) -> Constant:
        return Constant(nanoseconds=5 * MS)


def listener(interval_ns: int) -> Any:
    return at_start(lambda ctx: ctx.subscribe("quotes", interval_ns=interval_ns))


def test_each_subscriber_has_its_own_interval(make_stage: MakeStage) -> None:
    stage = make_stage(Settings())
    stage.add("all", listener(0))
    stage.add("slow", listener(50 * MS))
    stage.add("slower", listener(200 * MS))
    stage.add("speaker", speaker((10, 20, 30, 40, 100)))
    stage.kernel.run()
    assert stage.words("all") == ["0", "1", "2", "3", "4"]
    # The first at once; what came within the interval, as its newest, when that was over.
    assert stage.words("slow") == ["0", "3", "4"]
    assert stage.words("slower") == ["0", "4"]


def test_instruments_do_not_wait_for_each_other(make_stage: MakeStage) -> None:
    stage = make_stage(Settings())
    stage.add("slow", listener(50 * MS))
    stage.add("x", speaker((10, 20)))
    stage.add("y", speaker((15,), "Y"))
    stage.kernel.run()
    assert stage.words("slow") == ["0", "0", "1"]


def test_value_comes_when_the_interval_is_over_and_not_before() -> None:
    stage = make_simulation(Settings())
    stage.add("slow", listener(50 * MS))
    stage.add("speaker", speaker((10, 20, 30, 100, 105)))
    stage.kernel.run()
    times = [(now // MS, word) for now, _, word in stage.heard("slow")]
    assert times == [(10, "0"), (60, "2"), (110, "4")]


def test_interval_holds_for_a_subscriber_with_a_latency_of_its_own() -> None:
    stage = make_simulation(Settings(), link=FarAway())
    stage.add("slow", listener(50 * MS))
    stage.add("speaker", speaker((10, 20, 30)))
    stage.kernel.run()
    times = [(now // MS, word) for now, _, word in stage.heard("slow")]
    assert times == [(15, "0"), (65, "2")]


def test_later_subscription_changes_the_interval(make_stage: MakeStage) -> None:
    def listen(ctx: ActorContext, message: Any, _: Player) -> None:
        if isinstance(message, Resumed):
            ctx.subscribe("quotes", interval_ns=500 * MS)
        elif isinstance(message, Note) and message.text == "0":
            ctx.subscribe("quotes", interval_ns=0)

    stage = make_stage(Settings())
    stage.add("listener", listen)
    stage.add("speaker", speaker((10, 20, 30)))
    stage.kernel.run()
    assert stage.words("listener") == ["0", "1", "2"]


@pytest.mark.parametrize("pause_ms", [15, 25, 55])
def test_held_value_is_in_a_snapshot(pause_ms: int) -> None:
    def build() -> Any:
        stage = make_simulation(Settings())
        stage.add("slow", listener(50 * MS))
        stage.add("speaker", speaker((10, 20, 30, 70)))
        return stage

    whole, first, second = build(), build(), build()
    whole.kernel.run()
    first.kernel.run_until(pause_ms * MS)
    second.kernel.restore(first.kernel.snapshot())
    second.kernel.run()
    assert second.kernel.snapshot() == whole.kernel.snapshot()


def test_conflated_value_says_which_sequence_numbers_it_covers() -> None:
    touch = QuoteUpdate(
        instrument="X", bid_price=1, bid_quantity=1, ask_price=2, ask_quantity=1, last_price=None,
        volume=0, exchange_ns=0, first_sequence=7, last_sequence=9,
    )  # fmt: skip
    depth = DepthUpdate(
        instrument="X", bids=(), asks=(), exchange_ns=0, first_sequence=3, last_sequence=4
    )
    assert touch.covering(depth) == msgspec.structs.replace(touch, first_sequence=3)
    assert Note(text="a").covering(touch) == Note(text="a")
