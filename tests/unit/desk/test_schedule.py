import pytest
from hypothesis import given, strategies as st

from agents.desk.schedule import Session, Window, twap_due, vwap_due

HOUR_NS = 3_600_000_000_000
SESSION = Session(open_ns=0, close_ns=13 * HOUR_NS // 2)
DAY = Window(begin_ns=0, end_ns=SESSION.close_ns)

MOMENTS = st.integers(0, 13 * HOUR_NS // 2)


def test_twap_makes_equal_slices_due_the_first_at_once() -> None:
    at = [twap_due(120, DAY, DAY.end_ns * k // 12, 12) for k in range(13)]
    assert at == [10, 20, 30, 40, 50, 60, 70, 80, 90, 100, 110, 120, 120]


def test_vwap_trades_more_at_the_ends_of_the_day() -> None:
    due = [vwap_due(100_000, DAY, DAY.end_ns * k // 13, 13, SESSION) for k in range(13)]
    slices = [b - a for a, b in zip([0, *due], due, strict=False)]
    assert slices[0] == pytest.approx(slices[-1], abs=2)
    assert 2.0 < slices[0] / slices[6] < 3.0


def test_vwap_outside_the_session_goes_by_time() -> None:
    night = Window(begin_ns=SESSION.close_ns, end_ns=SESSION.close_ns + HOUR_NS)
    assert vwap_due(120, night, night.begin_ns, 12, SESSION) == 10


@given(st.integers(1, 10_000), st.integers(1, 50), MOMENTS, MOMENTS)
def test_what_is_due_never_falls_and_ends_at_the_whole(
    quantity: int, slices: int, one: int, other: int
) -> None:
    early, late = sorted((one, other))
    by_time = [twap_due(quantity, DAY, now, slices) for now in (early, late, DAY.end_ns)]
    by_volume = [vwap_due(quantity, DAY, now, slices, SESSION) for now in (early, late, DAY.end_ns)]
    for due in (by_time, by_volume):
        assert [0, *due] == sorted([0, *due])
        assert due[-1] == quantity
