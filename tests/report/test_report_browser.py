"""The page in headless Chromium: no errors, keys that step, toggles, no sideways scrolling on a phone."""

import shutil
from collections.abc import Iterator

import pytest
import torch
from selenium import webdriver
from selenium.webdriver import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys
from support.reports import BOARDS, STEPS, mixed_search
from support.runs import TOKENS, labelled, search

from tts import compare
from tts.report import write_report
from tts.strategies import TargetedNoise

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
DRIVER = shutil.which("chromedriver")
pytestmark = pytest.mark.skipif(
    not (CHROMIUM and DRIVER), reason="needs Chromium and its driver: apt-get install chromium chromium-driver"
)


@pytest.fixture(scope="module")
def browser() -> Iterator[webdriver.Chrome]:
    options = webdriver.ChromeOptions()
    for argument in ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"):
        options.add_argument(argument)
    options.binary_location = CHROMIUM
    options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(DRIVER))
    driver.implicitly_wait(5)
    yield driver
    driver.quit()


@pytest.fixture(scope="module")
def pages(tmp_path_factory):
    """A search with all marks, a comparison without a player, and a run without records."""
    folder = tmp_path_factory.mktemp("pages")
    made = mixed_search(strategy=TargetedNoise(0.5, ("y",)), depth=6)
    result = made(BOARDS)
    write_report(result, folder / "search.html", labels=result.answers, search=made, puzzles=BOARDS)
    other = search(record=STEPS)
    compared = compare(other.model, labelled(other), {"<b>one": other})
    write_report(compared, folder / "comparison.html")
    write_report(search()(TOKENS), folder / "answers.html")
    return folder


def opened(browser, page, width=1000, scheme="light"):
    """The page, seen on a screen of that width."""
    screen = {"width": width, "height": 800, "deviceScaleFactor": 1, "mobile": width < 500}
    browser.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", screen)
    colours = [{"name": "prefers-color-scheme", "value": scheme}]
    browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": colours})
    browser.get(page.as_uri())
    return page


def press(browser, *keys):
    for key in keys:
        ActionChains(browser).send_keys(key).perform()


def at(browser):
    return browser.find_element(By.ID, "at").text


def boards(browser):
    """What is drawn on the boards."""
    return browser.execute_script("return [...document.querySelectorAll('.board > svg')].map(x => x.innerHTML)")


def started(browser):
    """Wait for the first board, then focus the player."""
    browser.find_element(By.CSS_SELECTOR, ".board")
    browser.execute_script("document.getElementById('player').focus()")


@pytest.mark.parametrize("name", ["search", "comparison", "answers"])
@pytest.mark.parametrize(("width", "scheme"), [(1000, "light"), (320, "dark")])
def test_it_opens_without_errors_and_never_scrolls_sideways(browser, pages, name, width, scheme):
    opened(browser, pages / f"{name}.html", width, scheme)
    browser.find_element(By.CSS_SELECTOR, ".chart path")
    browser.execute_script("document.querySelectorAll('details').forEach(x => x.open = true)")
    wide = browser.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
    assert wide == 0
    assert browser.get_log("browser") == []
    assert browser.find_element(By.ID, "player").is_displayed() == (name != "comparison")


def test_keys_step_and_turn(browser, pages):
    opened(browser, pages / "search.html")
    started(browser)
    first = boards(browser)
    assert at(browser) == "1 of 6"
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert at(browser) == "3 of 6"
    assert boards(browser) != first
    press(browser, Keys.END, Keys.ARROW_RIGHT)
    assert at(browser) == "6 of 6"
    press(browser, Keys.HOME)
    assert at(browser) == "1 of 6"
    assert boards(browser) == first  # cells that are drawn again are as they were
    puzzle = browser.find_element(By.ID, "puzzle")
    press(browser, "n")
    assert puzzle.get_attribute("value") == "1"
    press(browser, "p", "p")
    assert puzzle.get_attribute("value") == str(len(BOARDS) - 1)
    assert browser.get_log("browser") == []


def test_space_plays_to_the_end(browser, pages):
    opened(browser, pages / "search.html")
    started(browser)
    press(browser, Keys.END, Keys.ARROW_LEFT, " ")
    play = browser.find_element(By.ID, "play")
    assert play.get_attribute("aria-label") == "pause"
    browser.find_element(By.CSS_SELECTOR, "#play[aria-label=play]")  # waits for it
    assert at(browser) == "6 of 6"


def test_marks_are_those_of_the_step_and_can_be_hidden(browser, pages):
    opened(browser, pages / "search.html")
    started(browser)
    press(browser, Keys.ARROW_RIGHT)
    cells = ".board:first-child g.m-{}:not(:empty)"
    caption = browser.find_element(By.CSS_SELECTOR, ".board:first-child figcaption").text
    for name in ("wrong", "changed"):
        count = len(browser.find_elements(By.CSS_SELECTOR, cells.format(name)))
        assert f"{count} {name}" in caption
    for name in ("broken", "changed", "noise"):
        mark = browser.find_element(By.CSS_SELECTOR, cells.format(name))
        assert mark.is_displayed()
        browser.find_element(By.ID, f"mark-{name}").click()
        assert not mark.is_displayed()


def test_lines_can_be_hidden_and_values_read_with_keys(browser, pages):
    opened(browser, pages / "search.html")
    chart = browser.find_element(By.CSS_SELECTOR, "#charts .chart")
    button = chart.find_element(By.CSS_SELECTOR, ".legend button")
    drawn = len(chart.find_elements(By.CSS_SELECTOR, ".chart > svg > g"))
    button.click()
    assert button.get_attribute("aria-pressed") == "false"
    assert len(chart.find_elements(By.CSS_SELECTOR, ".chart > svg > g")) == drawn - 1
    button.click()
    browser.execute_script("arguments[0].focus()", chart.find_element(By.CSS_SELECTOR, ".chart > svg"))
    press(browser, Keys.ARROW_RIGHT, Keys.ARROW_RIGHT)
    assert chart.find_element(By.CSS_SELECTOR, ".at").text.startswith("rollouts k 2: pass@k ")


def test_colours_follow_the_system_until_told_otherwise(browser, pages):
    def background():
        return browser.execute_script("return getComputedStyle(document.body).backgroundColor")

    opened(browser, pages / "search.html", scheme="dark")
    dark, theme = background(), browser.find_element(By.ID, "theme")
    theme.click()
    light = background()
    theme.click()
    assert (background(), light != dark) == (dark, True)
    opened(browser, pages / "search.html", scheme="light")
    assert background() == light


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_and_lines_stand_out(browser, pages, scheme):
    opened(browser, pages / "search.html", scheme=scheme)
    names = ["page", "ink", "soft", "accent", "right", "wrong", *(f"c{n}" for n in range(7))]
    script = "const s = getComputedStyle(document.documentElement);"
    script += "return arguments[0].map(n => s.getPropertyValue(`--${n}`))"
    colours = dict(zip(names, browser.execute_script(script, names), strict=True))
    page = luminance(colours.pop("page"))
    for name, colour in colours.items():
        high, low = sorted((luminance(colour), page), reverse=True)
        least = 4.5 if name in ("ink", "soft", "accent", "right", "wrong") else 3  # WCAG 2.2: text, graphics
        assert (high + 0.05) / (low + 0.05) >= least, name


def luminance(colour):
    """Relative luminance of #rrggbb, as WCAG defines it."""
    parts = torch.tensor([int(colour.strip()[n : n + 2], 16) / 255 for n in (1, 3, 5)])
    linear = torch.where(parts <= 0.04045, parts / 12.92, ((parts + 0.055) / 1.055) ** 2.4)
    return float(linear @ torch.tensor([0.2126, 0.7152, 0.0722]))


def test_every_control_has_a_name(browser, pages):
    opened(browser, pages / "search.html")
    started(browser)
    controls = browser.find_elements(By.CSS_SELECTOR, "button, select, input, summary, [tabindex='0']")
    assert len(controls) > 20
    assert [control.get_attribute("outerHTML") for control in controls if not control.accessible_name] == []
