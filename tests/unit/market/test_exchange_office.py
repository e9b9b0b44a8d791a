"""What the exchange asks the broker's office, with an office that only takes notes."""

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec
import numpy as np
import pytest

from environment.actors import Envelope
from environment.clearing_messages import HoldersReport, QueryHolders, QueryStanding
from environment.errors import Defect
from environment.market import layout as at
from environment.market.exchange_office import OfficeDoor
from environment.messages import Leg, SubmitOrder
from environment.option_messages import SubmitPackage


class Notes:
    """Refuses everything, and remembers what it was asked."""

    staff = frozenset({"clearing/liquidation"})

    def __init__(self) -> None:
        self.asked: list[tuple[int, dict[str, int], int | None, list[int]]] = []

    def refusal(
        self, account: int, legs: Mapping[str, int], price_ticks: int | None,
        working: Sequence[int], packages: Sequence[int] = (),
    ) -> str | None:  # fmt: skip
        self.asked.append((account, dict(legs), price_ticks, list(working)))
        self.packages = list(packages)
        return "margin"

    def answer(self, question: QueryStanding | QueryHolders) -> HoldersReport:
        return HoldersReport(accounts=(1,))


class Placed(msgspec.Struct):
    identity: int
    account: int
    is_package: bool = False


class Core:
    """As much of a market as the door looks at: twelve accounts."""

    arena = np.full(at.H_ACCOUNTS + 1, 12, np.int64)


def door() -> tuple[OfficeDoor, Notes]:
    made, notes = OfficeDoor(Core(), {"swarm": 9}), Notes()  # type: ignore[arg-type]  # a stand-in
    made.office = notes
    return made, notes


LIVE = (Placed(5, 9), Placed(6, 8), Placed(7, 9, is_package=True))


def test_order_is_asked_about_with_what_works_besides_it() -> None:
    made, notes = door()
    order = SubmitOrder(order_id="a/1", account="swarm", instrument="A", side="sell", quantity=3,
                        price=100)  # fmt: skip
    assert made.margin_fault(order, LIVE) == "margin"
    assert notes.asked == [(9, {"A": -3}, 100, [5])]
    assert notes.packages == [7]


def test_package_is_asked_about_as_the_position_it_makes() -> None:
    made, notes = door()
    package = SubmitPackage(
        order_id="a/1", account="swarm", side="sell", quantity=2, price=40,
        legs=(
            Leg(instrument="X", side="buy"), Leg(instrument="Y", side="sell", ratio=2),
        ),
    )  # fmt: skip
    assert made.package_fault(package, LIVE) == "margin"
    assert notes.asked == [(9, {"X": -2, "Y": 4}, None, [5])]


def test_without_an_office_nothing_is_judged() -> None:
    made, _ = door()
    made.office = None
    order = SubmitOrder(order_id="a/1", account="swarm", instrument="A", side="buy", quantity=3)
    assert made.margin_fault(order, LIVE) is None


@pytest.mark.parametrize(
    ("sender", "account", "number"),
    [
        ("clearing/liquidation", "#11", 11), ("clearing/liquidation", "#12", None),
        ("clearing/liquidation", "#x", None), ("somebody", "#11", None), ("somebody", "swarm", 9),
    ],
)  # fmt: skip
def test_only_staff_names_accounts_by_number(sender: str, account: str, number: int | None) -> None:
    made, _ = door()
    assert made.number_of(sender, account) == number


def test_stranger_who_asks_for_accounts_is_a_defect() -> None:
    made, _ = door()
    asked: Any = QueryStanding(account=9)
    envelope = Envelope(1, "somebody", "exchange", 0, 1, 0, 1, asked)
    with pytest.raises(Defect, match="not of the office's staff"):
        made.answer(envelope, asked)
