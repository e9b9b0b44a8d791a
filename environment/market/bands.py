"""Limit-up/limit-down: reference prices, bands, the limit state and what leads to a pause.

The plan's percentages and times as MARKET states them; dated exceptions arrive as times of the day
in the instrument's row, so that nothing here knows the calendar.
"""

from environment.compiled import inner
from environment.market import layout as at
from environment.market.emit import send_status, tape_row
from environment.market.heap import push
from environment.market.increments import nearest_place, price_at
from environment.market.ladder import instrument_row

SECOND = 1_000_000_000
LIMIT_STATE_NS = 15 * SECOND
REFERENCE_AGE_NS = 30 * SECOND
WINDOW_SECONDS = 300


@inner
def band_width(reference, ticks_per_unit, tier, doubled):
    """Return the distance in ticks from the reference to either band, halves rounded up."""
    three, three_quarters = 3 * ticks_per_unit, 3 * ticks_per_unit // 4
    if reference > three:
        hundredths = 5 if tier == 1 else 10
    elif reference >= three_quarters:
        hundredths = 20
    else:
        fixed = 15 * ticks_per_unit // 100
        share = (2 * 75 * reference + 100) // 200
        width = min(fixed, share)
        return 2 * width if doubled else width
    if doubled:
        hundredths *= 2
    return (2 * hundredths * reference + 100) // 200


@inner
def is_doubled(arena, ins, reference):
    """Return whether the bands are twice as wide now."""
    now = arena[at.H_NOW]
    if now < arena[ins + at.I_DOUBLE_UNTIL]:
        return True
    late = arena[ins + at.I_DOUBLE_FROM]
    low_priced = reference <= 3 * arena[ins + at.I_TICKS_PER_UNIT]
    return late > 0 and now >= late and (arena[ins + at.I_TIER] == 1 or low_priced)


@inner
def set_reference(arena, instrument, reference):
    """Take a new reference price and publish the bands around it."""
    ins = instrument_row(arena, instrument)
    width = band_width(
        reference, arena[ins + at.I_TICKS_PER_UNIT], arena[ins + at.I_TIER],
        is_doubled(arena, ins, reference),
    )  # fmt: skip
    # The legal ticks nearest to the computed bands, so that orders can be moved there.
    lower = price_at(arena, ins, max(nearest_place(arena, ins, reference - width), 1))
    upper = price_at(arena, ins, nearest_place(arena, ins, reference + width))
    changed = lower != arena[ins + at.I_BAND_LOWER] or upper != arena[ins + at.I_BAND_UPPER]
    if reference != arena[ins + at.I_BAND_REFERENCE]:
        arena[ins + at.I_BAND_SINCE] = arena[at.H_NOW]
    arena[ins + at.I_BAND_REFERENCE] = reference
    arena[ins + at.I_BAND_LOWER] = lower
    arena[ins + at.I_BAND_UPPER] = upper
    if changed:
        arena[ins + at.I_FEED_SEQUENCE] += 1
        tape_row(arena, at.K_BANDS, instrument, 0, 0, 0, 0, reference, upper - lower, lower,
                 at.NONE, at.LIQ_NONE, 0, 0)  # fmt: skip
        send_status(arena, ins, instrument, at.M_BANDS, 0, lower, upper, reference)


@inner
def start_bands(arena, instrument, reference):
    """Begin (or begin again after a pause) with a reference and an empty five-minute window."""
    ins = instrument_row(arena, instrument)
    if arena[ins + at.I_TIER] == 0:
        return
    _clear_window(arena, ins)
    _leave_limit_state(arena, ins)
    arena[ins + at.I_BAND_REFERENCE] = 0
    if reference > 0:  # Else the first trades will set it.
        set_reference(arena, instrument, reference)
    if arena[ins + at.I_BAND_SCHEDULED] == 0:
        arena[ins + at.I_BAND_SCHEDULED] = 1
        push(arena, arena[at.H_NOW] + SECOND, at.E_BAND, instrument, 0)


@inner
def stop_bands(arena, ins):
    """No bands outside continuous trading."""
    arena[ins + at.I_BAND_LOWER] = 0
    arena[ins + at.I_BAND_UPPER] = 0
    _leave_limit_state(arena, ins)


@inner
def _leave_limit_state(arena, ins):
    since = arena[ins + at.I_LIMIT_SINCE]
    if since > 0:
        arena[ins + at.I_LIMITED_NS] += arena[at.H_NOW] - since
        arena[ins + at.I_LIMIT_SINCE] = 0


@inner
def _clear_window(arena, ins):
    first = arena[at.H_OFFSET + at.S_BUCKET] + arena[ins + at.I_BUCKET_FIRST] * 2
    for word in range(2 * WINDOW_SECONDS):
        arena[first + word] = 0
    arena[ins + at.I_BUCKET_COUNT] = 0
    arena[ins + at.I_BUCKET_SUM] = 0
    arena[ins + at.I_BUCKET_SECOND] = arena[at.H_NOW] // SECOND


@inner
def _roll_window(arena, ins):
    """Forget the seconds that have left the window. Returns the word of this second's bucket."""
    first = arena[at.H_OFFSET + at.S_BUCKET] + arena[ins + at.I_BUCKET_FIRST] * 2
    second = arena[at.H_NOW] // SECOND
    if second - arena[ins + at.I_BUCKET_SECOND] >= WINDOW_SECONDS:
        _clear_window(arena, ins)  # After a night, or before the first trade of all.
    while arena[ins + at.I_BUCKET_SECOND] < second:
        arena[ins + at.I_BUCKET_SECOND] += 1
        # The bucket that this second will fill held the one of five minutes ago.
        bucket = first + arena[ins + at.I_BUCKET_SECOND] % WINDOW_SECONDS * 2
        arena[ins + at.I_BUCKET_COUNT] -= arena[bucket]
        arena[ins + at.I_BUCKET_SUM] -= arena[bucket + 1]
        arena[bucket] = 0
        arena[bucket + 1] = 0
    return first + second % WINDOW_SECONDS * 2


@inner
def count_in_window(arena, ins, price):
    """Count a trade among those of the last five minutes."""
    bucket = _roll_window(arena, ins)
    arena[bucket] += 1
    arena[bucket + 1] += price
    arena[ins + at.I_BUCKET_COUNT] += 1
    arena[ins + at.I_BUCKET_SUM] += price


@inner
def on_second(arena, instrument):
    """Move the reference where that is due, and double the bands when their hour has come."""
    ins = instrument_row(arena, instrument)
    _roll_window(arena, ins)
    reference = arena[ins + at.I_BAND_REFERENCE]
    count = arena[ins + at.I_BUCKET_COUNT]
    if count > 0:
        mean = (2 * arena[ins + at.I_BUCKET_SUM] + count) // (2 * count)
        old = arena[at.H_NOW] - arena[ins + at.I_BAND_SINCE] >= REFERENCE_AGE_NS
        if reference == 0 or (old and 100 * abs(mean - reference) >= reference):
            reference = mean
    if reference > 0:
        set_reference(arena, instrument, reference)


@inner
def watch_limit_state(arena, ins, instrument):
    """Enter or leave the limit state as the displayed touch stands now."""
    if arena[ins + at.I_BAND_UPPER] == 0:
        return
    at_limit = (
        arena[ins + at.I_SHOWN_ASK_QUANTITY] > 0
        and arena[ins + at.I_SHOWN_ASK] == arena[ins + at.I_BAND_LOWER]
    ) or (
        arena[ins + at.I_SHOWN_BID_QUANTITY] > 0
        and arena[ins + at.I_SHOWN_BID] == arena[ins + at.I_BAND_UPPER]
    )
    if not at_limit:
        _leave_limit_state(arena, ins)
    elif arena[ins + at.I_LIMIT_SINCE] == 0:
        arena[ins + at.I_LIMIT_SINCE] = arena[at.H_NOW]
        push(arena, arena[at.H_NOW] + LIMIT_STATE_NS, at.E_LIMIT_STATE, instrument,
             arena[at.H_NOW])  # fmt: skip
