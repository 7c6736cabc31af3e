"""The report in a browser: nothing is fetched, nothing overflows, every image is drawn."""

import pytest
from browser_cases import awkward_model, open_browser

from sk_crossmodal.report import write_report

pytestmark = pytest.mark.one_version

OVERFLOW = "document.documentElement.scrollWidth - window.innerWidth"
# Only boxes that scroll may contain wider elements.
OUTSIDE = """[...document.querySelectorAll('body *')].filter(e =>
  !e.closest('.skcm-table, .card') && e.getBoundingClientRect().right > window.innerWidth + 1
).map(e => e.outerHTML.slice(0, 80))"""
IMAGES = """Promise.all([...document.images].map(async image => {
  await image.decode(); return [image.naturalWidth, image.naturalHeight, image.alt.length]; }))"""
IDS = "[...document.querySelectorAll('[id]')].map(e => e.id)"
CUT_HEADS = """[...document.querySelectorAll('th, td')].filter(e =>
  e.scrollWidth > e.clientWidth + 1).map(e => e.textContent.slice(0, 40))"""


@pytest.fixture(scope="module")
def browser():
    playwright, browser = open_browser()
    yield browser
    browser.close()
    playwright.stop()


@pytest.fixture(scope="module")
def address(browser, tmp_path_factory):
    classifier, X, Y = awkward_model()
    path = tmp_path_factory.mktemp("browser") / "report.html"
    ids = [f"{'very-long-identifier-' * 6}{i}" for i in range(len(X))]
    return write_report(classifier, X, Y, path, ids=ids, progress=False).as_uri()


@pytest.fixture(params=[(1280, "light"), (390, "dark")], ids=["wide", "narrow"])
def page(request, browser, address):
    width, scheme = request.param
    page = browser.new_page(viewport={"width": width, "height": 900}, color_scheme=scheme)
    page.errors, page.requests = [], []
    page.on("console", lambda message: page.errors.append(message.text))
    page.on("pageerror", lambda error: page.errors.append(str(error)))
    page.on("dialog", lambda dialog: page.errors.append(dialog.message))
    page.on("request", lambda request: page.requests.append(request.url))
    page.on("requestfailed", lambda request: page.errors.append(request.url))
    page.goto(address)
    yield page
    page.close()


def test_page_has_no_errors_and_no_overflow(page, address):
    images = page.evaluate(IMAGES)
    assert len(images) >= 9
    assert all(min(image) > 0 for image in images)
    assert page.evaluate(OVERFLOW) <= 0
    assert page.evaluate(OUTSIDE) == []
    assert page.evaluate(CUT_HEADS) == []
    ids = page.evaluate(IDS)
    assert len(ids) == len(set(ids))
    assert page.requests == [address]
    assert page.errors == []


def test_contents_link_to_sections(page):
    links = page.locator("nav a")
    assert links.count() == 7
    for i in range(links.count()):
        links.nth(i).click()
        target = page.locator(links.nth(i).get_attribute("href"))
        assert target.count() == 1
        at_end = page.evaluate("scrollY + innerHeight >= document.body.scrollHeight - 1")
        assert at_end or abs(target.bounding_box()["y"]) < 60


def test_details_open_and_wide_boxes_have_focus(page):
    fold = page.locator("details").first
    assert not fold.locator("table").is_visible()
    fold.locator("summary").click()
    assert fold.locator("table").is_visible()
    assert page.evaluate(OVERFLOW) <= 0
    boxes = page.locator(".skcm-table, .card")
    assert boxes.count() > 15
    for i in range(boxes.count()):
        assert boxes.nth(i).get_attribute("tabindex") == "0"
        assert boxes.nth(i).get_attribute("aria-label")


def test_colour_scheme_is_followed_and_figures_stay_on_white(browser, address):
    def colours(scheme):
        page = browser.new_page(color_scheme=scheme)
        page.goto(address)
        found = page.evaluate(
            "['body', '.card', '.skcm-table td'].map(s => {const c = getComputedStyle("
            "document.querySelector(s)); return [c.backgroundColor, c.color]})"
        )
        page.close()
        return found

    light, dark = colours("light"), colours("dark")
    assert contrast(*light[0]) > 7
    assert contrast(*dark[0]) > 7
    assert light[0] != dark[0]
    assert light[1][0] == dark[1][0] == "rgb(255, 255, 255)"
    assert light[2][1] == light[0][1]
    assert dark[2][1] == dark[0][1]


def contrast(*colours):
    """Contrast ratio of two colours, as defined by the Web Content Accessibility Guidelines."""
    channels = [[int(c) / 255 for c in colour[4:-1].split(",")] for colour in colours]
    linear = [
        [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in each]
        for each in channels
    ]
    a, b = sorted(0.2126 * r + 0.7152 * g + 0.0722 * b for r, g, b in linear)
    return (b + 0.05) / (a + 0.05)
