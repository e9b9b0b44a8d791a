"""A cash account: everything is paid in full, and what is written is covered."""

from environment.options.margin_book import (
    KIND,
    PREMIUM,
    QUANTITY,
    SHARES,
    STRIKE,
    Ints,
    MarginTable,
    class_book,
)
from environment.options.margin_rules import CALL


def requirement(table: MarginTable, lots: Ints, marks: Ints, spots: Ints) -> tuple[int, int]:
    """Return (requirement in micros, shares that are short or written without stock).

    Bought stock and options count with their whole value, a written put with its strike; a call
    that no stock covers with the whole underlying, and its shares are counted as uncovered.
    """
    required, uncovered = 0, 0
    for place in range(len(table.classes)):
        book = class_book(table, place, lots, marks, int(spots[place]))
        shares = book.shares
        required += abs(shares) * book.spot
        uncovered += max(-shares, 0)
        room = max(shares, 0)
        for leg in book.legs.tolist():
            required += leg[QUANTITY] * leg[PREMIUM]
            size = -leg[QUANTITY] * leg[SHARES]
            if size <= 0:
                continue
            if leg[KIND] != CALL:
                required += size * leg[STRIKE]
                continue
            covered = min(room, size)
            room -= covered
            uncovered += size - covered
            required += (size - covered) * book.spot
    return required, uncovered
