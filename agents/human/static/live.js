// The live view: price, book, positions, P&L, orders, and what the agents last said.

import { exchangeTime } from "./clock.js";
import { byId, el, svg, table } from "./dom.js";
import { whenReleased } from "./press.js";

export class Live {
  constructor({ cancel, flatten, read, resume }) {
    this.cancel = cancel;
    this.resume = resume;
    this.read = read;
    this.panes = Object.fromEntries(["market", "account", "orders", "agents"].map((name) => [name, el("section", { class: "pane" })]));
    this.flatten = el("button", { type: "button", class: "stop", on: { click: flatten } }, "Flatten …");
    byId("live").replaceChildren(...Object.values(this.panes));
    this.mayAct = false;
    this.working = [];
    const orders = this.panes.orders;
    for (const end of ["pointerleave", "focusout"]) orders.addEventListener(end, () => setTimeout(() => whenReleased(() => this.drawOrders())));
  }

  show(live, person) {
    this.mayAct = person.may_reject;
    this.mayResume = person.may_approve;
    this.draw("market", live.instruments, () => this.market(live.instruments));
    this.draw("account", [live.totals, live.positions, live.exposures, live.greeks], () => this.account(live));
    this.working = live.orders;
    this.drawOrders();
    this.draw("agents", [live.stopped, live.agents, this.mayResume], () => [...this.stopped(live.stopped), ...this.agents(live.agents)]);
  }

  // A pane is made anew only when it changed.
  draw(name, told, make) {
    const pane = this.panes[name];
    const text = JSON.stringify(told);
    if (pane.told === text) return;
    const focused = pane.contains(document.activeElement) ? document.activeElement.getAttribute("aria-label") : null;
    pane.told = text;
    pane.replaceChildren(...make().filter(Boolean));
    if (focused) [...pane.querySelectorAll("button")].find((one) => one.getAttribute("aria-label") === focused)?.focus({ preventScroll: true });
  }

  market(instruments) {
    if (!instruments.length) return [el("h2", {}, "Market"), el("p", { class: "hint" }, "No quote was heard yet.")];
    return instruments.flatMap((one) => [
      el("h2", {}, el("span", {}, one.symbol), el("span", {}, one.phase)),
      el("p", { class: "quote" }, el("span", { class: "mid" }, one.mid || "–"),
        el("span", {}, el("small", {}, "bid "), one.bid), el("span", {}, el("small", {}, "ask "), one.ask),
        el("span", {}, el("small", {}, "last "), one.last), el("span", {}, el("small", {}, "volume "), one.volume)),
      line(one), book(one),
    ]);
  }

  account(live) {
    const rows = live.positions.map((row) => [row.symbol, row.lots, row.value, row.open]);
    return [
      el("h2", {}, "Account, since the panel listens"),
      el("dl", { class: "tiles" }, live.totals.map((tile) => el("div", {}, el("dt", {}, tile.name), el("dd", {}, tile.is_gain ? gain(tile.value) : tile.value)))),
      rows.length ? table([["instrument", "lots", "value", "open P&L"], ...rows], [1, 2, 3]) : el("p", { class: "hint" }, "No positions."),
      live.exposures.length ? el("h2", {}, "Greeks of what is held, $") : null,
      live.exposures.length ? table([["", "delta", "gamma 1 %", "vega", "theta a day"], ...live.exposures.map((row) => [row.name + (row.lacks.length ? ` (no price: ${row.lacks.join(", ")})` : ""), ...row.parts])], [1, 2, 3, 4]) : null,
      live.greeks.length ? el("h2", {}, "P&L by what made it") : null,
      live.greeks.length ? el("div", { class: "wide" }, table([["", "spot", "gamma", "vega", "time", "rest", "trading"], ...live.greeks.map((row) => [row.name, ...row.parts])], [1, 2, 3, 4, 5, 6])) : null,
    ];
  }

  // While somebody points at the orders, or went there by keys, each keeps its place: what would be
  // cancelled is what was read. One that is over says so.
  drawOrders() {
    const orders = this.working;
    const pane = this.panes.orders;
    const rows = [...pane.querySelectorAll("li")];
    if (!rows.length || !pane.matches(":hover, :focus-within")) {
      this.draw("orders", [orders, this.mayAct], () => this.orders(orders));
      return;
    }
    const left = new Map(orders.map((order) => [order.order_id, order]));
    for (const row of rows) {
      const order = left.get(row.dataset.order);
      left.delete(row.dataset.order);
      row.firstElementChild.textContent = order ? orderWords(order) : row.dataset.words + " (over)";
      if (!order) row.querySelector("button")?.setAttribute("aria-disabled", "true");
    }
    rows.at(-1).parentElement.append(...[...left.values()].map((order) => this.order(order)));
    pane.told = ""; // It is drawn anew once nobody is here.
  }

  order(order) {
    const row = el("li", { data: { order: order.order_id, words: orderWords(order) } }, el("span", {}, orderWords(order)));
    const cancel = () => row.querySelector("button").getAttribute("aria-disabled") || this.cancel(order.order_id);
    if (this.mayAct) row.append(el("button", { type: "button", "aria-label": `Cancel ${order.order_id}`, on: { click: cancel } }, "Cancel"));
    return row;
  }

  orders(orders) {
    const head = el("h2", {}, "Working orders");
    const rows = orders.map((order) => this.order(order));
    return [head, rows.length ? el("ul", { class: "agents" }, rows) : el("p", { class: "hint" }, "None."), this.mayAct ? this.flatten : null];
  }

  // Parts of the desk that a breaker, a forgery or a person has stopped.
  stopped(parts) {
    if (!parts.length) return [];
    const rows = parts.map((part) => el("li", {},
      el("span", {}, el("b", {}, `${part.state === "halted" ? "■" : "▼"} ${part.scope} ${part.shown} ${part.state.toUpperCase()}`), ` ${part.reason} ${part.figures}`),
      this.mayResume ? el("button", { type: "button", "aria-label": `Resume ${part.scope} ${part.shown}`, on: { click: () => this.resume(part) } }, "Resume …") : null));
    return [el("h2", {}, "Stopped"), el("ul", { class: "agents" }, rows)];
  }

  agents(agents) {
    const rows = agents.map((agent) => el("li", {}, el("span", {}, el("b", {}, agent.name), ` ${agent.said}`),
      el("time", {}, exchangeTime(agent.at_ns / 1e6)),
      agent.has_read ? el("button", { type: "button", "aria-label": `What ${agent.name} read`, on: { click: () => this.read(agent.name) } }, "What it read") : null,
      agent.words ? el("p", { class: "unproved" }, el("span", { class: "unseen" }, "Not verified: "), agent.words) : null));
    return [el("h2", {}, "Agents, and what they last said"), rows.length ? el("ul", { class: "agents" }, rows) : el("p", { class: "hint" }, "Nobody has said anything yet.")];
  }
}

function orderWords(order) {
  return `${order.side === "buy" ? "▲ buy" : "▼ sell"} ${order.symbol} ${order.price}, ${order.filled} filled`;
}

// A gain has a sign and a shape, besides its colour.
function gain(text) {
  const isDown = text.startsWith("\u2212");
  const isNone = !/[1-9]/.test(text);
  if (isNone) return text;
  return el("span", { class: isDown ? "down" : "up" }, el("span", { "aria-hidden": "true" }, isDown ? "▼ " : "▲ "), text);
}

function line(one) {
  const points = one.line;
  if (points.length < 2) return null;
  const prices = points.map((point) => point[1]);
  const [low, high] = [Math.min(...prices), Math.max(...prices)];
  const [from, to] = [points[0][0], points.at(-1)[0]];
  const x = (at) => (1000 * (at - from)) / (to - from || 1);
  const y = (price) => 96 - (92 * (price - low)) / (high - low || 1);
  const path = points.map(([at, price], i) => `${i ? "L" : "M"}${x(at).toFixed(1)} ${y(price).toFixed(1)}`).join("");
  const words = `Mid of ${one.symbol} from ${exchangeTime(from)} to ${exchangeTime(to)}: between ${low.toFixed(2)} and ${high.toFixed(2)}, now ${prices.at(-1).toFixed(2)}`;
  return el("figure", {},
    svg("svg", { class: "spark", viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": words }, svg("path", { d: path })),
    el("figcaption", { class: "axis" }, el("span", {}, exchangeTime(from)), el("span", {}, `${low.toFixed(2)} to ${high.toFixed(2)}`), el("span", {}, exchangeTime(to))));
}

function book(one) {
  if (!one.bids.length && !one.asks.length) return null;
  const most = Math.max(1, ...one.bids.map((row) => row[1]), ...one.asks.map((row) => row[1]));
  const level = ([price, quantity]) => {
    const bar = el("i", {});
    bar.style.width = `${(100 * quantity) / most}%`;
    return el("li", {}, bar, el("span", {}, price), el("span", {}, quantity.toLocaleString("en").replaceAll(",", "\u202f")));
  };
  return el("div", { class: "book" },
    el("div", {}, el("h2", {}, "▲ bids"), el("ol", { class: "bids" }, one.bids.map(level))),
    el("div", {}, el("h2", {}, "▼ asks"), el("ol", { class: "asks" }, one.asks.map(level))));
}
