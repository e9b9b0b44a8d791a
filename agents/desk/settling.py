"""How the custodian settles what is unknown, and where its table and the venue differ.

Only the venue's word settles anything, and nothing is ever sent a second time but a cancel.
"""

import msgspec

from agents.desk.custodian_state import CustodianSettings, CustodianState
from agents.desk.order_table import HeldOrder
from agents.desk.reconciliation import find_breaks, missed_events
from agents.desk.reports import Reports
from environment.actors import ActorContext, ActorRef
from environment.messages import CancelOrder, OrderRefused
from environment.venue_messages import (
    BREAKS_TOPIC,
    AccountReport,
    BreakFound,
    OrderReport,
    PositionBooked,
    QueryAccount,
    QueryOrder,
    RenewSession,
    ResendReports,
)

SWEEP = "sweep"
Question = CancelOrder | QueryOrder | QueryAccount | ResendReports | RenewSession


class Settling:
    """Asks, and draws conclusions."""

    def __init__(
        self, venue: ActorRef[Question], reports: Reports, settings: CustodianSettings
    ) -> None:
        self._venue = venue
        self._reports = reports
        self._settings = settings

    # --- asking --------------------------------------------------------------------------------

    def watch(self, ctx: ActorContext, state: CustodianState) -> None:
        """Look again after a while, as long as anything is open."""
        if not state.sweep_timer and (
            state.ahead or state.wants_account
            or any(held.is_asking for held in state.table.orders.values())
        ):  # fmt: skip
            state.sweep_timer = ctx.after(self._settings.sweep_ns, SWEEP)

    def sweep(self, ctx: ActorContext, state: CustodianState, *, at_once: bool = False) -> None:
        """Ask the venue about everything that it should have answered by now."""
        if not state.is_connected:
            return
        if state.ahead:
            self._ask_again(ctx, state)
        if state.wants_account:
            ctx.send(self._venue, QueryAccount())
        for held in state.table.orders.values():
            waited_ns = ctx.now_ns() - held.sent_ns
            if not held.is_asking or (waited_ns < self._settings.answer_within_ns and not at_once):
                continue
            held.is_unknown = True
            if held.tracked.is_cancelling:  # A second cancel can do no harm, unlike an order.
                ctx.send(self._venue, CancelOrder(order_id=held.client_id))
            ctx.send(self._venue, QueryOrder(client_order_id=held.client_id))
        self._reports.tell_outcomes(ctx, state)

    def ask_account(self, ctx: ActorContext, state: CustodianState) -> None:
        """Compare with the venue as soon as it answers."""
        state.wants_account = True
        if state.is_connected:
            ctx.send(self._venue, QueryAccount())
        self.watch(ctx, state)

    def _ask_again(self, ctx: ActorContext, state: CustodianState) -> None:
        state.resent += 1
        ctx.send(self._venue, ResendReports(after=state.sequence))

    # --- one order -----------------------------------------------------------------------------

    def on_order(self, ctx: ActorContext, state: CustodianState, report: OrderReport) -> None:
        """Settle one order, once all that the venue reported before is taken in."""
        held = state.table.orders.get(report.client_order_id)
        if held is None:
            return
        if report.sequence > state.sequence:
            self._ask_again(ctx, state)
            return
        if report.order is not None and state.is_patchy:
            for event in missed_events(held.tracked, report.order, ctx.now_ns()):
                self._reports.take(ctx, state, event)
        elif report.order is not None and not held.tracked.is_accepted:
            held.is_unknown = False  # The venue has it, and will report on it.
        elif held.is_asking and self._is_proof(ctx, state, held):
            self._give_up(ctx, state, held, is_found=report.order is not None)
        self._reports.tell_outcomes(ctx, state)

    def _is_proof(self, ctx: ActorContext, state: CustodianState, held: HeldOrder) -> bool:
        """Return whether a command that the venue has not seen can never reach it any more."""
        if held.session >= state.session:
            ctx.send(self._venue, RenewSession(above=held.session))
            return False
        since_ns = max(held.sent_ns, state.session_ns)
        return ctx.now_ns() - since_ns >= self._settings.not_found_after_ns

    def _give_up(
        self, ctx: ActorContext, state: CustodianState, held: HeldOrder, *, is_found: bool
    ) -> None:
        """Take the venue's word that it never had the command, nor ever will."""
        if held.tracked.is_accepted and not is_found:
            text = f"{held.client_id}: the venue took it, and does not know it any more"
            state.breaks[held.client_id] = -held.leaves
            self._reports.lower(ctx, "an order is gone at the venue", text)
            return
        lost = len(held.tracked.asked) if held.tracked.is_accepted else 1
        reason = "not_found: it never reached the venue"
        for _ in range(lost):
            self._reports.take(ctx, state, OrderRefused(order_id=held.client_id, reason=reason))

    # --- the account ---------------------------------------------------------------------------

    def on_account(self, ctx: ActorContext, state: CustodianState, report: AccountReport) -> None:
        """Compare, once both sides speak of the same moment; until then the sweep asks again."""
        if report.sequence > state.sequence:
            self._ask_again(ctx, state)
        if report.sequence != state.sequence:
            self.watch(ctx, state)
            return
        state.wants_account = False
        person, state.person = state.person, ""
        if state.is_patchy:
            for order in report.orders:
                held = state.table.orders.get(order.client_order_id)
                if held is not None:
                    for event in missed_events(held.tracked, order, ctx.now_ns()):
                        self._reports.take(ctx, state, event)
        open_before, state.breaks = state.breaks, {}
        found = find_breaks(state.table, report, f"{state.run}.", is_patchy=state.is_patchy)
        # What has ended unheard must be asked for one by one, and positions wait for that.
        state.is_patchy = state.is_patchy and any(item.kind == "missed_end" for item in found)
        for item in found:
            self._settle(ctx, state, item, open_before, person)
        self._reports.tell_outcomes(ctx, state)

    def _settle(
        self, ctx: ActorContext, state: CustodianState, found: BreakFound,
        open_before: dict[str, int], person: str,
    ) -> None:  # fmt: skip
        """Book a small break, or any where a person asks; stop opening for all others."""
        subject, change = found.subject, found.venues - found.ours
        if found.kind == "unowned_order":
            ctx.send(self._venue, CancelOrder(order_id=subject))
        elif found.kind == "missed_end" and state.is_patchy:
            ctx.send(self._venue, QueryOrder(client_order_id=subject))
            state.wants_account = True  # The sweep asks, so that a slow answer makes no storm.
            self.watch(ctx, state)
            return
        elif found.kind == "position" and state.is_patchy:
            return
        is_small = abs(change) <= self._settings.small_break_lots
        if found.kind == "position" and (person or is_small):
            state.table.positions[subject] = found.venues
            reason = f"reconciled by {person}" if person else "reconciled: small"
            booked = PositionBooked(instrument=subject, change=change, reason=reason)
            ctx.send(self._reports.risk, booked)
            ctx.publish(BREAKS_TOPIC, msgspec.structs.replace(found, is_booked=True))
            return
        state.breaks[subject] = change
        if open_before.get(subject) != change:
            ctx.publish(BREAKS_TOPIC, found)
            self._reports.lower(ctx, f"the venue's record differs: {found.kind}", found.text)
