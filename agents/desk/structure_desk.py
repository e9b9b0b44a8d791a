"""The portfolio's half that holds structures: units wanted, on their way and held, by subject."""

from collections.abc import Mapping
from typing import Final, Protocol

import msgspec

from agents.desk.allocation import shared_moves
from agents.desk.profit import Ledger
from agents.desk.proposal import Proposal
from agents.desk.sizing import Size, SizingSettings
from agents.desk.structure_quotes import (
    LegQuotes,
    opposite,
    unit_micros,
    worst_loss_ticks,
)
from agents.desk.structure_size import structure_size
from agents.orders import OrderNumbers, Terms, TrackedOrder
from environment.actors import ActorContext, ActorRef
from environment.instruments import Instrument
from environment.messages import (
    CancelRequest,
    ExecutionStyle,
    Leg,
    OpenOrder,
    OrderEvent,
    OrderFilled,
    OrderRefused,
    OrderRequest,
    Side,
)
from environment.structures import signed_ratio
from environment.venue_messages import PositionMoved

_CLOSE_AGAIN_NS: Final = 60_000_000_000  # After a closing order that was refused.


class StructureSettings(msgspec.Struct, frozen=True, kw_only=True):
    """How structures are held: sized so, worked by execution in `style` within `within_ns`."""

    sizing: SizingSettings = SizingSettings()
    style: ExecutionStyle = "passive"
    within_ns: int = 120_000_000_000
    pause_ns: int = 30_000_000_000
    quotes_every_ns: int = 1_000_000_000
    tolerance: float = 0.2


class StructureLine(msgspec.Struct):
    """What is wanted, on its way and held of one structure.

    `legs` are those of what is held or being opened; a proposal with others waits until they are
    closed. `held` has the signed lots of each leg.
    """

    underlying: str
    legs: tuple[Leg, ...] = ()
    units: int = 0
    held: dict[str, int] = {}
    proposal: Proposal | None = None
    evidence: int = 0
    is_unsized: bool = False
    target: int | None = None
    order: TrackedOrder | None = None
    is_closing: bool = False
    strategy: str = ""
    timer: int = 0
    rests_until_ns: int = 0
    is_touched: bool = False  # A night is changing what is held.
    is_broken: bool = False  # A night took a part of it: what is left is closed.


class HoldsStructures(Protocol):
    """What of the portfolio's state this half works on."""

    structures: dict[str, StructureLine]
    quotes: LegQuotes
    numbers: OrderNumbers
    ledger: Ledger


class StructureDesk:
    """Holds settings and references; all that changes is the portfolio's state."""

    def __init__(
        self, risk: ActorRef[OrderRequest | CancelRequest], settings: StructureSettings,
        instruments: Mapping[str, Instrument],
    ) -> None:  # fmt: skip
        self._risk = risk
        self._settings = settings
        self._instruments = instruments

    def trades(self, proposal: Proposal) -> bool:
        """Return whether every leg of a proposal is something that the desk trades."""
        known = all(leg.instrument in self._instruments for leg in proposal.legs)
        return len(proposal.legs) > 1 and known

    def resume(
        self, ctx: ActorContext, state: HoldsStructures, orders: tuple[OpenOrder, ...]
    ) -> None:
        """Listen again, and cancel what an earlier incarnation still has in the market."""
        state.quotes.resume(ctx, self._settings.quotes_every_ns)
        for line in state.structures.values():
            line.order = None
        for still_open in orders:
            for line in state.structures.values():
                closes = bool(line.legs) and still_open.legs == opposite(line.legs)
                if still_open.legs and (closes or still_open.legs == line.legs):
                    line.is_closing = closes
                    line.order = TrackedOrder(
                        still_open.order_id, still_open.instrument, still_open.side,
                        Terms(still_open.leaves, still_open.price), is_accepted=True,
                        is_adopted=True, legs=still_open.legs,
                    )  # fmt: skip
                    self._cancel(ctx, line.order)

    # --- how much ------------------------------------------------------------------------------

    def propose(
        self, ctx: ActorContext, state: HoldsStructures, proposal: Proposal, equity_micros: int
    ) -> tuple[StructureLine, Size | None]:
        """Take a proposal in; return its line and size, None where its legs have no market yet."""
        key = f"{proposal.instrument}/{proposal.structure}"
        line = state.structures.setdefault(key, StructureLine(underlying=proposal.instrument))
        line.proposal, line.evidence = proposal, ctx.envelope_id()
        legs = proposal.legs or line.legs
        state.quotes.listen(ctx, proposal.instrument, legs, self._settings.quotes_every_ns)
        return line, self.resize(ctx, state, line, equity_micros)

    def resize(
        self, ctx: ActorContext, state: HoldsStructures, line: StructureLine, equity_micros: int
    ) -> Size | None:
        """Want what the proposal is worth, unless that is close to what is wanted already."""
        proposal = line.proposal
        assert proposal is not None, f"{line.underlying}: nothing was proposed"
        size = self._size(state, proposal, equity_micros)
        line.is_unsized = size is None
        if size is None:
            return None
        near = self._settings.tolerance * size.lots
        if line.target is not None and size.lots and abs(size.lots - line.target) <= near:
            return size
        if line.order is not None and not line.is_closing and size.lots != line.target:
            self._cancel(ctx, line.order)
        line.target = size.lots
        return size

    def _size(self, state: HoldsStructures, proposal: Proposal, equity_micros: int) -> Size | None:
        if proposal.direction != "up" or not proposal.legs:
            return Size(lots=0, bound="no_edge")
        touch = state.quotes.touch(proposal.legs, self._instruments)
        if touch is None:
            return None
        loss = worst_loss_ticks(proposal.legs, self._instruments, touch.far)
        if loss is None:
            return Size(lots=0, bound="no_edge")  # What has no worst case is not held.
        risk = round(loss * unit_micros(proposal.legs, self._instruments))
        return structure_size(proposal, risk, equity_micros, self._settings.sizing)

    # --- nights --------------------------------------------------------------------------------

    def move(
        self, ctx: ActorContext, state: HoldsStructures, event: PositionMoved
    ) -> dict[str, int]:
        """Follow what a night changed in what is held; return what of `into` came, by strategy.

        A structure of which a part is gone is closed, the rest of it leg by leg; what is left of
        each is counted once the night's statement has come.
        """
        if event.reason == "statement":
            for line in state.structures.values():
                if line.is_touched:
                    line.is_touched = False
                    self._look_at_rest(line)
            return {}
        held = {key: line.held for key, line in state.structures.items()}
        came: dict[str, int] = {}
        for key, changes in shared_moves(event, held).items():
            line = state.structures[key]
            is_option = event.reason == "adjustment"
            for symbol, change in changes.items():
                if symbol == event.instrument or is_option:
                    line.held[symbol] = line.held.get(symbol, 0) + change
                else:
                    came[line.strategy] = came.get(line.strategy, 0) + change
            if is_option:
                line.legs = _renamed(line.legs, event.instrument, event.into)
                self._listen(ctx, state, line)
            line.is_touched = True
            if event.reason == "closed":  # No statement follows in the middle of a day.
                line.is_touched = False
                self._look_at_rest(line)
        return came

    def _listen(self, ctx: ActorContext, state: HoldsStructures, line: StructureLine) -> None:
        state.quotes.listen(ctx, line.underlying, line.legs, self._settings.quotes_every_ns)

    def _look_at_rest(self, line: StructureLine) -> None:
        """Count the whole units that are left; anything beside them is to be closed."""
        line.held = {symbol: lots for symbol, lots in line.held.items() if lots}
        line.units = min(
            (max(line.held.get(leg.instrument, 0) * signed_ratio(leg), 0) // leg.ratio**2
             for leg in line.legs), default=0,
        )  # fmt: skip
        if not line.held:
            line.legs, line.proposal, line.target = (), None, None
        elif any(
            line.held.get(leg.instrument, 0) != line.units * signed_ratio(leg) for leg in line.legs
        ):
            line.is_broken, line.target = True, 0

    # --- orders --------------------------------------------------------------------------------

    def act(self, ctx: ActorContext, state: HoldsStructures, line: StructureLine) -> None:
        """Order what is missing, if nothing is on its way; the market must be open."""
        if line.target is None or line.order is not None or ctx.now_ns() < line.rests_until_ns:
            return
        if line.is_broken and line.units == 0:
            self._close_a_leg(ctx, state, line)
            return
        proposal = line.proposal
        wanted = proposal.legs if proposal is not None and proposal.legs else line.legs
        has_others = line.units > 0 and wanted != line.legs
        target = 0 if has_others else line.target
        if target < line.units:
            self._order(ctx, state, line, line.units - target, opposite(line.legs))
        elif target > line.units:
            line.legs = wanted
            self._order(ctx, state, line, target - line.units, wanted)

    def _order(
        self, ctx: ActorContext, state: HoldsStructures, line: StructureLine, units: int,
        legs: tuple[Leg, ...],
    ) -> None:  # fmt: skip
        touch = state.quotes.touch(legs, self._instruments)
        if touch is None or touch.units < 1:
            return
        settings, proposal = self._settings, line.proposal
        line.is_closing = legs != line.legs
        order_id = state.numbers.next_id(ctx.address, ctx.now_ns())
        line.order = TrackedOrder(
            order_id, line.underlying, "buy", Terms(units, touch.far), legs=legs
        )
        if proposal is not None and line.units == 0:
            line.strategy = heaviest(proposal)
        # Execution ends by itself within its time; this is for one that does not.
        line.timer = ctx.after(2 * settings.within_ns, self._key(state, line))
        request = OrderRequest(
            order_id=order_id, instrument=line.underlying, side="buy", quantity=units,
            price=touch.far, legs=legs, style=settings.style, within_ns=settings.within_ns,
            strategy=line.strategy, evidence=() if proposal is None else proposal.evidence,
            dispersion=0.0 if proposal is None else proposal.dispersion,
            reasons=() if proposal is None else proposal.explanation[:1],
            least_quantity=0 if line.is_closing else 1,
        )  # fmt: skip
        ctx.send(self._risk, request, (line.evidence,) if line.evidence else ())

    def _close_a_leg(self, ctx: ActorContext, state: HoldsStructures, line: StructureLine) -> None:
        """Close what is left of one leg of a broken structure, written contracts first."""
        held = ((symbol, lots) for symbol, lots in line.held.items() if lots)
        left = sorted(held, key=lambda item: (item[1], item[0]))
        if not left:
            line.is_broken, line.legs, line.target = False, (), None
            return
        symbol, lots = left[0]
        view = state.quotes.views.get(symbol)
        price = None if view is None else view.bid_price if lots > 0 else view.ask_price
        if price is None:
            return
        side: Side = "sell" if lots > 0 else "buy"
        order_id = state.numbers.next_id(ctx.address, ctx.now_ns())
        line.is_closing = True
        line.order = TrackedOrder(order_id, symbol, side, Terms(abs(lots), price))
        line.timer = ctx.after(self._settings.within_ns, self._key(state, line))
        ctx.send(self._risk, OrderRequest(
            order_id=order_id, instrument=symbol, side=side, quantity=abs(lots), price=price,
            strategy=line.strategy, reasons=("a leg of a structure that is broken",),
        ))  # fmt: skip

    def on_event(self, ctx: ActorContext, state: HoldsStructures, event: OrderEvent) -> bool:
        """Take an event of a structure's order in; return whether it was one."""
        line = next(
            (one for one in state.structures.values()
             if one.order is not None and one.order.order_id == event.order_id), None,
        )  # fmt: skip
        if line is None or line.order is None:
            return False
        order = line.order
        filled = order.follow(event)
        units = filled if order.legs else 0  # A single leg is no unit.
        line.units += -units if line.is_closing else units
        if isinstance(event, OrderFilled):
            signed = event.quantity if event.side == "buy" else -event.quantity
            line.held[event.instrument] = line.held.get(event.instrument, 0) + signed
            state.ledger.fill(
                line.strategy, self._instruments[event.instrument], signed, event.price,
                event.fee_micros,
            )  # fmt: skip
        if order.is_over:
            self._on_over(ctx, line, order, event)
        return True

    def _on_over(
        self, ctx: ActorContext, line: StructureLine, order: TrackedOrder, event: OrderEvent
    ) -> None:
        line.order = None
        ctx.cancel_timer(line.timer)
        if order.filled < order.terms.quantity:
            line.rests_until_ns = ctx.now_ns() + self._settings.pause_ns
        if isinstance(event, OrderRefused):
            if line.is_closing:
                line.rests_until_ns = ctx.now_ns() + _CLOSE_AGAIN_NS
            else:
                line.target = None  # The next proposal is the next attempt.

    def on_timer(self, ctx: ActorContext, line: StructureLine, timer_id: int) -> None:
        """Take an order back that nobody has ended in time."""
        if line.order is not None and line.timer == timer_id:
            self._cancel(ctx, line.order)

    def _cancel(self, ctx: ActorContext, order: TrackedOrder) -> None:
        if not order.is_cancelling:
            order.asked.append(None)
            ctx.send(self._risk, CancelRequest(order_id=order.order_id))

    def _key(self, state: HoldsStructures, line: StructureLine) -> str:
        return next(key for key, one in state.structures.items() if one is line)


def _renamed(legs: tuple[Leg, ...], symbol: str, adjusted: str) -> tuple[Leg, ...]:
    return tuple(
        msgspec.structs.replace(leg, instrument=adjusted) if leg.instrument == symbol else leg
        for leg in legs
    )


def heaviest(proposal: Proposal, otherwise: str = "desk/portfolio") -> str:
    """Return the source that weighed most in the direction that was proposed."""
    agreeing = [voice for voice in proposal.voices if voice.direction == proposal.direction]
    if not agreeing:
        return otherwise
    return min(agreeing, key=lambda voice: (-voice.weight, voice.source)).source
