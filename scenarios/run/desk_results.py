"""What the desk itself says of a finished run: profit by strategy, what it holds, what it cost."""

from typing import Any, Final

from agents.desk.execution import Execution
from agents.desk.portfolio import Portfolio
from scenarios.builders.floor import Floor

_MICROS: Final = 1e6


def desk_summary(floor: Floor) -> dict[str, Any]:
    """Return the summary's part about the portfolio; nothing for a run without one.

    Money is in the account's currency. Profit is at the last middle heard, slippage a cost against
    the middle when the parent order began.
    """
    portfolio, execution = floor.portfolio, floor.execution
    if portfolio is None or execution is None:
        return {}
    return {"desk": {
        "strategies": _strategies(portfolio, execution),
        "positions": portfolio.statistics().positions,
        "structures": _structures(portfolio),
        "refused_children": execution.statistics().refused_children,
    }}  # fmt: skip


def _strategies(portfolio: Portfolio, execution: Execution) -> dict[str, dict[str, float]]:
    profits, costs = portfolio.statistics().profits, execution.statistics().costs
    holdings = portfolio.state.ledger.holdings
    found: dict[str, dict[str, float]] = {}
    for name in sorted(profits.keys() | costs.keys()):
        profit, cost = profits.get(name), costs.get(name)
        held = holdings.get(name, {}).values()
        found[name] = {
            "realised": 0.0 if profit is None else profit.realised_micros / _MICROS,
            "unrealised": 0.0 if profit is None else profit.unrealised_micros / _MICROS,
            "fees": sum(one.fees_micros for one in held) / _MICROS,
            "traded": sum(one.traded_lots for one in held),
            "parents": 0 if cost is None else cost.parents,
            "parents_filled": 0 if cost is None else cost.filled,
            "slippage": 0.0 if cost is None else cost.slippage_micros / _MICROS,
        }
    return found


def _structures(portfolio: Portfolio) -> dict[str, dict[str, Any]]:
    return {
        key: {
            "units": line.units, "strategy": line.strategy,
            "legs": {symbol: lots for symbol, lots in sorted(line.held.items()) if lots},
        }
        for key, line in sorted(portfolio.state.structures.items())
        if any(line.held.values())
    }  # fmt: skip
