"""What `outcry status` says to a person: how venue, swarm and orders stand, the worst first."""

import datetime
import zoneinfo
from collections.abc import Mapping

from environment.instruments import Instrument
from scenarios.live.control_wire import Standing, SwarmStatus


def standing_lines(standing: Standing) -> list[str]:
    """Return the lines; prices are in the currency, quantities in shares or contracts."""
    known = {instrument.symbol: instrument for instrument in standing.instruments}
    lines = [f"HALTED: {standing.halted}"] if standing.halted else []
    lines += _swarm(standing)
    lines.append(f"venue: {standing.venue}")
    if standing.account is not None:
        lines.append(f"orders at the venue: {len(standing.account.orders)}")
        lines += [
            f"  {order.client_order_id}: "
            + _terms(known, order.side, order.leaves, order.instrument, order.price)
            for order in standing.account.orders
        ]
        lines.append(f"position at the venue: {_held(standing.account.positions)}")
    if standing.swarm is not None:
        lines.append(f"orders as the desk sees them: {len(standing.swarm.orders)}")
        lines += [
            f"  {order.client_order_id}: "
            + _terms(known, order.side, order.leaves, order.instrument, order.price)
            + f", {order.owner}{', UNKNOWN' if order.is_unknown else ''}"
            for order in standing.swarm.orders
        ]
        lines.append(f"position as the desk sees it: {_held(standing.swarm.positions)}")
    return lines


def _swarm(standing: Standing) -> list[str]:
    swarm, age = standing.swarm, f"{standing.beat_age_s:.1f} s ago"
    if standing.life == "dead":
        return [
            f"swarm: DEAD, its connection ended without a word; it was start {standing.last_epoch},"
            f" process {standing.last_process}, last heartbeat {age}; outcry live starts it again"
        ]
    if swarm is None:
        return ["swarm: none is there"]
    silent = (
        [f"swarm: SILENT, what it said last is from {age}"] if standing.life == "silent" else []
    )
    return silent + _living(swarm, age)


def _living(swarm: SwarmStatus, age: str) -> list[str]:
    moment = datetime.datetime.fromtimestamp(
        swarm.market_ns // 1_000_000_000, zoneinfo.ZoneInfo(swarm.zone)
    )
    why = [f"it is {swarm.desk.upper()} because: {swarm.reason}"] if swarm.reason else []
    return [
        f"swarm: desk {swarm.desk.upper()}, venue {swarm.venue}, start {swarm.epoch}, "
        f"process {swarm.process}, last heartbeat {age}",
        *why,
        *(
            f"{one.scope} {one.name} is {one.state.upper()} because: {one.reason}"
            for one in swarm.stopped
        ),
        *(f"{one.scope} {one.name}".rstrip() + f": {one.text}" for one in swarm.held),
        f"market: {moment:%Y-%m-%d %H:%M:%S} {swarm.zone}",
        f"unknown outcomes {swarm.unknown}, breaks {swarm.breaks}, "
        f"handlers failed {swarm.failures}, stalls {swarm.stalls}",
    ]


def _terms(
    known: Mapping[str, Instrument], side: str, lots: int, name: str, price: int | None
) -> str:
    instrument = known.get(name)
    if instrument is None:  # Of a structure, or a venue that has not told.
        return f"{side} {lots} {name}" + ("" if price is None else f" at {price} ticks")
    shown = "the market" if price is None else instrument.format_price(price)
    return f"{side} {instrument.format_quantity(lots)} {name} at {shown}"


def _held(positions: Mapping[str, int]) -> str:
    return ", ".join(f"{lots:+} {name}" for name, lots in positions.items() if lots) or "none"
