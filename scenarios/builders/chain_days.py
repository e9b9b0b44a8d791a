"""A quoted chain as its series stand on a later day: adjusted for what its company did since."""

from collections.abc import Iterable
from datetime import date
from pathlib import Path

import msgspec

from environment.feeds.listed import ListedSeries, read_listed
from environment.feeds.listing import instrument_of, parity_spot
from environment.market.calendar import TradingCalendar
from environment.market.contract_adjustments import adjust_for_dividend, adjust_for_split
from environment.market.corporate_actions import CorporateAction, Split
from scenarios.builders.curves import company_actions
from scenarios.config.load import Config
from scenarios.config.market import Instrument

_PRICES = ("bid_open", "ask_open", "bid_close", "ask_close")


def actions_since(
    config: Config, stock: Instrument, chain_day: date, day: date, calendar: TradingCalendar
) -> tuple[CorporateAction, ...]:
    """Return the splits and special dividends of a stock after a chain's day, up to `day`."""
    if chain_day >= day:
        return ()
    every = company_actions(config, stock, chain_day, day, calendar)
    return tuple(
        one for one in every
        if one.ex_date > chain_day and (isinstance(one, Split) or one.is_special)
    )  # fmt: skip


def can_be_followed(actions: Iterable[CorporateAction]) -> bool:
    """Return whether contracts stay what new ones are: every split is of whole shares."""
    return all(
        one.numerator % one.denominator == 0 for one in actions if isinstance(one, Split)
    )  # fmt: skip


def listed_since(
    path: Path, chain_day: date, actions: Iterable[CorporateAction]
) -> tuple[ListedSeries, ...]:
    """Return what a file lists on a day, on the terms that actions have given it since.

    A split divides quotes and multiplies contracts too; a special dividend is taken off stock and
    strike alike, and leaves quotes as they are.

    Raises
    ------
    ChainRefusedError
        As `read_listed`.
    """
    listed = read_listed(path, chain_day)
    for action in actions:
        if isinstance(action, Split):
            listed = tuple(_split(one, action) for one in listed)
        else:
            spot = parity_spot(listed, 0.0)
            paid = action.micros_per_share / 1e6
            factor = 1.0 - paid / spot if spot > paid else 1.0
            listed = tuple(
                msgspec.structs.replace(
                    one,
                    strike_micros=adjust_for_dividend(
                        instrument_of(one), action, factor
                    ).instrument.strike_micros,
                )
                for one in listed
            )
    return listed


def _split(one: ListedSeries, action: Split) -> ListedSeries:
    new = adjust_for_split(instrument_of(one), action)
    prices = {
        name: round(price * new.factor)
        for name in _PRICES if (price := getattr(one, name)) is not None
    }  # fmt: skip
    return msgspec.structs.replace(
        one, strike_micros=new.instrument.strike_micros, volume=one.volume * new.contracts,
        open_interest=one.open_interest * new.contracts, **prices,
    )  # fmt: skip
