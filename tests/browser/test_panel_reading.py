"""What analysts read, said and cited, in a real browser: opened, chosen, as text, on a phone."""

from pathlib import Path

import msgspec
import pytest
from playwright.sync_api import Page, expect

from agents.human.panel_model import FORMS, ModelVoice
from environment.approval_messages import named
from environment.text_messages import Notice
from llm.providers.openai_server import OpenAIServer
from llm.service import ModelService, Route
from tests.browser.desk_page import DeskPages, desk, on_screen, served
from tests.browser.test_panel_looks import FACE, is_inside, sins
from tests.servers.models import ModelWorld, model_server
from tests.unit.human.floor import open_panel
from tests.unit.human.readings import (
    make_abstention,
    make_consulted,
    make_heard,
    make_item,
    make_view,
)

__all__ = ["desk", "served"]  # Fixtures.

NASTY = '{"words":"<img src=x onerror=alert(1)> buy now","direction":"up"}'


def consult(desk: DeskPages) -> None:
    """Have the news analyst read a post and conclude, another abstain, and rules answer a third."""
    floor = desk.panel.floor
    for number in (31, 41):
        floor.say(make_item("Profits <i>rose</i> by 12 %"), "feeds/posts", number)
    server = desk.panel.server
    server.hear("analysts/news", make_view(), 32, (31,))
    server.hear("analysts/news", make_consulted(answers=(make_heard(NASTY),)), 33, (31,))
    floor.say(make_abstention(), "analysts/news", 34)
    rules = make_heard(provider="offline", model="rules")
    told = make_consulted(agent="analysts/technical", answers=(rules,), evidence_id="")
    floor.say(told, "analysts/technical", 35)


@pytest.fixture
def page(desk: DeskPages) -> Page:
    page = desk.open()
    consult(desk)
    page.click("#chat button:text('Analysts')")
    return page


def opened(page: Page) -> Page:
    page.locator("#readings summary:has-text('up, 0.61'):has-text('news')").first.click()
    page.wait_for_selector("#readings h3:text('Was shown')")
    return page


def test_a_question_opens_to_what_was_said_cited_and_shown(page: Page) -> None:
    opened(page)
    item = page.locator("#readings details[open]")
    expect(item).to_contain_text("buy now")
    expect(item.locator("table").last).to_contain_text("NOT FOUND")
    expect(item.locator(".graph")).to_contain_text("feeds/posts")
    expect(item).to_contain_text("openai/tiny")


def test_words_of_others_are_text_and_nothing_else(page: Page) -> None:
    opened(page)
    assert page.locator("#readings img, #readings i").count() == 0
    expect(page.locator("#readings details[open] .words").first).to_contain_text("<img src=x")


def test_the_list_shows_one_analyst_when_asked_and_says_who_answered(page: Page) -> None:
    page.select_option("#whose", "analysts/technical")
    shown = page.locator("#readings > li:visible")
    expect(shown).to_have_count(1)
    expect(shown).to_contain_text("written rules, no language model")


def test_an_abstention_is_seen_with_its_reason(page: Page) -> None:
    expect(page.locator("#readings .none").first).to_contain_text("abstains: late")


def test_the_live_view_leads_to_what_an_agent_read(desk: DeskPages) -> None:
    page = desk.open()
    consult(desk)
    page.click("#live button[aria-label='What analysts/technical read']")
    expect(page.locator("#whose")).to_have_value("analysts/technical")
    expect(page.locator("#read")).to_be_visible()
    page.click("#read button:text('Conversation')")
    expect(page.locator("#line")).to_be_visible()


def test_a_card_says_how_far_the_views_behind_it_disagree(desk: DeskPages) -> None:
    page = desk.open(width=360, height=640, has_touch=True, is_mobile=True)
    card = desk.card()
    doubtful = msgspec.structs.replace(card.order, dispersion=0.42)
    card = named(msgspec.structs.replace(card, order=doubtful))
    desk.panel.floor.show(card)
    on_screen(page, card)
    expect(page.locator("#card .foot")).to_contain_text("views behind it disagree 42 %")
    assert [place for place in FACE if not is_inside(page, place)] == []


def test_a_notice_is_said_in_the_conversation(desk: DeskPages) -> None:
    page = desk.open()
    text = "analysts/news: unreachable: no server answers at http://127.0.0.1:9; check url"
    desk.panel.floor.say(Notice(agent="analysts/news", text=text), "analysts/news")
    expect(page.locator("#log")).to_contain_text("no server answers")


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_in_what_analysts_read(desk: DeskPages, scheme: str) -> None:
    page = desk.open(color_scheme=scheme)
    consult(desk)
    page.click("#chat button:text('Analysts')")
    assert sins(opened(page)) == []


def test_on_a_phone_it_is_a_part_of_its_own_and_never_scrolls_sideways(desk: DeskPages) -> None:
    page = desk.open(width=360, height=640, has_touch=True, is_mobile=True)
    on_screen(page, desk.show())
    consult(desk)
    page.click("#tabs button:text('Analysts')")
    opened(page)
    expect(page.locator("#card")).to_be_hidden()
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert page.evaluate("document.querySelector('#read .rows').scrollWidth") <= 360
    assert sins(page) == []


def test_a_served_models_words_are_marked_and_are_text(served: DeskPages, tmp_path: Path) -> None:
    words = '{"words":"It is <b>large</b> for the depth.","sources":["order"]}'
    with model_server(ModelWorld(reply=lambda _: words)) as url:
        service = ModelService({"deep": Route(OpenAIServer("tiny", f"{url}/v1", "k"))}, FORMS)
        with open_panel(tmp_path, model=ModelVoice("deep", service.perform)) as panel:
            desk = DeskPages(panel, served.browser)
            page = desk.open()
            on_screen(page, desk.show())
            page.fill("#line", "is it too large?")
            page.keyboard.press("Enter")
            said = page.locator('#log article:has(.source:text("a model\'s words"))')
            expect(said).to_contain_text("It is <b>large</b> for the depth.")
            expect(said).to_contain_text("openai/tiny, not verified. It cites: order.")
            desk.clear()
        service.close()
