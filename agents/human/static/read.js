// What analysts read, said and cited: a line for each question to a model, opened when wanted.

import { exchangeTime } from "./clock.js";
import { byId, el, graph, table } from "./dom.js";

const KEPT = 200;
const EVERYONE = "all analysts";

export class Reading {
  constructor({ send, back }) {
    this.send = send;
    this.list = el("ol", { id: "readings", "aria-label": "Questions to models, newest first" });
    this.who = el("select", { id: "whose", "aria-label": "Whose questions", on: { change: () => this.filter() } });
    this.hint = el("p", { class: "hint" });
    this.bodies = new Map();
    byId("read").replaceChildren(
      el("div", { class: "heading" }, el("h2", {}, "What analysts read, said and cited"),
        el("button", { type: "button", class: "quiet aside", on: { click: back } }, "Conversation")),
      el("div", { class: "whose" }, this.who), this.hint,
      el("div", { class: "rows", tabindex: "0", role: "group", "aria-label": "Questions" }, this.list));
    this.reset([]);
  }

  reset(rows) {
    this.list.replaceChildren();
    this.bodies.clear();
    this.names = [];
    this.who.replaceChildren(el("option", {}, EVERYONE));
    rows.forEach((row) => this.add(row));
    this.filter();
  }

  add(row) {
    if (!this.names.includes(row.agent)) {
      this.names = [...this.names, row.agent].sort();
      const chosen = this.who.value;
      this.who.replaceChildren(...[EVERYONE, ...this.names].map((name) => el("option", {}, name)));
      this.who.value = chosen;
    }
    const item = this.line(row);
    this.list.prepend(item);
    while (this.list.childElementCount > KEPT) this.forget(this.list.lastElementChild);
    this.filter(item);
  }

  forget(item) {
    this.bodies.delete(Number(item.dataset.number));
    item.remove();
  }

  line(row) {
    const body = el("div", {});
    this.bodies.set(row.number, body);
    const fold = el("details", { on: { toggle: () => fold.open && this.open(row.number) } },
      el("summary", {}, el("time", {}, exchangeTime(row.at_ns / 1e6)), " ", el("b", {}, row.agent),
        ` ${row.instrument}${row.step ? `, ${row.step}` : ""} → `,
        el("span", { class: row.abstained ? "none" : "held" }, row.outcome)),
      el("p", { class: "by" }, row.by), body);
    return el("li", { data: { number: row.number, agent: row.agent } }, fold);
  }

  open(number) {
    const body = this.bodies.get(number);
    if (body.childElementCount) return;
    body.replaceChildren(this.send({ t: "read", number }) ? "Asking …" : "Not connected: open it again.");
  }

  told({ number, content, reason }) {
    const body = this.bodies.get(number);
    if (!body) return;
    body.replaceChildren(...(content ? parts(content) : [el("p", {}, reason)]));
  }

  // Show the questions of one agent, as the live view names it.
  show(agent) {
    if (this.names.includes(agent)) this.who.value = agent;
    this.filter();
    this.who.focus({ preventScroll: true });
  }

  filter(one) {
    const wanted = this.who.value;
    for (const item of one ? [one] : this.list.children) {
      item.hidden = wanted !== EVERYONE && item.dataset.agent !== wanted;
    }
    const count = this.list.childElementCount;
    this.hint.textContent = count
      ? "Opened, a line shows all that was shown to the model. Its words, and those of others, are not verified."
      : "No analyst has asked its model yet.";
    this.who.hidden = count === 0;
  }
}

function parts(told) {
  return [
    part("Said", el("div", {}, told.said.length ? told.said.map(answer) : el("p", {}, "No answer came."))),
    part("Cited", cited(told)),
    part("Evidence, down to the headline", told.from.length ? graph(told.from) : el("p", {}, "It read prices and reports only.")),
    part("Was shown", words("All that the model was shown, after its prompt", told.read)),
    el("p", { class: "hint" }, `Prompt ${told.prompt}; closed after ${told.took_s} s of market time.`),
  ];
}

function part(title, ...children) {
  return el("section", {}, el("h3", {}, title), ...children);
}

function words(label, text) {
  return el("aside", { class: "words", "aria-label": `Not verified: ${label}` }, el("p", {}, text));
}

function answer(one) {
  return el("div", { class: "answer" },
    one.words ? words("a model's words", one.words) : null,
    one.reason ? el("p", { class: "none" }, `Does not count: ${one.reason}`) : null,
    one.fields.length ? table([["in its form", "answered"], ...one.fields]) : null,
    el("p", { class: "by" }, one.by));
}

function cited(told) {
  if (!told.cited.length && !told.sources.length) return el("p", {}, "Nothing.");
  const rows = told.cited.map(([text, number, source, found]) => [text, number, source, found]);
  return el("div", {},
    rows.length ? table([["cited", "number", "source", "in the source"], ...rows], [1]) : null,
    told.sources.length ? el("p", {}, `Sources: ${told.sources.join(", ")}`) : null);
}
