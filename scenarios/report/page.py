"""The parts of a report page: cards, tables, figures, numbers, and the page around them."""

import base64
import html
import math
from collections.abc import Iterable, Sequence
from importlib.resources import files
from itertools import pairwise
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import polars as pl
from numpy.typing import NDArray

Figure = dict[str, Any]  # A figure as the plotting script takes it: data and layout.
POINTS = 3_000  # Per line: above it a line is thinned, its extremes kept.
PALETTE = 8  # Colours of the style sheet, --c1 to --c8.
_HERE = Path(__file__).parent
_NARROW, _MINUS = "\u202f", "\u2212"


class Raw(str):
    """Text that is HTML already."""

    __slots__ = ()


def number(value: float | None, digits: int | None = None) -> str:
    """Return a number for people: thin spaces between thousands, a real minus, a dash for none."""
    if value is None or not math.isfinite(value):
        return "–"  # noqa: RUF001  # an en dash is meant
    if digits is None:
        size = abs(value)
        whole = float(value).is_integer() or size >= 1000
        digits = 0 if whole else 2 if size >= 1 else 3 if size >= 0.01 else 4
    rounded = round(value, digits) + 0.0  # Adding zero turns a negative zero into zero.
    return f"{rounded:,.{digits}f}".replace(",", _NARROW).replace("-", _MINUS)


def cell(value: object) -> tuple[str, bool]:
    """Return a value's HTML and whether it is a number."""
    if isinstance(value, Raw):
        return value, False
    if isinstance(value, bool):
        return ("yes" if value else "no"), False
    if value is None or isinstance(value, int | float):
        return number(value), True
    return html.escape(str(value)), False


def table(
    headings: Sequence[str], rows: Iterable[Sequence[object]], *, caption: str = "", empty: str = ""
) -> str:
    """Return a table that scrolls sideways where it is too wide; `empty` is said without rows."""
    body = [[cell(value) for value in row] for row in rows]
    if not body:
        return f'<p class="quiet">{html.escape(empty or "nothing to show")}</p>'
    numeric = [all(row[i][1] for row in body) for i in range(len(headings))]
    side = [' class="n"' if is_number else "" for is_number in numeric]
    head = "".join(
        f'<th scope="col"{side[i]}>{html.escape(name)}</th>' for i, name in enumerate(headings)
    )
    lines = "".join(
        "<tr>" + "".join(f"<td{side[i]}>{value[0]}</td>" for i, value in enumerate(row)) + "</tr>"
        for row in body
    )
    title = f"<caption>{html.escape(caption)}</caption>" if caption else ""
    return (
        f'<div class="wide" tabindex="0"><table>{title}<thead><tr>{head}</tr></thead>'
        f"<tbody>{lines}</tbody></table></div>"
    )


def frame_table(frame: pl.DataFrame, columns: dict[str, str], **options: str) -> str:
    """Return a table of some columns of a frame, under the given headings."""
    return table(list(columns.values()), frame.select(list(columns)).iter_rows(), **options)


def figure(name: str, title: str, content: Figure, *, height: int = 320) -> str:
    """Return the place of a figure and its data; the script draws it when it comes into view."""
    data = msgspec.json.encode(content).decode().replace("<", "\\u003c")
    return (
        f'<figure id="{name}"><figcaption>{html.escape(title)}</figcaption>'
        f'<div class="plot" style="height:{height}px" role="img" aria-label="{html.escape(title)}">'
        f'</div><script type="application/json">{data}</script></figure>'
    )


def card(title: str, *parts: str, note: str = "", wide: bool = True) -> str:
    """Return a card: a heading, perhaps a sentence, and its parts."""
    anchor = "".join(c if c.isalnum() else "-" for c in title.lower())
    said = f'<p class="note">{note}</p>' if note else ""
    kind = "card" if wide else "card half"
    heading = f'<h2 id="{anchor}">{html.escape(title)}</h2>'
    return f'<section class="{kind}">{heading}{said}{"".join(parts)}</section>'


def tiles(items: Iterable[tuple[str, str, str]]) -> str:
    """Return headline figures: label, value, and a word below."""
    inner = "".join(
        f"<div class='tile'><dt>{html.escape(label)}</dt>"
        f"<dd>{value}<small>{below}</small></dd></div>"
        for label, value, below in items
    )
    return f'<dl class="tiles">{inner}</dl>'


def page(title: str, badges: Iterable[str], body: Iterable[str], *, navigation: bool) -> str:
    """Return the whole page, with style and scripts inside: it needs no other file."""
    cards = "".join(body)
    chips = "".join(f'<span class="chip">{html.escape(badge)}</span>' for badge in badges)
    style = (_HERE / "report.css").read_text(encoding="utf-8")
    script = (_HERE / "report.js").read_text(encoding="utf-8")
    plotting = (files("plotly") / "package_data" / "plotly.min.js").read_text(encoding="utf-8")
    links = '<nav id="contents" aria-label="Contents"></nav>' if navigation else ""
    return (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        '<meta name="color-scheme" content="light dark">'
        '<link rel="icon" href="data:,">'
        f"<title>{html.escape(title)}</title><style>{style}</style></head><body>"
        f'<header><div class="bar"><h1>{html.escape(title)}</h1><div class="chips">{chips}</div>'
        '<button id="theme" type="button">light or dark</button></div>'
        f"{links}</header><main>{cards}</main>"
        "<noscript><p>The figures are drawn by a script inside this file; tables work without."
        "</p></noscript>"
        f"<script>{_inside_script(plotting)}</script><script>{script}</script></body></html>"
    )


def packed(values: NDArray[np.generic] | Sequence[float], kind: str = "f8") -> dict[str, str]:
    """Return numbers in the plotting script's compact form."""
    array = np.ascontiguousarray(values, dtype=f"<{kind}")
    return {"dtype": kind, "bdata": base64.b64encode(array.tobytes()).decode()}


def thinned(
    x: NDArray[np.int64], y: NDArray[np.float64], points: int = POINTS
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Return at most `points` of a line: of each stretch its lowest and its highest value."""
    if len(x) <= points:
        return x, y
    edges = np.linspace(0, len(x), points // 2 + 1).astype(int)
    kept = [0, len(x) - 1]
    filled = np.where(np.isfinite(y), y, 0.0)
    for start, end in pairwise(edges):
        part = filled[start:end]
        kept += [start + int(part.argmin()), start + int(part.argmax())]
    chosen = np.unique(kept)
    return x[chosen], y[chosen]


def local_ms(nanoseconds: NDArray[np.int64], zone: str) -> NDArray[np.float64]:
    """Return times as the wall-clock milliseconds that a date axis shows without a zone."""
    series = pl.Series(nanoseconds, dtype=pl.Int64).cast(pl.Datetime("ns"))
    local = series.dt.replace_time_zone("UTC").dt.convert_time_zone(zone)
    naive = local.dt.replace_time_zone(None).cast(pl.Int64)
    return naive.to_numpy() / 1e6


def _inside_script(text: str) -> str:
    return text.replace("</script", "<\\/script")
