// The conversation: words that decide, commands and questions go in; what was said comes out.

import { exchangeTime } from "./clock.js";
import { byId, el, pressId, table } from "./dom.js";

const SOURCES = { recorded: "from the record", revalued: "revalued", model: "a model's words" };

export class Chat {
  constructor({ send, shown, open, aside }) {
    this.send = send;
    this.shown = shown;
    this.open = open;
    this.me = "";
    this.log = el("div", { id: "log", role: "log", "aria-label": "What was said", tabindex: "0" });
    this.input = el("input", {
      id: "line", maxlength: 1000, autocomplete: "off", autocapitalize: "none", spellcheck: "false",
      placeholder: "Ask, or /positions /risk /halt …", "aria-label": "Ask, or type a command",
    });
    this.told = el("p", { class: "hint", role: "status" }, "approve CODE · reject CODE because … · anything else is a question and changes nothing");
    const form = el("form", { id: "composer", on: { submit: (event) => this.submit(event) } },
      this.input, el("button", { type: "submit" }, "Send"));
    const heading = el("div", { class: "heading" }, el("h2", {}, "Conversation"),
      el("button", { type: "button", class: "quiet aside", on: { click: aside } }, "Analysts"));
    byId("chat").replaceChildren(heading, this.log, form, this.told);
  }

  reset(entries, me) {
    this.me = me;
    this.log.replaceChildren();
    entries.forEach((entry) => this.add(entry));
    this.log.scrollTop = this.log.scrollHeight;
  }

  add(entry) {
    // One way to each card, from the last line about it: keys should not walk past many.
    for (const old of this.log.querySelectorAll(`button[data-code="${entry.code}"]`)) old.remove();
    const isAtEnd = this.log.scrollHeight - this.log.scrollTop - this.log.clientHeight < 40;
    this.log.append(this.line(entry));
    while (this.log.childElementCount > 300) this.log.firstElementChild.remove();
    // Who has scrolled up to read stays where they are.
    if (isAtEnd) this.log.scrollTop = this.log.scrollHeight;
  }

  line(entry) {
    const rows = entry.rows?.length ? table(entry.rows) : null;
    const open = entry.code && entry.speaker === "card"
      ? el("button", { type: "button", data: { code: entry.code }, on: { click: () => this.open(entry.code) } }, `Open ${entry.code}`) : null;
    return el("article", { class: "said", data: { speaker: entry.speaker, mine: String(entry.speaker === "person" && entry.who === this.me) } },
      el("header", {}, el("b", {}, entry.who), el("time", {}, exchangeTime(entry.at_ns / 1e6)),
        entry.source ? el("span", { class: "source" }, SOURCES[entry.source] ?? entry.source) : null),
      el("p", {}, entry.text), rows, open);
  }

  submit(event) {
    event.preventDefault();
    const text = this.input.value.trim();
    if (!text) return;
    const frame = { t: "say", id: pressId(), text };
    const shown = this.shown();
    if (shown) frame.shown = shown;
    if (this.send(frame)) {
      this.input.value = "";
      this.say("");
    } else {
      this.say("Not connected: nothing was sent.");
    }
  }

  say(text) {
    this.told.textContent = text;
  }
}
