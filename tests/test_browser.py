"""The report in a real browser: from a file, on a phone, in the dark, on paper."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
import pytest
from browser import Browser, chromium
from test_html import ROOT, hostile_report
from test_render import EVERY_KIND, IN_TURN, REPORT, SLOW, TOGETHER, answered, finished, span

from grader.course.catalog import lesson
from grader.course.hints import ladder
from grader.model.report import Diagnosis, ExerciseReport
from grader.model.trace import Trace
from grader.render.page import PageContext, to_page
from grader.render.svg import timeline_svg

PROGRAM = chromium()

pytestmark = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium on this machine")

DAY53 = lesson("day53")
BESIDE = PageContext(
    title=DAY53.title,
    source=(ROOT / "solutions" / "day53" / "solution.py").read_text("utf-8"),
    hints={exercise.number: ladder(DAY53, exercise) for exercise in DAY53.exercises},
    lesson=(ROOT / "lessons" / "day53.md").read_text("utf-8"),
)

LONG = "a_name_that_has_no_end_" * 8
CROWD = finished(
    *(answered(f"/{LONG}/{n}", n / 10, n / 10 + 2, n) for n in range(100)),
    spans=tuple(span(LONG, n / 10, n / 10 + 1, exchange=n, line=7) for n in range(100)),
)


def failing(number: int, trace: Trace, **changes: Any) -> ExerciseReport:
    """An exercise with a check that failed so."""
    check = msgspec.structs.replace(SLOW, got=trace, reference=TOGETHER, **changes)
    return ExerciseReport(number=number, title=LONG, status="failed", line=9, checks=(check, check))


@pytest.fixture(scope="module")
def page(tmp_path_factory: pytest.TempPathFactory) -> str:
    """The address of a page with much on it, some of it too long, some of it hostile."""
    printed = msgspec.structs.replace(EVERY_KIND, output=LONG)
    exercises = (
        *REPORT.exercises[1:],
        failing(1, CROWD),
        failing(7, printed, expected=LONG, actual=LONG, diagnoses=(Diagnosis("x", 9, LONG),)),
        *(msgspec.structs.replace(e, number=3) for e in hostile_report().exercises),
    )
    report = msgspec.structs.replace(REPORT, exercises=exercises, file=f"{LONG}.py")
    file = tmp_path_factory.mktemp("page") / "report.html"
    file.write_text(to_page([(report, BESIDE)]), "utf-8")
    return file.as_uri()


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def opened(browser: Browser, page: str) -> Browser:
    """The page in a window of 1200 pixels, in daylight."""
    browser.resize(1200)
    browser.prefer("light")
    browser.open(page)
    return browser


UNFOLD = "document.querySelectorAll('details').forEach(fold => fold.open = true)"

STICKING_OUT = """
[...document.querySelectorAll('body *')]
  .filter(e => !e.closest('.picture svg') && !e.classList.contains('hidden'))
  .filter(e => e.getBoundingClientRect().right > innerWidth + 1).map(e => e.outerHTML.slice(0, 80))
"""

FAINT = """
(() => {
  const light = colour => {
    const [r, g, b] = colour.match(/[0-9.]+/g).map(v => v / 255)
      .map(v => v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b + 0.05;
  };
  const ground = e => {
    const colour = getComputedStyle(e).backgroundColor;
    return colour == 'rgba(0, 0, 0, 0)' ? ground(e.parentElement) : colour;
  };
  return [...document.querySelectorAll('body *')].filter(e => !e.closest('svg'))
    .filter(e => [...e.childNodes].some(n => n.nodeType == 3 && n.data.trim()))
    .filter(e => {
      const pair = [light(getComputedStyle(e).color), light(ground(e))];
      return Math.max(...pair) / Math.min(...pair) < 4.5;
    }).map(e => e.outerHTML.slice(0, 80));
})()
"""


def seen(text: str) -> str:
    """Whether the paragraph that begins so can be seen, as an expression."""
    found = f"find(p => p.textContent.startsWith({json.dumps(text)}))"
    return f"[...document.querySelectorAll('p')].{found}.checkVisibility()"


HINT = ladder(DAY53, DAY53.exercise(2))[0].splitlines()[0]
SUMMARY = "document.querySelector('#day53-exercise-2 .fold summary')"


def test_page_opens_from_a_file_and_asks_for_nothing_else(opened: Browser, page: str) -> None:
    """Nothing is loaded, run, or complained of; the attacks in it have had no effect."""
    assert opened.evaluate("document.querySelector('.score').textContent").startswith("0 of 7")
    requests = [told["request"]["url"] for told in opened.told("Network.requestWillBeSent")]
    assert requests == [page]
    for complaint in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
        assert opened.told(complaint) == []
    assert opened.told("Page.javascriptDialogOpening") == []


def test_hint_unfolds_and_folds_by_a_click(opened: Browser) -> None:
    for expected in (False, True, False):
        assert opened.evaluate(seen(HINT)) is expected
        opened.click(SUMMARY)


def test_hint_unfolds_by_the_keyboard(opened: Browser) -> None:
    opened.evaluate(f"{SUMMARY}.focus()")
    for kind in ("keyDown", "keyUp"):
        opened.send("Input.dispatchKeyEvent", type=kind, key=" ", code="Space", text=" ")
    assert opened.evaluate(seen(HINT))


def test_link_in_a_hint_unfolds_the_section_that_it_leads_to(opened: Browser) -> None:
    """And brings it into view."""
    opened.evaluate(UNFOLD.replace("'details'", "'#day53-exercise-2 details'"))
    opened.click("document.querySelector('a[href=\"#day53-when-one-of-them-fails\"]')")
    top = "document.getElementById('day53-when-one-of-them-fails').getBoundingClientRect().top"
    assert opened.evaluate("location.hash") == "#day53-when-one-of-them-fails"
    assert 0 <= opened.evaluate(top) < 400


@pytest.mark.parametrize("width", [320, 375, 1200])
def test_nothing_sticks_out(opened: Browser, width: int) -> None:
    """Whatever is unfolded and however long a name is: only pictures can be scrolled."""
    opened.resize(width)
    opened.evaluate(UNFOLD)
    assert opened.evaluate("document.documentElement.scrollWidth") <= width
    assert opened.evaluate(STICKING_OUT) == []


def test_picture_on_a_phone_is_large_enough_and_scrolls(opened: Browser) -> None:
    opened.resize(375)
    picture = "document.querySelector('.picture')"
    assert opened.evaluate(f"{picture}.firstElementChild.getBoundingClientRect().width") >= 600
    opened.evaluate(f"{picture}.scrollLeft = 100")
    assert opened.evaluate(f"{picture}.scrollLeft") == 100


def test_labels_of_pictures_are_not_cut(opened: Browser) -> None:
    """All that is written lies within its picture, and no label reaches into the bars."""
    opened.evaluate(UNFOLD)
    assert (
        opened.evaluate("""
        [...document.querySelectorAll('svg')].flatMap(svg => {
          const {width, height} = svg.viewBox.baseVal;
          const start = svg.querySelector('path[stroke-opacity]').getBBox().x;
          return [...svg.querySelectorAll('text')].filter(text => {
            const box = text.getBBox(), isLabel = box.x < start - 20 && box.y < height - 40;
            return box.x < 0 || box.x + box.width > (isLabel ? start + 1 : width)
              || box.y < 0 || box.y + box.height > height;
          }).map(text => text.textContent);
        })
    """)
        == []
    )


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_words_stand_out_from_what_is_behind_them(opened: Browser, scheme: str) -> None:
    """By 4.5 to 1, as WCAG 2 asks for at its level AA."""
    opened.prefer(scheme)
    opened.evaluate(UNFOLD)
    assert opened.evaluate(FAINT) == []


def test_dark_page_is_dark_in_words_and_pictures(opened: Browser) -> None:
    def colours() -> list[str]:
        return [
            opened.evaluate(f"getComputedStyle(document.querySelector('{place}')).{what}")
            for place, what in (("body", "backgroundColor"), ("body", "color"), ("text", "fill"))
        ]

    light, lit = colours(), opened.screenshot()
    opened.prefer("dark")
    dark, unlit = colours(), opened.screenshot()
    assert light == ["rgb(255, 255, 255)", "rgb(31, 35, 40)", "rgb(31, 35, 40)"]
    assert dark == ["rgb(13, 17, 23)", "rgb(230, 237, 243)", "rgb(230, 237, 243)"]
    assert lit != unlit


def test_paper_shows_what_is_folded_and_is_never_dark(opened: Browser) -> None:
    """But for the sections of the lesson, which would be a book."""
    opened.prefer("dark", media="print")
    assert opened.evaluate(seen(HINT))
    assert opened.evaluate("getComputedStyle(document.body).color") == "rgb(31, 35, 40)"
    assert opened.evaluate("document.querySelector('.lesson').getClientRects().length") == 0
    assert opened.pdf().startswith(b"%PDF")


def test_reader_that_reads_aloud_hears_the_picture(opened: Browser) -> None:
    """Its name and its description; and of a check, whether it passed."""
    nodes = opened.send("Accessibility.getFullAXTree")["nodes"]
    pictures = [node for node in nodes if node.get("role", {}).get("value") in ("img", "image")]
    said = " ".join(node["name"]["value"] for node in pictures)
    assert "Timeline of 4.5 seconds" in said
    assert "fetch_user: 0 to 1 s (done)" in said
    assert "passed: " in opened.evaluate("document.querySelector('.says.passed').textContent")


def test_picture_by_itself_follows_the_readers_scheme(browser: Browser, tmp_path: Path) -> None:
    """An SVG that was saved from a notebook."""
    file = tmp_path / "picture.svg"
    file.write_text(timeline_svg(IN_TURN), "utf-8")
    for scheme, colour in (("light", "rgb(31, 35, 40)"), ("dark", "rgb(230, 237, 243)")):
        browser.prefer(scheme)
        browser.open(file.as_uri())
        fill = browser.evaluate("getComputedStyle(document.querySelector('text')).fill")
        assert fill == colour
