"""From a case that needs a person to the card that a person reads."""

import hashlib
from collections.abc import Collection

from agents.desk.case import Case, CaseLeg
from agents.desk.control_figures import unit_worth
from agents.desk.controls import Rulebook
from agents.desk.grid import describe
from agents.desk.measures import AccountMeasures, Worst
from agents.desk.ruling import Ruling, near_limits, reasons_of, score_of
from environment.approval_messages import (
    Because,
    CardFigures,
    CardGreeks,
    CardLeg,
    Change,
    Effect,
    OrderCard,
    Tier,
    WorstCase,
    named,
)
from environment.instruments import MICROS, Instrument, format_money


def new_code(order_id: str, taken: Collection[str]) -> str:
    """Return a code of four characters that no waiting card has."""
    salt = 0
    while True:
        digest = hashlib.blake2b(f"{order_id}\x1f{salt}".encode(), digest_size=2).hexdigest()
        code = digest.upper()
        # A code of digits alone could be read as a quantity: `approve 4021 40`.
        if code not in taken and not code.isdigit():
            return code
        salt += 1


def make_card(
    case: Case, rules: Rulebook, ruling: Ruling, *, code: str, tier: Tier,
    before: OrderCard | None = None, because: Because = "", done: int = 0,
) -> OrderCard:  # fmt: skip
    """Return the pending record of a case, with its hash. `before` is the record it replaces.

    `done` of its order's lots traded on earlier days; the request is for the rest.
    """
    request, policy = case.request, rules.approval
    score, parts = score_of(case, rules)
    legs = tuple(_card_leg(case, leg) for leg in case.legs)
    effects = {leg.effect for leg in legs}
    is_drift = because == "drift"
    # What was said of yesterday's order, or of other terms: nothing of it is counted on.
    kept = None if because in {"next_open", "replacement"} else before
    return named(
        OrderCard(
            code=code,
            order=request,
            proposer=case.owner,
            legs=legs,
            verb=request.side if len(legs) == 1 else "trade",
            effect=effects.pop() if len(effects) == 1 else "both",
            quantity=request.quantity,
            price=request.price,
            worst_price=request.price,
            total_micros=_total(case),
            tier=tier,
            reasons=reasons_of(case, ruling),
            near=near_limits(case, rules),
            score=score,
            score_parts=parts,
            worst_case=worst_case(case),
            position=_position(case),
            margin_micros=_margin(case),
            buying_power_micros=_buying_power(case),
            greeks=_greeks(case),
            share_of_depth=_share_of_depth(case),
            twice_mid=twice_mid(case),
            drift=policy.drift,
            proposed_ns=case.now_ns if kept is None or is_drift else kept.proposed_ns,
            answer_until_ns=case.now_ns + policy.answer_within_ns
            if kept is None or is_drift else kept.answer_until_ns,
            send_within_ns=policy.send_within_ns,
            asked=1 if kept is None else kept.asked + is_drift,
            asked_at_most=policy.ask_again + 1,
            previous="" if before is None else before.record_hash,
            changed_because=because,
            dropped=0 if kept is None else kept.dropped + kept.quantity - request.quantity,
            done=done,
            evidence=request.evidence,
            words=request.reasons,
        )
    )  # fmt: skip


def figures_of(case: Case, card: OrderCard, sequence: int) -> CardFigures:
    """Return what has moved since the card was made."""
    return CardFigures(
        sequence=sequence,
        as_of_ns=case.now_ns,
        twice_mid=twice_mid(case),
        drift=drift_of(case, card.twice_mid),
        position=_position(case),
        margin_micros=_margin(case),
        buying_power_micros=_buying_power(case),
        worst_case=worst_case(case),
        greeks=_greeks(case),
    )


def drift_of(case: Case, then: int | None) -> float | None:
    """Return how far what a unit is worth has moved since it was twice so many ticks.

    A share of what it was, of a structure of what all its legs come to; None where it is unknown.
    """
    now = twice_mid(case)
    if now is None or then is None:
        return None
    whole = 2.0 * unit_worth(case)[1] if len(case.legs) > 1 else float(then)
    return (now - then) / whole if whole else None


def twice_mid(case: Case) -> int | None:
    """Return twice what one unit is worth, in ticks: mid, theoretical value, or net of all legs."""
    worth = unit_worth(case)[0]
    if worth is None:
        return None
    return round(2.0 * worth) if len(case.legs) > 1 else max(round(2.0 * worth), 1)


def worst_case(case: Case) -> WorstCase:
    """Return the worst of the order's underlyings once it is filled, and when.

    Of what else works, any may have filled by then: a structure legged into is shown as it is
    after the worst of its legs.
    """
    found: list[tuple[int, Worst, str]] = []
    for name in case.underlyings:
        worst = case.worst_of(name)
        found.append((worst.loss_micros, worst, name))
    _, worst, name = max(found, key=lambda one: one[0])
    is_between = worst.loss_micros > case.after.worst_of(name).loss_micros
    return WorstCase(
        loss_micros=worst.loss_micros,
        when=describe(worst.scenario, name) + (", other orders unfilled" if is_between else ""),
        is_unbounded=worst.is_unbounded,
    )  # fmt: skip


def title_of(instrument: Instrument) -> str:
    """Return an instrument's name for people."""
    if instrument.kind != "option" or instrument.expiry is None or not instrument.strike_micros:
        return instrument.symbol
    strike = format_money(instrument.strike_micros, decimals=2).removesuffix(".00")
    day = f"{instrument.expiry.day} {instrument.expiry:%b %Y}"
    return f"{instrument.underlying} {strike} {instrument.right} {day}"


def _card_leg(case: Case, leg: CaseLeg) -> CardLeg:
    instrument, view = leg.instrument, case.views.get(leg.instrument.symbol)
    held = leg.account.position + leg.account.buying - leg.account.selling
    closes = min(leg.lots, abs(held)) if held * leg.signed < 0 else 0
    effect: Effect = "open" if not closes else "close" if closes == leg.lots else "both"
    return CardLeg(
        instrument=instrument.symbol,
        title=title_of(instrument),
        side=leg.side,
        ratio=leg.lots // case.quantity if case.quantity else 1,
        effect=effect,
        position=Change(held, held + leg.signed),
        tick_micros=instrument.tick_micros,
        units_per_lot=instrument.lot_units * instrument.multiplier,
        bid_price=None if view is None else view.bid_price,
        ask_price=None if view is None else view.ask_price,
    )


def _position(case: Case) -> Change:
    leg = case.legs[0]
    held = leg.account.position + leg.account.buying - leg.account.selling
    return Change(held, held + leg.signed)


def _total(case: Case) -> int | None:
    """Return what it pays at most; below 0: what it receives at least."""
    request = case.request
    if request.price is None:
        return None
    first = case.legs[0].instrument
    if len(case.legs) == 1:
        paid = first.notional_micros(request.price, request.quantity)
        return paid if request.side == "buy" else -paid
    units = max(leg.instrument.multiplier * leg.instrument.lot_units for leg in case.legs)
    # Net prices of structures are in cents.
    return request.price * MICROS // 100 * units * request.quantity


def _margin(case: Case) -> Change:
    return Change(case.before.margin_micros, case.after.margin_micros)


def _buying_power(case: Case) -> Change:
    before, after = case.before, case.after
    return Change(
        before.equity_micros - before.margin_micros, after.equity_micros - after.margin_micros
    )


def _greeks(case: Case) -> CardGreeks:
    name = case.underlyings[0]

    def change(greek: str) -> Change:
        return Change(_greek(case.before, greek, name), _greek(case.after, greek, name))

    return CardGreeks(
        underlying=name, delta=change("delta"), gamma=change("gamma"), vega=change("vega"),
        theta=change("theta"),
    )  # fmt: skip


def _greek(measures: AccountMeasures, greek: str, name: str) -> int:
    return measures.by_underlying(greek, name)


def _share_of_depth(case: Case) -> float | None:
    leg = case.legs[0]
    view = case.views.get(leg.instrument.symbol)
    shown = None if view is None else view.ask_depth if leg.side == "buy" else view.bid_depth
    return leg.lots / shown if shown else None
