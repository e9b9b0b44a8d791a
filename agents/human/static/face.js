// The face of a card: all that must be read before an answer, without scrolling.

import { el } from "./dom.js";

const SHAPES = { buy: "▲", sell: "▼", trade: "◆" };

function side(verb, word) {
  const shape = el("span", { "aria-hidden": "true" }, SHAPES[verb]);
  return el("span", { class: "side", data: { side: verb } }, shape, ` ${word}`);
}

function changed(before, after) {
  return [before, el("span", { class: "arrow", "aria-hidden": "true" }, "→"), el("span", { class: "unseen" }, " to "), after];
}

function leg(view) {
  return el("li", {},
    side(view.side, view.word), el("span", {}, `${view.ratio} × ${view.title}`),
    el("span", {}, view.effect), el("small", {}, `bid / ask ${view.quote}`));
}

function reason(view) {
  const scope = view.scope ? ` (${view.scope})` : "";
  const words = view.text ? [el("br"), el("small", {}, view.text)] : [];
  // A rule of the approval table names no limit: its words say what it asks for.
  const limit = view.kind === "tier" ? null : el("small", {}, `, limit ${view.limit}`);
  return el("div", {}, `${view.rule}${scope} ${view.figure}`, limit, words);
}

function was(rows) {
  if (!rows.length) return null;
  return el("div", { class: "was" }, el("h3", {}, "New since it was last asked"),
    rows.map((row) => el("div", {}, `${row.name}: `, row.before ? changed(row.before, row.after) : row.after)));
}

// On a phone a "part" shares its line with others; elsewhere each has its own.
function fact(name, kind, moved, ...value) {
  return el("div", { class: kind }, el("dt", {}, name), el("dd", { class: moved }, ...value));
}

export const tierWords = (tier) => ({ two: "two people", one: "one person", notify: "for your information" }[tier] ?? tier);

// What a person reads; when any of it changes, approving is dead for a moment.
export function figuresOf(card) {
  return JSON.stringify([
    card.record_hash, card.title, card.limit, card.total, card.legs, card.worst, card.why,
    card.changes, card.drift, card.asked, card.people,
  ]);
}

export function makeFace(card, before) {
  const mark = (name, now) => (before && JSON.stringify(before[name]) !== JSON.stringify(now) ? "moved" : undefined);
  const [verb, ...rest] = card.title.split(" ");
  const facts = [
    fact("Worst case", "whole", mark("worst", card.worst), el("span", { class: "worst" }, card.worst.amount), " ", el("small", {}, card.worst.when)),
    fact("Why you", "whole", undefined, card.why.length ? card.why.map(reason) : "the approval table"),
    ...card.changes.map((row, i) => {
      const was = before?.changes[i];
      const hasMoved = was && (was.before !== row.before || was.after !== row.after);
      return fact(row.name, "part", hasMoved ? "moved" : undefined, changed(row.before, row.after));
    }),
  ];
  return el("div", { class: "face" },
    el("h2", { class: "title" }, side(card.verb, verb), ` ${rest.join(" ")}`),
    el("p", { class: "terms" },
      el("span", {}, card.effect), el("span", {}, card.limit), el("span", { class: "total" }, card.total)),
    card.is_structure ? el("ul", { class: "legs" }, card.legs.map(leg)) : null,
    el("dl", { class: "facts" }, facts),
    el("p", { class: "foot" },
      el("span", {}, `From ${card.proposer}`),
      el("span", { class: mark("drift", card.drift) }, card.drift),
      el("span", {}, card.asked),
      card.doubt ? el("span", {}, `views behind it disagree ${card.doubt}`) : null),
    was(card.changed),
    outcome(card));
}

function outcome(card) {
  const said = [];
  if (card.people.length) said.push(`Yes from ${card.people.join(" and ")}. `);
  if (!card.can_answer || card.people.length) said.push(card.status);
  if (card.reason) said.push(`: ${card.reason}`);
  if (!said.length) return null;
  const isSent = ["sent", "withheld", "done"].includes(card.state);
  const name = `${card.filled} of ${card.quantity} filled`;
  return el("div", { class: "outcome" }, said.join(""),
    isSent ? el("progress", { max: card.quantity, value: card.filled, "aria-label": name }) : null);
}

export function makeWords(card) {
  if (!card.words.length) return null;
  return el("aside", { class: "words", "aria-label": "Words of others, not verified" },
    el("h3", {}, `Words of ${card.proposer}: not verified`), card.words.map((text) => el("p", {}, text)));
}
