// How a person is told: title, badge, notification, sound, and words for a screen reader.
// Sound and notifications are off until switched on, and never the only sign.

import { byId } from "./dom.js";

let floor = "Outcry";
let isLoud = false;
let audio = null;

const TONES = {
  new: [[660, 0], [880, 0.14]],
  reminder: [[700, 0]],
  halt: [[330, 0], [262, 0.2], [196, 0.4]],
};

export function setFloor(name) {
  floor = name;
}

export function setLoud(on) {
  isLoud = on;
  if (on) {
    audio ??= new AudioContext();
    audio.resume();
  }
}

export function play(name) {
  if (!isLoud || audio === null) return;
  for (const [pitch, after] of TONES[name]) {
    const tone = audio.createOscillator();
    const gain = audio.createGain();
    const start = audio.currentTime + after;
    tone.frequency.value = pitch;
    gain.gain.setValueAtTime(0.0001, start);
    gain.gain.exponentialRampToValueAtTime(0.12, start + 0.02);
    gain.gain.exponentialRampToValueAtTime(0.0001, start + 0.17);
    tone.connect(gain).connect(audio.destination);
    tone.start(start);
    tone.stop(start + 0.2);
  }
}

// Assertive words are for a new order and a halt only; everything else waits its turn.
export function announce(text, isUrgent = false) {
  byId(isUrgent ? "urgent" : "polite").textContent = text;
}

let shownCount = -1;

export function badge(count) {
  if (count === shownCount) return;
  shownCount = count;
  document.title = count ? `(${count}) ${floor} · Outcry` : `${floor} · Outcry`;
  if (count) navigator.setAppBadge?.(count).catch(() => {});
  else navigator.clearAppBadge?.().catch(() => {});
  drawIcon(count);
}

function drawIcon(count) {
  const link = document.querySelector('link[rel="icon"]');
  if (!count) {
    link.href = "/static/icon.svg";
    return;
  }
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = 64;
  const pen = canvas.getContext("2d");
  pen.fillStyle = "#a3261c";
  pen.beginPath();
  pen.arc(32, 32, 31, 0, 7);
  pen.fill();
  pen.fillStyle = "#fff";
  pen.font = "bold 42px system-ui, sans-serif";
  pen.textAlign = "center";
  pen.textBaseline = "middle";
  pen.fillText(count > 9 ? "9+" : String(count), 32, 35);
  link.href = canvas.toDataURL("image/png");
}

export const mayNotify = () => "Notification" in window && Notification.permission === "granted";

export async function askToNotify() {
  if (!("Notification" in window)) return false;
  return (await Notification.requestPermission()) === "granted";
}

// No size and no price: a notification is read over shoulders and kept by other programs.
export function notify(code, tier) {
  if (!mayNotify() || document.visibilityState === "visible") return;
  const told = new Notification(`${code} waits`, { body: `An order needs ${tier === "two" ? "two people" : "a person"}.`, tag: code });
  told.addEventListener("click", () => {
    window.focus();
    told.close();
  });
}
