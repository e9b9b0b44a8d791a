"""Strategies: the legs that packages have in common, in one canonical direction, and their prices.

A strategy is kept with its legs by rising instrument and the first one bought; a package written
the other way round is turned, with its side and its price. The net price counts in ticks for one
contract's worth: a stock leg counts its shares over the contracts' multiplier.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import tape_row
from environment.market.ladder import (
    HEAD,
    HIDDEN_HEAD,
    account_row,
    instrument_row,
    level_row,
    order_row,
    shown_best,
)

RATIO_MAX = 1_000


@inner
def strategy_row(arena, strategy):
    """Return the first word of a strategy."""
    return arena[at.H_OFFSET + at.S_STRATEGY] + strategy * 32


@inner
def leg_word(arena, st, leg):
    """Return the first of a leg's three words: instrument, weight, lots."""
    return st + at.ST_LEGS + 3 * leg


@inner
def _greatest_common(a, b):
    while b != 0:
        a, b = b, a % b
    return a


@inner
def _sort_legs(arena, count):
    first = at.H_LEGS_AT
    for k in range(1, count):
        i = k
        while i > 0 and arena[first + 2 * i - 2] > arena[first + 2 * i]:
            for word in range(2):
                low, high = first + 2 * i - 2 + word, first + 2 * i + word
                arena[low], arena[high] = arena[high], arena[low]
            i -= 1


@inner
def settle_legs(arena, count):
    """Bring the legs written at H_LEGS_AT into canonical form. Returns 1 if turned, 0, or -1.

    -1: they make no package. Ratios then count one contract's worth, not a stock's shares.
    """
    if count < 2 or count > at.LEGS_MAX:
        return -1
    first, stocks = at.H_LEGS_AT, arena[at.H_INSTRUMENTS]
    _sort_legs(arena, count)
    option = arena[first + 2 * count - 2]
    if option < stocks or option >= stocks + arena[at.H_SERIES]:
        return -1
    ins = instrument_row(arena, option)
    multiplier, stock = arena[ins + at.I_MULTIPLIER], arena[ins + at.I_UNDERLYING]
    ticks, common = arena[ins + at.I_TICKS_PER_UNIT], 0
    for k in range(count):
        number, ratio = arena[first + 2 * k], arena[first + 2 * k + 1]
        if number < 0 or (k > 0 and number == arena[first + 2 * k - 2]):
            return -1
        leg = instrument_row(arena, number)
        if number < stocks:
            if number != stock or ratio % multiplier != 0:
                return -1
            ratio //= multiplier
            arena[first + 2 * k + 1] = ratio
        elif arena[leg + at.I_MULTIPLIER] != multiplier or arena[leg + at.I_UNDERLYING] != stock:
            return -1
        if ratio == 0 or abs(ratio) > RATIO_MAX or arena[leg + at.I_TICKS_PER_UNIT] != ticks:
            return -1
        common = _greatest_common(common, abs(ratio))
    if common != 1:
        return -1
    turned = arena[first + 1] < 0
    if turned:
        for k in range(count):
            arena[first + 2 * k + 1] = -arena[first + 2 * k + 1]
    return 1 if turned else 0


@inner
def _is_same(arena, st, count):
    if arena[st + at.ST_COUNT] != count:
        return False
    for k in range(count):
        word = leg_word(arena, st, k)
        if arena[word] != arena[at.H_LEGS_AT + 2 * k]:
            return False
        if arena[word + 1] != arena[at.H_LEGS_AT + 2 * k + 1]:
            return False
        # Of a stock leg's shares: an adjustment may have changed what a contract delivers.
        if arena[word + 2] != _lots(arena, k, count):
            return False
    return True


@inner
def _lots(arena, k, count):
    """Return the lots of leg `k` at H_LEGS_AT to one unit, of which there are `count`."""
    number, lots = arena[at.H_LEGS_AT + 2 * k], abs(arena[at.H_LEGS_AT + 2 * k + 1])
    if number < arena[at.H_INSTRUMENTS]:
        option = instrument_row(arena, arena[at.H_LEGS_AT + 2 * count - 2])
        lots *= arena[option + at.I_MULTIPLIER]
    return lots


@inner
def find_strategy(arena, count):
    """Return the strategy of the canonical legs at H_LEGS_AT, made where it is new."""
    node = arena[instrument_row(arena, arena[at.H_LEGS_AT]) + at.I_LEGS] - 1
    while node != at.NONE:
        leg = arena[at.H_OFFSET + at.S_LEG] + node * 2
        if _is_same(arena, strategy_row(arena, arena[leg + at.LG_STRATEGY]), count):
            return arena[leg + at.LG_STRATEGY]
        node = arena[leg + at.LG_NEXT] - 1
    strategy = arena[at.H_STRATEGIES]
    arena[at.H_STRATEGIES] = strategy + 1
    st = strategy_row(arena, strategy)
    arena[st + at.ST_COUNT] = count
    for k in range(count):
        number, ratio = arena[at.H_LEGS_AT + 2 * k], arena[at.H_LEGS_AT + 2 * k + 1]
        word = leg_word(arena, st, k)
        arena[word], arena[word + 1], arena[word + 2] = number, ratio, _lots(arena, k, count)
        ins = instrument_row(arena, number)
        node = arena[at.H_LEGS]
        arena[at.H_LEGS] = node + 1
        leg = arena[at.H_OFFSET + at.S_LEG] + node * 2
        arena[leg + at.LG_STRATEGY] = strategy
        arena[leg + at.LG_NEXT] = arena[ins + at.I_LEGS]
        arena[ins + at.I_LEGS] = node + 1
        tape_row(arena, at.K_PACKAGE, number, 0, 0, 0, at.PR_LEG, 0, ratio, arena[word + 2],
                 at.NONE, at.LIQ_NONE, 0, strategy)  # fmt: skip
    return strategy


@inner
def mark_stale(arena, ins):
    """Note that the packages of every strategy with this leg are to be looked at again."""
    node = arena[ins + at.I_LEGS] - 1
    while node != at.NONE:
        leg = arena[at.H_OFFSET + at.S_LEG] + node * 2
        mark_strategy(arena, arena[leg + at.LG_STRATEGY])
        node = arena[leg + at.LG_NEXT] - 1


@inner
def mark_strategy(arena, strategy):
    """Note that a strategy's packages, if any wait, are to be looked at again."""
    st = strategy_row(arena, strategy)
    waits = arena[st + at.ST_BUYS] != 0 or arena[st + at.ST_SELLS] != 0
    if waits and arena[st + at.ST_STALE] == 0:
        arena[st + at.ST_STALE] = 1
        arena[st + at.ST_NEXT_STALE] = arena[at.H_STALE_STRATEGY]
        arena[at.H_STALE_STRATEGY] = strategy + 1


@inner
def take_stale(arena):
    """Return a strategy to be looked at again, no longer noted; the caller knows of one."""
    strategy = arena[at.H_STALE_STRATEGY] - 1
    st = strategy_row(arena, strategy)
    arena[at.H_STALE_STRATEGY] = arena[st + at.ST_NEXT_STALE]
    arena[st + at.ST_STALE] = 0
    return strategy


# --- prices --------------------------------------------------------------------------------------


@inner
def leg_side(arena, word, side):
    """Return the side on which a leg trades when the package's side is `side`."""
    return side if arena[word + 1] > 0 else 1 - side


@inner
def trades_now(arena, st):
    """Return whether every leg is in continuous trading."""
    for k in range(arena[st + at.ST_COUNT]):
        ins = instrument_row(arena, arena[leg_word(arena, st, k)])
        if arena[ins + at.I_PHASE] != at.CONTINUOUS:
            return False
    return True


@inner
def _quantity_before_own(arena, ins, side, price, group):
    """Return the lots at the best price of a side in front of the first order of a group."""
    level = level_row(arena, ins, side, price - arena[ins + at.I_BASE + side])
    total = 0
    for queue in (HEAD, HIDDEN_HEAD):
        slot = arena[level + queue] - 1
        while slot != at.NONE:
            o = order_row(arena, slot)
            if arena[account_row(arena, arena[o + at.O_ACCOUNT]) + at.A_GROUP] == group:
                return total
            total += arena[o + at.O_LEAVES]
            slot = arena[o + at.O_NEXT]
    return total


@inner
def implied_now(arena, st, side, group):
    """Return (net price, units) at which a package of a group trades against the legs' books.

    Each leg at its best price, hidden orders among them; units are what every leg has there. The
    legs' prices stand at H_PRICES_AT.
    """
    net, units = 0, at.MAX_PRICE
    for k in range(arena[st + at.ST_COUNT]):
        word = leg_word(arena, st, k)
        ins = instrument_row(arena, arena[word])
        other = 1 - leg_side(arena, word, side)
        best = arena[ins + at.I_BEST + other]
        if best <= -at.MAX_PRICE or best >= at.MAX_PRICE:
            return 0, 0
        upper = arena[ins + at.I_BAND_UPPER]
        if upper > 0 and (best > upper or best < arena[ins + at.I_BAND_LOWER]):
            return 0, 0
        net += arena[word + 1] * best
        quantity = _quantity_before_own(arena, ins, other, best, group)
        units = min(units, quantity // arena[word + 2])
        arena[at.H_PRICES_AT + k] = best
    return net, units


@inner
def _shows_order(arena, ins, side, price):
    """Return whether an order, not a dealer's quote, is displayed at the touch."""
    index = price - arena[ins + at.I_BASE + side]
    if index < 0 or index >= arena[ins + at.I_WIDTH]:
        return True  # The touch lies in the far list, behind hidden orders: rare, so be careful.
    slot = arena[level_row(arena, ins, side, index) + HEAD] - 1
    while slot != at.NONE:
        o = order_row(arena, slot)
        if not (arena[o + at.O_META] >> at.FLAG_SHIFT) & at.F_QUOTE:
            return True
        slot = arena[o + at.O_NEXT]
    return False


@inner
def bound(arena, st, side):
    """Return (known, net) that two packages may trade at, as far as the legs' books say.

    For side 0 the most that a buyer may pay, for side 1 the least: the displayed touches of the
    legs, bettered by one tick where a displayed order stands at one of them. `known` is False
    where a leg shows nothing on that side.
    """
    net, has_order = 0, False
    for k in range(arena[st + at.ST_COUNT]):
        word = leg_word(arena, st, k)
        ins = instrument_row(arena, arena[word])
        other = 1 - leg_side(arena, word, side)
        price, quantity = shown_best(arena, ins, other)
        if quantity == 0:
            return False, 0
        net += arena[word + 1] * price
        has_order = has_order or _shows_order(arena, ins, other, price)
    if has_order:
        net += -1 if side == 0 else 1
    return True, net


@inner
def _leg_range(arena, ins):
    """Return the lowest and highest price at which a leg may print in a trade of two packages."""
    bid, bid_quantity = shown_best(arena, ins, 0)
    ask, ask_quantity = shown_best(arena, ins, 1)
    low = bid if bid_quantity > 0 else 1
    high = ask if ask_quantity > 0 else low + arena[ins + at.I_TICKS_PER_UNIT] * 1_000
    upper = arena[ins + at.I_BAND_UPPER]
    if upper > 0:
        low = min(max(low, arena[ins + at.I_BAND_LOWER]), upper)
        high = max(min(high, upper), low)
    return low, max(high, low)


@inner
def spread_net(arena, st, net):
    """Find legs' prices inside their touches that add up to `net`; return whether there are any.

    They stand at H_PRICES_AT. From the buyer's worst prices each leg gives the same part of its
    width; what whole ticks leave over is then taken where it fits.
    """
    count, at_worst, width = arena[st + at.ST_COUNT], 0, 0
    for k in range(count):
        word = leg_word(arena, st, k)
        low, high = _leg_range(arena, instrument_row(arena, arena[word]))
        weight = arena[word + 1]
        at_worst += weight * (high if weight > 0 else low)
        width += abs(weight) * (high - low)
    give = at_worst - net
    if give < 0 or give > width:
        return False
    left = give
    for k in range(count):
        word = leg_word(arena, st, k)
        low, high = _leg_range(arena, instrument_row(arena, arena[word]))
        part = (high - low) * give // width if width > 0 else 0
        arena[at.H_PRICES_AT + k] = high - part if arena[word + 1] > 0 else low + part
        left -= part * abs(arena[word + 1])
    for k in range(count):
        left -= _give(arena, st, k, left)
    if left > 0:
        return _exchange(arena, st, left)
    return True


@inner
def _room_to_give(arena, st, k):
    word = leg_word(arena, st, k)
    low, high = _leg_range(arena, instrument_row(arena, arena[word]))
    price = arena[at.H_PRICES_AT + k]
    return price - low if arena[word + 1] > 0 else high - price


@inner
def _give(arena, st, k, left):
    weight = arena[leg_word(arena, st, k) + 1]
    ticks = min(_room_to_give(arena, st, k), left // abs(weight))
    arena[at.H_PRICES_AT + k] += -ticks if weight > 0 else ticks
    return ticks * abs(weight)


@inner
def _exchange(arena, st, left):
    """Let one leg give and another take back, so that the odd ticks come out."""
    count = arena[st + at.ST_COUNT]
    for a in range(count):
        for b in range(count):
            if a == b:
                continue
            first = abs(arena[leg_word(arena, st, a) + 1])
            second = abs(arena[leg_word(arena, st, b) + 1])
            low, high = _leg_range(arena, instrument_row(arena, arena[leg_word(arena, st, b)]))
            back_max = high - low - _room_to_give(arena, st, b)
            for ticks in range(1, min(second, _room_to_give(arena, st, a)) + 1):
                back = ticks * first - left
                if back > 0 and back % second == 0 and back // second <= back_max:
                    _move(arena, st, a, ticks)
                    _move(arena, st, b, -(back // second))
                    return True
    return False


@inner
def _move(arena, st, k, ticks):
    weight = arena[leg_word(arena, st, k) + 1]
    arena[at.H_PRICES_AT + k] += -ticks if weight > 0 else ticks
