"""Beats: what each kind of analyst watches, and the question that it comes to.

A beat is a pure function from the notes to a question; the analyst around it asks, waits, checks
and publishes. Figures are given as people read them: prices in currency, never in ticks.
"""

from collections.abc import Callable
from typing import Final

import msgspec

from agents.analysts.consultation import Question
from agents.analysts.notes import Notes
from environment.instruments import Instrument
from environment.text_messages import NewsItem
from llm.messages import Part

_MOVES: Final = (5, 15, 60)
_SHOWN_ITEMS: Final = 8
_SHOWN_TEXT: Final = 1_200

Beat = Callable[[Instrument, Notes, int], Question | None]


def _price_parts(instrument: Instrument, notes: Notes, now_ns: int) -> list[Part]:
    """Return the price and how it moved, as far as is known."""
    twice_mid, symbol = notes.view.twice_mid, instrument.symbol
    if twice_mid is None:
        return []
    price = twice_mid * instrument.tick_micros / 2e6
    parts = [Part(text=f"{symbol} trades at {price:.2f} USD", as_of_ns=now_ns, source="price")]
    for minutes in _MOVES:
        move = notes.move(minutes)
        if move is not None:
            text = f"{symbol} moved {move * 100:+.2f} % in the last {minutes} minutes"
            parts.append(Part(text=text, as_of_ns=now_ns, source=f"move_{minutes}m"))
    return parts


def _quoted(item: NewsItem) -> Part:
    return Part(
        text=item.text[:_SHOWN_TEXT], as_of_ns=item.available_ns, kind="quoted",
        source=item.item_id,
    )  # fmt: skip


def news(instrument: Instrument, notes: Notes, now_ns: int) -> Question | None:
    """Ask what the items that are new mean for the price."""
    fresh = [noted for noted in notes.items if noted.item.available_ns <= now_ns]
    shown = fresh[-min(max(notes.unread, 1), _SHOWN_ITEMS) :]
    if not shown or not notes.unread:
        return None
    symbol = instrument.symbol
    return Question(
        instrument=symbol, form="View",
        parts=(*_price_parts(instrument, notes, now_ns), *(_quoted(one.item) for one in shown)),
        text=f"What do the quoted items mean for the price of {symbol} in the next hour?",
        envelopes=tuple(one.envelope_id for one in shown if one.envelope_id),
    )  # fmt: skip


def technical(instrument: Instrument, notes: Notes, now_ns: int) -> Question | None:
    """Ask what the price's own past means for the next half hour."""
    rises = notes.share_of_rises(14)
    volatility = notes.volatility(60)
    if rises is None or volatility is None:
        return None
    symbol = instrument.symbol
    return Question(
        instrument=symbol, form="View",
        parts=(
            *_price_parts(instrument, notes, now_ns),
            Part(text=f"relative strength over 14 minutes is {rises * 100:.1f}", as_of_ns=now_ns,
                 source="strength"),
            Part(text=f"realised volatility of the last hour is {volatility * 100:.1f} % a year",
                 as_of_ns=now_ns, source="volatility_60m"),
        ),
        text=f"Where does the price of {symbol} go in the next 30 minutes?",
    )  # fmt: skip


def volatility(instrument: Instrument, notes: Notes, now_ns: int) -> Question | None:
    """Ask how much the price will move, from how much it has moved."""
    figures = [(m, notes.volatility(m)) for m in (15, 60, 240)]
    known = [(minutes, figure) for minutes, figure in figures if figure is not None]
    if len(known) < 2:
        return None
    symbol = instrument.symbol
    return Question(
        instrument=symbol, form="VolatilityView",
        parts=tuple(
            Part(text=f"realised volatility of the last {minutes} minutes is {figure * 100:.1f} % "
                 "a year", as_of_ns=now_ns, source=f"volatility_{minutes}m")
            for minutes, figure in known
        ),
        text=f"What will the volatility of {symbol} be over the next hour, per year?",
    )  # fmt: skip


def fundamentals(instrument: Instrument, notes: Notes, now_ns: int) -> Question | None:
    """Ask what the company has reported means for its price; only when something was reported."""
    reported = [
        noted for noted in notes.items
        if noted.item.kind in {"facts", "filing"} and noted.item.available_ns <= now_ns
    ]  # fmt: skip
    if not reported or not notes.unread:
        return None
    symbol = instrument.symbol
    return Question(
        instrument=symbol, form="View",
        parts=(
            *_price_parts(instrument, notes, now_ns),
            *(
                Part(text=one.item.text[:_SHOWN_TEXT], as_of_ns=one.item.available_ns,
                     kind="quoted" if one.item.kind == "filing" else "fact",
                     source=one.item.item_id)
                for one in reported[-_SHOWN_ITEMS:]
            ),
        ),
        text=f"What does the reported business of {symbol} mean for its price until the close?",
        envelopes=tuple(one.envelope_id for one in reported if one.envelope_id),
    )  # fmt: skip


class BeatSettings(msgspec.Struct, frozen=True, kw_only=True):
    """Which beat, when it asks at the earliest again, and whether by the clock or by items."""

    name: str
    every_ns: int
    by_clock: bool


BEATS: Final[dict[str, Beat]] = {
    "news": news, "technical": technical, "volatility": volatility, "fundamentals": fundamentals,
}  # fmt: skip
