// The gate: sign in, or choose a password with a one-time link. Its token came in the fragment,
// which no server is sent; it leaves the address bar at once.

import { byId, el } from "./dom.js";
import { session, signIn, useLink } from "./session.js";

function takeLink() {
  const found = /^#link=([A-Za-z0-9_-]+)$/.exec(location.hash);
  if (location.hash) history.replaceState(null, "", location.pathname);
  return found ? found[1] : "";
}

function field(label, name, given) {
  return el("label", {}, label, el("input", { name, required: true, ...given }));
}

function entry(title, note, fields, word, act, onDone) {
  const wrong = el("p", { class: "wrong", role: "alert" });
  const button = el("button", { class: "main", type: "submit" }, word);
  const form = el("form", { on: { submit: async (event) => {
    event.preventDefault();
    if (button.getAttribute("aria-disabled")) return;
    button.setAttribute("aria-disabled", "true");
    wrong.textContent = "";
    try {
      const told = await act(new FormData(form));
      form.reset();
      onDone(told);
    } catch (error) {
      wrong.textContent = error.message;
      button.removeAttribute("aria-disabled");
    }
  } } }, fields, button, wrong);
  return el("div", { class: "entry" },
    el("img", { src: "/static/icon.svg", alt: "" }),
    el("h1", {}, title), el("p", { class: "note" }, note), form);
}

function linkEntry(floor, token, onDone) {
  const least = 10;
  return entry("Choose your password", `This link lets you in once. Use ${least} characters or more.`, [
    field("New password", "password", { type: "password", autocomplete: "new-password", minlength: least }),
    field("Once more", "again", { type: "password", autocomplete: "new-password", minlength: least }),
  ], "Save and sign in", (form) => {
    if (form.get("password") !== form.get("again")) throw new Error("The two passwords differ.");
    return useLink(token, form.get("password"));
  }, onDone);
}

function signInEntry(floor, note, onDone) {
  return entry(`Sign in to ${floor}`, note, [
    field("Name", "name", { autocomplete: "username", autocapitalize: "none", spellcheck: "false", maxlength: 40 }),
    field("Password", "password", { type: "password", autocomplete: "current-password" }),
  ], "Sign in", (form) => signIn(form.get("name"), form.get("password")), onDone);
}

// Show the gate until somebody is signed in, and return what the server says of them.
export async function passGate(note = "") {
  const gate = byId("gate");
  const token = takeLink();
  const told = await session().catch((error) => ({ signed_in: false, floor: "Outcry", reason: error.message }));
  if (told.signed_in && !token) return told;
  return new Promise((resolve) => {
    const done = (person) => {
      gate.hidden = true;
      gate.replaceChildren();
      resolve(person);
    };
    const words = note || told.reason || "Every order that needs a person waits here.";
    gate.replaceChildren(token ? linkEntry(told.floor, token, done) : signInEntry(told.floor, words, done));
    gate.hidden = false;
    gate.querySelector("input").focus();
  });
}
