"""Money and shares: every micro and every lot that leaves one account enters another."""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.holdings import change_holding, find_holding, holding_row
from environment.market.ladder import account_row

BILLION = 1_000_000_000


@inner
def position_row(arena, account, instrument):
    """Return the first word of a position: dense in stocks, hashed in series."""
    if instrument >= arena[at.H_INSTRUMENTS]:
        return holding_row(arena, account, instrument)
    row = account * arena[at.H_INSTRUMENTS] + instrument
    return arena[at.H_OFFSET + at.S_POSITION] + row * 4


@inner
def half_even(numerator, denominator):
    """Return numerator / denominator rounded to the nearest integer, halves to the even one."""
    quotient = numerator // denominator
    twice = 2 * (numerator - quotient * denominator)
    if twice > denominator or (twice == denominator and quotient & 1):
        quotient += 1
    return quotient


@inner
def rate_of(notional, rate_billionths):
    """Return notional * rate without overflow, rounded once, halves to the even micro."""
    whole = notional // BILLION
    part = (notional - whole * BILLION) * rate_billionths
    below = part // BILLION
    micros = whole * rate_billionths + below
    twice = 2 * (part - below * BILLION)
    if twice > BILLION or (twice == BILLION and micros & 1):
        micros += 1
    return micros


@inner
def fee_of(arena, ins, account, notional, quantity, is_seller, liquidity):
    """Return (exchange fee, regulatory fee) in micros that an account owes for one fill."""
    fee = arena[at.H_OFFSET + at.S_FEE] + arena[account_row(arena, account) + at.A_FEE] * 16
    if arena[ins + at.I_KIND] == at.KIND_OPTION:
        fee += at.FE_OPTIONS
    if liquidity == at.LIQ_AUCTION:
        exchange = quantity * arena[fee + at.FE_AUCTION]
    elif liquidity == at.LIQ_NONE:  # The aggressor's side.
        exchange = quantity * arena[fee + at.FE_TAKER]
        rate = arena[fee + at.FE_TAKER_RATE]
        if rate != 0:
            exchange += rate_of(notional, rate)
    else:
        exchange = quantity * arena[fee + at.FE_MAKER]
        rate = arena[fee + at.FE_MAKER_RATE]
        if rate != 0:
            exchange += rate_of(notional, rate)
    regulatory = 0
    if is_seller:
        if arena[fee + at.FE_SELL_RATE] != 0:
            regulatory += rate_of(notional, arena[fee + at.FE_SELL_RATE])
        if arena[fee + at.FE_SELL_PER_LOT] != 0:
            activity = half_even(quantity * arena[fee + at.FE_SELL_PER_LOT], 1000)
            cap = arena[fee + at.FE_SELL_CAP]
            regulatory += min(activity, cap) if cap > 0 else activity
    return exchange, regulatory


@inner
def _locate_need(arena, position):
    short = arena[position + at.P_WORKING_SELL] - arena[position + at.P_QUANTITY]
    return short if short > 0 else 0


@inner
def work_sell(arena, ins, account, instrument, change):
    """Count working sells of an account that must locate stock before it shorts.

    In series it is cash accounts that are counted: they may sell what they hold, and no more.
    """
    if arena[ins + at.I_KIND] == at.KIND_OPTION:
        if arena[account_row(arena, account) + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY:
            arena[holding_row(arena, account, instrument) + at.P_WORKING_SELL] += change
    elif arena[account_row(arena, account) + at.A_FLAGS] & at.ACCOUNT_LOCATE:
        position = position_row(arena, account, instrument)
        before = _locate_need(arena, position)
        arena[position + at.P_WORKING_SELL] += change
        arena[ins + at.I_LOCATED] += _locate_need(arena, position) - before


@inner
def locate_shortfall(arena, ins, account, instrument, quantity):
    """Return by how many lots the borrow pool falls short of a new sell order."""
    position = position_row(arena, account, instrument)
    before = _locate_need(arena, position)
    after = max(arena[position + at.P_WORKING_SELL] + quantity - arena[position + at.P_QUANTITY], 0)
    return arena[ins + at.I_LOCATED] + after - before - arena[ins + at.I_BORROW]


@inner
def held_uncovered(arena, account, instrument, quantity):
    """Return how many contracts of a new sell order the account does not hold."""
    row = find_holding(arena, account, instrument)
    if arena[row + at.P_KEY] == 0:
        return quantity
    return arena[row + at.P_WORKING_SELL] + quantity - arena[row + at.P_QUANTITY]


@inner
def book_side(arena, ins, account, instrument, quantity, notional, exchange, regulatory, sells):
    """Book one account's side of a fill and its fees."""
    a = account_row(arena, account)
    signed = -quantity if sells else quantity
    cash = notional if sells else -notional
    if arena[ins + at.I_KIND] == at.KIND_OPTION:
        p = change_holding(arena, account, instrument, signed)
        arena[p + at.P_COST] -= cash
        if sells and arena[a + at.A_FLAGS] & at.ACCOUNT_CASH_ONLY:
            arena[p + at.P_WORKING_SELL] -= quantity
        _pay(arena, a, quantity, cash, exchange, regulatory, sells, at.A_OPTION_PROCEEDS)
        return
    p = position_row(arena, account, instrument)
    locates = arena[a + at.A_FLAGS] & at.ACCOUNT_LOCATE
    before = _locate_need(arena, p) if locates else 0
    arena[p + at.P_QUANTITY] += signed
    arena[p + at.P_COST] -= cash
    if locates:
        if sells:
            arena[p + at.P_WORKING_SELL] -= quantity
        arena[ins + at.I_LOCATED] += _locate_need(arena, p) - before
    _pay(arena, a, quantity, cash, exchange, regulatory, sells, at.A_PROCEEDS)


@inner
def _pay(arena, a, quantity, cash, exchange, regulatory, sells, proceeds):
    fees = exchange + regulatory
    arena[a + at.A_CASH] += cash - fees
    if sells:
        # Sale proceeds become spendable when they settle, between days.
        arena[a + proceeds] += cash - fees
    else:
        arena[a + at.A_SETTLED] += cash - fees
    arena[a + at.A_FEES_PAID] += fees
    arena[a + at.A_TRADES] += 1
    arena[a + at.A_VOLUME] += quantity
    if exchange != 0:
        arena[account_row(arena, at.EXCHANGE_FEES) + at.A_CASH] += exchange
    if regulatory != 0:
        arena[account_row(arena, at.REGULATOR) + at.A_CASH] += regulatory


@inner
def notional_of(arena, ins, price, quantity, half):
    """Return the notional of a fill in micros; a half tick is rounded once, half to even."""
    value = arena[ins + at.I_VALUE]
    notional = price * quantity * value
    if half:
        notional += quantity * value >> 1
        if quantity & value & notional & 1:
            notional += 1
    return notional
