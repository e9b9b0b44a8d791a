// The orders that wait, one chip each. A new one is added at the end: nothing that is there moves.

import { leftMs, span } from "./clock.js";
import { el } from "./dom.js";

export class Queue {
  constructor(node, open) {
    this.node = node;
    this.open = open;
    this.chips = new Map();
    this.empty = el("p", {}, "No order waits for a person.");
    this.node.append(this.empty);
  }

  show(cards, current, unseen) {
    for (const [code, chip] of this.chips) {
      if (!cards.some((card) => card.code === code)) {
        chip.remove();
        this.chips.delete(code);
      }
    }
    for (const card of cards) {
      let chip = this.chips.get(card.code);
      if (!chip) {
        chip = el("button", { type: "button", on: { click: () => this.open(card.code) } },
          el("span", { class: "code" }, card.code), el("span", { class: "left" }), el("span", { class: "new" }, "1 new"));
        this.chips.set(card.code, chip);
        this.node.append(chip);
      }
      chip.setAttribute("aria-current", String(card.code === current));
      chip.setAttribute("aria-label", `${card.code}, ${card.title}${unseen.has(card.code) ? ", new" : ""}`);
      chip.dataset.waits = String(card.can_answer);
      chip.dataset.over = ["sent", "done"].includes(card.state) ? "sent" : "not sent";
      chip.querySelector(".new").hidden = !unseen.has(card.code);
    }
    this.empty.hidden = cards.length > 0;
  }

  tick() {
    for (const [code, chip] of this.chips) {
      chip.querySelector(".left").textContent = chip.dataset.waits === "true" ? span(leftMs(code)) : chip.dataset.over;
    }
  }
}
