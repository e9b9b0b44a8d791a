"""`report.html`: one run on one page that needs no other file and no network."""

import html
from typing import Any

import msgspec
import numpy as np
import polars as pl

from environment.record.files import write_whole
from environment.record.market_day import of_tape
from environment.record.realism import passes
from scenarios.realism_reference import load_realism
from scenarios.report import market, people
from scenarios.report.desk import desk_cards
from scenarios.report.language import language_cards
from scenarios.report.margin import margin_cards
from scenarios.report.options import option_cards
from scenarios.report.page import card, figure, local_ms, number, page, table, tiles
from scenarios.report.replay import replay_cards
from scenarios.run.result import REPORT, RunResult

SLOWEST = 12


def write_report(result: RunResult) -> None:
    """Write the report into the run's folder."""
    write_whole(result.folder / REPORT, report_html(result).encode())


def report_html(result: RunResult) -> str:
    """Return the whole page of one run."""
    summary = result.summary
    title = f"{summary.get('scenario', 'run')} · seed {summary.get('seed', '?')}"
    body = [_headline(result)]
    if result.day.trades.time.size:
        body += [*_market_cards(result), *replay_cards(result), people.realism_card(result)]
        body += [*option_cards(result), *margin_cards(result)]
        body += [*people.population_cards(result), *people.cost_cards(result)]
    body += [
        people.conduct_card(result),
        people.orders_card(result),
        people.decisions_card(result),
        *desk_cards(result),
        *language_cards(result),
        _kernel_card(result),
        _provenance_card(result),
    ]
    return page(title, _badges(result), body, navigation=True)


def _badges(result: RunResult) -> list[str]:
    facts, summary = result.day.facts, result.summary
    first = [result.day.first_ns] if result.day.count else []
    opened = local_ms(np.array(first, np.int64), facts.zone)
    date = pl.Series(opened).cast(pl.Int64).cast(pl.Datetime("ms")).dt.date()
    good = sum(passes(given) for given in result.marks.values())
    badges = [
        ", ".join(facts.symbols[:4]) + (" …" if len(facts.symbols) > 4 else ""),
        *(str(day) for day in date),
        f"{number(summary.get('trades', len(result.day.trades.time)))} trades",
        f"realism {good} of {len(result.marks)}",
    ]
    answered = summary.get("approvals", {}).get("answered_by", "nobody")
    if answered != "nobody":
        badges.append(f"answered by {'a script' if answered == 'script' else answered}")
    return badges if result.complete else ["ended early", *badges]


def _headline(result: RunResult) -> str:
    day, code, summary = result.day, result.main_instrument, result.summary
    session = of_tape(day, code)
    mids = day.price(session.minute_mid, code)
    traded = int(day.trades.lots[day.trades.instrument == code].sum())
    items = []
    if len(mids) > 1:
        move = 100 * (mids[-1] / mids[0] - 1)
        span = f"low {number(mids.min(), 2)}, high {number(mids.max(), 2)}"
        close = float(day.price(day.closing_ticks[code], code))
        items += [
            (f"{day.facts.symbols[code]}, last price", number(close, 2), span),
            ("open to close", f"{number(move, 2)} %", f"from {number(mids[0], 2)}"),
        ]
    figures = result.realism
    items += [
        ("median spread", f"{number(figures['spread']['median_bps'], 2)} bps", "time-weighted"),
        ("1-minute volatility", f"{number(figures['volatility']['minute_bps'], 2)} bps",
         f"day {number(figures['volatility']['day_bps'], 0)} bps"),
        ("volume", number(traded), "lots"),
        ("orders", number(result.order_lives.height), f"{number(day.count)} rows of tape"),
    ]  # fmt: skip
    for name, label in (("messages", "messages handled"), ("wall_seconds", "seconds of computing")):
        if name in summary:
            below = f"{number(summary.get('simulated_seconds'), 0)} s simulated"
            items.append((label, number(summary[name]), below))
    told = summary.get("configuration", {}).get("scenario", {})
    about = html.escape(str(summary.get("about") or told.get("about") or "").strip())
    return card("Summary", tiles(items), note=about)


def _market_cards(result: RunResult) -> list[str]:
    real = load_realism().reference
    several = sum(one.kind == "stock" for one in result.day.facts.instruments) > 1
    every = (
        [card("All stocks", figure("index", "First quote = 100", market.index_figure(result)))]
        if several
        else []
    )
    return [
        card(
            "Price",
            figure("price", "Mid, fundamental, trades and auctions", market.price_figure(result),
                   height=430),
            note="Shaded: auctions, halts and their reopening. Bands can be switched on in the "
                 "legend.",
        ),
        *every,
        card("Spread", figure("spread", "Mean of each minute, bps", market.spread_figure(result)),
             wide=False),
        card("Depth", figure("depth", "Shown quantity: asks up, bids down",
                             market.depth_figure(result)), wide=False),
        card("Volume", figure("volume", f"By minute, and by half hour beside {real.name}",
                              market.volume_figure(result, real)), wide=False),
        card("Returns", figure("returns", f"1-minute returns beside {real.name}",
                               market.returns_figure(result, real)), wide=False),
        card("Memory of returns", figure("acf", "Autocorrelation; grey: what chance alone gives",
             market.autocorrelation_figure(result, real, absolute=False)), wide=False),
        card("Memory of volatility", figure("abs-acf", "Autocorrelation of absolute returns",
             market.autocorrelation_figure(result, real, absolute=True)), wide=False),
    ]  # fmt: skip


def _kernel_card(result: RunResult) -> str:
    kernel = result.statistics
    handlers = sorted(kernel.get("handlers", []), key=lambda row: -row.get("wall_ns", 0))
    slow = [
        (row["actor"], row["message"], row["handled"], row["busy_ns"] / 1e6,
         row["wall_ns"] / 1e6, row["wall_ns"] / 1e3 / max(row["handled"], 1))
        for row in handlers[:SLOWEST]
    ]  # fmt: skip
    latencies = [
        (
            row["link"],
            row["count"],
            *(row[name] / 1e3 for name in ("median_ns", "p99_ns", "max_ns")),
        )
        for row in kernel.get("latencies", [])
    ]
    phases = [(name, seconds) for name, seconds in result.summary.get("phases", {}).items()]
    return card(
        "Latency, busy time and slowest handlers",
        table(("link", "messages", "median, µs", "99 %, µs", "longest, µs"), latencies,
              caption="simulated latency", empty="no latency was recorded"),
        table(("actor", "message", "handled", "busy, simulated ms", "wall ms", "µs each"), slow,
              caption="handlers by wall time", empty="no handler times were recorded"),
        table(("phase", "seconds"), phases, caption="where the run's time went",
              empty="no phase times were recorded"),
        wide=False,
    )  # fmt: skip


def _provenance_card(result: RunResult) -> str:
    manifest, summary = result.manifest, result.summary
    rows: list[tuple[str, Any]] = [
        ("scenario", summary.get("scenario")),
        ("seed", summary.get("seed")),
    ]
    if manifest is not None:
        rows += [("processor", manifest.cpu), ("compiler target", manifest.cpu_target)]
        rows += [(name, version) for name, version in manifest.versions.items()]
        rows += [(f"data {name}", digest[:16]) for name, digest in manifest.data_sha256.items()]
        rows += [
            ("configuration", manifest.configuration_sha256[:16]),
            ("source code", manifest.source_sha256[:16]),
        ]
    plain = [(name, str(value)) for name, value in rows]
    digest = html.escape(str(summary.get("journal_sha256", "")))
    configuration = summary.get("configuration")
    shown = ""
    if configuration:
        text = configuration if isinstance(configuration, str) else _indented(configuration)
        shown = (
            "<details><summary>resolved configuration</summary>"
            f"<pre>{html.escape(text)}</pre></details>"
        )
    return card(
        "Seed, configuration, versions",
        table(("", ""), plain),
        f'<p class="note">journal <span class="hash">{digest}</span></p>' if digest else "",
        shown,
        note="Same seed, inputs, versions and processor: the same journal, byte for byte.",
    )


def _indented(configuration: object) -> str:
    return msgspec.json.format(msgspec.json.encode(configuration), indent=2).decode()
