"""A plain ledger whose books add up: what accounts own stands as a negative on WORLD."""

from dataclasses import dataclass, field

import numpy as np

from environment.instruments import to_micros
from environment.market.layout import FIRST_ACCOUNT, WORLD
from environment.market.margin import Ints


@dataclass(slots=True)
class PlainLedger:
    """Arrays as the core holds them."""

    cash: Ints
    settled: Ints
    proceeds: Ints
    position: Ints
    option_proceeds: Ints
    accounts: list[int] = field(default_factory=list)


def make_ledger(*accounts: tuple[int, list[int]]) -> PlainLedger:
    """Return a ledger of accounts given as (dollars, lots by instrument)."""
    rows = FIRST_ACCOUNT + len(accounts)
    columns = len(accounts[0][1])
    cash, position = np.zeros(rows, np.int64), np.zeros((rows, columns), np.int64)
    for number, (dollars, lots) in enumerate(accounts, FIRST_ACCOUNT):
        cash[number], position[number] = to_micros(dollars), lots
    cash[WORLD], position[WORLD] = -cash.sum(), -position.sum(axis=0)
    own = list(range(FIRST_ACCOUNT, rows))
    nothing = np.zeros(rows, np.int64)
    return PlainLedger(cash, cash.copy(), nothing, position, nothing.copy(), own)
