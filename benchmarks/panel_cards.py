"""From the fact that a card waits to the card in ten browsers, each with a page of its own.

The server is the real one, the pages are in Chromium; the clock starts where the approval agent
publishes, and stops twice in each page: when the chip or card stands in the document, and at the
next frame that is drawn. All pages and the server share this machine. The second half has worlds of
a fork preview drawn beside all the time, which must not delay a card.
"""

import shutil
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Final

import msgspec
import numpy as np
from playwright.sync_api import Browser, Page, sync_playwright

from benchmarks.figures import report
from benchmarks.fork_preview import TASK
from scenarios.config.load import load_config
from scenarios.run.preview_worker import PreviewWorker
from tests.unit.human.floor import PASSWORD, SECOND, Panel, make_card, make_change, open_panel

BROWSERS: Final = 10
CARDS: Final = 40
LIMIT_MS: Final = 200.0
FLAGS: Final = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
                "--disable-background-networking", "--disable-sync"]  # fmt: skip
WATCH: Final = """() => {
    window.seen = {};
    const now = () => performance.timeOrigin + performance.now();
    const look = () => {
        for (const code of document.querySelectorAll("#queue .code")) {
            const name = code.textContent;
            if (window.seen[name]) continue;
            const at = window.seen[name] = [now(), 0];
            requestAnimationFrame(() => { at[1] = now(); });
        }
    };
    new MutationObserver(look).observe(document.body, { childList: true, subtree: true });
}"""


def open_page(browser: Browser, panel: Panel) -> Page:
    """Return a page of somebody who is signed in."""
    page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
    page.goto(panel.address)
    page.fill("input[name=name]", "ana")
    page.fill("input[name=password]", PASSWORD)
    page.click("button[type=submit]")
    page.wait_for_selector("#floor:not([hidden]) .state")
    page.evaluate(WATCH)
    return page


def measure(panel: Panel, pages: list[Page]) -> tuple[list[float], list[float]]:
    """Return milliseconds to the document and to the frame, over all cards and pages."""
    placed, drawn = list[float](), list[float]()
    for number in range(CARDS):
        card = make_card(
            f"{0x2000 + number:04X}", answer_until_ns=panel.floor.now_ns() + 60 * SECOND
        )
        began_ms = time.time_ns() / 1e6
        panel.floor.show(card)
        time.sleep(0.4)
        for page in pages:
            page.wait_for_function("(code) => window.seen[code]?.[1]", arg=card.code)
            at = page.evaluate("(code) => window.seen[code]", card.code)
            placed.append(at[0] - began_ms)
            drawn.append(at[1] - began_ms)
        panel.floor.say(make_change(card, state="not_sent", outcome="rejected"))
    return placed, drawn


def wait_until_ready(worker: PreviewWorker) -> None:
    """Wait until every drawer draws; the core may have to be compiled first."""
    ready = threading.Event()
    worker.start(msgspec.structs.replace(TASK, horizon_s=120), lambda _: ready.set())
    ready.wait()
    worker.end(TASK.record_hash)


def main() -> int:
    """Measure, print, and return whether the 99th percentile kept its limit."""
    chromium = shutil.which("chromium")
    if chromium is None:
        print("no Chromium on this machine; install the package `chromium`")
        return 1
    worker = PreviewWorker(load_config("human_gate", (), 1).swarm)
    wait_until_ready(worker)
    rows: list[dict[str, object]] = []
    longest_ms = 0.0
    for beside, preview in (("", None), (", previews drawn beside", worker)):
        with (
            tempfile.TemporaryDirectory() as folder,
            open_panel(Path(folder), preview=preview) as panel,
            sync_playwright() as playwright,
        ):
            browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
            pages = [open_page(browser, panel) for _ in range(BROWSERS)]
            panel.floor.market()
            placed, drawn = measure(panel, pages)
            browser.close()
        longest_ms = max(longest_ms, float(np.percentile(placed, 99)))
        rows += [
            {
                "card": name + beside,
                "samples": len(taken),
                **{f"p{p} ms": float(np.percentile(taken, p)) for p in (50, 90, 99)},
                "longest ms": max(taken),
            }
            for name, taken in (("in the document", placed), ("at the next frame", drawn))
        ]
    worker.close()
    report("panel_cards", rows)
    return int(longest_ms > LIMIT_MS)


if __name__ == "__main__":
    sys.exit(main())
