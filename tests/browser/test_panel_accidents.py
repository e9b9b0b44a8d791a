"""No accidents: what appears, moves or breaks under a hand never becomes an approval."""

import re
import time

import msgspec
import pytest
from playwright.sync_api import Page, expect

from agents.human import panel_room
from environment.approval_messages import CardAnswer, CardViewed, OrderCard, named
from tests.browser.desk_page import DeskPages, alive, desk, is_dead, on_screen, served, told
from tests.unit.human.floor import make_figures

__all__ = ["desk", "served"]  # Fixtures.


def ready(desk: DeskPages) -> tuple[Page, OrderCard]:
    page = desk.open()
    card = desk.show()
    on_screen(page, card)
    return page, card


def slowly(desk: DeskPages) -> tuple[Page, OrderCard]:
    """Return the same of a page whose clock stands: a hold of 3 s lasts on any machine."""
    page = desk.open(is_slow=True)
    card = desk.show()
    on_screen(page, card)
    return page, card


def count(desk: DeskPages, card: OrderCard) -> int:
    return sum(answer.code == card.code for answer in desk.panel.floor.heard(CardAnswer))


def unheard(key: str, frame: bytes) -> None:
    """Send nothing to nobody."""


def changed(page: Page, before: str) -> None:
    """Wait until the foot of the card reads otherwise."""
    is_other = "(was) => document.querySelector('#card .foot').innerText !== was"
    page.wait_for_function(is_other, arg=before, polling=50)


def test_no_button_has_focus_and_keys_approve_nothing(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    assert page.evaluate("document.activeElement.tagName") != "BUTTON"
    for key in ("Enter", "Space", "y", "a"):
        page.keyboard.press(key)
    page.focus("#card .quantity input")
    page.keyboard.type("5")
    page.keyboard.press("Enter")
    page.wait_for_timeout(200)
    assert count(desk, card) == 0


def test_keys_approve_once_the_person_went_to_the_button(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    page.focus("#card .scroll")
    for _ in range(12):
        if page.evaluate("document.activeElement.dataset.word") == "approve":
            break
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    told(page, "Sent")
    assert count(desk, card) == 1


def test_approving_rests_after_a_card_appears_and_after_a_figure_changes(desk: DeskPages) -> None:
    page = desk.open(is_slow=True)
    card = desk.show()
    on_screen(page, card)
    for sequence in (1, 2):
        assert is_dead(page)
        page.clock.run_for(600)
        assert is_dead(page)
        page.click("button[data-word=approve]", force=True)
        page.clock.run_for(200)
        assert not is_dead(page)
        before = page.locator("#card .foot").inner_text()
        desk.panel.server.room.table.all()[-1].told_ns = 0  # Its figures may go out at once.
        desk.panel.floor.show(
            card, figures=make_figures(card, sequence + 1, drift=-0.001 * sequence)
        )
        changed(page, before)
    assert count(desk, card) == 0


def test_the_same_figures_again_leave_the_button_alive(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    desk.panel.server.room.table.all()[-1].told_ns = 0
    desk.panel.floor.show(card, figures=make_figures(card, 2))
    page.wait_for_timeout(300)
    assert not is_dead(page)


def test_a_press_that_does_nothing_says_so(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    page.click("button[data-word=smaller]", force=True)  # Dead: nothing smaller was typed.
    told(page, "Nothing was sent: a smaller quantity must be typed.")
    assert count(desk, card) == 0


def test_a_pane_under_a_finger_is_not_made_anew(desk: DeskPages) -> None:
    page = desk.open()
    desk.panel.floor.signal("first")
    agents = page.locator("#live .agents li").filter(has_text="quant/trend")
    expect(agents).to_contain_text("first")
    box = agents.bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + 5, box["y"] + 5)
    page.mouse.down()
    desk.panel.floor.signal("second")
    page.wait_for_timeout(1_200)
    expect(agents).to_contain_text("first")
    page.mouse.up()
    expect(agents).to_contain_text("second")


def test_a_fold_under_a_finger_opens_though_its_record_changed_meanwhile(desk: DeskPages) -> None:
    page, card = slowly(desk)
    page.locator("details[data-part=greeks] summary").hover()
    page.mouse.down()
    new = desk.card(price=64_890, previous=card.record_hash, changed_because="drift")
    new = named(msgspec.structs.replace(new, code=card.code, record_hash=""))
    desk.panel.floor.show(new, previous=card)
    page.wait_for_timeout(300)
    expect(page.locator(".was")).to_have_count(0)  # Nothing moves while it is pressed.
    page.mouse.up()
    page.clock.run_for(10)
    expect(page.locator(".was")).to_contain_text("limit $648.90")
    expect(page.locator("details[data-part=greeks]")).to_have_attribute("open", "")


def test_a_press_that_is_never_let_go_stops_the_page_for_three_seconds_only(
    desk: DeskPages,
) -> None:
    page, card = ready(desk)
    page.locator("#card .title").hover()
    page.mouse.down()
    desk.panel.floor.show(card, state="sent", outcome="approved", filled=2)
    expect(page.locator("#card .outcome")).to_contain_text("2 of 40 filled", timeout=6_000)
    page.mouse.up()


def test_a_space_on_a_fold_opens_it_though_its_record_changed_meanwhile(desk: DeskPages) -> None:
    page, card = slowly(desk)
    page.locator("details[data-part=greeks] summary").focus()
    page.keyboard.down(" ")
    new = desk.card(price=64_890, previous=card.record_hash, changed_because="drift")
    new = named(msgspec.structs.replace(new, code=card.code, record_hash=""))
    desk.panel.floor.show(new, previous=card)
    page.wait_for_timeout(300)
    expect(page.locator(".was")).to_have_count(0)
    page.keyboard.up(" ")
    page.clock.run_for(10)
    expect(page.locator(".was")).to_contain_text("limit $648.90")
    expect(page.locator("details[data-part=greeks]")).to_have_attribute("open", "")


def test_a_double_click_is_one_answer(desk: DeskPages) -> None:
    page, card = ready(desk)
    desk.panel.floor.replies = False
    alive(page)
    page.dblclick("button[data-word=approve]")
    page.wait_for_timeout(300)
    desk.panel.floor.replies = True
    assert count(desk, card) == 1


def test_a_new_card_moves_nothing_and_says_one_new(desk: DeskPages) -> None:
    page, card = ready(desk)
    page.focus("#card .quantity input")
    box = page.locator("button[data-word=approve]").bounding_box()
    other = desk.show()
    chip = page.locator(f"#queue button:has-text('{other.code}')")
    expect(chip).to_contain_text("1 new")
    on_screen(page, card)
    assert page.locator("button[data-word=approve]").bounding_box() == box
    assert page.evaluate("document.activeElement.inputMode") == "numeric"
    # Pressed and looked at within two frames: 700 ms are short on a busy machine.
    dead = page.evaluate(
        """code => new Promise(done => {
            const chips = [...document.querySelectorAll("#queue button")];
            chips.find(chip => chip.textContent.includes(code)).click();
            requestAnimationFrame(() => requestAnimationFrame(() => done(document.querySelector(
                "#card button[data-word=approve]").getAttribute("aria-disabled"))));
        })""",
        other.code,
    )
    on_screen(page, other)
    assert dead == "true"


def test_a_card_that_ends_is_not_replaced_under_the_pointer(desk: DeskPages) -> None:
    page, card = ready(desk)
    desk.show()
    desk.panel.floor.show(card, state="not_sent", outcome="rejected")
    told(page, "Rejected: not sent")
    on_screen(page, card)


def test_growing_content_never_moves_the_buttons(desk: DeskPages) -> None:
    page, card = ready(desk)
    box = page.locator("button[data-word=approve]").bounding_box()
    for summary in page.locator("#card summary").all():
        summary.click()
    page.wait_for_timeout(300)
    desk.panel.floor.show(card, figures=make_figures(card, 2, drift=0.0001))
    page.wait_for_timeout(300)
    assert page.locator("button[data-word=approve]").bounding_box() == box


def test_without_a_heartbeat_everything_goes_dead_and_says_since_when(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    seats = desk.panel.server.room.seats
    tell, seats.tell_newest = seats.tell_newest, unheard  # type: ignore[method-assign]  # silence
    try:
        silence = re.compile(r"^not connected, figures of \d\d:\d\d:\d\d$")
        expect(page.locator("#notice")).to_have_text(silence, timeout=6_000)
        assert is_dead(page)
        assert is_dead(page, "reject")
        page.click("button[data-word=approve]", force=True)
    finally:
        seats.tell_newest = tell  # type: ignore[method-assign]  # and speech again
    alive(page)
    assert count(desk, card) == 0


def test_what_was_unfolded_without_a_connection_is_told_when_it_is_back(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    seats = desk.panel.server.room.seats
    tell, seats.tell_newest = seats.tell_newest, unheard  # type: ignore[method-assign]  # silence
    try:
        expect(page.locator("#notice")).to_contain_text("not connected", timeout=6_000)
        page.click("details[data-part=greeks] summary")
        page.wait_for_timeout(1_000)
    finally:
        seats.tell_newest = tell  # type: ignore[method-assign]  # and speech again
    end_s = time.monotonic() + 8
    while not any(
        view.code == card.code and "greeks" in view.unfolded
        for view in desk.panel.floor.heard(CardViewed)
    ):
        assert time.monotonic() < end_s, "the view was not recorded"
        page.wait_for_timeout(100)


def test_a_lost_connection_comes_back_with_what_happened_meanwhile(desk: DeskPages) -> None:
    page, card = ready(desk)
    alive(page)
    page.context.set_offline(True)
    for seat in desk.panel.server.room.seats:
        seat.close(1001, "gone")
    desk.panel.floor.show(card, state="not_sent", outcome="expired_seen")
    expect(page.locator("#notice")).to_contain_text("not connected", timeout=6_000)
    page.context.set_offline(False)
    told(page, "Seen, no answer: not sent")
    desk.said.clear()  # The browser reports the lost connections.


def test_an_answer_that_a_broken_line_may_have_swallowed_is_never_sent_again(
    desk: DeskPages,
) -> None:
    page, card = ready(desk)
    desk.panel.floor.replies = False
    alive(page)
    page.click("button[data-word=approve]")
    page.wait_for_timeout(100)
    for seat in desk.panel.server.room.seats:
        seat.close(1001, "gone")
    told(page, "The connection broke after you answered")
    desk.panel.floor.replies = True
    assert count(desk, card) == 1
    desk.said.clear()


def test_another_server_version_makes_the_buttons_dead(
    desk: DeskPages, monkeypatch: pytest.MonkeyPatch
) -> None:
    page, card = ready(desk)
    alive(page)
    monkeypatch.setattr(panel_room, "panel_version", lambda: "new")
    expect(page.locator("#notice")).to_contain_text("the server was renewed")
    assert is_dead(page)
    assert count(desk, card) == 0


def test_text_of_a_headline_is_text(desk: DeskPages) -> None:
    page = desk.open()
    words = '<img src=x onerror="window.hit=1"><script>window.hit=1</script> \u202eevil\u200b'
    desk.panel.floor.signal(words, sender="analysts/news", number=9)
    card = desk.show(words=(words,), evidence=(9,), proposer="analysts/<b>news</b>")
    on_screen(page, card)
    page.click("summary:text('Evidence')")
    expect(page.locator(".graph .words")).to_contain_text("<script>window.hit=1</script>")
    expect(page.locator("#card > .scroll .words").first).to_contain_text("[U+202E]evil[U+200B]")
    expect(page.locator("#card .foot")).to_contain_text("analysts/<b>news</b>")
    assert page.evaluate("window.hit") is None
    assert page.locator("#card img, #card script, #card b b").count() == 0
