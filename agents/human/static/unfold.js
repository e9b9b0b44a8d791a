// What lies under a card's face, closed until it is wanted: the card is complete without it.

import { drawPayoff, drawPreview } from "./charts.js";
import { el, graph, table } from "./dom.js";

const FETCHED = ["payoff", "evidence", "preview"];

export class Unfold {
  constructor(card, ask) {
    this.card = card;
    this.ask = ask;
    this.opened = new Set(); // Since the record was last told, of what a person saw.
    this.bodies = new Map();
    this.told = new Map();
    this.node = el("div", { class: "more" });
    this.fold("payoff", "Pay-off chart");
    this.fold("greeks", "Greeks");
    this.fold("limits", "Limits it comes near");
    this.fold("impact", "Impact against the depth seen");
    this.fold("evidence", "Evidence, down to the headline or tick");
    this.fold("preview", "Fork preview");
    this.update(card);
    const redraw = () => (this.node.isConnected ? this.redraw() : document.removeEventListener("theme", redraw));
    document.addEventListener("theme", redraw);
  }

  // Charts carry their colours with them.
  redraw() {
    for (const [part, content] of this.told) {
      if (content !== null && part !== "evidence") this.unfolded({ part, content });
    }
  }

  fold(name, title) {
    const body = el("div", {});
    const fold = el("details", { data: { part: name }, on: { toggle: () => fold.open && this.open(name) } },
      el("summary", {}, title), body);
    this.bodies.set(name, body);
    this.node.append(fold);
  }

  open(name) {
    this.opened.add(name);
    this.fetch(name);
  }

  fetch(name) {
    const { code, record_hash, sequence } = this.card;
    if (FETCHED.includes(name)) {
      if (!this.told.has(name)) this.bodies.get(name).replaceChildren("Asking …");
      this.ask({ t: "unfold", part: name, shown: { code, record_hash, sequence } });
    }
  }

  // Worlds were drawn: they are fetched where somebody looks.
  previewCame() {
    const fold = this.bodies.get("preview").parentElement;
    fold.querySelector("summary").textContent = "Fork preview, ready";
    if (fold.open) this.fetch("preview");
  }

  // The parts that stand open, so that a new record of the same card leaves them so.
  standsOpen() {
    return [...this.node.querySelectorAll("details[open]")].map((fold) => fold.dataset.part);
  }

  reopen(names) {
    for (const name of names) this.bodies.get(name).parentElement.open = true;
  }

  update(card) {
    this.card = card;
    this.bodies.get("greeks").replaceChildren(card.greeks.length
      ? table([["greek", "now", "after"], ...card.greeks.map((row) => [`${row.name}, $ ${row.unit}`, row.before, row.after])], [1, 2])
      : "A stock order has delta only: its position in money.");
    this.bodies.get("limits").replaceChildren(...(card.near.length ? card.near.map(meter) : ["It comes near no other limit."]));
    this.bodies.get("impact").replaceChildren(impact(card));
  }

  unfolded(frame) {
    const body = this.bodies.get(frame.part);
    this.told.set(frame.part, frame.content);
    if (frame.content === null) {
      body.replaceChildren(frame.reason);
      return;
    }
    if (frame.part === "evidence") {
      body.replaceChildren(graph(frame.content));
    } else if (frame.part === "payoff") {
      chart(body, "Profit over the price of the stock", payoffWords(frame.content), (place) => drawPayoff(place, frame.content));
    } else {
      chart(body, "P&L with and without the order", previewWords(frame.content), (place) => drawPreview(place, frame.content));
    }
  }
}

function chart(body, name, words, draw) {
  const place = el("div", { class: "chart", role: "img", "aria-label": `${name}. ${words}` });
  body.replaceChildren(place, el("p", {}, words));
  draw(place).catch((error) => place.replaceChildren(`No chart: ${error.message}.`));
}

function payoffWords(told) {
  const ends = told.break_evens.map((price) => price.toFixed(2)).join(", ");
  return `The stock stands at ${told.spot.toFixed(2)}. ${ends ? `It breaks even at ${ends}.` : "It breaks even nowhere."}`;
}

function previewWords(told) {
  return `${told.words} ${told.k} pairs of worlds, seeds ${told.seeds}, ${told.horizon} ahead: simulated, not a forecast.`;
}

function meter(view) {
  const text = `${view.figure} of ${view.limit}`;
  return el("div", { class: "meter" }, el("span", {}, view.rule + (view.scope ? ` (${view.scope})` : "")), el("span", {}, text),
    el("progress", { max: 1, value: Math.min(1, view.share ?? 1), "aria-label": `${view.rule}: ${text}` }));
}

function impact(card) {
  const rows = card.legs.map((leg) => [`${leg.word} ${leg.title}`, leg.quote]);
  return el("div", {}, el("p", {}, card.depth ? `It takes ${card.depth}.` : "The depth it would take is not known."),
    table([["leg", "bid / ask"], ...rows]));
}
