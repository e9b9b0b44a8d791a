"""The tables of several days: profit is the ledger's, whatever a night did to lots and prices."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest

from environment.market import layout as at
from environment.market.clearing_events import DividendPaid, MarksTaken, SplitApplied
from environment.market.clearing_ledger import MarketLedger
from environment.record.day import DayTape, Floats
from environment.record.facts import MICROS
from environment.record.populations import population_minutes, population_table
from environment.record.tables import account_flows, accounts_table
from scenarios.places import SHIPPED
from scenarios.run.session_loop import SessionLoop
from tests.conformance.scenarios.runs import ready, tape

# Seven for one and half a per cent of dividend on the first night; some hold stock before that.
FACTORS = """symbol,date,price_factor,split_factor,reference_price
ABM,2021-02-05,0.995,0.142857142857,1000.0
ABM,2050-12-31,1,1,0
"""
HOLDING = 10


class TwoDays:
    """A run that stands at its last close, before its last night."""

    def __init__(self, folder: Path) -> None:
        (folder / "factors.csv").write_text(FACTORS)
        text = (SHIPPED / "rmsc04.toml").read_text()
        text = text.replace("date = 2021-02-05", "dates = [2021-02-05, 2021-02-08]")
        text = text.replace("tick = 0.01\n", 'tick = 0.01\nactions = "factors.csv"\n', 1)
        (folder / "days.toml").write_text(text)
        settings = (
            "crowds.noise.count=300", "crowds.value.count=30", "crowds.noise.wakes=3",
            'session.closes="10:00"', f"crowds.noise.holding={HOLDING}", "clearing.debit_rate=0.5",
            "clearing.credit_rate=0.2",
        )  # fmt: skip
        self.loop: SessionLoop = ready(str(folder / "days.toml"), settings)
        self.loop.start()
        ledger = MarketLedger(self.loop.world.market)
        self.cash, self.lots = ledger.cash.copy(), ledger.position[:, 0].copy()
        self.loop.advance_to(self.loop.end_ns - 1)
        self.loop.world.market.flush_tape()
        self.day = DayTape(tape(self.loop), self.loop.world.facts)
        flows = account_flows(self.day)
        self.flows = {name: values.astype(np.float64) for name, values in flows.items()}

    def gained(self) -> Floats:
        """Return what the ledger says that each account gained, but for the stock it brought."""
        world = self.loop.world
        ledger = MarketLedger(world.market)
        (paid,) = [e for e in world.clearing_events if isinstance(e, DividendPaid)]
        split_first = isinstance(world.clearing_events[1], SplitApplied)
        entitled = self.lots * (7 if split_first else 1)
        kept = 7 * self.lots * self.mark_micros() + entitled * paid.micros_per_share
        equity = ledger.cash + ledger.position[:, 0] * self.mark_micros()
        gained: Floats = (equity - self.cash - kept) / MICROS
        return gained

    def mark_micros(self) -> int:
        """Return what one lot is worth at the last close, by the market's own account of it."""
        row = self.loop.world.market.section(at.S_INSTRUMENT)[0]
        return int(row[at.I_CLOSE_PRICE] or row[at.I_LAST]) * 10_000


@pytest.fixture(scope="module")
def two_days(tmp_path_factory: pytest.TempPathFactory) -> TwoDays:
    return TwoDays(tmp_path_factory.mktemp("days"))


def test_the_night_split_the_stock_and_paid_a_dividend(two_days: TwoDays) -> None:
    kinds = {type(event) for event in two_days.loop.world.clearing_events}
    assert {MarksTaken, SplitApplied, DividendPaid} <= kinds
    assert (np.abs(two_days.flows["pnl_nights"]) > 0).sum() > 50


def test_profit_of_each_account_is_the_ledgers_own(two_days: TwoDays) -> None:
    profit, size = two_days.flows["pnl"], len(two_days.day.facts.accounts)
    gained = two_days.gained()[:size]
    traders = np.array([not account.contra for account in two_days.day.facts.accounts])
    assert profit[traders] == pytest.approx(gained[traders], abs=1e-6)
    assert np.abs(profit[traders]).sum() > 1_000.0


def test_profit_of_all_accounts_and_fees_come_to_nothing(two_days: TwoDays) -> None:
    flows = two_days.flows
    assert flows["pnl"].sum() + flows["fees"].sum() == pytest.approx(0.0, abs=1e-5)
    assert flows["pnl"] == pytest.approx(
        flows["pnl_spread"] + flows["pnl_inventory"] + flows["pnl_nights"] - flows["fees"]
    )


def test_position_is_in_the_lots_of_the_last_day(two_days: TwoDays) -> None:
    ledger = MarketLedger(two_days.loop.world.market)
    size = len(two_days.day.facts.accounts)
    kept = 7 * two_days.lots[:size]
    assert two_days.flows["position"].tolist() == (ledger.position[:size, 0] - kept).tolist()


def test_minutes_of_populations_end_where_their_accounts_do(two_days: TwoDays) -> None:
    minutes = population_minutes(two_days.day)
    last = minutes.group_by("population", "instrument", maintain_order=True).last()
    ended = last.group_by("population").agg(pl.col("inventory").sum()).sort("population")
    accounts = accounts_table(two_days.day)
    table = population_table(accounts).with_columns(pl.col("population").cast(pl.String))
    table = table.sort("population")
    ended = ended.filter(pl.col("population") != "contra")
    assert ended["inventory"].to_list() == table["position"].to_list()


def test_nobody_gains_by_the_split_itself(two_days: TwoDays) -> None:
    minutes = population_minutes(two_days.day).filter(pl.col("population") == "noise")
    profit = minutes.group_by("time", maintain_order=True).agg(pl.col("pnl").sum())
    ends = [session.end_ns for session in two_days.loop.world.sessions]
    time = profit["time"].cast(pl.Int64).to_numpy()
    assert ((time > ends[0]) & (time < ends[1])).any()
    before, after = (
        profit["pnl"].to_numpy()[choice] for choice in (time <= ends[0], time > ends[0])
    )
    # What the night pays is small beside what a sevenfold position at the old price would be.
    night = two_days.flows["pnl_nights"]
    assert abs(after[0] - before[-1]) < np.abs(night).sum() + np.abs(np.diff(before)).max() * 3


def test_closes_of_each_day_are_the_clearings_marks(two_days: TwoDays) -> None:
    (marks,) = [e for e in two_days.loop.world.clearing_events if isinstance(e, MarksTaken)]
    assert two_days.day.day_closes[0, 0] == marks.marks["ABM"]
    assert two_days.day.day_closes[1, 0] * 10_000 == two_days.mark_micros()
