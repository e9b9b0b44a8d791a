"""What each population did: activity, conduct, profit, and inventory over the day."""

import numpy as np
import polars as pl

from environment.record.day import DayTape, Floats, instants
from environment.record.facts import MICROS
from environment.record.nights import brought, day_of
from environment.record.tape import Rows

MINUTE_NS = 60_000_000_000
CASH = -1  # In place of an instrument's code.
_SUMS = (
    "trades", "bought", "sold", "maker_quantity", "turnover", "cash_change", "fees", "position",
    "position_value", "pnl_spread", "pnl_inventory", "pnl_nights", "pnl", "orders", "refused",
    "cancels", "fast_cancels", "self_trades_stopped", "self_trades",
)  # fmt: skip


def population_table(accounts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per population, summed over its accounts, richest first."""
    return (
        accounts.group_by("population")
        .agg(
            pl.len().alias("accounts"),
            *(pl.col(name).sum() for name in _SUMS),
            pl.col("pnl").mean().alias("pnl_mean"),
            pl.col("pnl").std().alias("pnl_deviation"),
        )
        .with_columns(
            (pl.col("maker_quantity") / (pl.col("bought") + pl.col("sold"))).alias("maker_share")
        )
        .sort("pnl", "population", descending=[True, False])
    )


def surveillance_table(accounts: pl.DataFrame, *, by: str = "account") -> pl.DataFrame:
    """Return order-to-trade ratio, fast cancels and self-trades, most conspicuous first.

    `by` is "account" or "population". A wash attempt is a match of an account with itself, whether
    the venue stopped it or not. An account without a trade has no ratio.
    """
    keys = ["account", "population"] if by == "account" else ["population"]
    orders, cancels = pl.col("orders"), pl.col("cancels")
    return (
        accounts.group_by(keys)
        .agg(pl.col(name).sum() for name in _SUMS)
        .filter(orders > 0)
        .select(
            *keys,
            "orders",
            "trades",
            "cancels",
            pl.when(pl.col("trades") > 0).then(orders / pl.col("trades")).alias("order_to_trade"),
            (cancels / orders).alias("cancel_share"),
            "fast_cancels",
            pl.when(cancels > 0)
            .then(pl.col("fast_cancels") / cancels)
            .otherwise(0.0)
            .alias("fast_cancel_share"),
            (pl.col("self_trades_stopped") + pl.col("self_trades")).alias("wash_attempts"),
        )
        .sort("fast_cancels", "orders", keys[0], descending=[True, True, False])
    )


def population_minutes(day: DayTape) -> pl.DataFrame:
    """Return net flow, inventory and profit of each population by minute and instrument.

    Inventory is what the population has bought net since the first trade, in lots, and what nights
    made of that; profit is its cash plus that inventory at the mid of the minute's end. Cash that a
    night moved stands in the next day's first minute, without an instrument.
    """
    flows = _of_trades(day)
    spans = _spans(flows, day)
    if not spans:
        return _cumulated(flows, day)
    flows = (
        pl.concat([flows, *_of_nights(day, spans), _of_brought(day, spans)])
        .filter(pl.col("population") != "")
        .group_by("population", "code", "minute")
        .agg(pl.col("flow").sum(), pl.col("paid_ticks").sum(), pl.col("fees").sum())
    )
    return _cumulated(_every_minute(flows, spans), day)


def _flows(
    day: DayTape, account: Rows, code: Rows, minute: Rows, *,
    flow: Floats | Rows, paid_ticks: Floats | Rows, fees: Floats | None = None,
) -> pl.DataFrame:  # fmt: skip
    of_account = np.array([*day.facts.populations, ""], dtype=object)
    return pl.DataFrame(
        {
            "population": pl.Series(of_account[account].tolist(), dtype=pl.String),
            "code": code,
            "minute": minute,
            "flow": np.asarray(flow, np.float64),
            "paid_ticks": np.asarray(paid_ticks, np.float64),
            "fees": np.zeros(len(account)) if fees is None else fees,
        }
    )


def _of_trades(day: DayTape) -> pl.DataFrame:
    trades = day.trades
    minute = trades.time // MINUTE_NS * MINUTE_NS + MINUTE_NS
    worth = trades.lots * trades.price_ticks
    return pl.concat(
        _flows(
            day, account, trades.instrument, minute, flow=sign * trades.lots,
            paid_ticks=sign * worth, fees=fee / MICROS,
        )
        for sign, account, fee in (
            (1, trades.buyer, trades.buyer_fee_micros),
            (-1, trades.seller, trades.seller_fee_micros),
        )
    )  # fmt: skip


def _spans(flows: pl.DataFrame, day: DayTape) -> dict[int, tuple[int, int]]:
    """Return the first and last minute with a trade of each day that has one."""
    minutes = flows.filter(pl.col("population") != "")["minute"].to_numpy()
    # A trade of a day's last second is told at the end of its minute, which may be past the day's.
    days = day_of(day.facts, minutes - MINUTE_NS)
    return {
        int(number): (int(minutes[days == number].min()), int(minutes[days == number].max()))
        for number in np.unique(days)
    }


def _of_nights(day: DayTape, spans: dict[int, tuple[int, int]]) -> list[pl.DataFrame]:
    """Return what nights moved, in the first minute after them that has a trade."""
    moved, last = day.carried, max(spans)
    first = np.array(
        [
            min(span[0] for number, span in spans.items() if number > night)
            for night in range(min(len(day.day_ends), last))
        ],
        np.int64,
    )
    lots, cash = moved.night < last, moved.cash_night < last
    nothing = np.zeros(int(cash.sum()))
    return [
        _flows(
            day, moved.account[lots], moved.instrument[lots], first[moved.night[lots]],
            flow=moved.lots[lots], paid_ticks=np.zeros(int(lots.sum())),
        ),
        _flows(
            day, moved.cash_account[cash], np.full(int(cash.sum()), CASH, np.int64),
            first[moved.cash_night[cash]], flow=nothing, paid_ticks=-moved.cash[cash],
        ),
    ]  # fmt: skip


def _of_brought(day: DayTape, spans: dict[int, tuple[int, int]]) -> pl.DataFrame:
    """Return the contracts that were brought, as if bought at their first price."""
    kept = brought(day.facts, "option")
    first = np.nan_to_num(day.first_ticks)[kept.instrument]
    minute = np.full(len(kept.lots), min(spans.values())[0], np.int64)
    return _flows(
        day, kept.account, kept.instrument, minute, flow=kept.lots, paid_ticks=kept.lots * first
    )


def _every_minute(flows: pl.DataFrame, spans: dict[int, tuple[int, int]]) -> pl.DataFrame:
    minutes = [np.arange(first, last + 1, MINUTE_NS) for first, last in spans.values()]
    grid = pl.DataFrame({"minute": np.concatenate(minutes)})
    groups = flows.select("population", "code").unique()
    return (
        groups.join(grid, how="cross")
        .join(flows, on=["population", "code", "minute"], how="left")
        .with_columns(pl.col("flow", "paid_ticks", "fees").fill_null(0))
        .sort("population", "code", "minute")
    )


def _cumulated(flows: pl.DataFrame, day: DayTape) -> pl.DataFrame:
    group = ["population", "code"]
    codes, minutes = flows["code"].to_numpy(), flows["minute"].to_numpy()
    number = day_of(day.facts, minutes - MINUTE_NS)
    since = np.concatenate(([0], day.day_ends))[number]
    is_cash = codes == CASH
    stock = np.where(is_cash, 0, codes)
    mids = day.mid_since(stock, minutes, since)
    # Before a day's first quote, and in an auction, its close stands in.
    mids = np.where(np.isnan(mids), np.nan_to_num(day.day_closes[number, stock]), mids)
    frame = flows.with_columns(
        pl.Series("mid_ticks", np.where(is_cash, 0.0, mids)),
        pl.Series("money", np.where(is_cash, 1.0, day.money_per_tick_lot[stock])),
        pl.col("flow").cum_sum().over(group).alias("inventory"),
        pl.col("paid_ticks").cum_sum().over(group).alias("spent"),
        pl.col("fees").cum_sum().over(group).alias("fees_paid"),
    ).with_columns(
        (
            (pl.col("inventory") * pl.col("mid_ticks") - pl.col("spent")) * pl.col("money")
            - pl.col("fees_paid")
        ).alias("pnl")
    )
    symbols = day.facts.symbols
    return frame.select(
        instants(minutes, day.facts.zone).alias("time"),
        "population",
        pl.col("code").replace_strict(
            range(len(symbols)), symbols, default=None, return_dtype=pl.String
        ).alias("instrument"),
        pl.col("flow").round().cast(pl.Int64),
        pl.col("inventory").round().cast(pl.Int64),
        "pnl",
    )  # fmt: skip
