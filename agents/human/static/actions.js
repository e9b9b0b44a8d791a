// The buttons of a card. They send what a person said about the record and the figures on screen;
// whether it counts is said by the desk.

import { sinceBeat } from "./clock.js";
import { el, pressId } from "./dom.js";

const DEAD_MS = 700; // After a card appears or a figure changes.
const SILENCE_MS = 3000; // Without a heartbeat for so long nothing can be decided.
const WORD_MS = 6000; // How long the desk has to say what became of an answer.

export class Actions {
  constructor(card, person, { send, isSameVersion }) {
    this.card = card;
    this.person = person;
    this.send = send;
    this.isSameVersion = isSameVersion;
    this.pressed = null;
    this.deadUntil = 0;
    this.buttons = [];
    this.node = el("div", { class: "actions" });
    this.told = el("p", { class: "told", role: "status" }, "No answer: not sent.");
    this.build();
    this.rest();
  }

  // Approving rests for a moment: what is under a finger may not be what the eye has read.
  rest() {
    this.deadUntil = performance.now() + DEAD_MS;
    this.look();
  }

  build() {
    const { card, person } = this;
    const isTwo = card.tier === "two";
    if (!card.can_answer) return;
    if (!person.may_reject) {
      this.node.append(el("p", { class: "told" }, "You may look and ask. Answering takes the role trader or approver."));
      return;
    }
    const reject = this.button("reject", "Reject", "reject");
    this.reason = el("input", { maxlength: 500, autocomplete: "off", placeholder: "optional" });
    const why = el("label", { class: "reason" }, "Why not", this.reason);
    if (!person.may_approve) {
      this.node.append(this.told, el("div", { class: "line" }, why, reject));
      return;
    }
    const most = card.quantity;
    this.quantity = el("input", {
      inputmode: "numeric", autocomplete: "off", maxlength: 10, placeholder: isTwo ? `type ${most}` : `1 to ${most}`,
      on: { input: () => this.look() },
    });
    const typed = el("label", { class: "quantity" }, isTwo ? "Quantity" : "Fewer", this.quantity);
    const approve = this.button("approve", `Approve ${most.toLocaleString("en").replaceAll(",", "\u202f")}`, "approve");
    const smaller = this.button("smaller", "Approve smaller", "smaller");
    // The words stand above the buttons: when they grow, no button moves.
    this.node.append(this.told, el("div", { class: "line" }, approve, reject));
    if (isTwo) {
      this.password = el("input", { type: "password", autocomplete: "current-password", maxlength: 1000, on: { input: () => this.look() } });
      const proved = el("label", { class: "password" }, el("span", {}, "Your password", el("span", { class: "roomy" }, ", for this answer")), this.password);
      this.node.append(el("div", { class: "line asked" }, typed, proved, smaller), el("div", { class: "line reason" }, why));
    } else {
      this.node.append(el("div", { class: "line" }, typed, smaller, why));
    }
  }

  button(word, text, kind) {
    const made = el("button", { type: "button", class: kind, data: { word }, on: { click: () => this.press(word) } }, text);
    this.buttons.push(made);
    return made;
  }

  typedQuantity() {
    const text = this.quantity?.value.trim() ?? "";
    return /^[1-9][0-9]{0,8}$/.test(text) ? Number(text) : null;
  }

  // Return why a word cannot be said now, or "".
  obstacle(word) {
    const { card } = this;
    if (sinceBeat() > SILENCE_MS) return "not connected";
    if (!this.isSameVersion()) return "the server was renewed: load this page again";
    if (this.pressed !== null) return "your answer is on its way";
    if (word === "reject") return "";
    if (performance.now() < this.deadUntil || document.visibilityState !== "visible") return "just changed";
    const quantity = this.typedQuantity();
    if (card.tier === "two") {
      if (card.people.includes(this.person.name)) return "you were the first; a second person is needed";
      if (!this.password.value) return "your password is needed";
      if (word === "approve" && quantity !== card.quantity) return "the quantity must be typed";
    }
    if (word === "smaller" && (quantity === null || quantity >= card.quantity)) return "a smaller quantity must be typed";
    return "";
  }

  look() {
    for (const button of this.buttons) {
      const obstacle = this.obstacle(button.dataset.word);
      if (obstacle) button.setAttribute("aria-disabled", "true");
      else button.removeAttribute("aria-disabled");
      button.title = obstacle;
    }
  }

  press(word) {
    const obstacle = this.obstacle(word);
    if (obstacle) {
      // A press that does nothing says so, or it would be taken for an answer.
      if (this.pressed === null) this.say(`Nothing was sent: ${obstacle}.`, "no");
      this.look();
      return;
    }
    const { card } = this;
    const frame = {
      t: "answer", id: pressId(), word,
      shown: { code: card.code, record_hash: card.record_hash, sequence: card.sequence },
    };
    const quantity = this.typedQuantity();
    if (word === "smaller" || (word === "approve" && card.tier === "two")) frame.quantity = quantity;
    if (word === "reject" && this.reason.value.trim()) frame.reason = this.reason.value.trim();
    if (word !== "reject" && this.password) frame.password = this.password.value;
    if (!this.send(frame)) return;
    this.pressed = frame.id;
    setTimeout(() => this.noted(frame.id, false, "the desk has not said what became of it; this card will"), WORD_MS);
    if (this.password) this.password.value = "";
    this.say("Your answer is on its way …");
    this.look();
  }

  say(text, kind = "") {
    this.told.textContent = text;
    this.told.dataset.kind = kind;
  }

  // The desk, or the panel, has said what became of a press.
  noted(id, isTaken, reason) {
    if (id !== this.pressed) return;
    if (isTaken) {
      this.isTaken = true;
      this.say("Your answer counts.");
    }
    if (this.isTaken) return;
    this.pressed = null;
    this.say(`Not taken: ${reason}`, "no");
    this.rest();
  }

  // The connection came back: what became of an answer stands on the card, if it arrived at all.
  reconnected() {
    if (this.pressed === null) return;
    this.pressed = null;
    this.say("The connection broke after you answered; this card shows what the desk knows.", "no");
    this.rest();
  }

  update(card) {
    this.card = card;
    this.look();
  }
}
