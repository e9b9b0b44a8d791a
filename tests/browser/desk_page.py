"""What browser tests of the panel share: one server, one Chromium, people who are signed in."""

import shutil
from collections.abc import Iterator
from typing import Any, Final

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, StorageState, sync_playwright

from agents.human.panel_reading import Readings
from environment.approval_messages import OrderCard
from tests.unit.human.floor import PASSWORD, SECOND, Panel, make_card, make_change, open_panel

CHROMIUM: Final = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS: Final = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
]  # fmt: skip
# The chart script brings the style sheet of its maps along, which the policy keeps out; nothing
# else may complain.
EXPECTED: Final = "Applying inline style violates"


class DeskPages:
    """Opens pages before one panel, each person signed in once."""

    def __init__(self, panel: Panel, browser: Browser) -> None:
        self.panel = panel
        self.browser = browser
        self.said: list[str] = []
        self._contexts: list[BrowserContext] = []
        self._signed_in: dict[str, StorageState] = {}
        self._codes = iter(range(0x1000, 0xFFFF))

    def blank(self, width: int = 1280, height: int = 800, **more: Any) -> Page:
        context = self.browser.new_context(viewport={"width": width, "height": height}, **more)
        context.set_default_timeout(8_000)
        self._contexts.append(context)
        page = context.new_page()
        page.on("console", lambda told: self.hear(told.text if told.type == "error" else ""))
        page.on("pageerror", lambda error: self.hear(str(error)))
        return page

    def hear(self, text: str) -> None:
        if text and EXPECTED not in text:
            self.said.append(text)

    def open(
        self, person: str = "ana", width: int = 1280, height: int = 800, *, is_slow: bool = False,
        **more: Any,
    ) -> Page:  # fmt: skip
        """Return a page of somebody who is signed in; of one browser for each person.

        The clock of a slow page moves only when the test lets it.
        """
        if is_slow and person not in self._signed_in:
            self.open(person)  # Signing in waits for the page's own clock.
        state = self._signed_in.get(person)
        page = self.blank(width, height, storage_state=state, **more)
        if is_slow:
            page.clock.install(time=0)
            page.clock.pause_at(1_000)
        page.goto(self.panel.address)
        if state is None:
            sign_in(page, person)
        page.wait_for_selector("#floor:not([hidden]) .state")
        if state is None:  # Only now has the answer, and with it the cookie, come.
            self._signed_in[person] = page.context.storage_state()
        return page

    def forget(self, person: str) -> None:
        self._signed_in.pop(person, None)

    def card(self, **changes: Any) -> OrderCard:
        """Return a card with a code of its own and a minute to answer."""
        until = self.panel.floor.now_ns() + 60 * SECOND
        return make_card(f"{next(self._codes):04X}", **{"answer_until_ns": until, **changes})

    def show(self, **changes: Any) -> OrderCard:
        card = self.card(**changes)
        self.panel.floor.show(card)
        return card

    def clear(self) -> None:
        """Close the pages of the last test, and end its cards."""
        for context in self._contexts:
            context.close()
        self._contexts.clear()
        self.panel.server.room.chat.clear()
        self.panel.server.room.readings = Readings()
        for laid in self.panel.server.room.table.waiting():
            self.panel.floor.say(make_change(laid.change.card, state="not_sent", outcome="halted"))


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[DeskPages]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install the package `chromium`")
    with open_panel(tmp_path_factory.mktemp("panel")) as panel, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield DeskPages(panel, browser)
        browser.close()


@pytest.fixture
def desk(served: DeskPages) -> Iterator[DeskPages]:
    served.said.clear()
    yield served
    served.clear()
    assert served.said == []


def sign_in(page: Page, person: str, password: str = PASSWORD) -> None:
    page.fill("input[name=name]", person)
    page.fill("input[name=password]", password)
    page.click("button[type=submit]")


def on_screen(page: Page, card: OrderCard) -> None:
    """Wait until a card is the one on screen."""
    page.wait_for_selector(f"#card .topline .code:text-is('{card.code}')")


def alive(page: Page, word: str = "approve") -> None:
    """Wait until a button may be pressed."""
    page.wait_for_selector(f"#card button[data-word={word}]:not([aria-disabled])")


def is_dead(page: Page, word: str = "approve") -> bool:
    return page.get_attribute(f"#card button[data-word={word}]", "aria-disabled") == "true"


def told(page: Page, text: str) -> None:
    """Wait until the card says something."""
    page.wait_for_selector(f"#card :text('{text}')")
