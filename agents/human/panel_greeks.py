"""Greeks of what the account holds, as the live view shows them: money, by underlying.

They are the risk desk's own: the same model, units and marks' volatilities. What has no mark is
named instead of counted as nothing.
"""

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any, Final

from agents.desk.market_facts import facts_of, underlying_of
from agents.desk.sheet import Sheet
from agents.human.panel_text import money, shown
from environment.instruments import Instrument

_NS: Final = 1_000_000_000


class AccountGreeks:
    """Keeps a day's sheet of figures a lot; decides nothing."""

    def __init__(self, instruments: Mapping[str, Instrument]) -> None:
        self._instruments = instruments
        self._day: date | None = None
        self._sheet: Sheet | None = None

    def rows(
        self, lots: Mapping[str, int], marks: Mapping[str, int], now_ns: int
    ) -> list[dict[str, Any]]:
        """Return a row for each underlying of which anything is held; `marks` are ticks."""
        held = [symbol for symbol, count in lots.items() if count and symbol in self._instruments]
        known = [symbol for symbol in held if self._is_marked(symbol, marks)]
        sums: dict[str, list[int]] = {}
        lacking: dict[str, list[str]] = {}
        for symbol in held:
            name = underlying_of(self._instruments[symbol])
            sums.setdefault(name, [0, 0, 0, 0])
            if symbol not in known:
                lacking.setdefault(name, []).append(symbol)
        if known:
            sheet = self._of_day(now_ns)
            rows = sheet.look(known, marks)
            for symbol, figures in zip(known, sheet.greeks[rows].tolist(), strict=True):
                told = sums[underlying_of(self._instruments[symbol])]
                for place, figure in enumerate(figures):
                    told[place] += figure * lots[symbol]
        return [
            {"name": shown(name, 40), "parts": [money(part, decimals=0) for part in parts],
             "lacks": [shown(symbol, 40) for symbol in lacking.get(name, ())]}
            for name, parts in sorted(sums.items())
        ]  # fmt: skip

    def _is_marked(self, symbol: str, marks: Mapping[str, int]) -> bool:
        instrument = self._instruments[symbol]
        return symbol in marks and (instrument.underlying or symbol) in marks

    def _of_day(self, now_ns: int) -> Sheet:
        today = datetime.fromtimestamp(now_ns // _NS, UTC).date()
        if self._sheet is None or today != self._day:
            self._day = today
            self._sheet = Sheet(self._instruments, facts_of(self._instruments, today))
        return self._sheet
