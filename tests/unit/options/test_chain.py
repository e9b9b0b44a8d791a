"""Cleaning of raw chains: every row is kept or counted by reason."""

from collections.abc import Sequence

import numpy as np
import pytest

from environment.options.chain import (
    DROP_REASONS,
    ChainRefusedError,
    CleaningRules,
    QuotedChain,
    clean_quotes,
    make_chain,
)

NAN = float("nan")
Case = tuple[float, float, float, float, float, str | None]
# strike, years, bid, ask, age, and what becomes of the row.
CASES: list[Case] = [
    (100.0, 0.5, 4.9, 5.1, 1.0, None),
    (NAN, 0.5, 4.9, 5.1, 1.0, "bad_strike"),
    (-5.0, 0.5, 4.9, 5.1, 1.0, "bad_strike"),
    (101.0, NAN, 4.9, 5.1, 1.0, "bad_time"),
    (102.0, -0.01, 4.9, 5.1, 1.0, "negative_time"),
    (103.0, 0.0, 4.9, 5.1, 1.0, "expired"),
    (104.0, 0.5, NAN, NAN, 1.0, "no_quote"),
    (105.0, 0.5, NAN, 5.1, 1.0, "one_sided"),
    (106.0, 0.5, 4.9, NAN, 1.0, "one_sided"),
    (107.0, 0.5, -0.1, 5.1, 1.0, "negative_price"),
    (108.0, 0.5, 0.0, 0.05, 1.0, "zero_bid"),
    (109.0, 0.5, 5.2, 5.1, 1.0, "crossed"),
    (110.0, 0.5, 4.9, 5.1, 1e5, "stale"),
    (111.0, 0.5, 1.0, 9.0, 1.0, "wide"),
    (100.0, 0.5, 4.8, 5.2, 1.0, "duplicate_strike"),
]


def chain_of(cases: Sequence[Case]) -> QuotedChain:
    strike, years, bid, ask, age = np.array([case[:5] for case in cases]).T
    return make_chain(strike, years, np.ones(len(cases), bool), bid, ask, age)


def test_every_row_is_kept_or_counted_once() -> None:
    clean = clean_quotes(chain_of(CASES))
    expected = {r: sum(case[5] == r for case in CASES) for r in DROP_REASONS}
    assert clean.dropped == expected
    assert clean.chain.size + sum(clean.dropped.values()) == len(CASES)


@pytest.mark.parametrize("case", CASES[1:-1], ids=lambda case: str(case[5]))
def test_row_is_dropped_for_its_reason(
    case: Case,
) -> None:
    clean = clean_quotes(chain_of([CASES[0], case]))
    assert clean.dropped[str(case[5])] == 1
    assert clean.rows.tolist() == [0]


def test_narrowest_of_duplicates_stays() -> None:
    clean = clean_quotes(chain_of([CASES[-1], CASES[0]]))
    assert clean.rows.tolist() == [1]


def test_rows_come_sorted_by_expiry_strike_and_side() -> None:
    chain = make_chain(
        [110, 90, 90, 90], [1, 1, 1, 0.5], [1, 1, 0, 1], [2, 3, 4, 5], [2.1, 3.1, 4.1, 5.1]
    )
    assert clean_quotes(chain).rows.tolist() == [3, 2, 1, 0]


def test_rules_can_be_changed() -> None:
    clean = clean_quotes(chain_of(CASES), CleaningRules(age_seconds_max=1e6, spread_share_max=2.0))
    assert (clean.dropped["stale"], clean.dropped["wide"]) == (0, 0)


def test_chain_without_usable_quotes_is_refused_in_one_line() -> None:
    with pytest.raises(ChainRefusedError, match=r"^expected at least one usable quote.*$") as error:
        clean_quotes(chain_of(CASES[1:3]))
    assert "2 bad_strike" in str(error.value)
    assert "\n" not in str(error.value)


def test_empty_chain_is_refused() -> None:
    with pytest.raises(ChainRefusedError, match="the chain is empty"):
        clean_quotes(make_chain([], [], [], [], []))


def test_columns_of_unequal_length_are_refused() -> None:
    with pytest.raises(ChainRefusedError, match="one equal length"):
        make_chain([1.0, 2.0], [1.0], [True], [1.0], [2.0])


@pytest.mark.parametrize("sides", [["C", "P"], ["call", "put"], [1, -1], [1.0, np.nan]])
def test_sides_that_are_no_booleans_are_refused(sides: list[object]) -> None:
    with pytest.raises(ChainRefusedError, match="True for a call"):
        make_chain([1.0, 2.0], [1.0, 1.0], sides, [1.0, 1.0], [2.0, 2.0])  # type: ignore[arg-type]


def test_sides_as_numbers_are_read() -> None:
    assert make_chain([1.0, 2.0], [1.0, 1.0], [1, 0], [1.0, 1.0], [2.0, 2.0]).is_call.tolist() == [
        True,
        False,
    ]
