"""Stops in the browser: what stopped, what is open meanwhile, and how a person lifts or cancels."""

import re
from typing import Any

import msgspec
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from environment.control_messages import (
    BreakersHold,
    DeskStateChanged,
    HeldDown,
    OutcomeUnknown,
    RaiseDesk,
)
from environment.messages import ApprovedOrder, CancelRequest, OrderCancelled, OrderRequest
from tests.browser.desk_page import DeskPages, desk, served
from tests.unit.human.floor import PASSWORD, ScriptedFloor

__all__ = ["desk", "served"]  # Fixtures.

BREAKER = DeskStateChanged(
    before="active", after="halted", reason="breaker agent_daily_loss", figures="$1,204.00",
    scope="agent", name="quant/trend",
)  # fmt: skip


def heard(page: Page, floor: ScriptedFloor, kind: type[Any]) -> Any:
    """Return the newest message of a kind that the page had sent, once there is one."""
    for _ in range(100):
        if told := floor.heard(kind):
            return told[-1]
        page.wait_for_timeout(50)
    raise AssertionError(f"the page sent no {kind.__name__}")


def test_resume_shows_why_it_stopped_and_what_is_unknown(desk: DeskPages) -> None:
    page = desk.open()
    floor = desk.panel.floor
    floor.state("active", "halted", "margin call")
    floor.say(OutcomeUnknown(unknown=2, breaks=1))
    expect(page.locator("#bar .state")).to_have_text(re.compile("HALTED"))
    page.wait_for_timeout(700)  # The live view brings the counts twice a second.
    page.click("#bar button:text('Resume …')")
    dialog = page.locator("dialog")
    expect(dialog).to_contain_text("It stopped because: margin call")
    expect(dialog).to_contain_text("Unknown outcomes: 2, breaks against the venue: 1")
    page.keyboard.press("Escape")
    floor.say(OutcomeUnknown(unknown=0))
    page.wait_for_timeout(700)
    page.click("#bar button:text('Resume …')")
    expect(dialog).to_contain_text("No outcome is unknown")
    floor.state("halted", "active", "tested", "ana")


def test_what_stops_it_again_at_once_is_read_before_resuming(desk: DeskPages) -> None:
    page, floor = desk.open(), desk.panel.floor
    held = HeldDown(
        scope="agent", name="quant/trend", breaker="agent_daily_loss", to="halted",
        figure="1,204.00", limit="1,000.00", when="at its next price",
        mends="<b>the loss</b> falls",
    )  # fmt: skip
    whole = msgspec.structs.replace(held, scope="desk", name="", breaker="drawdown")
    floor.say(BREAKER)
    floor.say(BreakersHold(held=(held, whole)))
    floor.state("active", "reducing", "breaker drawdown")
    expect(page.locator("#bar .state")).to_have_text(re.compile("REDUCING"))
    dialog = page.locator("dialog")
    page.click("#live button[aria-label='Resume agent quant/trend']")
    expect(dialog.locator(".held li")).to_have_text([held.text])
    page.keyboard.press("Escape")
    page.click("#bar button:text('Resume …')")
    expect(dialog.locator(".held li")).to_have_text([whole.text])
    assert Axe().run(page).response["violations"] == []
    page.keyboard.press("Escape")
    floor.say(BreakersHold())
    page.wait_for_timeout(700)  # The live view brings it twice a second.
    page.click("#bar button:text('Resume …')")
    expect(dialog).to_contain_text("Why it may go on")
    expect(dialog.locator(".held")).to_have_count(0)
    floor.state("reducing", "active", "tested", "ana")
    floor.say(msgspec.structs.replace(BREAKER, before="reducing", after="active"))


def test_a_stopped_agent_is_seen_and_resumed_by_an_approver_alone(desk: DeskPages) -> None:
    floor = desk.panel.floor
    trader, page = desk.open("tom"), desk.open()
    floor.say(BREAKER)
    for seen in (trader, page):
        expect(seen.locator("#live")).to_contain_text("agent quant/trend HALTED")
        expect(seen.locator("#live")).to_contain_text("breaker agent_daily_loss $1,204.00")
    expect(trader.locator("#live button[aria-label^=Resume]")).to_have_count(0)
    page.click("#live button[aria-label='Resume agent quant/trend']")
    expect(page.locator("dialog")).to_contain_text("The agent quant/trend is HALTED")
    page.fill("dialog input[name=reason]", "its model was mended")
    page.fill("dialog input[name=password]", PASSWORD)
    page.click("dialog button:text-is('Resume')")
    expect(page.locator("dialog")).to_have_count(0)
    lifted = heard(page, floor, RaiseDesk)
    assert (lifted.person, lifted.scope, lifted.name) == ("ana", "agent", "quant/trend")
    floor.say(DeskStateChanged(
        before="reducing", after="active", reason="tested", scope="agent", name="quant/trend"
    ))  # fmt: skip
    expect(page.locator("#live")).not_to_contain_text("quant/trend HALTED")


def test_a_trader_takes_a_working_order_out(desk: DeskPages) -> None:
    page, floor = desk.open("tom"), desk.panel.floor
    order = OrderRequest(
        order_id="desk/execution/9", instrument="AAPL", side="buy", quantity=40, price=64_000
    )
    floor.say(ApprovedOrder(order=order, owner="desk/execution", account="swarm", verdict_id=1))
    page.click("#live button[aria-label='Cancel desk/execution/9']")
    assert heard(page, floor, CancelRequest).order_id == "desk/execution/9"
    floor.say(OrderCancelled(
        order_id="desk/execution/9", instrument="AAPL", quantity=40, reason="requested",
        exchange_ns=0,
    ))  # fmt: skip
    # Under the pointer it keeps its place and says that it is over; away from it, it goes.
    expect(page.locator("#live")).to_contain_text("0 of 40 filled (over)")
    expect(page.locator("#live button[aria-label^=Cancel]")).to_have_attribute(
        "aria-disabled", "true"
    )
    page.locator("#line").click()
    expect(page.locator("#live")).to_contain_text("None.")


def test_a_card_that_its_proposer_took_back_says_so(desk: DeskPages) -> None:
    page = desk.open()
    card = desk.show()
    page.wait_for_selector("#card button[data-word=approve]")
    desk.panel.floor.show(card, state="not_sent", outcome="withdrawn", reason="took it back")
    expect(page.locator("#card .outcome")).to_contain_text("Its proposer took it back: not sent")
    expect(page.locator("#card button[data-word=approve]")).to_have_count(0)
    expect(page.locator("#queue")).to_contain_text("not sent")
