"""What closes everything: the orders of one flatten that a named person started."""

from collections.abc import Callable, Mapping
from typing import Final

import msgspec

from agents.desk.case import Case
from agents.desk.exposure import DeskBook
from agents.desk.resizing import Resizing
from agents.desk.risk_case import NO_ACTIVITY, CaseMaker
from agents.desk.risk_guard import Guard
from agents.desk.risk_state import RiskState
from agents.desk.ruling import Ruling, rule_on
from agents.desk.states import FLATTEN
from environment.actors import ActorContext
from environment.control_messages import FlattenDesk, LowerDesk
from environment.instruments import Instrument
from environment.messages import OrderRequest

ROUNDS: Final = 5  # After so many, what does not close is left to people.

Act = Callable[[ActorContext, Case, Ruling], None]  # Sends what may go, refuses what may not.


class Flattening:
    """Carries one flatten on, round by round. All that changes is risk's state."""

    def __init__(self, maker: CaseMaker, resizing: Resizing, guard: Guard, act: Act) -> None:
        self._maker = maker
        self._resizing = resizing
        self._guard = guard
        self._act = act

    def begin(self, ctx: ActorContext, state: RiskState, order: FlattenDesk) -> None:
        """Halt the desk, so that nobody trades against it, and let its own orders follow."""
        reason = f"{order.person} flattens: {order.reason}"
        halt = LowerDesk(to="halted", reason=reason, person=order.person)
        # First, so that what rests over nights ends with it.
        state.flattens_for, state.flatten_rounds = order.person, 0
        # What works is cancelled here too: the desk may have been halted before.
        self._guard.lower(ctx, state, halt)
        self._guard.on_lower(ctx, state, halt)
        self.go_on(ctx, state)

    def go_on(self, ctx: ActorContext, state: RiskState) -> None:
        """Close what is held, once nothing works any more; short options go first and alone."""
        if not state.flattens_for or state.book.orders:
            return
        if state.flatten_rounds >= ROUNDS:
            self._end(ctx, state)
            return
        state.flatten_rounds += 1
        for orders in closing_orders(state.book, self._maker.instruments):
            for order in orders:
                number = state.numbers[FLATTEN] = state.numbers.get(FLATTEN, 0) + 1
                named = msgspec.structs.replace(order, order_id=f"{FLATTEN}/{number}")
                case = self._maker.case(state, named, ctx.now_ns())
                case = self._resizing.capped(state, case, NO_ACTIVITY)
                self._act(ctx, case, rule_on(case, state.rules))
            if state.book.orders:
                return
        self._end(ctx, state)  # Nothing is held, or nothing of it can be closed now.

    def _end(self, ctx: ActorContext, state: RiskState) -> None:
        """Say what is left: a flatten that could not close all must not look like one that did."""
        held = {s: e.position for s, e in state.book.account.items() if e.position}
        left = ", ".join(f"{lots:+} {symbol}" for symbol, lots in sorted(held.items()))
        text = f"the flatten ended, {f'LEFT OPEN: {left}' if left else 'nothing is held'}"
        self._guard.say(ctx, state, text, state.flattens_for)
        state.flattens_for, state.flatten_rounds = "", 0


def closing_orders(
    book: DeskBook, instruments: Mapping[str, Instrument]
) -> tuple[tuple[OrderRequest, ...], ...]:
    """Return market orders against every position: short options first, then all else.

    Closing the stock that covers a short call before the call would uncover it. The second group is
    for when nothing of the first can trade.
    """
    held = [(instruments[s], e.position) for s, e in book.account.items() if e.position]
    shorts = [(one, lots) for one, lots in held if one.kind == "option" and lots < 0]
    rest = [pair for pair in held if pair not in shorts]
    return tuple(
        tuple(_against(instrument, lots) for instrument, lots in group)
        for group in (shorts, rest)
        if group
    )


def _against(instrument: Instrument, lots: int) -> OrderRequest:
    return OrderRequest(
        order_id=f"{FLATTEN}/0",
        instrument=instrument.symbol,
        side="sell" if lots > 0 else "buy",
        quantity=min(abs(lots), instrument.quantity_lots_max),
        order_type="market",
    )
