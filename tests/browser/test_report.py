"""The report in a real browser: it draws, fits a telephone, follows the theme, and prints."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from scenarios.report.write import write_report
from scenarios.run.result import RunResult
from tests.unit.record.runs import make_run

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
LAST_FIGURE = "#markouts .main-svg"


@pytest.fixture(scope="module")
def address(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = make_run(tmp_path_factory.mktemp("report") / "run")
    write_report(RunResult.open(folder))
    return (folder / "report.html").as_uri()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; install the package `chromium`")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


def opened(browser: Browser, address: str, width: int = 1280, scheme: str = "light") -> Page:
    page = browser.new_page(
        viewport={"width": width, "height": 900},
        color_scheme=scheme,  # type: ignore[arg-type]  # one of two literals
    )
    page.goto(address)
    page.wait_for_selector("#price .main-svg")
    return page


def test_every_figure_draws_without_an_error_or_a_request(browser: Browser, address: str) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    said, asked = list[str](), list[str]()
    page.on("console", lambda message: said.append(message.text))
    page.on("pageerror", lambda error: said.append(str(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.goto(address)
    for place in page.locator("figure").all():
        place.scroll_into_view_if_needed()
        place.locator(".main-svg").first.wait_for()
    assert said == []
    assert [url for url in asked if not url.startswith(("file:", "data:", "blob:"))] == []


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_the_page_never_scrolls_sideways(browser: Browser, address: str, width: int) -> None:
    page = opened(browser, address, width)
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_the_header_stays_in_sight(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    page.evaluate("window.scrollTo(0, 2000)")
    assert page.locator("header").bounding_box()["y"] == 0  # type: ignore[index]  # it is visible


def test_the_theme_follows_the_system_and_the_button(browser: Browser, address: str) -> None:
    page = opened(browser, address, scheme="dark")
    ground = "getComputedStyle(document.body).backgroundColor"
    dark = page.evaluate(ground)
    page.click("#theme")
    light = page.evaluate(ground)
    page.click("#theme")
    assert light != dark == page.evaluate(ground)


def test_the_contents_lead_to_each_card(browser: Browser, address: str) -> None:
    page = opened(browser, address)
    links = page.locator("#contents a")
    assert links.count() == page.locator("main h2").count()
    links.filter(has_text="Surveillance").click()
    page.wait_for_function(
        "document.querySelector('#surveillance').getBoundingClientRect().top < 300"
    )
    assert page.locator("#surveillance").is_visible()


def test_it_prints_every_figure(browser: Browser, address: str, tmp_path: Path) -> None:
    page = opened(browser, address)
    page.emulate_media(media="print")
    page.evaluate("window.dispatchEvent(new Event('beforeprint'))")
    page.wait_for_selector(LAST_FIGURE)
    page.pdf(path=tmp_path / "report.pdf")
    assert (tmp_path / "report.pdf").stat().st_size > 50_000
