"""The other real chain that a scenario's options may start from."""

from datetime import date

from environment.feeds.listed import read_listed
from environment.feeds.listing import choose_series, instrument_of
from tests.shared_data import shared

DAY = date(2015, 12, 24)


def test_the_goog_chain_of_2015_12_24_is_listed() -> None:
    listed = read_listed(shared("data/options/goog_2015_option_chain_daily.csv.gz"), DAY)
    assert len(listed) == 2_192
    chosen, omitted = choose_series(listed, 748.0, DAY, 200)
    assert (len(chosen), len(omitted)) == (200, 1_992)
    assert {instrument_of(one).underlying for one in chosen} == {"GOOG"}
    assert any(one.expiry == DAY for one in chosen)
