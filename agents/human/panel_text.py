"""Words of others, made safe to look at, and figures as people write them."""

import unicodedata
from typing import Final

_MINUS: Final = "\u2212"
_NARROW: Final = "\u202f"
_LONGEST: Final = 2_000
# Letters that are drawn as nothing, or as a blank, though their category is that of a letter.
_BLANK_LETTERS: Final = frozenset("\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5")
_HIDDEN: Final = frozenset({"Cc", "Cf", "Co", "Cn", "Cs", "Zl", "Zp"})
_PLAIN: Final = frozenset(" \n")


def is_hidden(character: str) -> bool:
    """Return whether a character changes a text without being seen in it."""
    if character in _PLAIN:
        return False
    category = unicodedata.category(character)
    return (
        category in _HIDDEN
        or character in _BLANK_LETTERS
        or (category == "Zs" and character != " ")
        or 0xFE00 <= ord(character) <= 0xFE0F  # Variation selectors are marks, and draw nothing.
        or 0xE0100 <= ord(character) <= 0xE01EF
    )


def shown(text: str, longest: int = _LONGEST) -> str:
    """Return a text of an agent or a headline with every invisible character spelled out.

    What turns the direction of writing, hides, or looks like a blank stands as `[U+202E]`, so that
    a text reads here as a program reads it. Too long a text ends in how much is missing.
    """
    kept, rest = text[:longest], len(text) - longest
    spelled = "".join(f"[U+{ord(c):04X}]" if is_hidden(c) else c for c in kept)
    return f"{spelled} … and {rest} more characters" if rest > 0 else spelled


def grouped(value: float, digits: int = 0) -> str:
    """Return a number with thin spaces between thousands and a real minus."""
    rounded = round(value, digits) + 0.0 if digits else round(value)
    return f"{rounded:,.{digits}f}".replace(",", _NARROW).replace("-", _MINUS)


def money(micros: int, *, decimals: int = 2, symbol: str = "$") -> str:
    """Return micros as money: `-$1 234.50` with a real minus, rounded half-even to be looked at."""
    unit = 10 ** (6 - decimals)
    whole, rest = divmod(abs(micros), unit)
    if 2 * rest > unit or (2 * rest == unit and whole % 2):
        whole += 1
    units, fraction = divmod(whole, 10**decimals)
    sign = _MINUS if micros < 0 and whole else ""
    tail = f".{fraction:0{decimals}d}" if decimals else ""
    return f"{sign}{symbol}{units:,}{tail}".replace(",", _NARROW)


def in_unit(figure: float, unit: str) -> str:
    """Return a control's figure in its unit, as people write it (see `agents.desk.controls`)."""
    if unit == "micros":
        return money(round(figure), decimals=0)
    if unit in {"share", "fraction"}:
        return f"{100 * figure:.2f} %"
    if unit in {"ns", "nanoseconds"}:
        return f"{figure / 1e9:.1f} s"
    digits = 0 if float(figure).is_integer() else 2
    return f"{grouped(figure, digits)} {unit}".strip()


def span(nanoseconds: int) -> str:
    """Return a length of time in the words of a clock: `0:42`, `1:02:05`."""
    seconds = max(0, -(-nanoseconds // 1_000_000_000))
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"
