"""What the panel answers to `/positions /risk /limits /agents /explain`: rows of what it shows."""

from agents.human.panel_questions import why
from agents.human.panel_room import Room
from agents.human.panel_text import shown
from agents.human.panel_words import Command

Reply = tuple[str, tuple[tuple[str, ...], ...]]


def reply_to_command(room: Room, command: Command) -> Reply:
    """Return a sentence, and the rows of a table under it, headings first."""
    match command.name:
        case "positions":
            return _positions(room)
        case "risk":
            return _risk(room)
        case "limits":
            return _limits(room)
        case "agents":
            return _agents(room)
        case _:
            return _explain(room, command.rest)


def _positions(room: Room) -> Reply:
    rows = [
        (row["symbol"], row["lots"], row["value"], row["open"], row["realised"])
        for row in room.live.positions()
    ]
    if not rows:
        return "The account holds nothing.", ()
    head = ("instrument", "lots", "value", "open P&L", "realised")
    return "What the account holds:", (head, *rows)


def _risk(room: Room) -> Reply:
    live = room.live
    reason = f" ({live.state_reason})" if live.state_reason else ""
    waiting = len(room.table.waiting())
    rows = [(row["name"], row["value"]) for row in live.totals()]
    for laid in room.table.waiting():
        rows += [
            (f"{laid.view['code']} nears {near['rule']}", f"{near['figure']} of {near['limit']}")
            for near in laid.view["near"]
        ]
    text = f"The desk is {live.state.upper()}{reason}. {waiting} orders wait for a person."
    return text, (("figure", "value"), *rows)


def _limits(room: Room) -> Reply:
    limits = room.limits()
    if not limits:
        return "No limits are set.", ()
    head = ("limit", "soft: asks", "hard: refuses")
    return "Limits in force:", (head, *limits)


def _agents(room: Room) -> Reply:
    rows = [(shown(name, 60), said.text) for name, said in sorted(room.live.agents.items())]
    if not rows:
        return "No agent has said anything yet.", ()
    return "What the agents last said:", (("agent", "last said"), *rows)


def _explain(room: Room, named: str) -> Reply:
    """Return what is recorded of an order, by its id or its card's code."""
    for laid in reversed(room.table.all()):
        if named.strip().upper() == laid.view["code"] or named == laid.view["order_id"]:
            rows = (
                ("what", "recorded"),
                ("order", laid.view["order_id"]),
                ("state", laid.view["status"]),
                ("people", ", ".join(laid.view["people"]) or "nobody yet"),
                ("worst case", f"{laid.view['worst']['amount']}, {laid.view['worst']['when']}"),
                ("record", laid.view["record_hash"][:16]),
            )
            return why(laid), rows
    order = room.books.orders.get(named)
    if order is not None:
        filled = f"{order.filled} of {order.terms.quantity} filled"
        return f"{shown(named, 120)}: {order.side} {order.instrument}, {filled}; no card.", ()
    return f"Nothing is recorded here under {shown(named, 120) or 'an empty name'}.", ()
