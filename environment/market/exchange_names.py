"""The names that series go by at the exchange: listed later, or changed by a night."""

from collections.abc import Mapping

from environment.instruments import Instrument


def take_names(
    names: list[str], symbols: dict[str, int], series: Mapping[int, Instrument]
) -> dict[int, Instrument]:  # fmt: skip
    """Let series go by their present symbols, in both directions; return those that are new.

    Parameters
    ----------
    names, symbols
        Name by number, and number by name; both are changed. Unknown numbers are passed over.
    """
    known = dict(enumerate(names))
    changed = {n: one for n, one in series.items() if known.get(n, one.symbol) != one.symbol}
    for number in changed:
        symbols.pop(names[number], None)
    for number, instrument in changed.items():
        symbols[instrument.symbol] = number
        names[number] = instrument.symbol
    return changed
