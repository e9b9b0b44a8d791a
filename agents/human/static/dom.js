// Everything the panel shows is made here, as text: no string ever becomes markup.

export function el(tag, given = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(given)) {
    if (value === undefined || value === null || value === false) continue;
    if (name === "on") {
      for (const [event, act] of Object.entries(value)) made.addEventListener(event, act);
    } else if (name === "data") {
      Object.assign(made.dataset, value);
    } else {
      made.setAttribute(name, value === true ? "" : String(value));
    }
  }
  made.append(...children.flat().filter((child) => child !== null && child !== undefined && child !== ""));
  return made;
}

const SVG = "http://www.w3.org/2000/svg";

export function svg(tag, given = {}, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(given)) made.setAttribute(name, String(value));
  made.append(...children);
  return made;
}

export function table(rows, numeric = []) {
  const [head, ...body] = rows;
  const side = (i) => (numeric.includes(i) ? "n" : undefined);
  return el("div", { class: "wide", tabindex: "0", role: "group", "aria-label": head.join(", ") },
    el("table", {},
      el("thead", {}, el("tr", {}, head.map((text, i) => el("th", { scope: "col", class: side(i) }, text)))),
      el("tbody", {}, body.map((row) => el("tr", {}, row.map((text, i) => el("td", { class: side(i) }, String(text))))))));
}

// Who said what, and what it rests on, as a tree.
export function graph(nodes) {
  const item = (one) => el("li", {},
    el("b", {}, one.who), ` ${one.what}`, one.words ? el("aside", { class: "words", "aria-label": "Not verified" }, el("p", {}, one.words)) : null,
    one.from.length ? el("ol", {}, one.from.map(item)) : null);
  return el("ol", { class: "graph" }, nodes.map(item));
}

export const byId = (name) => document.getElementById(name);

// A number that nobody can guess, for one press: a second message with it changes nothing.
export function pressId() {
  const bytes = crypto.getRandomValues(new Uint8Array(12));
  return [...bytes].map((byte) => byte.toString(16).padStart(2, "0")).join("");
}
