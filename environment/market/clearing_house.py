"""The clearing house's desk: takes exercise instructions until the day's cut-off."""

from datetime import date
from typing import ClassVar, assert_never

import msgspec

from environment.actors import Actor, ActorContext
from environment.clearing_messages import (
    ExerciseInstruction,
    InstructionAccepted,
    InstructionRefused,
)
from environment.instruments import parse_occ
from environment.messages import Resumed


class HouseDay(msgspec.Struct, frozen=True, kw_only=True):
    """One session: instructions are taken from its start until the cut-off."""

    session: date
    start_ns: int
    cut_off_ns: int


class HouseSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which days there are, and who may speak for which account: its owner, and `delegates`."""

    days: tuple[HouseDay, ...]
    owners: dict[str, str]  # Address by account.
    delegates: dict[str, tuple[str, ...]] = {}  # Addresses by account.


class HouseState(msgspec.Struct):
    """All that changes: tonight's instructions by account and series, and of which day."""

    session: date | None = None
    contracts: dict[str, dict[str, int]] = {}
    refused: int = 0


ToHouse = ExerciseInstruction | Resumed


class ClearingHouse(Actor[ToHouse]):
    """Keeps the last instruction of each account and series; the night carries them out.

    Only the address that owns an account speaks for it, as the kernel names the sender, or one that
    the account's settings name.
    """

    KIND: ClassVar[str] = "clearing_house"
    DURABLE: ClassVar[bool] = True

    def __init__(self, settings: HouseSettings) -> None:
        self._settings = settings
        self.state: HouseState = HouseState()

    def receive(self, ctx: ActorContext, message: ToHouse) -> None:
        """Handle one message."""
        match message:
            case ExerciseInstruction():
                reason = self._fault(ctx, message)
                if reason is None:
                    self._keep(message)
                    ctx.reply(message, InstructionAccepted(
                        instrument=message.instrument, contracts=message.contracts
                    ))  # fmt: skip
                else:
                    self.state.refused += 1
                    refusal = InstructionRefused(instrument=message.instrument, reason=reason)
                    ctx.reply(message, refusal)
            case Resumed():
                pass  # Durable: what was told stands.
            case never:
                assert_never(never)

    def instructions(self, session: date) -> dict[tuple[str, str], int]:
        """Return the contracts by (account, series) that were told on a day."""
        if self.state.session != session:
            return {}
        return {
            (account, symbol): count
            for account, told in sorted(self.state.contracts.items())
            for symbol, count in sorted(told.items())
        }

    def _keep(self, told: ExerciseInstruction) -> None:
        self.state.contracts.setdefault(told.account, {})[told.instrument] = told.contracts

    def _fault(self, ctx: ActorContext, told: ExerciseInstruction) -> str | None:
        """Return why an instruction cannot stand, or None; a new day begins with none."""
        owner = self._settings.owners.get(told.account)
        if ctx.sender() not in (owner, *self._settings.delegates.get(told.account, ())):
            return f"account: {told.account!r} does not belong to the sender"
        now = ctx.now_ns()
        today = [day for day in self._settings.days if day.start_ns <= now]
        if not today:
            return "time: the first session has not begun"
        if now >= today[-1].cut_off_ns:
            return "time: the cut-off of the day has passed"
        if self.state.session != today[-1].session:
            self.state.session, self.state.contracts = today[-1].session, {}
        try:
            expiry = parse_occ(told.instrument).expiry
        except ValueError as error:
            return f"instrument: {error}"
        if expiry < today[-1].session:
            return "instrument: the series has expired"
        return None if told.contracts >= 0 else "contracts: expected 0 or more"
