"""What `outcry status` says of a standing."""

import msgspec

from environment.control_messages import HeldDown
from environment.instruments import make_equity
from environment.venue_messages import AccountReport, OrderAtVenue
from scenarios.live.control_wire import Life, OrderLine, Standing, StoppedScope, SwarmStatus
from scenarios.live.standing_text import standing_lines

AT_VENUE = OrderAtVenue(
    client_order_id="floor.1.a/1", instrument="AAPL", side="buy", quantity=5, filled=0,
    price=64_675, state="working",
)  # fmt: skip
HELD = OrderLine(
    order_id="a/1", client_order_id="floor.1.a/1", owner="a", instrument="AAPL", side="buy",
    leaves=5, price=None, is_unknown=True,
)  # fmt: skip
SWARM = SwarmStatus(
    name="floor", run="floor", epoch=2, process=77, market_ns=1_402_063_608_000_000_000,
    zone="America/New_York", desk="reducing", reason="the wall clock was set", is_ready=True,
    venue="connected", unknown=1, breaks=0, orders=(HELD,), positions={"AAPL": -5}, handled=9,
    failures=0, stalls=0, durable="write",
)  # fmt: skip


def standing(life: Life = "alive", halted: str = "") -> Standing:
    """Return one of each order."""
    return Standing(
        halted=halted, beat_age_s=0.2, swarm=SWARM if life in {"alive", "silent"} else None,
        account=AccountReport(sequence=3, orders=(AT_VENUE,), positions={}), venue="connected",
        instruments=(make_equity("AAPL"),), life=life, last_epoch=2, last_process=77,
    )  # fmt: skip


def test_prices_are_money_and_an_unknown_outcome_is_said() -> None:
    lines = standing_lines(standing())
    assert "  floor.1.a/1: buy 5 AAPL at 646.75" in lines
    assert "  floor.1.a/1: buy 5 AAPL at the market, a, UNKNOWN" in lines


def test_price_of_what_is_not_known_says_its_unit() -> None:
    lines = standing_lines(msgspec.structs.replace(standing(), instruments=()))
    assert "  floor.1.a/1: buy 5 AAPL at 64675 ticks" in lines


def test_why_the_desk_is_not_active_is_said() -> None:
    assert "it is REDUCING because: the wall clock was set" in standing_lines(standing())


def test_what_is_stopped_below_the_desk_is_said() -> None:
    stopped = StoppedScope(scope="agent", name="quant/a", state="halted", reason="breaker loss")
    swarm = msgspec.structs.replace(SWARM, stopped=(stopped,))
    lines = standing_lines(msgspec.structs.replace(standing(), swarm=swarm))
    assert "agent quant/a is HALTED because: breaker loss" in lines


def test_what_breakers_hold_down_is_said() -> None:
    held = HeldDown(
        scope="agent", name="quant/a", breaker="agent_daily_loss", to="halted", figure="11.90",
        limit="1.00", when="at its next price", mends="the loss falls",
    )  # fmt: skip
    swarm = msgspec.structs.replace(SWARM, held=(held,))
    lines = standing_lines(msgspec.structs.replace(standing(), swarm=swarm))
    assert f"agent quant/a: {held.text}" in lines


def test_halt_is_the_first_line() -> None:
    assert standing_lines(standing(halted="outcry halt"))[0] == "HALTED: outcry halt"


def test_dead_swarm_says_nothing_more() -> None:
    lines = standing_lines(standing("dead"))
    assert lines[0].startswith("swarm: DEAD")
    assert not any("as the desk sees" in line for line in lines)


def test_silent_swarm_s_last_words_are_marked_as_old() -> None:
    assert standing_lines(standing("silent"))[0] == (
        "swarm: SILENT, what it said last is from 0.2 s ago"
    )
