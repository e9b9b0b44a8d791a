// The bar: whose floor, in which state, what time it is, and the switches.

import { askToNotify, mayNotify, play, setLoud } from "./alerts.js";
import { exchangeTime, marketMs, ownTime, ownZoneName, zoneName } from "./clock.js";
import { byId, el } from "./dom.js";

const SHAPES = { active: "●", reducing: "▼", halted: "■" };
const THEME = "outcry-theme";

export function applyTheme() {
  const wanted = localStorage.getItem(THEME) ?? (matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light");
  document.documentElement.dataset.theme = wanted;
}

function flipTheme() {
  const next = document.documentElement.dataset.theme === "dark" ? "light" : "dark";
  localStorage.setItem(THEME, next);
  applyTheme();
  document.dispatchEvent(new Event("theme"));
}

// Switches in a row, or on a phone behind one button.
function menu(...switches) {
  const row = el("div", { id: "switches" }, switches);
  const button = el("button", { type: "button", class: "quiet menu", "aria-expanded": "false", "aria-controls": "switches", on: { click: () => {
    const isOpen = row.classList.toggle("open");
    button.setAttribute("aria-expanded", String(isOpen));
  } } }, "Menu");
  return [button, row];
}

function toggle(words, act) {
  const made = el("button", { type: "button", class: "quiet", "aria-pressed": "false", on: { click: async () => {
    const on = await act(made.getAttribute("aria-pressed") !== "true");
    made.setAttribute("aria-pressed", String(on));
    made.textContent = `${words} ${on ? "on" : "off"}`;
  } } }, `${words} off`);
  return made;
}

export class Bar {
  constructor({ halt, resume, allow, signOut }) {
    this.state = el("span", { class: "state", role: "status", data: { state: "active" } });
    this.name = el("span", {});
    this.market = el("b", {});
    this.own = el("span", { class: "own" });
    this.person = el("button", { type: "button", class: "quiet", on: { click: signOut } });
    this.stop = el("button", { type: "button", class: "stop", on: { click: halt } }, "Halt …");
    this.go = el("button", { type: "button", hidden: true, on: { click: resume } }, "Resume …");
    this.rules = el("button", { type: "button", hidden: true, on: { click: allow } }, "Rules wait …");
    const sound = toggle("Sound", async (on) => {
      setLoud(on);
      if (on) play("reminder");
      return on;
    });
    const notices = toggle("Notices", async (on) => on && (await askToNotify()));
    if (mayNotify()) {
      notices.setAttribute("aria-pressed", "true");
      notices.textContent = "Notices on";
    }
    byId("bar").replaceChildren(
      el("h1", {}, el("img", { src: "/static/icon.svg", alt: "" }), this.name), this.state, this.go, this.rules,
      el("span", { class: "gap" }), el("p", { class: "clock" }, this.market, el("br"), this.own),
      ...menu(sound, notices, el("button", { type: "button", class: "quiet", on: { click: flipTheme } }, "Light or dark"), this.person),
      this.stop);
  }

  setPerson(floor, person) {
    this.name.textContent = floor;
    this.person.textContent = `Sign out ${person.name}`;
    this.stop.hidden = !person.may_reject;
    this.mayResume = person.may_approve;
    this.mayAllow = person.may_allow;
  }

  setRules(rules) {
    this.rules.hidden = !rules.waits.length || !this.mayAllow;
  }

  setState(state) {
    this.state.dataset.state = state.name;
    this.state.replaceChildren(el("span", { "aria-hidden": "true" }, SHAPES[state.name]), state.name.toUpperCase());
    this.state.title = state.reason;
    this.go.hidden = state.name === "active" || !this.mayResume;
  }

  tick() {
    const ms = marketMs();
    if (ms === null) return;
    this.market.textContent = `${exchangeTime(ms)} ${zoneName()}`;
    this.own.textContent = `${ownTime(ms)} ${ownZoneName()}, yours`;
  }
}
