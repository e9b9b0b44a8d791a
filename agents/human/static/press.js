// What is pressed must be there when it is let go: between the two nothing is drawn anew, or the
// click would go nowhere. What arrives meanwhile waits, in its order.

const LONGEST_MS = 3000; // A release that the browser never told of must not stop the page.

let since = null;
const late = [];

const isPressed = () => since !== null && performance.now() - since < LONGEST_MS;

function press() {
  since = performance.now();
  setTimeout(() => isPressed() || release(), LONGEST_MS);
}

function release() {
  since = null;
  for (const act of late.splice(0)) act();
}

export function whenReleased(act) {
  if (isPressed()) {
    late.push(act);
    return;
  }
  release();
  act();
}

addEventListener("pointerdown", press, { capture: true });
// After the click, which comes on the heels of these.
for (const end of ["pointerup", "pointercancel", "blur"]) addEventListener(end, () => setTimeout(release));
// A key presses too: a space clicks when it is let go.
addEventListener("keydown", (event) => event.key === " " && event.target.closest?.("button, summary") && !event.repeat && press(), { capture: true });
addEventListener("keyup", (event) => event.key === " " && setTimeout(release), { capture: true });
