"""Transaction costs: per parent order, per fill, per resting order, per population.

Signs: a cost is positive when it hurts the one who paid it; a mark-out is positive when the market
went the aggressor's way. Costs are in basis points of the arrival or trade price unless they are
named `_cost` (currency). The four views share one file, told apart by `scope`.
"""

import numpy as np
import polars as pl

from environment.market import layout as at
from environment.record.day import STATES, DayTape, Floats, instants, names
from environment.record.facts import MICROS, NO_PARENT
from environment.record.populations import population_table
from environment.record.tables import AGGRESSORS
from environment.record.tape import SIDES, Rows

HORIZONS_NS = {
    "1s": 1_000_000_000,
    "10s": 10_000_000_000,
    "1min": 60_000_000_000,
    "5min": 300_000_000_000,
}
ADVERSE_HORIZON_NS = HORIZONS_NS["10s"]
BASIS_POINTS = 1e4
# Two sides or two instruments under one parent are two rows: a shortfall has one sign.
_PARENT = ("key", "instrument", "side")
SCOPES = ("parent", "fill", "resting", "population")


def tca_table(
    day: DayTape, accounts: pl.DataFrame, decided: pl.DataFrame | None = None
) -> pl.DataFrame:
    """Return all four views in one table, told apart by `scope`; columns of others are null."""
    views = (
        parent_costs(day, decided),
        fill_costs(day),
        resting_costs(day),
        population_costs(day, accounts),
    )
    return pl.concat(
        [
            view.select(pl.lit(scope).cast(pl.Categorical).alias("scope"), pl.all())
            for scope, view in zip(SCOPES, views, strict=True)
        ],
        how="diagonal",
    )


def scope_of(table: pl.DataFrame, scope: str) -> pl.DataFrame:
    """Return one view of the shared table, without the columns that belong to others."""
    chosen = table.filter(pl.col("scope") == scope).drop("scope")
    return chosen.select(s for s in chosen if s.null_count() < chosen.height or not chosen.height)


def fill_costs(day: DayTape) -> pl.DataFrame:
    """Return one row per trade, from the aggressor's side (from the buyer's in an auction).

    The effective spread is twice the distance of the price from the mid before; the realised spread
    takes the mid after the horizon instead: what is left to the one who had quoted. A horizon that
    ends after the last quote is null.
    """
    trades, facts = day.trades, day.facts
    sign = np.where(trades.aggressor == 0, 1, trades.aggressor)
    unit = BASIS_POINTS / trades.price_ticks
    columns: dict[str, object] = {
        "sequence": day.rows[trades.row, at.T_SEQUENCE],
        "time": instants(trades.time, facts.zone),
        "instrument": names(trades.instrument, facts.symbols),
        "side": names(trades.aggressor + 1, AGGRESSORS),
        "account": names(np.where(sign > 0, trades.buyer, trades.seller), facts.account_names),
        "maker": names(np.where(sign > 0, trades.seller, trades.buyer), facts.account_names),
        "price": day.price(trades.price_ticks, trades.instrument),
        "quantity": trades.lots,
        "effective_spread": 2.0 * sign * (trades.price_ticks - trades.mid_ticks) * unit,
    }
    for name, horizon in HORIZONS_NS.items():
        after = mid_after(day, trades.instrument, trades.time, horizon)
        markout = sign * (after - trades.price_ticks) * unit
        columns[f"markout_{name}"] = pl.Series(markout, nan_to_null=True)
        columns[f"realised_spread_{name}"] = pl.Series(-2.0 * markout, nan_to_null=True)
    return pl.DataFrame(columns)


def resting_costs(day: DayTape) -> pl.DataFrame:
    """Return one row per order that ever rested.

    `adverse_selection` is how far the mid went against the order in the 10 s after its first fill.
    """
    orders, facts = day.orders, day.facts
    rested = np.flatnonzero(orders.rested >= 0)
    side, instrument = orders.side[rested], orders.instrument[rested]
    first_fill = orders.first_fill[rested]
    passive = first_fill >= orders.rested[rested]
    filled_later = np.where(passive, first_fill, -1)
    before = day.mid_before(instrument, filled_later)
    after = mid_after(day, instrument, filled_later, ADVERSE_HORIZON_NS)
    sign = np.where(side == at.BUY, 1, -1)
    adverse = np.where(passive, -sign * (after - before) / before * BASIS_POINTS, np.nan)
    waited = np.where(passive, (first_fill - orders.rested[rested]) / 1e9, np.nan)
    ended = orders.ended[rested]
    lived = np.where(ended >= 0, (ended - orders.rested[rested]) / 1e9, np.nan)
    return pl.DataFrame(
        {
            "order_id": orders.order_id[rested],
            "time": instants(orders.rested[rested], facts.zone),
            "instrument": names(instrument, facts.symbols),
            "account": names(orders.account[rested], facts.account_names),
            "population": names(orders.account[rested], facts.populations),
            "side": names(side, SIDES),
            "price": day.price(orders.price_ticks[rested], instrument),
            "quantity": orders.lots[rested],
            "filled": orders.filled[rested],
            "state": names(orders.state[rested], STATES),
            "queue_ahead": orders.ahead[rested],
            "time_to_fill_seconds": pl.Series(waited, nan_to_null=True),
            "lifetime_seconds": pl.Series(lived, nan_to_null=True),
            "adverse_selection": pl.Series(adverse, nan_to_null=True),
        }
    )


def population_costs(day: DayTape, accounts: pl.DataFrame) -> pl.DataFrame:
    """Return one row per population: activity, profit and its parts, and what its trades cost it.

    Spreads and mark-outs are means weighted by quantity, in basis points, of the population's own
    aggressive trades (`paid_`) and of the trades that met its resting orders (`earned_`).
    """
    trades, facts = day.trades, day.facts
    known = trades.aggressor != 0
    sign = trades.aggressor[known]
    buyer, seller = trades.buyer[known], trades.seller[known]
    instrument, time = trades.instrument[known], trades.time[known]
    price, lots = trades.price_ticks[known], trades.lots[known]
    measures = {
        "effective_spread": 2.0 * sign * (price - trades.mid_ticks[known]) / price * BASIS_POINTS
    }
    for name, horizon in HORIZONS_NS.items():
        after = mid_after(day, instrument, time, horizon)
        measures[f"markout_{name}"] = sign * (after - price) / price * BASIS_POINTS
    found = population_table(accounts)
    for prefix, account in (
        ("paid", np.where(sign > 0, buyer, seller)),
        ("earned", np.where(sign > 0, seller, buyer)),
    ):
        population = names(account, facts.populations).cast(pl.String)
        frame = pl.DataFrame({"population": population, "lots": lots, **measures})
        found = found.join(_weighted(frame, prefix, list(measures)), on="population", how="left")
    return found


def _weighted(frame: pl.DataFrame, prefix: str, measures: list[str]) -> pl.DataFrame:
    def mean(name: str) -> pl.Expr:
        value = pl.col(name).fill_nan(None)
        weight = pl.when(value.is_not_null()).then("lots").sum()
        return ((value * pl.col("lots")).sum() / weight).fill_nan(None).alias(f"{prefix}_{name}")

    return frame.group_by("population").agg(mean(name) for name in measures).with_columns(
        pl.col("population").cast(pl.Categorical)
    )  # fmt: skip


def parent_costs(day: DayTape, decided: pl.DataFrame | None = None) -> pl.DataFrame:
    """Return one row per parent order: benchmarks, and its shortfall in four exact parts.

    Children that name a parent belong together; an order of an account outside the background
    crowd that names none is its own parent. With the mid at the decision D, at arrival A, before a
    fill M, and the fill price P, per lot and signed so that a cost is positive:
    P - D = (A - D) delay + (M - A) impact + (P - M) spread; fees come on top. What stayed unfilled
    is charged from D to the close as `opportunity_cost`, apart.

    Parameters
    ----------
    decided : frame of `parent` (int), `decided_ns` (int), `quantity` (int, lots)
        When and how much was decided; without a row the decision is the arrival, and the quantity
        that of the children.
    """
    children = _children(day)
    fills = _parent_fills(day, children)
    parents = (
        children.group_by(_PARENT)
        .agg(
            pl.col("parent").first(),
            pl.col("account").first(),
            pl.len().alias("children"),
            pl.col("lots").sum().alias("quantity"),
            pl.col("entered").min().alias("arrived"),
        )
        .join(fills, on=_PARENT, how="left")
        .with_columns(pl.col("filled").fill_null(0))
        .sort("arrived", *_PARENT)
    )
    return _shortfall(day, _with_decisions(parents, decided))


def mid_after(day: DayTape, instrument: Rows, time: Rows, horizon_ns: int) -> Floats:
    """Return the mid in ticks a horizon later; NaN where the day's quotes have ended by then."""
    mids = day.mid_at(instrument, time + horizon_ns)
    quotes = day.touches.quotes
    last = int(quotes[-1, 0]) if len(quotes) else 0
    close = max(last, day.facts.close_ns)
    return np.where((time + horizon_ns <= close) & (time >= 0), mids, np.nan)


def _children(day: DayTape) -> pl.DataFrame:
    orders, facts = day.orders, day.facts
    foreground = np.array([not (one.background or one.contra) for one in facts.accounts], np.bool_)
    has_parent = orders.parent != NO_PARENT
    kept = np.flatnonzero(has_parent | foreground[orders.account])
    # Orders on their own get keys below every parent's number.
    key = np.where(has_parent, orders.parent, -2 - orders.number)[kept]
    return pl.DataFrame(
        {
            "key": key,
            "parent": np.where(has_parent, orders.parent, -1)[kept],
            "order": orders.number[kept],
            "account": orders.account[kept],
            "instrument": orders.instrument[kept],
            "side": np.where(orders.side[kept] == at.BUY, 1, -1),
            "lots": orders.lots[kept],
            "entered": orders.entered[kept],
        }
    )


def _parent_fills(day: DayTape, children: pl.DataFrame) -> pl.DataFrame:
    trades = day.trades
    frames = [
        pl.DataFrame(
            {
                "order": order,
                "time": trades.time,
                "price": trades.price_ticks,
                "mid": trades.mid_ticks,
                "fill": trades.lots,
                "fee": fee / MICROS,
            }
        )
        for order, fee in (
            (trades.buy_order, trades.buyer_fee_micros),
            (trades.sell_order, trades.seller_fee_micros),
        )
    ]
    joined = pl.concat(frames).join(children.select("order", *_PARENT), on="order")
    worth, mids = pl.col("price") * pl.col("fill"), pl.col("mid") * pl.col("fill")
    return joined.group_by(_PARENT).agg(
        pl.col("fill").sum().alias("filled"),
        worth.sum().alias("worth"),
        mids.sum().alias("mid_worth"),
        pl.col("fee").sum().alias("fees"),
        pl.col("time").min().alias("first_fill"),
        pl.col("time").max().alias("last_fill"),
        pl.len().alias("fills"),
    )


def _with_decisions(parents: pl.DataFrame, decided: pl.DataFrame | None) -> pl.DataFrame:
    if decided is None:
        return parents.with_columns(pl.col("arrived").alias("decided_ns"))
    known = decided.select("parent", "decided_ns", pl.col("quantity").alias("decided_quantity"))
    return parents.join(known, on="parent", how="left", maintain_order="left").with_columns(
        pl.col("decided_ns").fill_null(pl.col("arrived")),
        pl.coalesce("decided_quantity", "quantity").alias("quantity"),
    )


def _shortfall(day: DayTape, parents: pl.DataFrame) -> pl.DataFrame:
    number = {name: parents[name].to_numpy() for name in ("instrument", "side", "arrived")}
    instrument, side, arrived = number["instrument"], number["side"], number["arrived"]
    arrival = day.mid_before(instrument, arrived)
    decision = day.mid_at(instrument, parents["decided_ns"].to_numpy())
    decision = np.where(np.isnan(decision), arrival, decision)
    filled = parents["filled"].to_numpy()
    filled_sum = {name: parents[name].fill_null(0.0).to_numpy() for name in ("worth", "mid_worth")}
    money = day.money_per_tick_lot[instrument]
    signed = side * money
    delay = signed * (arrival - decision) * filled
    impact = signed * (filled_sum["mid_worth"] - arrival * filled)
    spread = signed * (filled_sum["worth"] - filled_sum["mid_worth"])
    fees = parents["fees"].fill_null(0.0).to_numpy()
    unfilled = np.maximum(parents["quantity"].to_numpy() - filled, 0)
    close = day.closing_ticks[instrument]
    average = np.where(filled > 0, filled_sum["worth"] / np.maximum(filled, 1), np.nan)
    finish = parents["last_fill"].fill_null(-1).to_numpy()
    vwap, market = interval_benchmark(day, instrument, arrived, finish)
    unit = BASIS_POINTS / arrival
    numbers = {
        "decision_price": day.price(decision, instrument),
        "arrival_price": day.price(arrival, instrument),
        "average_price": day.price(average, instrument), "vwap_price": day.price(vwap, instrument),
        "arrival_slippage": side * (average - arrival) * unit,
        "decision_slippage": side * (average - decision) * unit,
        "vwap_slippage": side * (average - vwap) * unit,
        "shortfall_cost": delay + impact + spread + fees, "delay_cost": delay,
        "impact_cost": impact, "spread_cost": spread, "fees_cost": fees,
        "opportunity_cost": signed * (close - decision) * unfilled,
        "participation": np.where(market > 0, filled / np.maximum(market, 1), np.nan),
    }  # fmt: skip
    return pl.DataFrame(
        {
            "parent": names(parents["parent"].to_numpy(), day.facts.parents),
            "parent_id": parents["parent"],
            "account": names(parents["account"].to_numpy(), day.facts.account_names),
            "population": names(parents["account"].to_numpy(), day.facts.populations),
            "instrument": names(instrument, day.facts.symbols),
            "side": names((1 - side) // 2, SIDES),
            "decided": instants(parents["decided_ns"].to_numpy(), day.facts.zone),
            "time": instants(arrived, day.facts.zone),
            "finished": instants(finish, day.facts.zone),
            **{name: parents[name] for name in ("children", "quantity", "filled")},
            **{name: pl.Series(values, nan_to_null=True) for name, values in numbers.items()},
        }
    )


def interval_benchmark(
    day: DayTape, instrument: Rows, start: Rows, finish: Rows
) -> tuple[Floats, Rows]:
    """Return volume-weighted price in ticks and lots traded from `start` to `finish`, inclusive."""
    vwap, lots = np.full(len(instrument), np.nan), np.zeros(len(instrument), np.int64)
    for code in np.unique(instrument):
        times, cumulated_lots, cumulated_worth = day.cumulative(int(code))
        chosen = (instrument == code) & (finish >= start)
        first = np.searchsorted(times, start[chosen], side="left")
        last = np.searchsorted(times, finish[chosen], side="right")
        lots[chosen] = cumulated_lots[last] - cumulated_lots[first]
        worth = cumulated_worth[last] - cumulated_worth[first]
        vwap[chosen] = np.where(lots[chosen] > 0, worth / np.maximum(lots[chosen], 1), np.nan)
    return vwap, lots
