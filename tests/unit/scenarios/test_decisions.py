"""What a chain of facts comes to: the counts of a summary, and what the gate cost."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from environment.record.facts import InstrumentFacts, TapeFacts
from scenarios.run.compare import figures_of, show_lines
from scenarios.run.decisions import approval_counts, decision_rows, gate_ledger

SECOND = 1_000_000_000


def card(order_id: str, state: str = "waiting", outcome: str | None = None, at: int = 0) -> Any:
    message = {
        "type": "CardChanged", "state": state, "outcome": outcome, "changed_ns": at * SECOND,
        "card": {"order": {"order_id": order_id}, "proposed_ns": 0},
    }  # fmt: skip
    return at * SECOND, "human/approvals", message


def paper(at: int, side: str, quantity: int, price: int | None) -> Any:
    message = {
        "type": "PaperOrder", "instrument": "AAPL", "side": side, "quantity": quantity,
        "price": price, "because": "rejected",
    }  # fmt: skip
    return at, "desk/risk", message


def day(quotes: list[tuple[int, int, int]], close: float) -> Any:
    """Return a tape of one instrument: (time, bid, ask), ten lots on each side."""
    rows = np.array([[t, 0, bid, 10, ask, 10] for t, bid, ask in quotes], np.int64)
    return SimpleNamespace(
        facts=SimpleNamespace(instruments=[SimpleNamespace(symbol="AAPL")]),
        touches=SimpleNamespace(quotes=rows), closing_ticks=np.array([close]),
        money_per_tick_lot=np.array([0.01]),
    )  # fmt: skip


def test_rows_say_what_was_ruled_on_in_the_currency() -> None:
    names = TapeFacts(
        instruments=(InstrumentFacts(symbol="AAPL", tick_micros=10_000),), accounts=()
    )
    legs = (
        {"instrument": "LOW", "side": "buy"},
        {"instrument": "HIGH", "side": "sell", "ratio": 2},
    )
    verdict = {
        "type": "Verdict", "verdict_id": 1, "order_id": "a/1", "owner": "a", "quantity": 5,
        "instrument": "AAPL", "side": "buy", "price": 64_976, "became": "refused",
    }  # fmt: skip
    malformed = {"type": "Verdict", "verdict_id": 2, "order_id": "a/2", "owner": "a"}
    structure = verdict | {"verdict_id": 3, "price": -80, "legs": legs}
    rows = decision_rows([(0, "desk/risk", m) for m in (verdict, malformed, structure)], names, "s")
    terms = [(r["account"], r["instrument"], r["side"], r["price"], r["legs"]) for r in rows]
    assert terms == [
        ("s", "AAPL", "buy", 649.76, None),
        ("s", None, None, None, None),
        ("s", "AAPL", "buy", -0.8, "buy 1 LOW; sell 2 HIGH"),
    ]


def test_counts_take_each_order_once_with_its_last_word() -> None:
    facts = [
        card("a"), card("b"), card("a", "sent", "approved", 5), card("a", "done", "approved", 9),
        card("b", "not_sent", "expired_unseen", 60), card("c", "not_sent", "rejected", 7),
    ]  # fmt: skip
    counts = approval_counts(facts)
    assert {k: counts[k] for k in ("asked", "yes", "no", "expired")} == {
        "asked": 3, "yes": 1, "no": 1, "expired": 1,
    }  # fmt: skip
    assert counts["share_unseen"] == pytest.approx(1 / 3)
    assert counts["median_wait_seconds"] == 6.0


@pytest.mark.parametrize(
    ("order", "gain"),
    [
        (paper(10, "buy", 10, None), 10 * (130 - 101)),  # All at the touch of the moment.
        (paper(10, "buy", 15, 101), 10 * (130 - 101) + 5 * (130 - 101)),  # The rest at its price.
        (paper(10, "buy", 5, 95), 0),  # The market never came there.
        (paper(10, "sell", 5, 120), 5 * (120 - 130)),  # It came there later, and went on.
    ],
)
def test_paper_order_is_worth_what_the_close_makes_of_it(order: Any, gain: int) -> None:
    tape = day([(5, 99, 101), (20, 100, 101), (30, 121, 123)], close=130.0)
    ledger = gate_ledger([order], tape)
    assert ledger["net_cost"] == pytest.approx(gain * 0.01, abs=0.005)
    assert ledger["orders"] == 1


def spread_day(rows: list[tuple[int, int, int, int]], closes: tuple[float, float]) -> Any:
    """Return a tape of two calls: (time, which, bid, ask); a contract moves a dollar a tick."""
    quotes = np.array([[t, code, bid, 10, ask, 10] for t, code, bid, ask in rows], np.int64)
    names = [SimpleNamespace(symbol="LOW"), SimpleNamespace(symbol="HIGH")]
    return SimpleNamespace(
        facts=SimpleNamespace(instruments=names), touches=SimpleNamespace(quotes=quotes),
        closing_ticks=np.array(closes), money_per_tick_lot=np.array([1.0, 1.0]),
    )  # fmt: skip


def spread_order(price: int | None, quantity: int = 2) -> Any:
    at_ns, sender, message = paper(10, "buy", quantity, price)
    legs = [
        {"instrument": "LOW", "side": "buy"},
        {"instrument": "HIGH", "side": "sell", "ratio": 2},
    ]
    return at_ns, sender, message | {"legs": legs}


NAN = float("nan")


@pytest.mark.parametrize(
    ("price", "closes", "gain"),
    [
        (80, (200.0, 30.0), 2 * (140 - 60)),  # At once: 110 paid, twice 25 received.
        (60, (200.0, 30.0), 2 * (140 - 60)),
        (50, (200.0, 30.0), 2 * (140 - 50)),  # Later, at its own price.
        (10, (200.0, 30.0), 0),  # It never came there.
        (80, (NAN, NAN), 2 * (105 - 2 * 33 - 60)),  # Nothing traded: the last middles.
    ],
)
def test_structure_is_filled_whole_at_the_far_touches_of_its_legs(
    price: int, closes: tuple[float, float], gain: int
) -> None:
    rows = [(5, 0, 100, 110), (5, 1, 25, 27), (20, 0, 100, 110), (30, 1, 32, 34)]
    ledger = gate_ledger([spread_order(price)], spread_day(rows, closes))
    assert ledger["net_cost"] == pytest.approx(gain)
    assert ledger["people"]["kept_back"] == 1


def test_structure_without_a_quote_of_each_leg_is_not_valued() -> None:
    tape = spread_day([(5, 0, 100, 110), (20, 1, 25, 27)], (200.0, 30.0))
    assert gate_ledger([spread_order(None)], tape)["filled_on_paper"] == 0


def test_band_widens_with_the_spread_of_single_orders() -> None:
    tape = day([(5, 99, 101), (30, 121, 123)], close=130.0)
    both = gate_ledger([paper(10, "buy", 10, None), paper(10, "sell", 10, None)], tape)
    low, high = both["band"]
    assert low < both["net_cost"] < high
    assert (both["saved"], both["cost"]) == (3.1, 2.9)


def test_gate_without_orders_cost_nothing() -> None:
    ledger = gate_ledger([], day([(5, 99, 101)], close=100.0))
    assert (ledger["orders"], ledger["net_cost"], ledger["band"]) == (0, 0.0, [0.0, 0.0])


def test_figures_of_a_run_leave_out_what_it_lacks() -> None:
    summary = {
        "accounts": {"swarm": {"pnl": -5.0, "trades": 3}},
        "approvals": {"asked": 2, "yes": 1, "no": 0, "expired": 1, "median_wait_seconds": None},
    }  # fmt: skip
    figures = figures_of(summary)
    assert figures["profit of the swarm"] == -5.0
    assert "median wait, s" not in figures
    assert "net cost of the gate" not in figures


def test_table_shows_each_arm_in_its_column() -> None:
    figure = {"profit of the swarm": {"mean": 1234.5, "half_width": None}}
    lines = list(show_lines({"arms": {"no gate": {"figures": figure}, "5 s": {"figures": {}}}}))
    assert lines[0].split() == ["no", "gate", "5", "s"]
    assert lines[1].split()[-2:] == ["1,234.50", "-"]


def test_table_leaves_out_what_no_arm_has() -> None:
    figures = {"1-minute volatility, bps": {"mean": 4.5, "half_width": 0.5}}
    lines = list(show_lines({"arms": {"half": {"figures": figures}}}))
    assert len(lines) == 2
    assert lines[1].startswith("1-minute volatility, bps")
    assert lines[1].endswith("4.50 ± 0.50")


def test_figures_of_a_run_that_asked_nobody_are_not_of_the_gate() -> None:
    approvals = {"asked": 0, "yes": 0, "no": 0, "expired": 0}
    figures = figures_of({"accounts": {"swarm": {"pnl": 1.0, "trades": 2}}, "approvals": approvals})
    assert set(figures) == {"profit of the swarm", "trades of the swarm"}
