"""The tables of a run: trades, quotes, decisions, accounts, and how each order ended.

Prices are in the account's currency per unit, quantities in lots, money in the account's currency;
times carry the market's zone. Everything is worked out from the tape.
"""

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
import polars as pl
from numpy.typing import NDArray

from environment.market import layout as at
from environment.record.day import STATES, DayTape, Floats, instants, names
from environment.record.facts import MICROS
from environment.record.nights import brought
from environment.record.tape import ORDER_TYPES, SIDES, TIMES_IN_FORCE, Rows
from environment.record.touches import quotes_frame

FAST_CANCEL_NS = 100_000_000
AGGRESSORS = ("sell", "auction", "buy")

# One row per question that the risk desk or a person answered; filled from the journal.
DECISION_COLUMNS: dict[str, pl.DataType] = {
    "time": pl.Datetime("ns", "UTC"),
    "kind": pl.String(),  # verdict | decision
    "order_id": pl.String(),
    "agent": pl.String(),
    "account": pl.String(),
    "instrument": pl.String(),
    "side": pl.String(),
    "quantity": pl.Int64(),
    "price": pl.Float64(),  # Limit, in the currency; of a structure net.
    "legs": pl.String(),  # Of a structure: `buy 1 SYMBOL; sell 2 SYMBOL`.
    "answer": pl.String(),  # passed | reduced | refused | asked, or how a card ended
    "reason": pl.String(),
    "control": pl.String(),  # The limit or rule that decided.
    "person": pl.String(),
    "score": pl.Float64(),  # Risk score, 0 to 100.
    "asked": pl.Datetime("ns", "UTC"),
    "verdict_id": pl.Int64(),
}


def trades_table(day: DayTape) -> pl.DataFrame:
    """Return one row per trade; `aggressor` says which side came, or that it was an auction."""
    trades, facts = day.trades, day.facts
    price = day.price(trades.price_ticks, trades.instrument)
    populations = facts.populations
    return pl.DataFrame(
        {
            "sequence": day.rows[trades.row, at.T_SEQUENCE],
            "time": instants(trades.time, facts.zone),
            "instrument": names(trades.instrument, facts.symbols),
            "price": price,
            "quantity": trades.lots,
            "notional": notional(day, trades.price_ticks, trades.lots, trades.instrument),
            "aggressor": names(trades.aggressor + 1, AGGRESSORS),
            "mid_before": day.price(trades.mid_ticks, trades.instrument),
            "buyer": names(trades.buyer, facts.account_names),
            "seller": names(trades.seller, facts.account_names),
            "buyer_population": names(trades.buyer, populations),
            "seller_population": names(trades.seller, populations),
            "buyer_fee": trades.buyer_fee_micros / MICROS,
            "seller_fee": trades.seller_fee_micros / MICROS,
        }
    )


def quotes_table(day: DayTape) -> pl.DataFrame:
    """Return every quote of the stocks and each option series' last quote per second."""
    return quotes_frame(day.touches, day.facts)


def decisions_table(rows: list[dict[str, object]] | None = None) -> pl.DataFrame:
    """Return the verdicts and decisions as a table; its columns stand even when it is empty."""
    whole = {
        name: pl.Int64() if isinstance(kind, pl.Datetime) else kind
        for name, kind in DECISION_COLUMNS.items()
    }
    times = [name for name, kind in DECISION_COLUMNS.items() if isinstance(kind, pl.Datetime)]
    frame = pl.DataFrame(rows or [], schema=whole)
    return frame.with_columns(pl.col(times).cast(pl.Datetime("ns", "UTC")))


def order_lives(day: DayTape) -> pl.DataFrame:
    """Return one row per order that reached the exchange: what it asked, when and how it ended."""
    orders, facts = day.orders, day.facts
    priced = np.abs(orders.price_ticks) < at.MAX_PRICE
    price = np.where(priced, day.price(orders.price_ticks, orders.instrument), np.nan)
    return pl.DataFrame(
        {
            "order_id": orders.order_id,
            "account": names(orders.account, facts.account_names),
            "population": names(orders.account, facts.populations),
            "instrument": names(orders.instrument, facts.symbols),
            "side": names(orders.side, SIDES),
            "order_type": names(orders.order_type, ORDER_TYPES),
            "time_in_force": names(orders.time_in_force, TIMES_IN_FORCE),
            "is_hidden": orders.flags & at.F_HIDDEN > 0,
            "price": pl.Series(price, nan_to_null=True),
            "quantity": orders.lots,
            "filled": orders.filled,
            "entered": instants(orders.entered, facts.zone),
            "rested": instants(orders.rested, facts.zone),
            "queue_ahead": orders.ahead,
            "first_fill": instants(orders.first_fill, facts.zone),
            "ended": instants(orders.ended, facts.zone),
            "state": names(orders.state, STATES),
            "reason": names(orders.reason, at.REASONS),
        }
    )


def accounts_table(day: DayTape, fees_paid: Rows | None = None) -> pl.DataFrame:
    """Return one row per account: activity, cash flow, fees, holdings at the close, profit.

    Profit is that of trading up to the last close: `pnl` = `pnl_spread` (price against the mid at
    the trade) + `pnl_inventory` (from that mid on) + `pnl_nights` (cash of the nights between days:
    dividends, borrow, interest, exercise) - `fees`. Stock that an account brought into the run is
    not in here, nor are its dividends; contracts that it brought count from their first price on.
    `fees_paid` (micros by account code, the ledger's own) stands in where the tape has no fees.
    """
    facts, size = day.facts, len(day.facts.accounts)
    flows = account_flows(day, fees_paid)
    table = {
        "account": pl.Series(facts.account_names, dtype=pl.String),
        "population": pl.Series(facts.populations, dtype=pl.String).cast(pl.Categorical),
        **{name: pl.Series(values) for name, values in flows.items()},
        **{name: pl.Series(values) for name, values in conduct(day).items()},
    }
    frame = pl.DataFrame(table)
    contra = np.fromiter((account.contra for account in facts.accounts), np.bool_, size)
    return frame.filter(pl.Series(~contra))


def account_flows(day: DayTape, fees_paid: Rows | None = None) -> dict[str, NDArray[np.generic]]:
    """Return what trading did to each account, by account code."""
    trades, size = day.trades, len(day.facts.accounts)
    money = day.money_per_tick_lot[trades.instrument]
    close = np.nan_to_num(day.closing_ticks)[trades.instrument]
    worth = notional(day, trades.price_ticks, trades.lots, trades.instrument)

    def total(account: Rows, values: Floats) -> Floats:
        known = account >= 0
        return np.bincount(account[known], values[known], size).astype(np.float64)

    lots = trades.lots.astype(float)
    bought, sold = total(trades.buyer, lots), total(trades.seller, lots)
    gap = (trades.mid_ticks - trades.price_ticks) * lots * money
    drift = (close - trades.mid_ticks) * lots * money
    spread = total(trades.buyer, gap) - total(trades.seller, gap)
    inventory = total(trades.buyer, drift) - total(trades.seller, drift)
    other = _not_traded(day, total)
    nights, inventory = other.cash, inventory + other.rise
    fees = total(trades.buyer, trades.buyer_fee_micros / MICROS)
    fees += total(trades.seller, trades.seller_fee_micros / MICROS)
    if fees_paid is not None:
        fees = fees_paid[:size] / MICROS
    rested = np.where(trades.aggressor == 1, trades.seller, trades.buyer)
    passive = np.where(trades.aggressor == 0, 0.0, lots)
    held = total(trades.buyer, close * lots * money) - total(trades.seller, close * lots * money)
    ones = np.ones(len(lots))
    return {
        "trades": (total(trades.buyer, ones) + total(trades.seller, ones)).astype(np.int64),
        "bought": bought.astype(np.int64),
        "sold": sold.astype(np.int64),
        "maker_quantity": total(rested, passive).astype(np.int64),
        "turnover": total(trades.buyer, worth) + total(trades.seller, worth),
        "cash_change": total(trades.seller, worth) - total(trades.buyer, worth) + nights - fees,
        "fees": fees,
        "position": np.rint(bought - sold + other.lots).astype(np.int64),
        "position_value": held + other.worth,
        "pnl_spread": spread,
        "pnl_inventory": inventory,
        "pnl_nights": nights,
        "pnl": spread + inventory + nights - fees,
    }


class _NotTraded(NamedTuple):
    """What accounts have by other ways than trades, by account code; money in currency."""

    lots: Floats
    worth: Floats  # Of those lots at the last close.
    rise: Floats  # Of that worth, what they did not bring with them.
    cash: Floats


def _not_traded(day: DayTape, total: Callable[[Rows, Floats], Floats]) -> _NotTraded:
    """Return what nights moved, and the contracts that were brought."""
    moved, kept = day.carried, brought(day.facts, "option")
    now = day.money_per_tick_lot * np.nan_to_num(day.closing_ticks)
    first = day.money_per_tick_lot * np.nan_to_num(day.first_ticks)
    own = kept.lots.astype(float)
    worth = total(moved.account, moved.lots * now[moved.instrument])
    worth += total(kept.account, own * now[kept.instrument])
    return _NotTraded(
        lots=total(moved.account, moved.lots) + total(kept.account, own),
        worth=worth,
        rise=worth - total(kept.account, own * first[kept.instrument]),
        cash=total(moved.cash_account, moved.cash),
    )


def conduct(day: DayTape) -> dict[str, NDArray[np.generic]]:
    """Return what surveillance counts, by account code: orders, refusals, cancels, self-trades."""
    rows, size, orders = day.rows, len(day.facts.accounts), day.orders
    kind, reason, account = rows[:, at.T_KIND], rows[:, at.T_LIQUIDITY], rows[:, at.T_ACCOUNT]

    def count(where: NDArray[np.bool_], accounts: Rows) -> NDArray[np.int64]:
        return np.bincount(accounts[where & (accounts >= 0)], minlength=size)[:size]

    requested = (orders.reason == at.R_REQUESTED) | (orders.reason == at.R_WITHDRAWN)
    fast = requested & (orders.ended - orders.entered <= FAST_CANCEL_NS)
    stopped = np.isin(kind, (at.K_CANCEL, at.K_REDUCE)) & (reason == at.R_SELF_TRADE)
    trades = day.trades
    return {
        "orders": count(np.ones(len(orders.account), np.bool_), orders.account),
        "refused": count(kind == at.K_REFUSE, account),
        "cancels": count(requested, orders.account),
        "fast_cancels": count(fast, orders.account),
        "self_trades_stopped": count(stopped, account),
        "self_trades": count(trades.buyer == trades.seller, trades.buyer),
    }


def notional(day: DayTape, price_ticks: Floats, lots: Rows, instrument: Rows) -> Floats:
    """Return price times quantity in currency."""
    return price_ticks * lots * day.money_per_tick_lot[instrument]
