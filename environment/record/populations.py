"""What each population did: activity, conduct, profit, and inventory over the day."""

import numpy as np
import polars as pl

from environment.record.day import DayTape, instants

MINUTE_NS = 60_000_000_000
_SUMS = (
    "trades", "bought", "sold", "maker_quantity", "turnover", "cash_change", "fees", "position",
    "position_value", "pnl_spread", "pnl_inventory", "pnl", "orders", "refused", "cancels",
    "fast_cancels", "self_trades_stopped", "self_trades",
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

    Inventory is what the population has bought net since the first trade, in lots; profit is its
    cash plus that inventory at the mid of the minute's end.
    """
    trades, facts = day.trades, day.facts
    of_account = np.array([*facts.populations, ""], dtype=object)
    minute = trades.time // MINUTE_NS * MINUTE_NS + MINUTE_NS
    worth = trades.lots * trades.price_ticks
    sides = []
    for sign, account, fee in (
        (1, trades.buyer, trades.buyer_fee_micros),
        (-1, trades.seller, trades.seller_fee_micros),
    ):
        sides.append(
            pl.DataFrame(
                {
                    "population": pl.Series(of_account[account].tolist(), dtype=pl.String),
                    "code": trades.instrument,
                    "minute": minute,
                    "flow": sign * trades.lots,
                    "paid_ticks": sign * worth,
                    "fees": fee / 1e6,
                }
            )
        )
    flows = (
        pl.concat(sides)
        .filter(pl.col("population") != "")
        .group_by("population", "code", "minute")
        .agg(pl.col("flow").sum(), pl.col("paid_ticks").sum(), pl.col("fees").sum())
    )
    return _cumulated(_every_minute(flows), day)


def _every_minute(flows: pl.DataFrame) -> pl.DataFrame:
    minutes = flows.select(pl.col("minute").min().alias("a"), pl.col("minute").max().alias("b"))
    first, last = minutes.row(0)
    if first is None:
        return flows.sort("population", "code", "minute")
    grid = pl.DataFrame({"minute": np.arange(first, last + 1, MINUTE_NS)})
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
    mids = day.mid_at(codes, minutes)
    # Before the first quote, and in an auction, the close of the day's first trade stands in.
    mids = np.where(np.isnan(mids), day.closing_ticks[codes], mids)
    frame = flows.with_columns(
        pl.Series("mid_ticks", mids),
        pl.Series("money", day.money_per_tick_lot[codes]),
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
        "flow",
        "inventory",
        "pnl",
    )  # fmt: skip
