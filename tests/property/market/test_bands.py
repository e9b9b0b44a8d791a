"""Limit-up/limit-down against a model that looks at every trade again each second."""

import hypothesis.strategies as st
import pytest
from hypothesis import given, settings

from environment.market import layout as at
from tests.models.bands import SECOND, Bands, distance
from tests.unit.market.day_driver import Day

# Gaps between trades in milliseconds, and steps of the price in hundredths of the band.
walks = st.lists(st.tuples(st.integers(1, 60_000), st.integers(-90, 90)), max_size=12)


def opened(price: int, tier: int, double_from: int, double_until: int = 0) -> tuple[Day, Bands]:
    day = Day(last_close=price, tier=tier, ticks_per_unit=1_000)
    day.until(50.25)
    day.set_word(at.I_DOUBLE_FROM, double_from * SECOND)
    day.set_word(at.I_DOUBLE_UNTIL, double_until * SECOND)
    day.phase(at.PRE_OPEN)
    day.order(at.BUY, price, 1)
    day.order(at.SELL, price, 1, account=1)
    day.phase(at.CONTINUOUS)
    return day, Bands(
        day.now, price, 1_000, tier, double_from_ns=double_from * SECOND,
        double_until_ns=double_until * SECOND,
    )  # fmt: skip


@settings(max_examples=60)
@given(
    walk=walks,
    price=st.sampled_from((400, 900, 2_990, 5_000, 20_000)),
    tier=st.sampled_from((1, 2)),
    double_from=st.sampled_from((0, 120)),
    double_until=st.sampled_from((0, 75, 110)),
)
def test_reference_and_bands_follow_the_model(
    walk: list[tuple[int, int]], price: int, tier: int, double_from: int, double_until: int
) -> None:
    day, bands = opened(price, tier, double_from, double_until)
    second = day.now
    for gap_ms, step in walk:
        due = day.now + gap_ms * 1_000_000
        while second + SECOND <= due:
            second += SECOND
            bands.on_second(second)
        day.until(due / SECOND)
        lower, upper = bands.limits(second)
        assert (day.word(at.I_BAND_LOWER), day.word(at.I_BAND_UPPER)) == (lower, upper)
        assert day.word(at.I_BAND_REFERENCE) == bands.reference
        near = (lower + upper) // 2 + step * (upper - lower) // 200
        day.order(at.SELL, near, 1, account=1)
        day.order(at.BUY, near, 1)
        bands.trades.append((day.now, near))
        assert day.fills()[-1] == (near, 1)


@pytest.mark.parametrize(
    ("price", "tier", "late", "width"),
    [
        (10_000, 1, False, 500), (10_000, 2, False, 1_000), (10_000, 1, True, 1_000),
        (10_000, 2, True, 1_000), (2_000, 2, False, 400), (2_000, 2, True, 800),
        (3_000, 2, False, 600), (3_001, 1, False, 150), (750, 1, False, 150), (700, 1, False, 150),
        (100, 1, False, 75), (100, 1, True, 150),
    ],
)  # fmt: skip
def test_width_by_price_tier_and_hour(price: int, tier: int, width: int, *, late: bool) -> None:
    assert distance(price, 1_000, tier, doubled=late and (tier == 1 or price <= 3_000)) == width
    day, _ = opened(price, tier, 1 if late else 0)
    assert day.word(at.I_BAND_UPPER) - price == width


def test_bands_at_the_open_are_doubled_until_their_time_whatever_the_tier() -> None:
    for tier, width in ((1, 500), (2, 1_000)):
        day, bands = opened(10_000, tier, 0, 75)
        assert day.until(74).word(at.I_BAND_UPPER) - 10_000 == 2 * width
        assert day.until(76).word(at.I_BAND_UPPER) - 10_000 == width
        assert bands.limits(74 * SECOND)[1] - 10_000 == 2 * width
        assert bands.limits(75 * SECOND)[1] - 10_000 == width


@pytest.mark.parametrize(("trade", "reference"), [(10_099, 10_000), (10_100, 10_100)])
def test_reference_is_replaced_from_one_percent_on(trade: int, reference: int) -> None:
    day, _ = opened(10_000, 1, 0)
    day.order(at.SELL, trade, 1, account=1)
    day.order(at.BUY, trade, 1)
    assert day.until(79).word(at.I_BAND_REFERENCE) == 10_000
    assert day.until(82).word(at.I_BAND_REFERENCE) == reference


@settings(max_examples=60)
@given(
    st.lists(
        st.tuples(st.sampled_from((at.BUY, at.SELL)), st.integers(9_300, 10_700), st.booleans()),
        max_size=20,
    )
)
def test_nothing_ever_trades_or_rests_outside(found: list[tuple[int, int, bool]]) -> None:
    day, _ = opened(10_000, 1, 0)
    for number, (side, price, hidden) in enumerate(found):
        if day.word(at.I_PHASE) != at.CONTINUOUS:
            break
        day.until(day.now / SECOND + 7)
        flags = at.F_HIDDEN if hidden else 0
        day.order(side, price, 3, account=number % 4, flags=flags)
        lower, upper = day.word(at.I_BAND_LOWER), day.word(at.I_BAND_UPPER)
        if upper:
            assert day.word(at.I_BEST) <= upper
            assert day.word(at.I_BEST_ASK) >= lower
            assert all(9_500 <= price <= 10_500 or upper != 10_500 for price, _ in day.fills())
