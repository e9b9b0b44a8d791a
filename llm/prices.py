"""What a call costs: a table that a user can edit, and the arithmetic of it."""

import tomllib
from functools import cache
from pathlib import Path
from typing import Final

import msgspec

_TABLE: Final = Path(__file__).with_name("prices.toml")


class Price(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """US dollars for a million tokens: of the prompt, and of the answer."""

    input: float = 0.0
    output: float = 0.0

    def usd_micros(self, tokens_in: int, tokens_out: int) -> int:
        """Return the cost of a call, millionths of a dollar, rounded up."""
        # Dollars for a million tokens are millionths of a dollar for one.
        return -int(-(tokens_in * self.input + tokens_out * self.output) // 1)


FREE: Final = Price()


@cache
def price_table() -> dict[str, Price]:
    """Return the shipped table, by beginning of the model's name."""
    return msgspec.convert(tomllib.loads(_TABLE.read_text("utf-8")), dict[str, Price])


def price_of(model: str) -> Price:
    """Return the price of a model; one that the table does not know costs as the dearest in it.

    A budget in dollars must not be passed because a name is new.
    """
    table = price_table()
    known = [name for name in table if model.startswith(name)]
    if known:
        return table[max(known, key=len)]
    return Price(
        input=max(price.input for price in table.values()),
        output=max(price.output for price in table.values()),
    )


def tokens_of(text: str) -> int:
    """Return an upper estimate of a text's tokens, for what must be reserved before a call."""
    return len(text.encode()) // 3 + 1
