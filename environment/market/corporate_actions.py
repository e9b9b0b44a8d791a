"""What a company does to its shares between two days."""

from datetime import date

import msgspec


class Split(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """`numerator` new shares for every `denominator` old ones, from `ex_date` on."""

    symbol: str
    ex_date: date
    numerator: int
    denominator: int


class Dividend(msgspec.Struct, frozen=True, kw_only=True, tag=True):
    """Cash per share, for who held at the close before `ex_date`. Unadjusted for later splits.

    A special one is no part of the usual payments: options' strikes are adjusted by it.
    """

    symbol: str
    ex_date: date
    micros_per_share: int
    is_special: bool = False


CorporateAction = Split | Dividend
