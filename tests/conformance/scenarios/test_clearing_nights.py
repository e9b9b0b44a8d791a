"""Three days of a world with options: an expiry on the first evening, a split on its night."""

from datetime import date
from pathlib import Path
from typing import Any, assert_never

import pytest

from environment.actors import Actor, ActorContext, ActorRef, Envelope
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
from environment.instruments import Instrument, Right, make_option
from environment.market import layout as at, option_rows
from environment.market.clearing_events import (
    ClearingEvent,
    ContractsAssigned,
    ContractsExercised,
    SeriesAdjusted,
    SeriesExpired,
)
from environment.market.clearing_ledger import MarketLedger
from environment.messages import Resumed, TimerFired
from environment.record.journal import JournalReader
from scenarios.builders.clearing import open_house
from scenarios.builders.warm_up import compile_all
from scenarios.config.load import load_config
from scenarios.places import SHIPPED
from scenarios.protocol import PROTOCOL
from scenarios.run.session_loop import JOURNAL, SessionLoop
from tests.conformance.scenarios.runs import tape

FRIDAY, LATER = date(2021, 2, 5), date(2021, 3, 19)
FACTORS = """symbol,date,price_factor,split_factor,reference_price
ABM,2021-02-05,0.995,0.142857142857,1000.0
ABM,2021-02-09,0.995,1,142.0
ABM,2050-12-31,1,1,0
"""
ToHolder = (
    Resumed | TimerFired | AdjustmentNotice | AssignmentNotice | ExerciseNotice | ExpiryNotice
    | InstructionAccepted | InstructionRefused | MarginCallMetNotice | MarginCallNotice
    | EveningStatement
)  # fmt: skip


class Holder(Actor[ToHolder]):
    """Hears of an account, and tries to speak for it after the close."""

    def __init__(self, house: Any, told: str, at_ns: int) -> None:
        self.house, self.told, self.at_ns = house, told, at_ns
        self.heard: list[tuple[int, Any]] = []

    def receive(self, ctx: ActorContext, message: ToHolder) -> None:
        match message:
            case Resumed():
                ctx.subscribe("clearing/swarm")
                ctx.after(self.at_ns - ctx.now_ns(), "tell")
            case TimerFired():
                instruction = ExerciseInstruction(
                    account="swarm", instrument=self.told, contracts=1
                )
                ctx.request(self.house, instruction, ctx.now_ns() + 60_000_000_000)
            case (
                AdjustmentNotice() | AssignmentNotice() | ExerciseNotice() | ExpiryNotice()
                | InstructionAccepted() | InstructionRefused() | MarginCallMetNotice()
                | MarginCallNotice() | EveningStatement()
            ):  # fmt: skip
                self.heard.append((ctx.now_ns(), message))
            case never:
                assert_never(never)


def series(right: Right, strike: str, expiry: date) -> Instrument:
    return make_option("ABM", expiry, right, strike)


EXPIRING, PUT, LASTING = (
    series("call", "900", FRIDAY), series("put", "900", FRIDAY), series("call", "1000", LATER)
)  # fmt: skip


class Run:
    """The world, its holder, and who holds what at the start."""

    def __init__(self, folder: Path) -> None:
        (folder / "factors.csv").write_text(FACTORS)
        text = (SHIPPED / "rmsc04.toml").read_text()
        text = text.replace("date = 2021-02-05", "dates = [2021-02-05, 2021-02-09]")
        text = text.replace("tick = 0.01\n", 'tick = 0.01\nactions = "factors.csv"\n', 1)
        (folder / "days.toml").write_text(text)
        settings = ("crowds.noise.count=50", "crowds.value.count=10", 'session.closes="09:40"',
                    'account.margin="portfolio"', "account.cash=5_000_000")  # fmt: skip
        config = load_config(str(folder / "days.toml"), settings)
        made: list[Holder] = []

        def holder(floor: Any) -> Holder:
            close_ns = floor.session.close_ns
            made.append(Holder(ActorRef("clearing"), EXPIRING.symbol, close_ns + 60_000_000_000))
            return made[-1]

        self.disk = MemoryDisk()
        self.loop = SessionLoop.build(config, self.disk, agents={"test/holder": holder})
        world = self.loop.world
        for told in (EXPIRING, PUT, LASTING):
            world.series[world.market.add_series(told, stock=0)] = told
        open_house(world)
        self.numbers = {told.symbol: number for number, told in world.series.items()}
        self.swarm = world.floor.accounts["swarm"]
        self.give(at.FIRST_ACCOUNT, self.swarm, EXPIRING, 4)
        self.give(self.swarm, at.FIRST_ACCOUNT + 1, PUT, 3)
        self.give(self.swarm, at.FIRST_ACCOUNT + 2, LASTING, 2)
        self.give(at.FIRST_ACCOUNT + 3, at.FIRST_ACCOUNT + 2, EXPIRING, 5)
        self.start = MarketLedger(world.market).position.copy()
        self.loop.start()
        self.loop.advance_to(self.loop.end_ns)
        self.loop.finish()
        self.heard = made[-1].heard

    def give(self, giver: int, taker: int, told: Instrument, contracts: int) -> None:
        number = self.numbers[told.symbol]
        option_rows.move_contracts(self.loop.world.market, giver, taker, number, contracts)

    def events(self, kind: type[Any]) -> list[Any]:
        return [e for e in self.loop.world.clearing_events if isinstance(e, kind)]

    def notices(self, kind: type[Any]) -> list[Any]:
        return [message for _, message in self.heard if isinstance(message, kind)]


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    compile_all()
    return Run(tmp_path_factory.mktemp("nights"))


def test_nobody_speaks_for_the_account_of_another(run: Run) -> None:
    [refusal] = run.notices(InstructionRefused)  # The swarm's account is the venue's.
    assert "does not belong to the sender" in refusal.reason


def test_exercised_is_assigned_contract_for_contract(run: Run) -> None:
    exercised, assigned = run.events(ContractsExercised), run.events(ContractsAssigned)
    assert sum(sum(e.contracts) for e in exercised) == sum(sum(e.contracts) for e in assigned) == 9
    assert {e.session for e in exercised} == {FRIDAY}


def test_expired_series_are_gone_and_lapsed_puts_told(run: Run) -> None:
    assert {e.instrument for e in run.events(SeriesExpired)} == {EXPIRING.symbol, PUT.symbol}
    assert [n.contracts for n in run.notices(ExpiryNotice)] == [-3]
    left = option_rows.all_holdings(run.loop.world.market)
    assert set(left[1].tolist()) == {run.numbers[LASTING.symbol]}


def test_holder_of_exercised_calls_hears_next_morning(run: Run) -> None:
    [(now_ns, notice)] = [(t, m) for t, m in run.heard if isinstance(m, ExerciseNotice)]
    assert (notice.contracts, notice.shares) == (4, 400)
    assert notice.cash_micros == -4 * 100 * 900 * 1_000_000
    assert now_ns == run.loop.world.sessions[1].start_ns


def test_split_adjusts_the_series_that_live_on(run: Run) -> None:
    [event] = run.events(SeriesAdjusted)
    assert (event.instrument, event.adjusted) == (
        LASTING.symbol, series("call", "142.86", LATER).symbol,
    )  # fmt: skip
    assert [n.contracts for n in run.notices(AdjustmentNotice)] == [-14]
    number = run.numbers[LASTING.symbol]
    assert option_rows.held(run.loop.world.market, run.swarm, number) == -14


def test_books_add_up_and_the_tape_tells_every_move(run: Run) -> None:
    ledger = MarketLedger(run.loop.world.market)
    assert int(ledger.cash.sum()) == 0
    assert not ledger.position.sum(axis=0).any()
    rows = tape(run.loop)
    moved = rows[(rows[:, at.T_KIND] == at.K_CLEARING) & (rows[:, at.T_ACCOUNT] == run.swarm)]
    by_instrument: dict[int, int] = {}
    for row in moved[moved[:, at.T_INSTRUMENT] != at.NONE]:
        key = int(row[at.T_INSTRUMENT])
        by_instrument[key] = by_instrument.get(key, 0) + int(row[at.T_QUANTITY])
    assert by_instrument == {
        0: 2_800, run.numbers[EXPIRING.symbol]: -4, run.numbers[PUT.symbol]: 3,
        run.numbers[LASTING.symbol]: -12,
    }  # fmt: skip


def test_journal_holds_every_step(run: Run) -> None:
    records = JournalReader(run.disk.read(JOURNAL), PROTOCOL)
    told = [r.message for r in records if isinstance(r, Envelope)]
    assert [m for m in told if isinstance(m, ClearingEvent)] == run.loop.world.clearing_events
