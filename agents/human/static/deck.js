// The card on screen. It is chosen by a person; what arrives never takes its place, nor the focus.

import { Actions } from "./actions.js";
import { loadCharts } from "./charts.js";
import { leftMs, span } from "./clock.js";
import { byId, el } from "./dom.js";
import { figuresOf, makeFace, makeWords, tierWords } from "./face.js";
import { Queue } from "./queue.js";
import { Unfold } from "./unfold.js";
import { announce } from "./alerts.js";

const WAITS_ANNOUNCED = [30, 10];
const VIEW_REPORT_MS = 30_000;

// Whether what could be answered before is another thing now.
function isOther(before, now) {
  return ["record_hash", "state", "can_answer"].some((name) => before[name] !== now[name]) || before.people.length !== now.people.length;
}

export class Deck {
  constructor({ send, isSameVersion }) {
    this.send = send;
    this.isSameVersion = isSameVersion;
    this.cards = new Map();
    this.unseen = new Set();
    this.current = null;
    this.actions = null;
    this.person = { may_reject: false, may_approve: false, name: "" };
    this.queue = new Queue(byId("queue"), (code) => this.open(code, true));
    this.place = byId("card");
    this.viewedSince = null;
    this.build();
  }

  waiting() {
    return [...this.cards.values()].filter((card) => card.can_answer);
  }

  // What of the card is on screen, for words that decide and for questions.
  shown() {
    const card = this.cards.get(this.current);
    return card && { code: card.code, record_hash: card.record_hash, sequence: card.sequence };
  }

  // A whole room was heard, at first or again: cards that ended meanwhile say so.
  reset(cards, person) {
    const isSamePerson = JSON.stringify(person) === JSON.stringify(this.person);
    const before = this.cards.get(this.current);
    this.person = person;
    const known = new Set(this.cards.keys());
    this.cards = new Map(cards.map(({ card }) => [card.code, card]));
    for (const { card } of cards) if (card.can_answer && !known.has(card.code)) this.unseen.add(card.code);
    const now = this.cards.get(this.current);
    if (before && now) {
      this.draw(before, { isNewRecord: !isSamePerson || isOther(before, now) });
      this.actions.reconnected();
    } else {
      this.current = null;
      this.build();
      this.openFirst();
    }
    this.showQueue();
  }

  openFirst() {
    const first = this.waiting()[0];
    if (first && this.current === null) this.open(first.code, false);
  }

  // One card changed. Return whether it newly wants an answer.
  lay(card) {
    const before = this.cards.get(card.code);
    const isNew = card.can_answer && before?.record_hash !== card.record_hash;
    this.cards.set(card.code, card);
    if (isNew && card.code !== this.current) this.unseen.add(card.code);
    if (!card.can_answer) this.unseen.delete(card.code);
    if (card.code === this.current) {
      this.draw(before, { isNewRecord: isOther(before, card) });
    } else {
      this.openFirst();
    }
    this.showQueue();
    return isNew;
  }

  open(code, byPerson) {
    if (code === this.current) return;
    this.reportView();
    this.current = code;
    this.unseen.delete(code);
    this.draw(null, { isNewRecord: true });
    if (byPerson) this.place.focus({ preventScroll: true });
    this.showQueue();
    loadCharts().catch(() => {});
  }

  showQueue() {
    const finished = this.cards.get(this.current);
    const chips = this.waiting();
    if (finished && !finished.can_answer) chips.unshift(finished);
    this.queue.show(chips, this.current, this.unseen);
  }

  build() {
    this.actions = this.unfold = null;
    this.place.replaceChildren(el("div", { class: "empty" },
      el("strong", {}, "Nothing waits for you"),
      el("p", {}, "An order that needs a person appears here by itself. Until somebody answers, it is not sent.")));
  }

  draw(before, { isNewRecord }) {
    const card = this.cards.get(this.current);
    if (isNewRecord || this.actions === null) this.lay_out(card);
    else this.actions.update(card);
    const hasMoved = before !== null && before !== undefined && figuresOf(before) !== figuresOf(card);
    this.faceNode.replaceChildren(makeFace(card, isNewRecord ? null : before), ...[makeWords(card)].filter(Boolean));
    this.unfold.update(card);
    if (hasMoved) this.actions.rest();
    this.tick();
  }

  lay_out(card) {
    const hadFocus = this.place.contains(document.activeElement) && this.place !== document.activeElement;
    this.left = el("span", { class: "left", role: "timer", "aria-live": "off" });
    this.faceNode = el("div", {});
    const open = this.unfold?.card.code === card.code ? this.unfold.standsOpen() : [];
    this.unfold = new Unfold(card, this.send);
    this.actions = new Actions(card, this.person, { send: this.send, isSameVersion: this.isSameVersion });
    this.announced = new Set();
    this.viewedSince = performance.now();
    this.reportedFirst = false;
    const top = el("div", { class: "topline" },
      el("span", { class: "code" }, card.code), el("span", { class: "tier" }, tierWords(card.tier)),
      el("span", { class: "score" }, `risk ${card.score} of 100`), this.left);
    this.place.replaceChildren(el("div", { class: "scroll", tabindex: "0", role: "group", "aria-label": `Order ${card.code}` }, top, this.faceNode, this.unfold.node), this.actions.node);
    this.unfold.reopen(open);
    // What had the focus is gone; it goes to the card as a whole, never to a button.
    if (hadFocus) this.place.focus({ preventScroll: true });
  }

  // Several times a second: time left, and what may be pressed.
  tick() {
    this.queue.tick();
    const card = this.cards.get(this.current);
    if (!card || !this.left) return;
    this.actions.look();
    if (!card.can_answer) {
      this.left.textContent = "";
      return;
    }
    const left = leftMs(card.code);
    this.left.textContent = `${span(left)} left`;
    this.left.dataset.near = String(left <= 10_000);
    this.announceLeft(card.code, left);
    const shownFor = performance.now() - this.viewedSince;
    const isDue = shownFor > VIEW_REPORT_MS || this.unfold.opened.size > 0 || !this.reportedFirst;
    if (isDue && shownFor > 400) this.reportView();
  }

  announceLeft(code, left) {
    const passed = WAITS_ANNOUNCED.filter((seconds) => left > 0 && left <= seconds * 1000).at(-1);
    if (passed === undefined || this.announced.has(passed)) return;
    WAITS_ANNOUNCED.filter((seconds) => seconds >= passed).forEach((seconds) => this.announced.add(seconds));
    announce(`${code}: ${Math.ceil(left / 1000)} seconds left`);
  }

  // Tell the record for how long this card was looked at, and what was unfolded.
  reportView() {
    const shown = this.shown();
    if (!shown || this.viewedSince === null) return;
    const now = performance.now();
    if (document.visibilityState !== "visible" || this.place.offsetParent === null) {
      this.viewedSince = now;
      return;
    }
    const ms = Math.min(Math.round(now - this.viewedSince), 600_000);
    // Without a connection nothing was told: it is told later, with what is seen until then.
    if (!this.send({ t: "viewed", shown, shown_ms: ms, unfolded: [...this.unfold.opened] })) return;
    this.unfold.opened.clear();
    this.viewedSince = now;
    this.reportedFirst = true;
  }

  noted(frame) {
    this.actions?.noted(frame.id, frame.is_taken ?? false, frame.reason ?? "");
  }

  previewCame(frame) {
    if (this.cards.get(this.current)?.record_hash === frame.record_hash) this.unfold.previewCame();
  }

  unfolded(frame) {
    if (frame.code === this.current) this.unfold.unfolded(frame);
  }
}
