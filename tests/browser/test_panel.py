"""The panel in a real browser: from sign-in to an order that is filled."""

import re
import time

import msgspec
from playwright.sync_api import Page, expect

from environment.approval_messages import CardAnswer, CardViewed, named
from environment.messages import OrderFilled
from tests.browser.desk_page import (
    DeskPages,
    alive,
    desk,
    is_dead,
    on_screen,
    served,
    sign_in,
    told,
)
from tests.unit.human.floor import SECOND, make_change, make_figures

__all__ = ["desk", "served"]  # Fixtures.


def answers(desk: DeskPages, code: str) -> list[CardAnswer]:
    return [answer for answer in desk.panel.floor.heard(CardAnswer) if answer.code == code]


def wait_for_answer(desk: DeskPages, code: str) -> CardAnswer:
    deadline = time.monotonic() + 5
    while not answers(desk, code):
        assert time.monotonic() < deadline, "no answer came"
        time.sleep(0.02)
    return answers(desk, code)[-1]


def typed(page: Page, line: str) -> None:
    """Say a line; a page that is not connected just then keeps it, and is asked again."""
    page.fill("#line", line)
    for _ in range(20):
        page.press("#line", "Enter")
        if page.input_value("#line") == "":
            return
        page.wait_for_timeout(250)
    raise AssertionError(f"{line} was not sent")


# --- signing in ----------------------------------------------------------------------------------


def test_a_wrong_password_is_said_and_a_right_one_lets_in(desk: DeskPages) -> None:
    page = desk.blank()
    page.goto(desk.panel.address)
    sign_in(page, "vic", "wrong")
    expect(page.locator("#gate .wrong")).to_have_text("unknown name or wrong password")
    desk.said.clear()  # The browser itself reports the 401.
    sign_in(page, "vic")
    expect(page.locator("#bar")).to_contain_text("Sign out vic")


def test_a_one_time_link_leaves_the_address_bar_and_asks_for_a_password(desk: DeskPages) -> None:
    desk.panel.people.add("new", ("trader",))
    token = desk.panel.people.make_link("new", time.time_ns())
    page = desk.blank()
    page.goto(f"{desk.panel.address}/#link={token}")
    page.fill("input[name=password]", "chosen by myself")
    assert token not in page.url
    page.fill("input[name=again]", "chosen by myself")
    page.click("button[type=submit]")
    expect(page.locator("#bar")).to_contain_text("Sign out new")


def test_an_ended_sign_in_asks_again_and_loses_no_card(desk: DeskPages) -> None:
    page = desk.open("tom")
    card = desk.show()
    on_screen(page, card)
    for seat in desk.panel.server.room.seats:
        desk.panel.server.sign_ins.end(seat.sign_in_id)
    page.wait_for_selector("#gate:not([hidden])")
    desk.said.clear()  # The browser reports the 401 of its socket.
    desk.forget("tom")
    sign_in(page, "tom")
    on_screen(page, card)
    alive(page, "reject")
    desk.said.clear()


# --- an order's way ------------------------------------------------------------------------------


def test_an_order_arrives_without_reload_and_is_told_in_title_and_words(desk: DeskPages) -> None:
    page = desk.open()
    expect(page.locator("#card")).to_contain_text("Nothing waits for you")
    card = desk.show()
    on_screen(page, card)
    expect(page).to_have_title(re.compile(r"^\(1\) floor"))
    expect(page.locator("#urgent")).to_contain_text(f"New order {card.code}")


def test_evidence_smaller_approval_and_fills(desk: DeskPages) -> None:
    page = desk.open()
    desk.panel.floor.signal("trend turned", number=7)
    card = desk.show(evidence=(7,))
    on_screen(page, card)
    page.click("summary:text('Evidence')")
    expect(page.locator(".graph")).to_contain_text("quant/trend view on AAPL: up, 61 % sure")
    alive(page)
    page.fill("#card .quantity input", "15")
    page.click("button:text('Approve smaller')")
    answer = wait_for_answer(desk, card.code)
    assert (answer.answer, answer.quantity, answer.person) == ("smaller", 15, "ana")
    told(page, "0 of 15 filled")
    told(page, "25, sent by nobody")
    less = desk.panel.server.room.table.find(card.code)
    assert less is not None
    desk.panel.floor.say(make_change(less.change.card, state="sent", filled=9, people=("ana",)))
    told(page, "9 of 15 filled")


def test_what_was_seen_and_unfolded_is_recorded(desk: DeskPages) -> None:
    page = desk.open()
    card = desk.show()
    on_screen(page, card)
    page.click("summary:text('Greeks')")
    deadline = time.monotonic() + 8
    while True:
        views = [v for v in desk.panel.floor.heard(CardViewed) if v.code == card.code]
        if any("greeks" in view.unfolded for view in views):
            break
        assert time.monotonic() < deadline, "the view was not recorded"
        page.wait_for_timeout(100)
    assert views[0].person == "ana"
    assert len(views[0].figures_hash) == 64


def test_worlds_with_and_without_the_order_unfold_and_say_that_they_are_no_forecast(
    desk: DeskPages,
) -> None:
    page = desk.open()
    desk.panel.floor.market()
    card = desk.show()
    on_screen(page, card)
    fold = page.locator("details[data-part=preview]")
    expect(fold.locator("summary")).to_have_text("Fork preview, ready")
    fold.locator("summary").click()
    expect(fold).to_contain_text(re.compile(r"12 pairs of worlds, seeds \d+ to \d+, 60 min ahead"))
    expect(fold).to_contain_text("simulated, not a forecast")
    expect(fold.locator(".chart")).to_have_attribute("aria-label", re.compile(r"from .\$14 to"))
    fold.locator(".main-svg").first.wait_for()


def test_worlds_that_are_drawn_again_with_the_agents_come_without_moving_anything(
    desk: DeskPages,
) -> None:
    page = desk.open()
    desk.panel.floor.market()
    card = desk.show()
    on_screen(page, card)
    fold = page.locator("details[data-part=preview]")
    fold.locator("summary").click()
    expect(fold).to_contain_text("agents act in none of them so far; more are drawn.")
    fold.locator(".main-svg").first.wait_for()
    approve = page.locator("button[data-word=approve]")
    places = [approve.bounding_box(), fold.locator("summary").bounding_box()]
    focused = page.evaluate("document.activeElement.outerHTML")
    desk.panel.floor.previews.go_on()
    expect(fold).to_contain_text("agents act in them.")
    assert [approve.bounding_box(), fold.locator("summary").bounding_box()] == places
    assert page.evaluate("document.activeElement.outerHTML") == focused


def test_a_rejection_carries_its_reason(desk: DeskPages) -> None:
    page = desk.open("tom")
    card = desk.show()
    on_screen(page, card)
    page.fill("#card .reason input", "too late in the day")
    page.click("button:text('Reject')")
    assert wait_for_answer(desk, card.code).reason == "too late in the day"
    told(page, "Rejected: not sent")


def test_an_expired_card_says_whether_anybody_saw_it(desk: DeskPages) -> None:
    page = desk.open()
    seen = desk.show()
    on_screen(page, seen)
    desk.panel.floor.show(seen, state="not_sent", outcome="expired_seen", is_seen=True)
    told(page, "Seen, no answer: not sent")
    unseen = desk.card()
    desk.panel.floor.show(unseen, state="not_sent", outcome="expired_unseen")
    expect(page.locator("#log")).to_contain_text("No answer, and nobody saw it: not sent")


def test_the_countdown_is_the_servers(desk: DeskPages) -> None:
    page = desk.open()
    card = desk.show(answer_until_ns=desk.panel.floor.now_ns() + 300 * SECOND)
    on_screen(page, card)
    expect(page.locator("#card .left")).to_have_text(re.compile(r"4:\d\d left"))
    desk.panel.floor.skipped_ns += 200 * SECOND
    expect(page.locator("#card .left")).to_have_text(re.compile(r"[01]:\d\d left"))
    desk.panel.floor.skipped_ns -= 200 * SECOND


def test_an_answer_that_does_not_count_says_why(desk: DeskPages) -> None:
    page = desk.open()
    card = desk.show()
    on_screen(page, card)
    alive(page)
    laid = desk.panel.server.room.table.find(card.code)
    assert laid is not None
    laid.change = make_change(card, state="sent")  # Somebody was faster, and no page knows yet.
    page.click("button[data-word=approve]")
    told(page, "Not taken: somebody else was first")
    alive(page)


def test_drift_asks_again_on_one_card_with_old_and_new(desk: DeskPages) -> None:
    page = desk.open()
    old = desk.show()
    on_screen(page, old)
    new = desk.card(price=64_890, asked=2, previous=old.record_hash, changed_because="drift")
    new = named(msgspec.structs.replace(new, code=old.code, record_hash=""))
    desk.panel.floor.show(new, previous=old)
    told(page, "New since it was last asked")
    expect(page.locator(".was")).to_contain_text(re.compile(r"limit \$645.20.*limit \$648.90"))
    expect(page.locator("#queue button")).to_have_count(1)


def test_an_order_of_yesterday_asks_on_a_new_card_beside_the_old_one(desk: DeskPages) -> None:
    page = desk.open()
    old = desk.show()
    on_screen(page, old)
    desk.panel.floor.show(old, state="withheld", outcome="approved", filled=15)
    told(page, "Out of the market, asked again at the next open: 15 of 40 filled")
    desk.panel.floor.show(
        old, state="done", outcome="approved", filled=15, reason="asked again as its own"
    )
    new = desk.card(quantity=25, done=15, previous=old.record_hash, changed_because="next_open")
    desk.panel.floor.show(new, previous=old)
    page.click(f"#queue button:has-text('{new.code}')")
    on_screen(page, new)
    expect(page.locator(".was")).to_contain_text(re.compile(r"Quantity: 40.*25"))
    expect(page.locator(".was")).to_contain_text("Traded before: 15")
    expect(page.locator("#card .foot")).to_contain_text("asked again at the open, 1 of 3")


# --- people --------------------------------------------------------------------------------------


def test_two_people_type_quantity_and_password_and_the_second_sees_the_first(
    desk: DeskPages,
) -> None:
    ana, ben = desk.open("ana"), desk.open("ben")
    card = desk.show(tier="two")
    for page in (ana, ben):
        on_screen(page, card)
    ana.wait_for_timeout(900)
    assert is_dead(ana)
    ana.fill("#card .quantity input", "40")
    ana.fill("#card .password input", "correct horse battery")
    alive(ana)
    ana.click("button[data-word=approve]")
    told(ben, "Yes from ana")
    expect(ana.locator("button[data-word=approve]")).to_have_attribute("aria-disabled", "true")
    ben.fill("#card .quantity input", "40")
    ben.fill("#card .password input", "correct horse battery")
    alive(ben)
    ben.click("button[data-word=approve]")
    told(ben, "Yes from ana and ben")
    first, second = answers(desk, card.code)
    assert first.browser_id != second.browser_id
    assert first.password_proved
    assert second.password_proved


def test_a_viewer_sees_no_button_and_a_trader_only_rejects(desk: DeskPages) -> None:
    vic, tom = desk.open("vic"), desk.open("tom")
    card = desk.show()
    for page in (vic, tom):
        on_screen(page, card)
    assert vic.locator("#card button").count() == 0
    assert tom.locator("#card .actions button").all_inner_texts() == ["Reject"]


def test_without_an_approver_the_page_says_that_nobody_can_be_reached(desk: DeskPages) -> None:
    page = desk.open("vic")
    expect(page.locator("#notice")).to_contain_text("nobody can be reached")
    desk.open("ana")
    expect(page.locator("#notice")).to_be_hidden()


def test_two_tabs_show_one_answer(desk: DeskPages) -> None:
    first, second = desk.open(), desk.open()
    card = desk.show()
    for page in (first, second):
        on_screen(page, card)
    alive(first)
    first.click("button[data-word=approve]")
    told(second, "Sent: 0 of 40 filled")
    assert second.locator("#card .actions button").count() == 0
    assert len(answers(desk, card.code)) == 1


# --- words ---------------------------------------------------------------------------------------


def test_words_decide_about_the_card_on_screen_and_questions_change_nothing(
    desk: DeskPages,
) -> None:
    page = desk.open()
    desk.panel.floor.market()
    card = desk.show()
    on_screen(page, card)
    for line in ("why now?", "what if spot falls 3 %?", "yes do it"):
        typed(page, line)
    expect(page.locator("#log")).to_contain_text("waits for a person because of order notional")
    expect(page.locator("#log")).to_contain_text("revalued")
    expect(page.locator("#log")).to_contain_text("Nothing was changed")
    assert answers(desk, card.code) == []
    page.fill("#line", f"approve {card.code} 5")
    page.keyboard.press("Enter")
    assert wait_for_answer(desk, card.code).quantity == 5


def test_commands_are_answered_from_the_record(desk: DeskPages) -> None:
    page = desk.open()
    card = desk.show()
    on_screen(page, card)
    for line in ("/positions", "/risk", "/limits", "/agents", f"/explain {card.code}", "/nonsense"):
        typed(page, line)
    for said in ("The account holds nothing", "The desk is ACTIVE", "No limits", "record"):
        expect(page.locator("#log")).to_contain_text(said)
    expect(page.locator("#chat .hint")).to_contain_text("no such command")


def test_a_halt_is_said_at_once_and_resuming_asks_for_password_and_reason(desk: DeskPages) -> None:
    page = desk.open()
    page.click("button:text('Halt …')")
    page.fill("dialog input[name=reason]", "odd prices")
    page.click("dialog button:text('Halt now')")
    expect(page.locator("#bar .state")).to_have_text(re.compile("HALTED"))
    expect(page.locator("#urgent")).to_contain_text("The desk is halted")
    page.click("button:text('Resume …')")
    expect(page.locator("dialog")).to_contain_text("odd prices")
    page.fill("dialog input[name=reason]", "looked at it")
    page.fill("dialog input[name=password]", "correct horse battery")
    page.click("dialog button:text-is('Resume')")
    expect(page.locator("#bar .state")).to_have_text(re.compile("REDUCING"))
    desk.panel.floor.state("reducing", "active", "looked at it", "ana")
    expect(page.locator("#bar .state")).to_have_text(re.compile("ACTIVE"))


def test_the_live_view_shows_market_agents_and_book(desk: DeskPages) -> None:
    page = desk.open()
    desk.panel.floor.market(64_505)
    desk.panel.floor.signal("average turned")
    expect(page.locator("#live .mid")).to_have_text("645.050")
    expect(page.locator("#live .book .bids li")).to_have_count(6)
    expect(page.locator("#live .agents")).to_contain_text("quant/trend AAPL up, 61 %")
    desk.panel.floor.say(OrderFilled(
        order_id="quant/trend/1", instrument="AAPL", side="buy", price=64_505, quantity=40,
        leaves=0, liquidity="taker", fee_micros=0, exchange_ns=0, trade_id=1,
    ))  # fmt: skip
    expect(page.locator("#live")).to_contain_text("Greeks of what is held, $")
    expect(page.locator("#live td:has-text('$25\u202f802')").first).to_be_visible()


def test_figures_that_move_reach_the_card(desk: DeskPages) -> None:
    page = desk.open()
    card = desk.show()
    on_screen(page, card)
    desk.panel.floor.show(card, figures=make_figures(card, 2, drift=-0.0031))
    told(page, "−0.31 % since proposed")  # noqa: RUF001  a real minus
