"""After the close an agent says otherwise than the rule of the cent; writers hear next morning."""

from datetime import date
from functools import cache
from pathlib import Path
from typing import Any, assert_never

import pytest

from environment.actors import Actor, ActorContext, ActorRef
from environment.actors.ports import MemoryDisk
from environment.clearing_messages import (
    AdjustmentNotice,
    AssignmentNotice,
    EveningStatement,
    ExerciseInstruction,
    ExerciseNotice,
    ExpiryNotice,
    InstructionAccepted,
    InstructionRefused,
    MarginCallMetNotice,
    MarginCallNotice,
)
from environment.instruments import make_option
from environment.market import layout as at, option_rows
from environment.messages import Resumed, TimerFired
from scenarios.builders.clearing import open_house
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import load_config
from scenarios.places import SHIPPED
from scenarios.run.session_loop import SessionLoop

FRIDAY = date(2021, 2, 5)
INSIDE, OUTSIDE, SPLIT, WRITTEN = (
    make_option("ABM", FRIDAY, "call", strike) for strike in ("900", "1100", "950", "800")
)
LATER = make_option("ABM", date(2021, 3, 19), "call", "900")
MINUTE_NS = 60_000_000_000
Notice = (
    AdjustmentNotice | AssignmentNotice | ExerciseNotice | ExpiryNotice | InstructionAccepted
    | InstructionRefused | MarginCallMetNotice | MarginCallNotice | EveningStatement
)  # fmt: skip


class Holder(Actor[Resumed | TimerFired | Notice]):
    """Waits for the close, says what is to be exercised, and hears what became of it."""

    def __init__(self, close_ns: int) -> None:
        self._close_ns = close_ns
        self.heard: list[tuple[int, Any]] = []

    def receive(self, ctx: ActorContext, message: Resumed | TimerFired | Notice) -> None:
        match message:
            case Resumed():
                ctx.subscribe("clearing/swarm")
                ctx.after(self._close_ns + MINUTE_NS - ctx.now_ns(), "tell")
            case TimerFired():
                house: ActorRef[Any] = ActorRef("clearing")
                for told, contracts in ((INSIDE, 0), (OUTSIDE, 2), (SPLIT, 1), (LATER, 1)):
                    instruction = ExerciseInstruction(
                        account="swarm", instrument=told.symbol, contracts=contracts
                    )
                    ctx.request(house, instruction, ctx.now_ns() + MINUTE_NS)
            case (
                AdjustmentNotice() | AssignmentNotice() | ExerciseNotice() | ExpiryNotice()
                | InstructionAccepted() | InstructionRefused() | MarginCallMetNotice()
                | MarginCallNotice() | EveningStatement()
            ):  # fmt: skip
                self.heard.append((ctx.now_ns(), message))
            case never:
                assert_never(never)


@cache
def run(folder: Path, *, is_named: bool = True) -> tuple[SessionLoop, Holder]:
    """Return a finished run of two days, in which the swarm holds four of each and has written."""
    compile_all()
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", "dates = [2021-02-05, 2021-02-08]")
    (folder / "days.toml").write_text(text)
    named = ('account.exercised_by=["quant/holder"]',) if is_named else ()
    settings = ("crowds.noise.count=50", "crowds.value.count=10", 'session.closes="09:40"',
                'account.margin="portfolio"', "account.cash=5_000_000", *named)  # fmt: skip
    made: list[Holder] = []

    def holder(floor: Any) -> Holder:
        made.append(Holder(floor.session.close_ns))
        return made[-1]

    config = load_config(str(folder / "days.toml"), settings)
    loop = SessionLoop.build(config, MemoryDisk(), agents={"quant/holder": holder})
    world = loop.world
    for told in (INSIDE, OUTSIDE, SPLIT, WRITTEN, LATER):
        world.series[world.market.add_series(told, stock=0)] = told
    open_house(world)
    swarm, number = world.floor.accounts["swarm"], {s.symbol: n for n, s in world.series.items()}
    for told in (INSIDE, OUTSIDE, SPLIT, LATER):
        option_rows.move_contracts(world.market, at.FIRST_ACCOUNT, swarm, number[told.symbol], 4)
    option_rows.move_contracts(
        world.market, swarm, at.FIRST_ACCOUNT + 1, number[WRITTEN.symbol], 2
    )  # fmt: skip
    loop.start()
    loop.advance_to(loop.end_ns)
    loop.finish()
    return loop, made[-1]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("contrary")


def notices(holder: Holder, kind: type[Any]) -> dict[str, Any]:
    return {m.instrument: m for _, m in holder.heard if isinstance(m, kind)}


def test_instructions_of_a_named_agent_stand_against_the_rule(folder: Path) -> None:
    _, holder = run(folder)
    assert len(notices(holder, InstructionAccepted)) == 4
    exercised = notices(holder, ExerciseNotice)
    assert {name: notice.contracts for name, notice in exercised.items()} == {
        OUTSIDE.symbol: 2, SPLIT.symbol: 1, LATER.symbol: 1,
    }  # fmt: skip
    assert {notice.reason for notice in exercised.values()} == {"instruction"}
    lapsed = notices(holder, ExpiryNotice)
    assert {name: notice.contracts for name, notice in lapsed.items()} == {
        INSIDE.symbol: 4, OUTSIDE.symbol: 2, SPLIT.symbol: 3,
    }  # fmt: skip


def test_a_writer_hears_next_morning_what_was_assigned(folder: Path) -> None:
    loop, holder = run(folder)
    [(now_ns, notice)] = [(t, m) for t, m in holder.heard if isinstance(m, AssignmentNotice)]
    assert now_ns == loop.world.sessions[1].start_ns
    assert (notice.instrument, notice.contracts, notice.shares) == (WRITTEN.symbol, 2, -200)


def test_without_a_name_nobody_speaks_for_the_swarm(folder: Path) -> None:
    _, holder = run(folder, is_named=False)
    assert len(notices(holder, InstructionRefused)) == 4
    exercised = notices(holder, ExerciseNotice)
    assert {name: notice.contracts for name, notice in exercised.items()} == {
        INSIDE.symbol: 4, SPLIT.symbol: 4,
    }  # fmt: skip
    assert {notice.reason for notice in exercised.values()} == {"expiry"}
