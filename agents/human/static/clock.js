// Times: the exchange's zone by name, the viewer's own beside it; the countdown is the server's.

let zone = "UTC";
let beat = null; // The last heartbeat, and when it was heard by this page's own steady clock.

const own = Intl.DateTimeFormat().resolvedOptions().timeZone;
const formats = new Map();

function format(name) {
  if (!formats.has(name)) {
    formats.set(name, new Intl.DateTimeFormat("en-GB", {
      timeZone: name, hour: "2-digit", minute: "2-digit", second: "2-digit",
    }));
  }
  return formats.get(name);
}

export function setZone(name) {
  zone = name;
}

export const zoneName = () => zone.replace(/^.*\//, "").replaceAll("_", " ");
export const ownZoneName = () => own.replace(/^.*\//, "").replaceAll("_", " ");

export function heard(frame) {
  beat = { ...frame, at: performance.now() };
}

export const sinceBeat = () => (beat === null ? Infinity : performance.now() - beat.at);

// Market time now, in milliseconds; it stands still while no heartbeat comes.
export function marketMs() {
  return beat === null ? null : beat.market_ms + Math.min(sinceBeat(), 1000);
}

export const exchangeTime = (ms) => format(zone).format(ms);
export const ownTime = (ms) => format(own).format(ms);

// How long a card still waits, as the server said, less what has passed since it said so.
export function leftMs(code, told) {
  const said = beat?.left?.[code];
  if (said !== undefined) return Math.max(0, said - sinceBeat());
  return told === undefined ? 0 : Math.max(0, told.left - (performance.now() - told.at));
}

export function span(ms) {
  const seconds = Math.ceil(ms / 1000);
  const rest = String(seconds % 60).padStart(2, "0");
  const minutes = Math.floor(seconds / 60) % 60;
  const hours = Math.floor(seconds / 3600);
  return hours ? `${hours}:${String(minutes).padStart(2, "0")}:${rest}` : `${minutes}:${rest}`;
}
