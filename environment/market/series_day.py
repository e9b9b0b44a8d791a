"""A stock's phases carried over to its series."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.chain_feed import start_chains
from environment.market.ladder import instrument_row
from environment.market.package import end_packages
from environment.market.quote_pulls import pull_series
from environment.market.series import end_series_orders, enter_phase, phase_after


@inner
def join_stock(arena, number, reason):
    """Let a series that is listed while its stock trades open at once; else it opens with it."""
    ins = instrument_row(arena, number)
    stock = instrument_row(arena, arena[ins + at.I_UNDERLYING])
    if arena[stock + at.I_PHASE] == at.CONTINUOUS and arena[ins + at.I_PHASE] != at.CONTINUOUS:
        enter_phase(arena, number, at.CONTINUOUS, reason)
        arena[at.H_STALE] = 1


@inner
def follow_stock(arena, stock, stock_phase, reason):
    """Let every series of a stock follow it into a phase.

    Whoever handles the event shows the series' books afterwards: H_STALE says that it is due.
    """
    closes = False
    if stock_phase == at.CONTINUOUS:
        start_chains(arena, stock)
    number = arena[instrument_row(arena, stock) + at.I_SERIES] - 1
    while number != at.NONE:
        ins = instrument_row(arena, number)
        old = arena[ins + at.I_PHASE]
        phase = phase_after(stock_phase, old)
        last = arena[ins + at.I_LAST_TRADING_NS]
        is_over = arena[ins + at.I_RETIRED] != 0 or (
            phase == at.CONTINUOUS and 0 < last <= arena[at.H_NOW]
        )
        if phase != old and not is_over:
            enter_phase(arena, number, phase, reason)
            if phase != at.CONTINUOUS:
                pull_series(arena, number, at.R_HALTED if phase == at.HALTED else at.R_PHASE)
            closes = closes or phase == at.POST_CLOSE or phase == at.CLOSED
            arena[at.H_STALE] = 1
        number = arena[ins + at.I_SERIES] - 1
    if closes:
        end_series_orders(arena, stock)
        end_packages(arena, stock, at.NONE)
