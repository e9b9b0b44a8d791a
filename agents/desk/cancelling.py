"""Cancels, which pass in every state: an owner's of its own orders, and a person's of any."""

from agents.desk.order_form import Fault, find_malformed, find_stranger
from agents.desk.risk_cards import CardDesk
from agents.desk.risk_state import RiskSettings, RiskState
from agents.desk.risk_voice import Voice
from environment.actors import ActorContext
from environment.messages import CancelRequest


class Cancelling:
    """Holds references; all that changes is risk's state."""

    def __init__(self, cards: CardDesk, voice: Voice, settings: RiskSettings) -> None:
        self._cards = cards
        self._voice = voice
        self._settings = settings

    def on_cancel(
        self, ctx: ActorContext, state: RiskState, request: CancelRequest
    ) -> Fault | None:
        """Pass it, also where the desk does not know the order: the venue may. Return why not.

        A person sees what works in the market. Where that is a child, its parent is meant: with the
        child alone gone, the next one would leave at once.
        """
        is_person = ctx.sender() in self._settings.raisers
        fault = find_malformed(request)
        if fault is None and not is_person:
            fault = find_stranger(request.order_id, ctx.sender())
        if fault is not None:
            return fault
        order_id = request.order_id
        if is_person:
            order_id = state.child_of.get(order_id, order_id)
        waiting = state.waiting.get(order_id)
        if waiting is not None:
            self._cards.end_all(
                ctx, state, "withdrawn", "its proposer took it back", lambda one: one is waiting
            )
            if not waiting.is_change:
                return None
        state.book.ask(order_id, None)
        self._voice.cancel(ctx, state, order_id)
        return None
