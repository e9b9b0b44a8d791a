"""Positions in series of options: hashed by (account, series), since most pairs never meet.

A row is found by its key and linear probing. Rows are never taken out during a day, so that a
search ends at the first free one; Python makes a larger table before the present one is three
quarters full.
"""

import numpy as np
from numpy.typing import NDArray

from environment.compiled import inner, njit
from environment.market import layout as at
from environment.market.ladder import account_row, instrument_row

SERIES_BITS = at.META_INSTRUMENT_BITS


@inner
def _first_place(key, mask):
    folded = (key ^ (key >> 16)) & 0x3FFFFFFF
    mixed = folded * 0x9E3779  # Below 2**54.
    return (mixed ^ (mixed >> 20)) & mask


@inner
def find_holding(arena, account, instrument):
    """Return the first word of a holding, or of the free row where it would stand."""
    key = ((account << SERIES_BITS) | instrument) + 1
    first, mask = arena[at.H_OFFSET + at.S_HOLDING], arena[at.H_CAPACITY + at.S_HOLDING] - 1
    place = _first_place(key, mask)
    while True:
        row = first + place * 4
        found = arena[row + at.P_KEY]
        if found == key or found == 0:
            return row
        place = (place + 1) & mask


@inner
def holding_row(arena, account, instrument):
    """Return the first word of a holding, made if there was none."""
    row = find_holding(arena, account, instrument)
    if arena[row + at.P_KEY] == 0:
        arena[row + at.P_KEY] = ((account << SERIES_BITS) | instrument) + 1
        arena[at.H_HOLDINGS] += 1
        arena[account_row(arena, account) + at.A_HOLDINGS] += 1
    return row


@inner
def change_holding(arena, account, instrument, quantity):
    """Add contracts to a holding, and keep count of those held long."""
    row = holding_row(arena, account, instrument)
    before = arena[row + at.P_QUANTITY]
    arena[row + at.P_QUANTITY] = before + quantity
    ins = instrument_row(arena, instrument)
    arena[ins + at.I_OPEN_INTEREST] += max(before + quantity, 0) - max(before, 0)
    return row


@inner
def lacks_holdings(arena, more):
    """Return whether `more` new holdings would fill the table beyond three quarters."""
    wanted = arena[at.H_HOLDINGS] + more
    if 4 * wanted <= 3 * arena[at.H_CAPACITY + at.S_HOLDING]:
        return False
    arena[at.H_NEED_SECTION] = at.S_HOLDING
    arena[at.H_NEED_ROWS] = 2 * wanted
    return True


@njit
def transfer(arena, giver, taker, instrument, quantity):
    """Move contracts between two accounts without money; the caller has made room for two rows."""
    change_holding(arena, giver, instrument, -quantity)
    change_holding(arena, taker, instrument, quantity)


@njit
def insert_all(arena, rows):
    """Put holdings, int64 of shape (rows, 4), into an empty table."""
    arena[at.H_HOLDINGS] = 0
    for account in range(arena[at.H_ACCOUNTS]):
        arena[account_row(arena, account) + at.A_HOLDINGS] = 0
    for k in range(len(rows)):
        if rows[k, at.P_KEY] != 0:
            key = rows[k, at.P_KEY] - 1
            row = holding_row(arena, key >> SERIES_BITS, key & ((1 << SERIES_BITS) - 1))
            for word in range(3):
                arena[row + word] = rows[k, word]


def keys_of(rows: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Return (accounts, series) of rows that are in use."""
    keys = rows[:, at.P_KEY] - 1
    return keys >> SERIES_BITS, keys & ((1 << SERIES_BITS) - 1)
