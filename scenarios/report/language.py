"""What agents that ask models read, said, cited and cost, for the report of a run."""

import html
from datetime import UTC, datetime
from typing import Any, Final
from zoneinfo import ZoneInfo

from scenarios.report.page import Figure, Raw, card, figure, number, table
from scenarios.run.language_facts import AgentLedger, LanguageFacts, Step, language_facts, mids_of
from scenarios.run.result import RunResult
from scenarios.run.session_loop import JOURNAL

_MOST_SHOWN: Final = 200
_RULES: Final = "offline/rules"


def language_cards(result: RunResult) -> list[str]:
    """Return the cards of a run in which somebody asked a model; none of another run."""
    journal = result.folder / JOURNAL
    if not journal.is_file():
        return []
    facts = language_facts(journal, mids_of(result.quotes))
    if facts is None:
        return []
    zone = ZoneInfo(result.day.facts.zone)
    return [_ledger_card(facts), _calibration_card(facts), _steps_card(facts, zone)]


def _ledger_card(facts: LanguageFacts) -> str:
    rows = [_ledger_row(one) for one in facts.ledgers]
    headings = (
        "agent", "answered by", "asked", "abstained", "repaired", "tokens", "USD", "delay, s",
        "views", "edge, bps", "lost to thinking, bps", "cited", "not found",
    )  # fmt: skip
    answered = {model for one in facts.ledgers for model in one.models}
    note = (
        "Edge: mean move of the mid in the stated direction, from the answer to the end of its "
        "horizon, before costs. Lost to thinking: what it would have been more, from the question "
        "on. Delay: market time from question to answer. Cited: numbers, and those of them that do "
        "not stand in their source."
    )
    if answered == {_RULES}:
        note += " All answers are written rules: no language model was asked."
    said = "".join(f"<li>{html.escape(text)}</li>" for text in facts.notices)
    return card("Analysts", table(headings, rows), f"<ul>{said}</ul>" if said else "", note=note)


def _ledger_row(one: AgentLedger) -> tuple[object, ...]:
    return (
        one.agent, ", ".join(one.models) or "nobody", one.questions, one.abstentions,
        one.repaired, one.tokens, one.usd, one.delay_s, one.views,
        one.edge_bps if one.views else None, one.lost_bps if one.views else None,
        one.numbers_cited, one.numbers_missing,
    )  # fmt: skip


def _calibration_card(facts: LanguageFacts) -> str:
    rows = [
        (one.agent, one.calibration.count, one.calibration.hits, one.calibration.brier,
         one.calibration.brier_of_half, one.calibration.gap)
        for one in facts.ledgers
        if one.calibration.count
    ]  # fmt: skip
    headings = ("agent", "views", "came true", "Brier", "Brier of 1/2", "gap")
    return card(
        "Were stated probabilities true?",
        figure("reliability", "Claimed against observed", _reliability(facts)),
        table(headings, rows, empty="nobody held a view whose end was seen"),
        note="On the diagonal a claim of 60 % comes true six times in ten. Brier: mean squared "
        "error of the claims, beside that of always claiming 1/2. Few views say little.",
        wide=False,
    )


def _reliability(facts: LanguageFacts) -> Figure:
    lines: list[dict[str, Any]] = [
        {"type": "scatter", "mode": "lines", "name": "true", "x": [0.5, 1.0], "y": [0.5, 1.0],
         "line": {"dash": "dot"}}
    ]  # fmt: skip
    for one in facts.ledgers:
        bins = one.calibration.bins
        if bins:
            lines.append({
                "type": "scatter", "mode": "lines+markers", "name": one.agent,
                "x": [b.claimed for b in bins], "y": [b.observed for b in bins],
                "text": [f"{b.count} views" for b in bins],
            })  # fmt: skip
    axes = {"xaxis": {"title": {"text": "claimed"}, "range": [0.5, 1.0]},
            "yaxis": {"title": {"text": "came true"}, "range": [0.0, 1.0]}}  # fmt: skip
    return {"data": lines, "layout": axes}


def _steps_card(facts: LanguageFacts, zone: ZoneInfo) -> str:
    shown = facts.steps[:_MOST_SHOWN]
    by_id = {one.evidence_id: one for one in facts.held}
    parts = []
    for step in shown:
        view = by_id.get(step.evidence_id)
        claims = "" if view is None else _claims(view.claims)
        parts.append(
            f"<details><summary>{_clock(step.asked_ns, zone)} {html.escape(step.agent)} "
            f"{html.escape(step.step)} → {html.escape(step.outcome)}</summary>"
            f"{_said(step)}{claims}</details>"
        )
    left = len(facts.steps) - len(shown)
    more = f'<p class="note">and {number(left)} more in the journal</p>' if left else ""
    return card(
        "What they were shown, and what they said", *parts, more,
        note="Every consultation in order. Quoted text was written by others and is not verified.",
    )  # fmt: skip


def _said(step: Step) -> str:
    took = (step.closed_ns - step.asked_ns) / 1e9
    answers = "".join(
        f"<pre>{html.escape(answer['text'] or answer['reason'])}</pre>"
        f'<p class="note">{html.escape(_by(answer))}</p>'
        for answer in step.answers
    )
    return (
        f'<p class="note">prompt {html.escape(step.prompt)} '
        f'<span class="hash">{step.prompt_sha256[:16]}</span>, closed after '
        f"{number(took, 2)} s of market time</p>"
        f"<pre>{html.escape(step.asked)}</pre>{answers}"
    )


def _by(answer: dict[str, Any]) -> str:
    who = f"{answer['provider']}/{answer['model']}" if answer["provider"] else "nobody answered"
    tokens = answer["tokens_in"] + answer["tokens_out"]
    reason = f"; does not count: {answer['reason']}" if answer["reason"] else ""
    return f"{who}, {tokens} tokens{', asked twice' if answer['repaired'] else ''}{reason}"


def _claims(claims: tuple[dict[str, Any], ...]) -> str:
    if not claims:
        return ""
    rows = [
        (claim["words"], claim["number"], claim["source"],
         Raw("found" if claim["found"] else "<strong>not found</strong>"))
        for claim in claims
    ]  # fmt: skip
    return table(("cited number", "", "source", "in the source"), rows)


def _clock(ns: int, zone: ZoneInfo) -> str:
    return datetime.fromtimestamp(ns // 1_000_000_000, UTC).astimezone(zone).strftime("%H:%M:%S")
