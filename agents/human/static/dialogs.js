// Dialogs that move the desk. Each needs its own press; resuming needs a reason and a password too.

import { el, pressId } from "./dom.js";

function dialog(title, note, fields, word, kind, act) {
  const wrong = el("p", { class: "wrong", role: "alert" });
  const node = el("dialog", { "aria-label": title });
  const form = el("form", { on: { submit: (event) => {
    event.preventDefault();
    const refused = act(new FormData(form));
    if (refused) wrong.textContent = refused;
    else node.close();
  } } },
  el("h2", {}, title), el("p", {}, note), fields, wrong,
  el("div", { class: "row" },
    el("button", { type: "button", on: { click: () => node.close() } }, "Back"),
    el("button", { type: "submit", class: kind }, word)));
  node.append(form);
  node.addEventListener("close", () => node.remove());
  document.body.append(node);
  node.showModal();
}

export function halt(send) {
  dialog("Halt the desk", "Nothing opens any more; working orders are cancelled. Resuming takes an approver, a password and a reason.", [
    el("label", {}, "Reason, if there is time for one", el("input", { name: "reason", maxlength: 500, autocomplete: "off" })),
  ], "Halt now", "stop", (form) => (send({ t: "control", id: pressId(), word: "halt", reason: form.get("reason") }) ? "" : "Not connected. Use: outcry halt"));
}

export function flatten(send) {
  dialog("Flatten", "Cancels what works, then closes every position, short options first.", [
    el("label", {}, "Reason", el("input", { name: "reason", maxlength: 500, autocomplete: "off" })),
  ], "Flatten now", "stop", (form) => (send({ t: "control", id: pressId(), word: "flatten", reason: form.get("reason") }) ? "" : "Not connected: nothing was sent."));
}

export function resume(send, state, reason, part = null) {
  const what = part ? `${part.scope} ${part.shown}` : "desk";
  const why = (part ?? state).reason;
  const holds = (part ?? state).held ?? [];
  const figures = part?.figures ? ` (${part.figures})` : "";
  dialog("Resume, one step", `The ${what} is ${(part?.state ?? state.name).toUpperCase()}. ${why ? `It stopped because: ${why}${figures}` : "No reason is recorded."} Cards from before are void.`, [
    el("p", { class: "open" }, state.unknown || state.breaks
      ? `Unknown outcomes: ${state.unknown}, breaks against the venue: ${state.breaks}. It stays where it is until both are 0.`
      : "No outcome is unknown, and nothing differs from the venue."),
    holds.length ? el("ul", { class: "held", "aria-label": "It will stop again" }, holds.map((text) => el("li", {}, text))) : null,
    el("label", {}, "Why it may go on, in your words", el("input", { name: "reason", required: true, maxlength: 500, value: reason, autocomplete: "off" })),
    el("label", {}, "Your password", el("input", { name: "password", type: "password", required: true, maxlength: 1000, autocomplete: "current-password" })),
  ], "Resume", "main", (form) => {
    const frame = { t: "control", id: pressId(), word: "resume", reason: form.get("reason"), password: form.get("password") };
    if (part) Object.assign(frame, { scope: part.scope, name: part.name });
    return send(frame) ? "" : "Not connected: nothing was sent.";
  });
}

export function allow(send, rules) {
  dialog("Looser rules of the file", "They hold once you allow them; tighter ones hold already. Both are recorded.", [
    el("ul", { class: "waits" }, rules.waits.map(([name, now, asked]) => el("li", {}, el("b", {}, name), el("br"), `${now} → ${asked}`))),
    el("label", {}, "Your password", el("input", { name: "password", type: "password", required: true, maxlength: 1000, autocomplete: "current-password" })),
  ], "Allow them", "stop", (form) => (send({ t: "allow", id: pressId(), source: rules.source, password: form.get("password") }) ? "" : "Not connected: nothing was sent."));
}
