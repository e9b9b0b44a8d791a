"""How the panel looks and is heard: every figure above the fold, for every eye, ear and hand."""

import re
from typing import Any

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from environment.approval_messages import CardLeg, Change, WorstCase
from tests.browser.desk_page import DeskPages, desk, on_screen, served, sign_in, told
from tests.unit.human.floor import make_reason

__all__ = ["desk", "served"]  # Fixtures.

# (1) what, (2) worst case, (3) why, (4) from and to, (5) time and default, (6) who and drift, (7).
FACE = (
    "#card h2.title", "#card .terms", "#card .total", "#card .worst",
    "#card dd:has-text('notional')", "dt:text('Position') + dd", "dt:text('Margin') + dd",
    "dt:text('Buying power') + dd", "#card .left", "#card .told", "#card .foot",
    "button[data-word=approve]", "button[data-word=smaller]", "button[data-word=reject]",
)  # fmt: skip


WORST = WorstCase(loss_micros=12_161_600_000, when="AAPL -20 %, volatility +30 %, in 1 day")
FOCUSED = """() => {
    const at = document.activeElement;
    return at.innerText || at.id || at.tagName;
}"""
COUNT_AUDIO = """() => {
    window.made = 0;
    const Real = AudioContext;
    window.AudioContext = class extends Real {
        constructor() { super(); window.made += 1; }
    };
}"""
KEEP_NOTIFICATIONS = """
    window.told = [];
    window.Notification = class {
        static permission = "granted";
        constructor(title, more) { window.told.push(`${title} ${more.body}`); }
        addEventListener() {}
    };
    const state = () => (window.away ? "hidden" : "visible");
    Object.defineProperty(document, "visibilityState", { get: state });
"""


def leg(side: Any, strike: int, effect: Any) -> CardLeg:
    return CardLeg(
        instrument=f"AAPL  140719C00{strike}000", title=f"AAPL {strike} call 19 Jul 2014",
        side=side, ratio=1, effect=effect, position=Change(0, 5), tick_micros=10_000,
        units_per_lot=100, bid_price=410, ask_price=430,
    )  # fmt: skip


def is_inside(page: Page, selector: str) -> bool:
    """Return whether all of an element is on screen, and nothing lies over its middle."""
    script = """(place) => {
        const box = place.getBoundingClientRect();
        const scroll = place.closest(".scroll")?.getBoundingClientRect();
        const bottom = Math.min(innerHeight, scroll ? scroll.bottom : innerHeight);
        const top = document.elementFromPoint(box.x + box.width / 2, box.y + box.height / 2);
        return box.x >= 0 && box.right <= innerWidth && box.y >= 0 && box.bottom <= bottom + 0.5
            && (place.contains(top) || top.contains(place));
    }"""
    inside: bool = page.locator(selector).first.evaluate(script)
    return inside


def sins(page: Page) -> list[str]:
    """Return what axe finds, against WCAG 2.2 AA and its own good practice."""
    found = Axe().run(page).response["violations"]
    return [f"{one['id']}: {[node['html'][:120] for node in one['nodes']]}" for one in found]


@pytest.mark.parametrize("tier", ["one", "two"])
def test_at_360_pixels_everything_that_matters_is_above_the_fold(
    desk: DeskPages, tier: str
) -> None:
    page = desk.open(width=360, height=640, has_touch=True, is_mobile=True)
    on_screen(page, desk.show(tier=tier))
    assert [place for place in FACE if not is_inside(page, place)] == []
    assert page.evaluate("document.querySelector('#card .scroll').scrollTop") == 0


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("tier", ["one", "two"])
def test_four_legs_and_two_reasons_stand_above_the_fold_of_a_phone(
    desk: DeskPages, tier: str, scheme: str
) -> None:
    legs = (
        leg("buy", 600, "open"), leg("sell", 620, "open"), leg("sell", 660, "close"),
        leg("buy", 680, "close"),
    )  # fmt: skip
    reasons = (make_reason("order_notional", 25e9, 2e10), make_reason("underlying_vega", 9e8, 8e8))
    page = desk.open(width=360, height=640, has_touch=True, is_mobile=True, color_scheme=scheme)
    card = desk.show(
        legs=legs, verb="trade", quantity=5, price=-95, reasons=reasons, tier=tier, worst_case=WORST
    )
    on_screen(page, card)
    lines = [f"#card .legs li:nth-child({place})" for place in range(1, 5)]
    assert [place for place in (*FACE, *lines) if not is_inside(page, place)] == []
    page.wait_for_timeout(1_300)  # The marks of what is new have faded.
    assert sins(page) == []


@pytest.mark.parametrize("width", [360, 768, 1024, 1440])
def test_the_page_never_scrolls_sideways(desk: DeskPages, width: int) -> None:
    page = desk.open(width=width)
    on_screen(page, desk.show(words=("a" * 300,), proposer="quant/" + "long" * 12))
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate("document.querySelector('#card .scroll').scrollWidth") <= width


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_on_a_busy_panel(desk: DeskPages, scheme: str) -> None:
    page = desk.open(color_scheme=scheme)
    for step in range(3):
        desk.panel.floor.market(64_505 + step)
    desk.panel.floor.signal("a headline")
    on_screen(page, desk.show(tier="two"))
    desk.show()
    for line in ("/agents", "why now?"):
        page.fill("#line", line)
        page.keyboard.press("Enter")
    for summary in page.locator("#card summary").all():
        summary.click()
    page.wait_for_selector(".main-svg")
    page.wait_for_timeout(1_300)  # The marks of what is new have faded.
    assert sins(page) == []


def test_axe_finds_nothing_at_the_gate_in_a_dialog_and_on_a_phone(desk: DeskPages) -> None:
    gate = desk.blank()
    gate.goto(desk.panel.address)
    gate.wait_for_selector("input[name=name]")
    assert sins(gate) == []
    page = desk.open(width=360, height=640, has_touch=True, is_mobile=True)
    on_screen(page, desk.show())
    page.wait_for_timeout(900)
    assert sins(page) == []
    page.click("button:text('Menu')")
    page.click("button:text('Halt …')")
    page.wait_for_selector("dialog[open]")
    assert sins(page) == []


def test_each_part_of_a_phone_has_its_tab(desk: DeskPages) -> None:
    page = desk.open(width=360, height=640)
    page.click("#tabs button:text('Live')")
    expect(page.locator("#live")).to_be_visible()
    expect(page.locator("#card")).to_be_hidden()
    page.click("#tabs button:text('Conversation')")
    expect(page.locator("#line")).to_be_visible()


def test_keys_alone_reach_everything_in_order(desk: DeskPages) -> None:
    page = desk.open()
    on_screen(page, desk.show())
    seen = []
    for _ in range(40):
        page.keyboard.press("Tab")
        seen.append(page.evaluate(FOCUSED))
    text = " | ".join(seen)
    order = ["To the order", "Halt", "Pay-off chart", "Approve 40", "Reject", "| line", "Flatten"]
    places = [text.find(word) for word in order]
    assert -1 not in places, text
    assert places == sorted(places)


def test_focus_is_always_visible(desk: DeskPages) -> None:
    page = desk.open()
    on_screen(page, desk.show())
    page.keyboard.press("Tab")
    page.focus("button[data-word=reject]")
    page.keyboard.press("Shift+Tab")
    style = page.evaluate("getComputedStyle(document.activeElement).outlineStyle")
    assert style == "solid"


def test_times_show_the_exchanges_zone_and_the_viewers_own(desk: DeskPages) -> None:
    page = desk.open(timezone_id="Europe/Berlin")
    clock = page.locator("#bar .clock")
    expect(clock).to_contain_text(re.compile(r"10:\d\d:\d\d New York"))
    expect(clock).to_contain_text(re.compile(r"16:\d\d:\d\d Berlin, yours"))


def test_side_gain_and_state_have_word_and_shape(desk: DeskPages) -> None:
    page = desk.open()
    on_screen(page, desk.show())
    expect(page.locator("#card h2.title .side")).to_have_text("▲ Buy")
    expect(page.locator("#bar .state")).to_have_text(re.compile("●.*ACTIVE"))


def test_legs_are_lines_with_their_own_side_ratio_and_effect(desk: DeskPages) -> None:
    page = desk.open()
    on_screen(
        page, desk.show(legs=(leg("buy", 650, "open"), leg("sell", 660, "close")), verb="trade")
    )
    legs = page.locator("#card .legs li")
    expect(legs.nth(0)).to_contain_text(re.compile("▲ Buy.*1.*AAPL 650 call 19 Jul 2014.*opens"))
    expect(legs.nth(1)).to_contain_text(re.compile("▼ Sell.*1.*AAPL 660 call 19 Jul 2014.*closes"))


def test_sound_is_off_until_switched_on(desk: DeskPages) -> None:
    page = desk.open()
    page.evaluate(COUNT_AUDIO)
    on_screen(page, desk.show())
    assert page.evaluate("window.made") == 0
    page.click("button:text('Sound off')")
    expect(page.locator("button:text('Sound on')")).to_have_attribute("aria-pressed", "true")
    assert page.evaluate("window.made") == 1


def test_a_notification_says_no_size_and_no_price(desk: DeskPages) -> None:
    page = desk.blank()
    page.add_init_script(KEEP_NOTIFICATIONS)
    page.goto(desk.panel.address)
    sign_in(page, "ana")
    page.wait_for_selector("#floor:not([hidden]) .state")
    page.evaluate("window.away = true")
    card = desk.show()
    on_screen(page, card)
    assert page.evaluate("window.told") == [f"{card.code} waits An order needs a person."]


def test_charts_are_fetched_after_the_first_card_and_kept(desk: DeskPages) -> None:
    asked = list[str]()
    page = desk.open()
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(300)
    assert not any("plotly" in url for url in asked)
    on_screen(page, desk.show())
    told(page, "Pay-off chart")
    page.wait_for_function("() => typeof Plotly === 'object'")
    response = page.request.get(next(url for url in asked if "plotly" in url))
    assert "immutable" in response.headers["cache-control"]


def test_motion_is_left_out_where_it_is_not_wanted(desk: DeskPages) -> None:
    page = desk.open(reduced_motion="reduce")
    on_screen(page, desk.show())
    page.evaluate("document.querySelector('#card .foot').classList.add('moved')")
    assert (
        page.evaluate("getComputedStyle(document.querySelector('#card .foot')).animationName")
        == "none"
    )


def test_time_left_is_said_at_thirty_and_ten_seconds(desk: DeskPages) -> None:
    page = desk.open()
    on_screen(page, desk.show(answer_until_ns=desk.panel.floor.now_ns() + 30_900_000_000))
    expect(page.locator("#polite")).to_have_text(re.compile(r"(30|[12]\d) seconds left"))
