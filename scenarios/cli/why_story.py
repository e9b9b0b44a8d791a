"""An order's graph told in words: who wanted it and why, what was ruled, who answered, what came.

Only what the record holds is told; nothing is worked out anew but counts and sums. Words of agents
and headlines are quoted, with what is hidden in them spelled out.
"""

from collections import Counter
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any, Final

from agents.human.panel_text import grouped, in_unit, money, shown, span
from scenarios.cli.why import Clock, Told

Message = dict[str, Any]
_LONGEST: Final = 400
_NAME_WIDTH: Final = 18
_DAY_NS: Final = 86_400_000_000_000
_OCC_LENGTH: Final = 21
_NET_TICK: Final = Decimal("0.01")  # Packages trade in cents.
_OPTION_TICKS: Final = {"penny": Decimal("0.01"), "etf": Decimal("0.01"), "other": Decimal("0.05")}


class Ticks:
    """Currency per tick by symbol, as far as a record says it: its header and its cards know."""

    def __init__(self, header: Message, graph: list[Told]) -> None:
        self._known: dict[str, Decimal] = {}
        scenario = (header.get("configuration") or {}).get("scenario") or {}
        for told in scenario.get("instruments", ()):
            self._known[told["symbol"]] = Decimal(str(told.get("tick", "0.01")))
            rule = (told.get("options") or {}).get("ticks", "penny")
            self._known[f"{told['symbol']} option"] = _OPTION_TICKS[rule]
        for one in graph:
            for leg in (one.message.get("card") or {}).get("legs", ()):
                self._known[leg["instrument"]] = Decimal(leg["tick_micros"]).scaleb(-6)

    def price(self, symbol: str, ticks: object) -> str:
        """Return a price in the currency, or in ticks where it is not known what one is worth.

        What an agent wrote in the place of a price (a refused order's may be NaN) stands as it is.
        """
        if not isinstance(ticks, Decimal | int):
            return shown(repr(ticks))
        root = symbol[:6].rstrip()
        tick = self._known.get(symbol)
        if tick is None and len(symbol) == _OCC_LENGTH:
            tick = self._known.get(f"{root} option")
        return f"{ticks} ticks" if tick is None else _plain(ticks * tick)


class Story:
    """Tells of one order out of its graph; `header` is the first record of its journal."""

    def __init__(self, order_id: str, graph: list[Told], header: Message) -> None:
        self._order_id = order_id
        self._graph = graph
        self._ticks = Ticks(header, graph)
        self._asked = next((t for t in graph if self._is_request(t)), None)
        self._children = {
            t.message["order_id"] for t in graph
            if t.message["type"] == "OrderRequest" and t.message.get("parent") == order_id
        }  # fmt: skip
        self._tellers: dict[str, Callable[[Told], str]] = {
            "NewsItem": self._news,
            "Evidence": self._evidence,
            "Signal": self._signal,
            "Proposal": self._proposal,
            "OrderRequest": self._request,
            "Verdict": self._verdict,
            "CardChanged": self._card,
            "CardViewed": self._viewed,
            "CardAnswer": self._answer,
            "Decision": self._decision,
            "PaperOrder": self._paper,
            "OrderFilled": self._filled,
            "OrderCancelled": self._ended,
            "OrderRefused": self._ended,
            "ExecutionReport": self._execution,
        }

    def lines(self, clock: Clock) -> Iterator[str]:
        """Yield the story, a line for each thing that mattered, oldest first."""
        yield from self._title()
        told_before: set[tuple[str, str]] = set()
        for told in self._graph:
            teller = self._tellers.get(told.message["type"])
            text = "" if teller is None else teller(told)
            if text and (told.sender, text) not in told_before:
                told_before.add((told.sender, text))
                yield f"  {clock.text(told.at_ns)}  {told.sender:<{_NAME_WIDTH}}  {text}"
        yield from self._end()

    def _is_request(self, told: Told) -> bool:
        message = told.message
        return bool(message["type"] == "OrderRequest" and message["order_id"] == self._order_id)

    def _title(self) -> Iterator[str]:
        if self._asked is None:
            yield f"{self._order_id}: no request for it is in this record; what is told of it:"
            return
        order = self._asked.message
        count = order["quantity"]
        lots = grouped(count) if isinstance(count, int) else shown(repr(count))
        what = f"{shown(str(order['side']))} {lots} {shown(str(order['instrument']))}"
        if order["legs"]:
            what += f", {len(order['legs'])} legs, net"
        strategy = f", for {order['strategy']}" if order.get("strategy") else ""
        yield f"{self._order_id}: {what} {self._terms(order)}{strategy}"
        for leg in order["legs"]:
            yield f"    {leg['side']} {leg['ratio']} {leg['instrument']}"

    def _terms(self, order: Message) -> str:
        kind, price, stop = order["order_type"], order.get("price"), order.get("stop_price")
        text = "at the market" if price is None else f"at {self._price(order, price)} or better"
        if stop is not None:
            text += f" once {self._price(order, stop)} trades"
        return f"{text} ({kind.replace('_', ' ')}, {order['time_in_force']}, {order['style']})"

    def _price(self, order: Message, ticks: object) -> str:
        if order["legs"] and isinstance(ticks, int):
            return _plain(ticks * _NET_TICK)
        return self._ticks.price(order["instrument"], ticks)

    # --- what a message comes to; "": nothing that a reader must know --------------------------

    def _news(self, told: Told) -> str:
        said = told.message
        return f"{said['kind']} from {said['feed']}: {_quoted(said['text'])}"

    def _evidence(self, told: Told) -> str:
        said = told.message
        return f"{said['instrument']} {said['direction']}: {_quoted(said['words'])}"

    def _signal(self, told: Told) -> str:
        said = told.message
        if said.get("abstains"):
            return f"{said['instrument']}: abstains: {_reasons(said)}"
        thing = f"{said['instrument']} {said['structure']}".rstrip()
        view = (
            f"{said['direction']}, {said['probability']:.0%}, within {_lasting(said['horizon_ns'])}"
        )
        return f"{thing}: {view}: {_reasons(said)}"

    def _proposal(self, told: Told) -> str:
        said = told.message
        thing = f"{said['instrument']} {said['structure']}".rstrip()
        voices = ", ".join(f"{v['source']} {v['weight']:.0%}" for v in said["voices"])
        return (
            f"{thing}: {said['direction']}, {said['probability']:.0%}, of {voices or 'nobody'}; "
            f"disagreement {said['dispersion']:.0%}"
        )

    def _request(self, told: Told) -> str:
        if not self._is_request(told):
            return ""
        said = told.message
        words = "" if not said["reasons"] else f": {_reasons(said)}"
        return f"asks for it{words}"

    def _verdict(self, told: Told) -> str:
        said = told.message
        if said["order_id"] != self._order_id:
            became = said.get("became", "passed")
            return "" if said["is_passed"] and became == "passed" else self._ruling(said, "a child")
        return self._ruling(said, "")

    def _ruling(self, said: Message, whose: str) -> str:
        figure, limit, unit = said.get("figure"), said.get("limit"), said.get("unit", "")
        text = f"{whose} {said.get('became', 'passed')}".lstrip()
        if said["rule"]:
            text += f" by {said['rule']}"
        if figure is not None and limit is not None:
            text += f": {in_unit(figure, unit)} against {in_unit(limit, unit)}"
        return f"{text}; {shown(said['detail'], _LONGEST)}" if said.get("detail") else text

    def _card(self, told: Told) -> str:
        said = told.message
        card = said["card"]
        if said["state"] != "waiting":
            return ""
        worst = card["worst_case"]
        loss = "without bound" if worst["is_unbounded"] else money(worst["loss_micros"], decimals=0)
        because = ", ".join(_broken(reason) for reason in card["reasons"])
        again = (
            f", asked again because of {card['changed_because']}" if card["changed_because"] else ""
        )
        return (
            f"card {card['code']} for {card['tier']}{again}: {because or 'the approval table'}; "
            f"risk score {card['score']:g}; worst case {loss}, {worst['when']}"
        )

    def _viewed(self, told: Told) -> str:
        said = told.message
        unfolded = f", unfolded {', '.join(said['unfolded'])}" if said["unfolded"] else ""
        seen = f" for {said['shown_ms'] / 1000:.1f} s" if said["shown_ms"] else ""
        return f"{shown(said['person'])} was shown card {said['code']}{seen}{unfolded}"

    def _answer(self, told: Told) -> str:
        said = told.message
        because = f" because {_quoted(said['reason'])}" if said["reason"] else ""
        proved = ", with a password" if said["password_proved"] else ""
        amount = "" if said.get("quantity") is None else f" {grouped(said['quantity'])}"
        return f"{shown(said['person'])}: {said['answer']} {said['code']}{amount}{because}{proved}"

    def _decision(self, told: Told) -> str:
        said = told.message
        people = ", ".join(shown(p) for p in said["people"]) or "nobody"
        because = f": {_quoted(said['reason'])}" if said["reason"] else ""
        signed = said.get("signed")
        bound = "" if signed is None else f", signed for at most {grouped(signed['quantity'])}"
        return f"card {said['code']} {said['outcome']} by {people}{because}{bound}"

    def _paper(self, told: Told) -> str:
        said = told.message
        return f"{grouped(said['quantity'])} kept back ({said['because']}), scored on paper"

    def _filled(self, told: Told) -> str:
        """Tell of a fill as the proposer hears it: the venue's and a child's are the same one."""
        said = told.message
        if said["order_id"] != self._order_id or not self._is_told_to_proposer(told):
            return ""
        price = Decimal(said["price"]) + (Decimal("0.5") if said.get("half_tick") else 0)
        return (
            f"{said['side']} {grouped(said['quantity'])} {said['instrument']} at "
            f"{self._ticks.price(said['instrument'], price)}, "
            f"{grouped(said['leaves'])} left (trade {said['trade_id']}, {said['liquidity']})"
        )

    def _ended(self, told: Told) -> str:
        said = told.message
        if said["order_id"] != self._order_id or not self._is_told_to_proposer(told):
            return ""
        what = "refused" if said["type"] == "OrderRefused" else "the rest cancelled"
        return f"{what}: {shown(said['reason'], _LONGEST)}"

    def _execution(self, told: Told) -> str:
        said = told.message
        if said["order_id"] != self._order_id:
            return ""
        return (
            f"{grouped(said['filled'])} of {grouped(said['quantity'])} done in "
            f"{grouped(said['children'])} children over {_lasting(said['took_ns'])}, slippage "
            f"{money(said['slippage_micros'])} ({said['slippage_basis_points']:.1f} bp) against "
            f"arrival; {said['reason']}"
        )

    def _is_told_to_proposer(self, told: Told) -> bool:
        return self._asked is None or told.recipient == self._asked.sender

    def _end(self) -> Iterator[str]:
        """Say how children ended, and what of the order is in nobody's word."""
        if not self._children:
            return
        states = dict.fromkeys(self._children, "not filled")
        for told in self._graph:
            child = told.message.get("order_id")
            if child in states and told.message["type"] in {"OrderFilled", "PackageFilled"}:
                states[child] = "filled, wholly or in part"
        counts = ", ".join(
            f"{n:,} {state}" for state, n in sorted(Counter(states.values()).items())
        )
        yield f"  {len(states):,} children were sent: {counts}"


def _plain(price: Decimal) -> str:
    return f"{price:,.2f}" if price == round(price, 2) else f"{price:,.4f}".rstrip("0")


def _lasting(nanoseconds: int) -> str:
    days = nanoseconds / _DAY_NS
    return f"{days:.3g} days" if days >= 1 else span(nanoseconds)


def _quoted(words: str) -> str:
    return f'"{shown(words, _LONGEST)}"'.replace("\n", "[U+000A]")


def _broken(rule: Message) -> str:
    figure, limit = (in_unit(rule[name], rule["unit"]) for name in ("figure", "limit"))
    return f"{rule['rule']} {figure} against {limit}"


def _reasons(said: Message) -> str:
    return "; ".join(_quoted(reason) for reason in said.get("reasons", ())) or "no reason given"
