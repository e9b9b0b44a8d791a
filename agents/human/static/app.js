// The panel. Nothing here decides anything: it shows what the desk says and sends what people say.

import { announce, badge, notify, play, setFloor } from "./alerts.js";
import { Bar, applyTheme } from "./bar.js";
import { Chat } from "./chat.js";
import { exchangeTime, heard, marketMs, setZone, sinceBeat } from "./clock.js";
import { Deck } from "./deck.js";
import * as dialogs from "./dialogs.js";
import { byId, el, pressId } from "./dom.js";
import { passGate } from "./gate.js";
import { Live } from "./live.js";
import { whenReleased } from "./press.js";
import { Reading } from "./read.js";
import { renew, session, signOut } from "./session.js";
import { connect } from "./socket.js";

const SILENCE_MS = 3000;
const version = document.querySelector('meta[name="panel-version"]').content;

let serverVersion = version;
let socket = null;
let person = { name: "", may_reject: false, may_approve: false };
let state = { name: "active", reason: "", person: "", unknown: 0, breaks: 0 };
let rules = { source: "", waits: [] };
let nobody = "";
let isAtGate = true;
let renewing = 0;

const isConnected = () => sinceBeat() <= SILENCE_MS;
const isSameVersion = () => serverVersion === version;
const send = (frame) => isConnected() && isSameVersion() && socket.send(frame);

// A call to people names the card: its link opens it, once it is here, and answers nothing.
let called = /^#card=([0-9A-F]{4})$/.exec(location.hash)?.[1] ?? "";

applyTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", applyTheme);

const deck = new Deck({ send, isSameVersion });
const chat = new Chat({ send, shown: () => deck.shown(), open: (code) => openCard(code), aside: () => showPart("read") });
const reading = new Reading({ send, back: () => showPart("chat") });
const live = new Live({
  read: (agent) => openReadings(agent),
  cancel: (order_id) => send({ t: "cancel", id: pressId(), order_id }),
  flatten: () => dialogs.flatten(send),
  resume: (part) => dialogs.resume(send, state, "", part),
});
const bar = new Bar({
  halt: () => dialogs.halt(send),
  resume: () => dialogs.resume(send, state, ""),
  allow: () => dialogs.allow(send, rules),
  signOut: async () => {
    await signOut().catch(() => {});
    location.reload();
  },
});

// --- parts, on a phone one at a time -----------------------------------------------------------

// On a wide page the conversation and what analysts read share one place.
const PARTS = { desk: "Order", chat: "Conversation", read: "Analysts", live: "Live" };
const tabs = Object.entries(PARTS).map(([name, text]) =>
  el("button", { type: "button", data: { part: name }, on: { click: () => showPart(name) } }, text));
byId("tabs").replaceChildren(...tabs);

function showPart(name) {
  byId("floor").dataset.part = name;
  for (const tab of tabs) tab.setAttribute("aria-current", String(tab.dataset.part === name));
}
showPart("desk");

function openReadings(agent) {
  showPart("read");
  reading.show(agent);
}

function openCard(code) {
  showPart("desk");
  deck.open(code, true);
}

// --- frames ------------------------------------------------------------------------------------

const hear = {
  room(frame) {
    person = frame.person;
    serverVersion = frame.version;
    setZone(frame.zone);
    setFloor(frame.floor);
    bar.setPerson(frame.floor, person);
    setState(frame.live.state);
    deck.reset(frame.cards, person);
    chat.reset(frame.chat, person.name);
    reading.reset(frame.readings);
    live.show(frame.live, person);
    if (called && deck.cards.has(called)) openCard(called);
    called = "";
  },
  reading: (frame) => reading.add(frame.row),
  read: (frame) => reading.told(frame),
  beat(frame) {
    serverVersion = frame.version;
    nobody = frame.nobody;
    heard(frame);
  },
  card(frame) {
    const isNew = deck.lay(frame.card);
    if (!isNew) return;
    play("new");
    notify(frame.card.code, frame.card.tier);
    announce(`New order ${frame.card.code}: ${frame.card.title}, ${frame.card.limit}`, true);
  },
  due(frame) {
    play("reminder");
    notify(frame.code, "");
  },
  noted: (frame) => deck.noted(frame),
  refused(frame) {
    deck.noted({ ...frame, is_taken: false });
    chat.say(frame.reason);
    announce(frame.reason);
  },
  said: (frame) => chat.add(frame.entry),
  live: (frame) => {
    setState(frame.live.state);
    live.show(frame.live, person);
  },
  state(frame) {
    if (frame.scope !== "desk") return;
    if (frame.name === "halted" && state.name !== "halted") {
      play("halt");
      announce(`The desk is halted. ${frame.reason}`, true);
    }
    setState(frame);
  },
  rules(frame) {
    rules = frame;
    bar.setRules(frame);
  },
  unfolded: (frame) => deck.unfolded(frame),
  preview: (frame) => deck.previewCame(frame),
  open: (frame) => dialogs.resume(send, state, frame.reason),
};

function setState(told) {
  state = told;
  bar.setState(told);
}

// --- how the page stands -----------------------------------------------------------------------

let lastFigures = null;

function tick() {
  if (isConnected()) lastFigures = marketMs();
  const notice = byId("notice");
  let text = nobody;
  let kind = "nobody";
  if (!isConnected()) {
    text = lastFigures === null ? "connecting …" : `not connected, figures of ${exchangeTime(lastFigures)}`;
    kind = "lost";
  } else if (!isSameVersion()) {
    text = "the server was renewed: load this page again to answer";
    kind = "lost";
  }
  if (notice.textContent !== text) notice.textContent = text;
  notice.dataset.kind = kind;
  notice.hidden = text === "";
  bar.tick();
  deck.tick();
  badge(deck.waiting().length);
}
setInterval(() => isAtGate || tick(), 200);
document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && deck.actions?.rest());

async function enter(note = "") {
  isAtGate = true;
  const told = await passGate(note);
  isAtGate = false;
  byId("floor").hidden = false;
  socket = connect({
    version,
    // A heartbeat draws nothing, and must not wait for a finger.
    onFrame: (frame) => (frame.t === "beat" ? hear.beat(frame) : whenReleased(() => hear[frame.t]?.(frame))),
    onOpen: () => {},
    onLost: () => {},
    onSignedOut: () => checkSignIn(),
  });
  clearInterval(renewing);
  // The sign-in lasts while a page is open; the cards stay where they are.
  renewing = setInterval(() => renew().catch(() => {}), told.renew_s * 1000);
}

let isChecking = false;

// A closed socket may mean a sign-in that ended. The cards stay on screen behind the gate.
async function checkSignIn() {
  if (isChecking || isAtGate) return;
  isChecking = true;
  const told = await session().catch(() => null);
  isChecking = false;
  if (told === null || told.signed_in) return;
  socket.close();
  byId("floor").hidden = true;
  await enter("Your sign-in has ended. The orders still wait.");
}

enter();
