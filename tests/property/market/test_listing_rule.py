"""What holds for every list of series, wherever the stock goes."""

from datetime import date, timedelta
from math import ceil

from hypothesis import given, strategies as st

from environment.feeds.listing import last_trading_day
from environment.feeds.listing_rule import (
    ListingRule,
    expiries_to_add,
    interval,
    is_monthly,
    series_to_add,
    strikes_to_add,
)
from environment.instruments import format_occ, parse_occ

RULES = st.builds(ListingRule, strikes=st.integers(1, 8), band=st.floats(0.05, 0.6))
SPOTS = st.integers(5_000_000, 900_000_000)
MOVES = st.lists(st.floats(0.7, 1.4), max_size=6)
DAYS = st.dates(date(2010, 1, 1), date(2030, 12, 31)).filter(lambda day: day.weekday() < 5)


def walked(rule: ListingRule, spot: int, moves: list[float], *, monthly: bool) -> list[set[int]]:
    """Return what each price adds to a list that goes on from price to price."""
    listed, added = set[int](), list[set[int]]()
    for move in (1.0, *moves):
        spot = round(spot * move)
        new = strikes_to_add(listed, spot, rule, monthly=monthly)
        assert len(set(new)) == len(new)
        assert not listed & set(new)
        assert all(abs(strike - spot) <= rule.band * spot for strike in new)
        assert all(strike > 0 and strike % interval(strike - 1, monthly=monthly) == 0
                   for strike in new)  # fmt: skip
        listed |= set(new)
        added.append(set(new))
        assert_enough(listed, spot, rule, monthly=monthly)
        assert strikes_to_add(listed, spot, rule, monthly=monthly) == ()
    return added


def assert_enough(listed: set[int], spot: int, rule: ListingRule, *, monthly: bool) -> None:
    """Assert that both sides have their strikes, or reach to the edge of the band."""
    above, below = {k for k in listed if k >= spot}, {k for k in listed if k < spot}
    if len(above) < rule.strikes:
        edge = max(above, default=spot - 1)
        following = edge + interval(max(edge, spot), monthly=monthly)
        assert following > spot + rule.band * spot
    if len(below) < rule.strikes:
        edge = min(below, default=spot)
        following = (ceil(edge / interval(edge - 1, monthly=monthly)) - 1) * interval(
            edge - 1, monthly=monthly
        )
        assert following < spot - rule.band * spot or following <= 0


@given(RULES, SPOTS, MOVES, st.booleans())
def test_both_sides_have_their_strikes_within_the_band_and_none_comes_twice(
    rule: ListingRule, spot: int, moves: list[float], monthly: bool
) -> None:
    walked(rule, spot, moves, monthly=monthly)


@given(RULES, st.integers(16, 40), MOVES)
def test_a_list_far_from_any_change_of_interval_grows_alike_up_and_down(
    rule: ListingRule, units: int, moves: list[float]
) -> None:
    # Weekly strikes above $150 are $2.50 apart throughout: around a price between two of them
    # the mirror image of what is listed is listed too.
    spot = units * 25_000_000 + 1_250_000
    narrow = ListingRule(strikes=rule.strikes, band=min(rule.band, 0.5))
    new = strikes_to_add((), spot, narrow, monthly=False)
    if min(new, default=spot) > 150_000_000:
        assert {2 * spot - strike for strike in new} == set(new)


@given(DAYS, SPOTS, RULES)
def test_symbols_say_what_is_listed_and_none_is_given_twice(
    day: date, spot: int, rule: ListingRule
) -> None:
    opened = expiries_to_add(day, (), rule)
    made = series_to_add("XYZ", spot, {}, opened, rule)
    symbols = [one.symbol for one in made]
    assert len(set(symbols)) == len(symbols)
    for one in made:
        told = parse_occ(one.symbol)
        assert one.expiry is not None
        assert one.right is not None
        assert one.strike_micros is not None
        assert one.symbol == format_occ("XYZ", one.expiry, one.right, one.strike_micros)
        assert (told.root, told.strike_micros) == ("XYZ", one.strike_micros)
    assert sum(one.right == "call" for one in made) * 2 == len(made)
    assert series_to_add("XYZ", spot, {}, opened, rule, taken=symbols) == ()


@given(DAYS, RULES)
def test_expiries_lie_ahead_and_weekly_ones_come_on_thursday_or_friday(
    day: date, rule: ListingRule
) -> None:
    new = expiries_to_add(day, (), rule)
    assert all(expiry > day for expiry in new)
    weekly = [expiry for expiry in new if not is_monthly(expiry)]
    assert bool(weekly) == (day.weekday() >= 3)
    # Five besides the week's own; of seven Fridays in a row one or two are monthly.
    assert len(weekly) in (0, rule.weeklies)
    assert all(expiry <= day + timedelta(weeks=rule.weeklies + 3) for expiry in weekly)
    later = expiries_to_add(day, new, rule)
    assert later == ()
    assert all(last_trading_day(expiry) == expiry for expiry in new)
