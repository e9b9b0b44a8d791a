"""Starts the swarm as `outcry live` does, with a metronome that asks for one order that rests.

`python -m tests.process.resting MARKER FILE`: no shipped agent proposes an order good till
cancelled. Its beat is replaced here, from outside, in this process alone; it asks once, in the
life of the marker file, so that a later start finds the order in the desk's books or nowhere.
"""

import sys
from pathlib import Path
from typing import Any, Final
from unittest import mock

from agents.quant.metronome import Metronome
from environment.messages import OrderRequest

LOTS: Final = 200_000
SYMBOL: Final = "AAPL"


def ask_once(marker: Path, metronome: Any, ctx: Any) -> None:
    """Bid at the touch for more than is there: it trades in part, and the rest rests."""
    state = metronome.state
    view = state.views[SYMBOL]
    if marker.exists() or not view.is_continuous or view.ask_price is None:
        return
    order = OrderRequest(
        order_id=state.numbers.next_id(ctx.address, ctx.now_ns()), instrument=SYMBOL, side="buy",
        quantity=LOTS, price=view.ask_price, time_in_force="gtc",
    )  # fmt: skip
    marker.write_text(order.order_id)
    ctx.send(metronome._risk, order)


def main() -> int:
    """Start the swarm."""
    marker, file = Path(sys.argv[1]), Path(sys.argv[2])
    from scenarios.live import commands as live_commands

    def beat(metronome: Any, ctx: Any) -> None:
        ask_once(marker, metronome, ctx)

    mock.patch.object(Metronome, "_beat", beat).start()
    return live_commands.start(file, venue="process")


if __name__ == "__main__":
    sys.exit(main())
