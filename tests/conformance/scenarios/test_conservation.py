"""Nothing is lost: cash and shares add up after every scenario and every night."""

from pathlib import Path

import numpy as np
import pytest

from environment.actors import Envelope
from environment.actors.ports import MemoryDisk
from environment.market import layout as at, option_rows
from environment.market.clearing_events import DividendPaid, MarginCalled, SplitApplied
from environment.market.clearing_ledger import MarketLedger
from environment.market.margin import Ints
from environment.record.journal import JournalReader
from scenarios.config.load import load_config, shipped_names
from scenarios.places import SHIPPED
from scenarios.protocol import PROTOCOL
from scenarios.run.session_loop import JOURNAL, SessionLoop
from scenarios.world import World
from tests.conformance.scenarios.runs import SHORT, finished, tape

DISK = MemoryDisk()
FACTORS = """symbol,date,price_factor,split_factor,reference_price
ABM,2021-02-04,0.995,0.142857142857,1000.0
ABM,2021-02-05,0.995,1,142.0
ABM,2050-12-31,1,1,0
"""


def assert_conserved(loop: SessionLoop) -> None:
    """Cash, lots and contracts over all accounts, contra accounts included, come to nothing."""
    market = loop.world.market
    ledger = MarketLedger(market)
    assert int(ledger.cash.sum()) == 0
    assert not ledger.position.sum(axis=0).any()
    if not loop.world.series:
        return
    _, numbers, contracts, _ = option_rows.all_holdings(market)
    rows = market.section(at.S_INSTRUMENT)
    for number in np.unique(numbers).tolist():
        mine = contracts[numbers == number]
        assert int(mine.sum()) == 0
        assert int(rows[number, at.I_OPEN_INTEREST]) == int(mine[mine > 0].sum())


def lots_from_tape(loop: SessionLoop) -> Ints:
    """Return what each account's lots changed by, from the tape alone."""
    rows = tape(loop)
    owner = {
        int(row[at.T_ORDER]): int(row[at.T_ACCOUNT]) for row in rows if row[at.T_KIND] == at.K_ENTER
    }
    lots = np.zeros_like(MarketLedger(loop.world.market).position)
    for row in rows[(rows[:, at.T_KIND] == at.K_FILL) | (rows[:, at.T_KIND] == at.K_CLEARING)]:
        if row[at.T_INSTRUMENT] == at.NONE:
            continue
        if row[at.T_KIND] == at.K_CLEARING:
            lots[row[at.T_ACCOUNT], row[at.T_INSTRUMENT]] += row[at.T_QUANTITY]
            continue
        signed = int(row[at.T_QUANTITY]) * (1 if row[at.T_SIDE] == at.BUY else -1)
        lots[row[at.T_ACCOUNT], row[at.T_INSTRUMENT]] += signed
        lots[owner[int(row[at.T_COUNTERPARTY])], row[at.T_INSTRUMENT]] -= signed
    return lots


@pytest.fixture(scope="module")
def three_days(tmp_path_factory: pytest.TempPathFactory) -> SessionLoop:
    """Three days of rmsc04 with a 7:1 split before the second and a dividend before the third."""
    folder = tmp_path_factory.mktemp("days")
    (folder / "factors.csv").write_text(FACTORS)
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", "dates = [2021-02-04, 2021-02-08]")
    text = text.replace("tick = 0.01\n", 'tick = 0.01\nactions = "factors.csv"\n')
    (folder / "days.toml").write_text(text)
    loop = SessionLoop.build(load_config(str(folder / "days.toml")), DISK)
    loop.start()
    while loop.advance_to(loop.world.sessions[loop.day].end_ns):
        assert_conserved(loop)
    loop.finish()
    return loop


@pytest.mark.parametrize("scenario", shipped_names())
def test_shipped_scenario_conserves_cash_and_shares(scenario: str) -> None:
    recorded = load_config(scenario).scenario.recording is not None
    # A short day has no place for what happens later on a whole one.
    loop = finished(scenario, () if recorded else (*SHORT, "shock=[]"))
    assert_conserved(loop)


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize("scenario", shipped_names())
def test_shipped_scenario_conserves_cash_and_shares_to_the_end(scenario: str) -> None:
    assert_conserved(finished(scenario, ()))


def test_every_day_is_cleared_and_conserved(three_days: SessionLoop) -> None:
    assert_conserved(three_days)
    assert three_days.day == 3


def test_price_follows_split_and_dividend(three_days: SessionLoop) -> None:
    told = three_days.world.clearing_events
    split = next(event for event in told if isinstance(event, SplitApplied))
    paid = next(event for event in told if isinstance(event, DividendPaid))
    assert (split.numerator, split.denominator, paid.micros_per_share) == (7, 1, 710_000)
    last = int(three_days.world.market.section(at.S_INSTRUMENT)[0, at.I_LAST])
    assert 13_900 < last < 14_400


def test_every_clearing_event_is_a_record_of_the_journal(three_days: SessionLoop) -> None:
    records = JournalReader(DISK.read(JOURNAL), PROTOCOL)
    heard = [r.message for r in records if isinstance(r, Envelope) and r.sender == "clearing"]
    assert heard == three_days.world.clearing_events


def test_tape_alone_tells_who_holds_what(three_days: SessionLoop) -> None:
    given = three_days.world.config.scenario.crowds["noise"].holding
    assert given == 0
    expected = MarketLedger(three_days.world.market).position
    assert np.array_equal(lots_from_tape(three_days), expected)


def test_day_without_a_position_calls_nobody() -> None:
    loop = finished("rmsc04", (*SHORT, "crowds.noise.count=0", "crowds.value.count=0"))
    assert not [e for e in loop.world.clearing_events if isinstance(e, MarginCalled)]


def test_nights_are_in_the_world_too(tmp_path: Path) -> None:
    text = (SHIPPED / "rmsc04.toml").read_text()
    text = text.replace("date = 2021-02-05", "dates = [2021-02-04, 2021-02-05]")
    (tmp_path / "days.toml").write_text(text)
    world = World(str(tmp_path / "days.toml"), step="5h")
    world.run_model()
    assert world.session_loop.day == 2
    assert_conserved(world.session_loop)
