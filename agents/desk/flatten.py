"""What closes everything: the orders of one flatten that a named person started."""

from collections.abc import Mapping
from typing import Final

from agents.desk.exposure import DeskBook
from environment.instruments import Instrument
from environment.messages import OrderRequest

OWNER: Final = "desk/flatten"  # Whose orders these are; they pass in every state.
ROUNDS: Final = 5  # After so many, what does not close is left to people.


def closing_orders(
    book: DeskBook, instruments: Mapping[str, Instrument], first_number: int
) -> tuple[OrderRequest, ...]:
    """Return market orders against every position; short options first, and then alone.

    Closing the stock that covers a short call before the call would uncover it.
    """
    held = [(instruments[s], e.position) for s, e in book.account.items() if e.position]
    shorts = [(one, lots) for one, lots in held if one.kind == "option" and lots < 0]
    return tuple(
        OrderRequest(
            order_id=f"{OWNER}/{first_number + number}",
            instrument=instrument.symbol,
            side="sell" if lots > 0 else "buy",
            quantity=min(abs(lots), instrument.quantity_lots_max),
            order_type="market",
        )
        for number, (instrument, lots) in enumerate(shorts or held)
    )
