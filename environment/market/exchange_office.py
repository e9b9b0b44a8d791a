"""The exchange's door to the broker's office: margin before an order, and the staff's orders."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Protocol

from environment.actors.envelope import Envelope
from environment.clearing_messages import ClosePosition, QueryHolders, QueryStanding
from environment.errors import Defect
from environment.market import layout as at, option_rows
from environment.market.exchange_state import Closing
from environment.market.market import Market
from environment.messages import Message, ReplaceOrder, SubmitOrder
from environment.option_messages import SubmitPackage
from environment.structures import signed_ratio


class Office(Protocol):
    """The broker's office: what it knows of accounts, and who works there."""

    staff: frozenset[str]

    def refusal(
        self, account: int, legs: Mapping[str, int], price_ticks: int | None,
        working: Sequence[int], packages: Sequence[int] = (),
    ) -> str | None:  # fmt: skip
        """Return why an order may not enter, or None."""

    def answer(self, question: QueryStanding | QueryHolders) -> Message:
        """Return the reply to a question of the staff."""


class Placed(Protocol):
    """An order that is not over, as the façade remembers it."""

    identity: int
    account: int
    is_package: bool


class OfficeDoor:
    """What the exchange asks the office; without one, nothing is judged and nobody is staff.

    Parameters
    ----------
    accounts
        Number in the core, by name.
    """

    def __init__(self, market: Market, accounts: Mapping[str, int]) -> None:
        self.office: Office | None = None
        self._market, self._accounts = market, accounts

    def is_staff(self, sender: str) -> bool:
        """Return whether a sender works at the office."""
        return self.office is not None and sender in self.office.staff

    def number_of(self, sender: str, account: str) -> int | None:
        """Return an account's number, or None; the staff may name any as `#17`."""
        found = self._accounts.get(account)
        if found is not None or self.office is None or sender not in self.office.staff:
            return found
        digits = account.removeprefix("#")
        is_number = account.startswith("#") and digits.isdigit()
        known = is_number and int(digits) < self._market.arena[at.H_ACCOUNTS]
        return int(digits) if known else None

    def fault(
        self, account: str, legs: Mapping[str, int], price_ticks: int | None,
        live: Iterable[Placed],
    ) -> str | None:  # fmt: skip
        """Return why the broker does not let an order in, or None."""
        if self.office is None:
            return None
        number = self._accounts[account]
        return self.office.refusal(number, legs, price_ticks, *_placed(live, number))

    def margin_fault(self, order: SubmitOrder, live: Iterable[Placed]) -> str | None:
        """Return the same of a single order."""
        signed = order.quantity if order.side == "buy" else -order.quantity
        return self.fault(order.account, {order.instrument: signed}, order.price, live)

    def package_fault(self, message: Message, live: Iterable[Placed]) -> str | None:
        """Return the same of a package: all its legs are margined as the position they make."""
        if not isinstance(message, SubmitPackage) or message.account not in self._accounts:
            return None
        units = message.quantity if message.side == "buy" else -message.quantity
        legs = {leg.instrument: units * signed_ratio(leg) for leg in message.legs}
        return self.fault(message.account, legs, None, live) if legs else None

    def replace_fault(
        self, order: Placed, change: ReplaceOrder, names: Sequence[str], live: Iterable[Placed]
    ) -> str | None:
        """Return why the broker does not let an order become another, or None."""
        if self.office is None:
            return None
        if order.is_package:
            return self._package_replace_fault(order, change, names, live)
        slot = order.identity & ((1 << 32) - 1)
        meta = int(self._market.section(at.S_ORDER)[slot, at.O_META])
        filled = int(self._market.section(at.S_COLD)[slot, at.C_FILLED])
        leaves = max(change.quantity - filled, 0) * (-1 if (meta >> at.SIDE_SHIFT) & 1 else 1)
        symbol = names[meta & ((1 << at.META_INSTRUMENT_BITS) - 1)]
        others = _placed(live, order.account, order)
        return self.office.refusal(order.account, {symbol: leaves}, change.price, *others)

    def _package_replace_fault(
        self, order: Placed, change: ReplaceOrder, names: Sequence[str], live: Iterable[Placed]
    ) -> str | None:
        """Return the same of a package: all its legs are margined as the position they make."""
        assert self.office is not None, "an office judges margin"
        told = option_rows.package_legs(self._market, order.identity)
        if told is None:
            return None  # It is over, which the core says better.
        filled, _, legs = told
        units = max(change.quantity - filled, 0)
        lots = {names[number]: units * count for number, count in legs.items()}
        others = _placed(live, order.account, order)
        return self.office.refusal(order.account, lots, None, *others)

    def reason_of(self, sender: str, closing: ClosePosition) -> Closing:
        """Return why an order of the staff is entered, as the exchange remembers it.

        Raises
        ------
        Defect
            If whoever sends it is none of the staff.
        """
        if self.office is None or sender not in self.office.staff:
            raise Defect(f"{sender} closes for an account, and is not of the office's staff.")
        return Closing(sender, closing.reason, closing.session, closing.shortfall_micros)

    def answer(self, envelope: Envelope[Message], question: Message) -> Message:
        """Return the office's reply.

        Raises
        ------
        Defect
            If whoever asks is none of its staff.
        """
        assert isinstance(question, QueryStanding | QueryHolders), "the office was asked that"
        if self.office is None or not self.is_staff(envelope.sender):
            raise Defect(f"{envelope.sender} asks for accounts, and is not of the office's staff.")
        return self.office.answer(question)


def _placed(
    live: Iterable[Placed], account: int, but: Placed | None = None
) -> tuple[list[int], list[int]]:
    """Return the ids of an account's single orders and of its packages, but for one of them."""
    mine = [one for one in live if one.account == account and one is not but]
    return (
        [one.identity for one in mine if not one.is_package],
        [one.identity for one in mine if one.is_package],
    )
