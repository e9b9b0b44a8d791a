"""How long the risk desk looks at one order: the checks alone, with options, and value at risk.

`python -m benchmarks.risk`. An order goes through the whole handler: form, controls, booking, seal;
what the loop here does to look at it and to take it out again is not in the figures. Times are the
processor's, of this thread: what else runs on the machine is not in them, but what the machine does
in this thread's time is, its timer interrupts above all. So a loop that does nothing, as long as an
order, stands beside: its tail is the machine's own.
The account with options holds 200 series; margin and grid are reckoned anew for each order.
"""

import argparse
import math
import statistics
import time
from datetime import date, timedelta

import numpy as np

from agents.desk.controls import Limit, Mandate, Rulebook
from agents.desk.cover import Reach, uncovered_by_underlying
from agents.desk.exposure import Exposure
from agents.desk.measures import AccountMeasures
from agents.desk.risk import Risk, RiskSettings
from agents.desk.risk_case import CaseMaker
from benchmarks.figures import report
from environment.actors import ActorRef, Directory
from environment.actors.collection import unhurried_collection
from environment.actors.envelope import Envelope
from environment.actors.testing import RecordingContext
from environment.authority import keys_of_seed
from environment.instruments import Instrument, make_equity, make_option
from environment.messages import OrderRequest, QuoteUpdate
from environment.options.revaluation import Lines, Scenarios, gains, heston_scenarios, tail

_TODAY = date(2014, 6, 6)
_OWNER = "quant/bench"
_SIMPLE = ("order_notional", "order_quantity", "position", "order_share_of_depth", "price_collar",
           "resting_collar", "duplicate_orders", "orders_per_second", "data_age",
           "model_dispersion", "gross_exposure", "net_exposure", "concentration",
           "underlying_delta", "worst_case_loss", "margin_used")  # fmt: skip
_WINDOWS = ("strategy_orders_per_second", "desk_orders_per_second", "order_share_of_daily_volume",
            "window_collar")  # fmt: skip
_TAILS = ("value_at_risk", "expected_shortfall")
_GREEKS = ("underlying_gamma", "underlying_vega", "underlying_theta", "uncovered_short_options")


def series(count: int) -> list[Instrument]:
    """Return options around 645, in two expiries."""
    strikes = [500 + 5 * (i // 4) for i in range(count)]
    return [
        make_option(
            "AAPL", _TODAY + timedelta(days=14 if i % 2 else 42), "call" if i % 4 < 2 else "put",
            str(strikes[i]),
        )
        for i in range(count)
    ]  # fmt: skip


def settings_of(options: list[Instrument], names: tuple[str, ...]) -> RiskSettings:
    """Return settings with every limit far away, and a year of past days."""
    mandate = Mandate(instruments=("AAPL", "AAPL/options"), notional_micros=1 << 60)
    rules = Rulebook(
        limits={name: Limit(soft=1e18, hard=1e18) for name in names}, mandates={_OWNER: mandate}
    )
    marks = {"AAPL": 64_500} | {one.symbol: 1_500 for one in options}
    return RiskSettings(
        account="swarm", instruments=(make_equity("AAPL"), *options), rules=rules,
        reference_ticks=marks, cash_micros=10_000_000_000_000, today=_TODAY, refresh_ns=0,
        day_micros={"AAPL": 5e15},
        returns={"AAPL": tuple(0.01 * math.sin(day) for day in range(250))},
    )  # fmt: skip


def make_desk(options: list[Instrument], names: tuple[str, ...]) -> Risk:
    """Return a desk that holds a few contracts of each option."""
    risk = Risk(
        ActorRef("desk/custodian"), ActorRef("human/approvals"), Directory(lambda _: True),
        settings_of(options, names), keys_of_seed(1),
    )  # fmt: skip
    for i, one in enumerate(options):
        risk.state.book.account[one.symbol] = Exposure(position=i % 7 - 3)
    return risk


class TimedContext(RecordingContext):
    """Times a handler alone: what it sent is looked at afterwards."""

    def time(self, risk: Risk, request: OrderRequest) -> tuple[float, float]:
        """Return how long one order took, by the processor and by the clock, in microseconds."""
        self._numbered = number = self._numbered + 1
        now_ns = self.now_ns()
        self._moment.envelope = Envelope(
            number, _OWNER, self.address, now_ns, now_ns, 0, number, request
        )
        started, began = time.perf_counter_ns(), time.thread_time_ns()
        risk.receive(self, request)
        found = (time.thread_time_ns() - began) / 1e3, (time.perf_counter_ns() - started) / 1e3
        self._moment.outbox.clear()
        return found


def time_orders(
    risk: Risk, instrument: str, price: int, count: int, wall: list[float] | None = None
) -> list[float]:
    """Return the microseconds of each of `count` orders, each cancelled again afterwards.

    Into `wall` goes how long each took by the clock, with whatever else ran in between.
    """
    ctx = TimedContext("desk/risk", now_ns=1_000_000_000)
    ctx.handle(risk, QuoteUpdate(
        instrument="AAPL", bid_price=64_490, bid_quantity=200, ask_price=64_510, ask_quantity=200,
        last_price=64_500, volume=1, exchange_ns=1, first_sequence=1, last_sequence=1,
    ), sender="exchange")  # fmt: skip
    found, walls = [], [] if wall is None else wall
    with unhurried_collection():  # As on a kernel, and what it takes is in the figures.
        for number in range(1, count + 1):
            request = OrderRequest(
                order_id=f"{_OWNER}/{number}", instrument=instrument,
                side="buy" if number % 2 else "sell", quantity=1, price=price,
            )  # fmt: skip
            ctx.set_time(1_000_000_000 + number * 100_000_000)
            micros, by_clock = ctx.time(risk, request)
            found.append(micros)
            walls.append(by_clock)
            _forget(risk, request)
    return found


def _forget(risk: Risk, request: OrderRequest) -> None:
    """Take an order out again, as if it had never been sent."""
    state = risk.state
    if state.book.orders.pop(request.order_id, None) is not None:
        exposure = state.book.account_in(request.instrument)
        exposure.buying = exposure.selling = 0
        state.book.owners[_OWNER][request.instrument] = Exposure()
        del state.tickets[request.order_id]


def time_machine(like: list[float]) -> list[float]:
    """Return the microseconds of a loop that does nothing, as long as the median of others."""
    aim, rounds = statistics.median(like), 1_000
    for _ in range(8):  # Until its own length no longer changes.
        rounds = max(round(rounds * aim / statistics.median(_idle(rounds, 500))), 1)
    return _idle(rounds, len(like))


def _idle(rounds: int, repeats: int) -> list[float]:
    found = []
    for _ in range(repeats):
        began = time.thread_time_ns()
        for _ in range(rounds):
            pass
        found.append((time.thread_time_ns() - began) / 1e3)
    return found


def row(name: str, micros: list[float], aim: str) -> dict[str, object]:
    """Return median and tail of some timings."""
    ordered = sorted(micros)
    return {
        "what": name, "count": len(ordered), "median, us": statistics.median(ordered),
        "99 %, us": ordered[int(len(ordered) * 0.99)], "longest, us": ordered[-1], "aim": aim,
    }  # fmt: skip


def time_value_at_risk(positions: int, scenarios: int, repeats: int) -> list[float]:
    """Return the microseconds of a full revaluation, scenarios drawn beforehand."""
    rows = np.arange(positions)
    lines = Lines(
        spot=np.full(positions, 645.0), strike=(500.0 + 0.6 * rows).astype(np.float64),
        years=np.where(rows % 2, 0.04, 0.12), sigma_annual=(0.2 + 0.0002 * rows).astype(np.float64),
        is_call=(rows % 3 > 0).astype(np.float64), is_option=np.ones(positions, np.bool_),
        weight=100.0 * (rows % 7 - 3).astype(np.float64), held=np.zeros(positions),
    )  # fmt: skip
    moves: Scenarios = heston_scenarios(7, scenarios, 1.0, sigma_annual=0.25)
    found = []
    for _ in range(repeats):
        began = time.thread_time_ns()
        tail(gains(lines, moves).sum(axis=0), 0.99)
        found.append((time.thread_time_ns() - began) / 1e3)
    return found


def time_grid(options: list[Instrument], repeats: int) -> list[float]:
    """Return the microseconds of worst case, margin and greeks of an account, anew each time."""
    risk, maker = make_desk(options, _SIMPLE), CaseMaker(settings_of(options, _SIMPLE))
    market = maker.market(risk.state, risk.state.marks)
    lots = {one.symbol: i % 7 - 3 for i, one in enumerate(options)}
    found = []
    for _ in range(repeats):
        began = time.thread_time_ns()
        account = AccountMeasures(market, lots, 10_000_000_000_000)
        reach = Reach(lots, lots)
        uncovered = uncovered_by_underlying(reach, market.instruments, market.facts)
        assert account.worst.loss_micros > 0, "nothing was reckoned"
        assert account.margin_micros > 0, "nothing was reckoned"
        assert account.deltas, "nothing was reckoned"
        assert uncovered, "nothing was reckoned"
        found.append((time.thread_time_ns() - began) / 1e3)
    return found


def time_renewal(options: list[Instrument], repeats: int) -> list[float]:
    """Return the microseconds of setting a market aside and revaluing the account by it."""
    settings = settings_of(options, _TAILS)
    maker, risk = CaseMaker(settings), make_desk(options, _TAILS)
    found = []
    for _ in range(repeats):
        began = time.thread_time_ns()
        maker.renew(risk.state)
        found.append((time.thread_time_ns() - began) / 1e3)
    return found


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--orders", type=int, default=20_000)
    orders = parser.parse_args().orders
    options = series(200)
    stock = make_desk([], _SIMPLE)
    time_orders(stock, "AAPL", 64_500, 200)
    stock = make_desk([], _SIMPLE)
    walls: list[float] = []
    plain = time_orders(stock, "AAPL", 64_500, orders, walls)
    windows = time_orders(make_desk([], _SIMPLE + _WINDOWS), "AAPL", 64_500, orders)
    time_grid(options, 20)
    grid = time_grid(options, 2_000)
    held = make_desk(options, _SIMPLE + _GREEKS)
    with_options = time_orders(held, options[90].symbol, 1_500, min(orders, 2_000))
    many = series(500)
    tails = make_desk(many, _TAILS)
    CaseMaker(settings_of(many, _TAILS)).renew(tails.state)
    time_orders(tails, many[90].symbol, 1_500, 20)
    with_tails = time_orders(make_desk(many, _TAILS), many[90].symbol, 1_500, min(orders, 1_000))
    time_renewal(many, 2)
    renewed = time_renewal(many, 20)
    time_value_at_risk(500, 500, 2)
    tail_risk = time_value_at_risk(500, 500, 30)
    report("risk", [
        row("an order, stock account, 16 limits", plain, "99 % under 50 us"),
        row("with rates, day's volume, window: 20 limits", windows, "99 % under 50 us"),
        row("a loop as long as the first, empty", time_machine(plain), "beside: the machine's"),
        row("the first by the clock", walls, "beside: other work is in it"),
        row("grid, margin, greeks of 200 series", grid, "under 1,000 us"),
        row("a loop as long, empty", time_machine(grid), "beside: the machine's"),
        row("an option order, 200 series held, 20 limits", with_options, "under 1,000 us"),
        row("value at risk, 500 positions x 500 scenarios", tail_risk, "under 20,000 us"),
        row("the same beside, with 250 past days", renewed, "beside"),
        row("an option order, its row added to 500 positions'", with_tails, "under 1,000 us"),
    ])  # fmt: skip


if __name__ == "__main__":
    main()
