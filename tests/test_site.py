"""The site: its pages, and what a learner does in them in a real browser."""

from __future__ import annotations

import builtins
import fcntl
import gzip
import json
import os
import re
import shutil
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import httpx
import msgspec
import pytest
from browser import Browser, chromium
from click.testing import CliRunner, Result
from site_of import RIGHT, WRONG, build_with_stand_in, served
from test_browser import FAINT

from grader.commands.group import main
from grader.course import answers, catalog
from grader.course.answers import Answers
from grader.course.catalog import Lesson
from grader.course.progress import ExerciseProgress, Progress
from grader.course.statements import definitions
from grader.course.transcripts import first_difference
from grader.model.errors import CourseError, UsageError
from grader.site.building import build, service_worker
from grader.site.javascript import node_modules
from grader.site.lessons import link, site_lesson
from grader.site.serving import SiteServer

PROGRAM = chromium()
PREFIX = "some/where"

needs_a_browser = pytest.mark.skipif(PROGRAM is None, reason="there is no Chromium here")


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the site, some way below it: one for all processes that run tests."""
    try:
        node_modules()
    except CourseError as error:
        pytest.skip(f"no site can be built on this machine: {error}")
    base = tmp_path_factory.getbasetemp()
    folder = (base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) / "www"
    with folder.with_suffix(".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not folder.exists():
            build_with_stand_in(folder / PREFIX)
    return folder


@pytest.fixture(scope="module")
def server(root: Path) -> Iterator[SiteServer]:
    with served(root) as server:
        yield server


@pytest.fixture(scope="module")
def address(server: SiteServer) -> str:
    return f"{server.url}{PREFIX}/"


@pytest.fixture(scope="module")
def chromium_of_all(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    assert PROGRAM is not None
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


@pytest.fixture
def browser(chromium_of_all: Browser) -> Iterator[Browser]:
    """A visitor who comes for the first time."""
    with chromium_of_all.visitor() as browser:
        browser.resize(1280)
        browser.prefer("light")
        yield browser


@pytest.fixture
def page(browser: Browser, address: str) -> Browser:
    """The page of day 53, in which programs can be run."""
    browser.open(f"{address}day53.html#exercise-2")
    browser.wait_for(READY)
    return browser


READY = "document.getElementById('machine').dataset.state === 'ready'"
SAID = "document.getElementById('said').textContent"


def press(words: str, within: str = "#workbench") -> str:
    """The button that says so."""
    buttons = f"[...document.querySelectorAll('{within} button')]"
    return f"{buttons}.find(b => b.textContent === {json.dumps(words)} && b.offsetParent)"


def write(browser: Browser, text: str, within: str = "#workbench") -> None:
    """Replace what is in an editor, as a paste would."""
    browser.evaluate(f"document.querySelector('{within} .cm-content').focus()")
    for key in ("keyDown", "keyUp"):
        browser.send(
            "Input.dispatchKeyEvent", type=key, key="a", code="KeyA", windowsVirtualKeyCode=65,
            modifiers=2, commands=["selectAll"] if key == "keyDown" else [],
        )  # fmt: skip
    browser.send("Input.insertText", text=text)


def key(browser: Browser, name: str, code: int, modifiers: int = 0) -> None:
    for kind in ("keyDown", "keyUp"):
        browser.send(
            "Input.dispatchKeyEvent", type=kind, key=name, code=name, modifiers=modifiers,
            windowsVirtualKeyCode=code,
        )  # fmt: skip


def kept(browser: Browser) -> Any:
    """The progress that the browser keeps."""
    found = browser.evaluate("localStorage.getItem('course:/some/where/:progress')")
    return msgspec.json.decode(found, type=Progress) if found else Progress()


# Building


def grade(*words: str) -> Result:
    return CliRunner().invoke(main, words, prog_name="grade")


class Words(HTMLParser):
    """The words of a page that stand there without any script."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.text = ""
        self.links: list[str] = []
        self._is_hidden = False
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self._is_hidden = tag in ("script", "style")
        self.links += [value or "" for name, value in attrs if name in ("href", "src")]

    def handle_data(self, data: str) -> None:
        self.text += "" if self._is_hidden else data


def test_text_of_every_lesson_stands_in_its_page_before_any_script_runs(root: Path) -> None:
    for lesson in catalog.lessons():
        words = Words((root / PREFIX / f"{lesson.name}.html").read_text("utf-8"))
        source = catalog.course().lesson_text(lesson).read_text("utf-8")
        program = re.search(r"```python\n(.*?)```", source, re.DOTALL)
        assert program is not None
        assert program[1] in words.text
        assert "explains:" not in words.text


def test_every_link_of_the_site_leads_somewhere(root: Path) -> None:
    site = root / PREFIX
    for file in site.glob("*.html"):
        for target in Words(file.read_text("utf-8")).links:
            name, _, anchor = target.partition("#")
            assert target.startswith("https://") or (site / (name or file.name)).is_file(), target
            if anchor not in ("", "workbench", "quiz"):
                other = (site / (name or file.name)).read_text("utf-8")
                assert f'id="{anchor}"' in other, target


def test_link_to_what_is_not_in_the_site_leads_nowhere() -> None:
    assert link("../exercises/day53/exercise.py") is None
    assert link("../lessons/day54.md#errors") == "day54.html#errors"
    assert link("../quizzes/day54.md") == "day54.html#quiz"
    assert link("#errors") == "#errors"


def test_site_takes_no_folder_that_holds_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(UsageError, match="isn't a site"):
        build(tmp_path, lambda folder: None)
    assert (tmp_path / "mine.txt").read_text() == "mine"


def test_command_builds_no_site_over_something_else(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    result = grade("site", "build", str(tmp_path))
    assert result.exit_code == 2
    assert "isn't a site" in result.output


def test_command_says_when_a_port_is_taken(root: Path, server: SiteServer) -> None:
    port = str(server.server_address[1])
    result = grade("site", "serve", str(root / PREFIX), "--port", port)
    assert result.exit_code == 2
    assert f"try --port {int(port) + 1}" in result.output


def test_server_sends_text_compressed_to_those_who_take_it(tmp_path: Path) -> None:
    (tmp_path / "index.html").write_text("mine " * 1_000)
    with served(tmp_path) as server:
        sent = [
            httpx.get(server.url, headers={"Accept-Encoding": coding})
            for coding in ("gzip", "identity")
        ]
    assert [one.text for one in sent] == ["mine " * 1_000] * 2
    assert [one.headers.get("Content-Encoding") for one in sent] == ["gzip", None]
    assert int(sent[0].headers["Content-Length"]) < 100


def test_webassembly_is_sent_as_it_was_compressed_and_kept_once(tmp_path: Path) -> None:
    """A browser keeps what it has compiled of what comes from the network as WebAssembly; what a
    service worker keeps, for those without a network, is the compressed file."""
    (tmp_path / "core.wasm").write_bytes(b"mine")
    (tmp_path / "core.wasm.gz").write_bytes(gzip.compress(b"mine, compressed when it was built"))
    with served(tmp_path) as server:
        sent = httpx.get(f"{server.url}core.wasm", headers={"Accept-Encoding": "gzip"})
    assert sent.text == "mine, compressed when it was built"
    assert sent.headers["Content-Type"] == "application/wasm"
    kept = service_worker(tmp_path)
    assert '"core.wasm.gz"' in kept
    assert '"core.wasm"' not in kept


def test_browser_that_has_a_file_is_not_sent_it_again(tmp_path: Path) -> None:
    (tmp_path / "site.js").write_text("1")
    with served(tmp_path) as server:
        first = httpx.get(f"{server.url}site.js")
        known = {"If-Modified-Since": first.headers["Last-Modified"]}
        assert httpx.get(f"{server.url}site.js", headers=known).status_code == 304


@pytest.mark.parametrize("lesson", catalog.lessons(), ids=lambda lesson: lesson.name)
def test_files_of_an_exercise_stand_alone(lesson: Lesson) -> None:
    """Whatever a stub or a solution uses is in it."""
    for shown in site_lesson(lesson).exercises:
        exercise = lesson.exercise(shown.number)
        assert Answers(shown.stub).has_same(answers.stub(lesson), exercise)
        assert shown.asks in shown.stub
        for text in (shown.stub, shown.solution):
            compile(text, "exercise.py", "exec")
            assert undefined(text) == set(), exercise


def undefined(text: str) -> set[str]:
    found = definitions(text)
    bound = {name for one in found for name in one.binds}
    needed = {name for one in found for name in one.at_once | one.later}
    return needed - bound - {*dir(builtins), "__name__"}


# Reading and running


@needs_a_browser
def test_program_of_a_lesson_runs_where_it_stands_with_its_timeline(page: Browser) -> None:
    page.click(press("Run", "#text"))
    page.wait_for("!!document.querySelector('#text .result svg')")
    shown = page.evaluate("document.querySelector('#text .result').innerText")
    assert "ran" in shown
    assert "GET /dashboard: 200 after 4.5 s" in shown
    assert "It printed: ran" in page.evaluate(SAID)


@needs_a_browser
def test_page_stays_ready_while_the_judge_is_loaded(page: Browser) -> None:
    """What is loaded then is no reason not to grade an answer by itself."""
    page.wait_for("document.getElementById('machine').textContent.includes('offline')")
    told = page.evaluate("document.getElementById('machine').textContent")
    assert told == "Python is ready. It works offline now."
    assert page.evaluate(READY)


@needs_a_browser
def test_changed_program_is_there_again_after_a_reload(page: Browser, address: str) -> None:
    page.click(press("Change", "#text"))
    write(page, "x = 1\n1 / 0\n", "#text")
    page.click(press("Run", "#text"))
    page.wait_for("!!document.querySelector('#text .cm-said')")
    assert page.evaluate("document.querySelector('#text .cm-said').textContent") == "1 / 0"
    assert "division by zero" in page.evaluate(SAID)
    page.open(f"{address}day53.html")
    assert "1 / 0" in page.wait_for("document.querySelector('#text .cm-content')?.innerText")


@needs_a_browser
def test_what_never_ends_is_stopped(page: Browser) -> None:
    write(page, "while True: pass")
    page.click(press("Run"))
    page.wait_for(f"!{press('Stop')}.disabled")
    page.click(press("Stop"))
    page.wait_for(f"{SAID} === 'You stopped it.'")
    assert page.evaluate("document.querySelector('#workbench .cm-content').innerText").strip() == (
        "while True: pass"
    )


# Grading


@needs_a_browser
def test_wrong_answer_is_explained_and_its_line_is_marked(page: Browser) -> None:
    write(page, WRONG.read_text("utf-8"))
    key(page, "Enter", 13, modifiers=2)
    page.wait_for("!!document.querySelector('#workbench .verdict')")
    assert page.evaluate("document.querySelector('#workbench .cm-said').textContent").strip() == (
        "user = await fetch_user()"
    )
    assert "Line 10. Lines 10, 11 and 12 wait for one call" in page.evaluate(SAID)
    assert kept(page).lessons["day53"].exercises[2].attempts == 1


@needs_a_browser
def test_answer_is_graded_by_itself_and_that_is_no_attempt(page: Browser) -> None:
    write(page, WRONG.read_text("utf-8"))
    page.wait_for("!!document.querySelector('#workbench .verdict')")
    found = kept(page).lessons["day53"].exercises[2]
    assert (found.status, found.attempts) == ("failed", 0)


@needs_a_browser
def test_solution_is_earned_by_three_failures_and_shown_as_a_diff(page: Browser) -> None:
    write(page, WRONG.read_text("utf-8"))
    for attempts in (1, 2, 3):
        assert page.evaluate(f"{press('Solution')}.disabled")
        page.click(press("Grade"))
        count = "JSON.parse(localStorage.getItem('course:/some/where/:progress'))"
        page.wait_for(f"{count}?.lessons.day53?.exercises[2]?.attempts === {attempts}")
        page.wait_for(f"!{press('Grade')}.disabled")
    page.click(press("Solution"))
    taken = page.evaluate("[...document.querySelectorAll('.diff del')].map(e => e.innerText)")
    put = page.evaluate("[...document.querySelectorAll('.diff ins')].map(e => e.innerText)")
    assert any("user = await fetch_user()" in line for line in taken)
    assert any("asyncio.TaskGroup()" in line for line in put)
    same = page.evaluate("document.querySelector('.diff').innerText")
    assert "app = FastAPI()" in same
    assert not any("app = FastAPI()" in line for line in [*taken, *put])


@needs_a_browser
def test_right_answer_passes_and_its_progress_is_what_the_kit_reads(page: Browser) -> None:
    write(page, RIGHT.read_text("utf-8"))
    page.click(press("Grade"))
    page.wait_for(f"{SAID}.startsWith('Concurrent operations: passed')")
    found = kept(page).lessons["day53"].exercises[2]
    assert (found.status, found.attempts, found.passes) == ("passed", 1, 1)
    assert found.first_pass is not None
    assert not page.evaluate(f"{press('Solution')}.disabled")
    assert "✔ 2 ·" in page.evaluate("document.getElementById('exercise').innerText")


@needs_a_browser
def test_hints_come_one_by_one(page: Browser) -> None:
    shown = "document.querySelectorAll('#workbench [aria-label=Hints] section').length"
    for number in (1, 2, 3):
        page.click(press("Hint"))
        assert page.evaluate(shown) == number
    assert page.evaluate(f"{press('Hint')}.disabled")
    assert kept(page).lessons["day53"].exercises[2].hints == 3


@needs_a_browser
def test_reset_brings_the_stub_back_and_keeps_what_was_there(page: Browser) -> None:
    write(page, "mine = 1")
    page.click(press("Reset"))
    text = "document.querySelector('#workbench .cm-content').innerText"
    assert "async def fetch_user_slowly" in page.evaluate(text)
    page.evaluate(
        "(s => { s.selectedIndex = 1; s.dispatchEvent(new Event('change')) })"
        "(document.querySelector('[aria-label=\"Earlier answers\"]'))"
    )
    assert page.evaluate(text).strip() == "mine = 1"


@needs_a_browser
def test_exercise_that_needs_more_than_a_browser_says_so(page: Browser) -> None:
    page.evaluate("location.hash = '#exercise-3'")
    said = page.wait_for("document.querySelector('#workbench .note:not([hidden])')?.textContent")
    assert said == "This exercise needs PostgreSQL, and so the installed kit: grade day53 3"


# Moving through time


@needs_a_browser
def test_scrubber_says_where_each_task_stands_and_marks_the_line(page: Browser) -> None:
    write(page, WRONG.read_text("utf-8"))
    page.click(press("Grade"))
    page.wait_for("!!document.querySelector('#workbench .verdict input[type=range]')")
    moment = "document.querySelector('#workbench .verdict input[type=range]')"
    page.evaluate(f"{moment}.focus()")
    key(page, "ArrowRight", 39)
    said = page.evaluate(f"{moment}.getAttribute('aria-valuetext')")
    assert re.fullmatch(
        r"[\d.]+ s\. GET /dashboard, task \d+ at line 11: waits for fetch_orders", said
    )
    assert page.evaluate("document.querySelector('#workbench .cm-stands').textContent").strip() == (
        "orders = await fetch_orders()"
    )
    key(page, "ArrowLeft", 37)
    assert "line 10: waits for fetch_user" in page.evaluate(
        f"{moment}.getAttribute('aria-valuetext')"
    )


# The quiz


@needs_a_browser
def test_quiz_is_checked_and_remembered(page: Browser, address: str) -> None:
    choose = "document.querySelector('#quiz input[value={}]')"
    page.click(choose.format("b"))
    page.click(press("Check", "#quiz"))
    assert page.evaluate(SAID) == "No: a is right."
    page.click(choose.format("a"))
    page.click(press("Check", "#quiz"))
    assert page.evaluate(SAID) == "Right."
    answer = kept(page).lessons["day53"].quiz["What it is for"]
    assert (answer.given, answer.right) == ("a", True)
    page.open(f"{address}day53.html")
    assert page.wait_for("document.querySelector('#quiz input[value=a]')?.checked")


@needs_a_browser
def test_typed_answers_are_judged_as_natively(page: Browser) -> None:
    pairs = [
        ("called\nhello\ndone", "called\nhello\ndone"),
        ("  Called \n\n'hello'\ndone", 'called\n"Hello"\ndone\n'),
        ("3\n", "3.00"),
        ("3.1", "3.10 s"),
        ("a1 2", "a1 2.0"),
        ("", "x"),
        ("ä_b - 7", "Ä_b -7"),
        ("one", "one\ntwo"),
    ]
    page.evaluate("import('./judging-alone.js').then(m => window.alone = m)")
    page.wait_for("!!window.alone")
    for given, printed in pairs:
        call = f"window.alone.firstDifference({json.dumps(given)}, {json.dumps(printed)})"
        ours, natively = page.evaluate(call), first_difference(given, printed)
        assert (ours and ours["line"]) == (natively and natively.line), (given, printed)


@needs_a_browser
def test_attempts_are_counted_as_natively(page: Browser) -> None:
    steps = [
        ("failed", "a", True), ("failed", "a", True), ("failed", "b", False), ("broken", "b", True),
        ("passed", "c", True), ("passed", "c", True), ("passed", "d", False), ("todo", "e", True),
    ]  # fmt: skip
    page.evaluate("import('./progress-alone.js').then(m => window.alone = m)")
    page.wait_for("!!window.alone")
    page.evaluate("window.known = window.alone.exerciseOf(window.alone.empty(), 'day53', 2)")
    native = ExerciseProgress()
    for status, digest, asked in steps:
        call = json.dumps([status, digest, asked])
        page.evaluate(f"window.alone.noted(window.known, ...{call})")
        native.note(status, digest, asked)  # type: ignore[arg-type]
        found = page.evaluate("window.known")
        assert (found["status"], found["attempts"], found["passes"]) == (
            native.status, native.attempts, native.passes,
        )  # fmt: skip


# Taking things along


@needs_a_browser
def test_link_carries_an_answer(page: Browser, address: str) -> None:
    write(page, "# ünïcode 'n' <b>\nx = 1\n")
    page.evaluate("navigator.clipboard.writeText = () => Promise.reject(new Error('no'))")
    page.click(press("Copy link"))
    link = page.wait_for("location.hash.includes('code=') && location.href")
    page.click(press("Reset"))
    page.open("about:blank")
    page.open(link)
    text = "document.querySelector('#workbench .cm-content')?.innerText"
    assert "ünïcode 'n' <b>" in page.wait_for(f"{text}?.includes('code') && {text}")
    page.evaluate("location.hash = '#exercise-2&code=AAAA'")
    assert "damaged" in page.wait_for(f"{SAID}.includes('damaged') && {SAID}")
    assert "ünïcode" in page.evaluate(text)


@needs_a_browser
def test_progress_of_the_kit_is_imported(page: Browser, tmp_path: Path) -> None:
    progress = Progress()
    lesson = catalog.lesson("day53")
    progress.exercise(lesson, lesson.exercise(2)).note("passed", "0123", True)
    for name, text in (("bad.json", b"{}"), ("progress.json", msgspec.json.encode(progress))):
        (tmp_path / name).write_bytes(text)
        node = page.send("DOM.getDocument")["root"]["nodeId"]
        found = page.send("DOM.querySelector", nodeId=node, selector="#menu input[type=file]")
        page.send("DOM.setFileInputFiles", files=[str(tmp_path / name)], nodeId=found["nodeId"])
        words = "isn't the progress" if name == "bad.json" else "is here now"
        page.wait_for(f"{SAID}.includes({json.dumps(words)})")
    assert kept(page) == progress


# When things go wrong


@needs_a_browser
def test_storage_that_is_forbidden_is_told_and_loses_nothing_meanwhile(
    browser: Browser, address: str
) -> None:
    forbid = (
        "Object.defineProperty(window, 'localStorage',"
        " { get() { throw new DOMException('no', 'SecurityError'); } })"
    )
    browser.send("Page.addScriptToEvaluateOnNewDocument", source=forbid)
    browser.open(f"{address}day53.html#exercise-2")
    browser.wait_for(READY)
    write(browser, WRONG.read_text("utf-8"))
    browser.click(press("Grade"))
    browser.wait_for("!!document.querySelector('#workbench .verdict')")
    assert "keeps nothing for this page" in browser.evaluate(
        "document.querySelector('.notice').textContent"
    )
    browser.evaluate("location.hash = '#exercise-1'")
    browser.evaluate("location.hash = '#exercise-2'")
    text = "document.querySelector('#workbench .cm-content').innerText"
    browser.wait_for(f"{text}.includes('await fetch_user()')")


@needs_a_browser
def test_full_storage_is_told(page: Browser) -> None:
    page.evaluate(
        "Storage.prototype.setItem = () => { throw new DOMException('full', 'QuotaExceededError') }"
    )
    write(page, "x = 1")
    page.wait_for(f"{SAID}.startsWith('Your browser has no room left')")


@needs_a_browser
def test_old_browser_shows_the_text_and_says_what_is_missing(
    browser: Browser, address: str
) -> None:
    old = "delete window.DecompressionStream"
    browser.send("Page.addScriptToEvaluateOnNewDocument", source=old)
    browser.open(f"{address}day53.html")
    browser.wait_for("document.getElementById('machine').dataset.state === 'failed'")
    assert "it is too old" in browser.evaluate("document.getElementById('machine').textContent")
    browser.click(press("Run", "#text"))
    browser.wait_for(f"{SAID}.includes('it is too old')")


@needs_a_browser
def test_two_tabs_show_the_same_answer(page: Browser) -> None:
    page.send(
        "Runtime.evaluate", expression="window.other = window.open(location.href)", userGesture=True
    )
    page.wait_for("!!window.other.document.querySelector('#workbench .cm-content')")
    write(page, "shared = 1")
    theirs = "window.other.document.querySelector('#workbench .cm-content').innerText.trim()"
    page.wait_for(f"{theirs} === 'shared = 1'")
    page.evaluate("window.other.close()")


@needs_a_browser
def test_it_works_offline_after_the_first_visit(browser: Browser, root: Path) -> None:
    with served(root) as server:
        address = f"{server.url}{PREFIX}/"
        browser.open(f"{address}day53.html#exercise-2")
        browser.wait_for("document.getElementById('machine').textContent.includes('offline')")
    browser.open(f"{address}day54.html")
    browser.wait_for(READY)
    browser.open(f"{address}day53.html#exercise-2")
    browser.wait_for(READY)
    write(browser, RIGHT.read_text("utf-8"))
    browser.click(press("Grade"))
    browser.wait_for(f"{SAID}.startsWith('Concurrent operations: passed')")


@needs_a_browser
def test_file_of_another_version_is_not_kept(browser: Browser, root: Path, tmp_path: Path) -> None:
    """Else a page of one version would be shown with a script of another."""
    shutil.copytree(root / PREFIX, tmp_path / PREFIX)
    mixed = tmp_path / PREFIX / "kernel" / "replies.json"
    mixed.write_bytes(mixed.read_bytes() + b" ")
    with served(tmp_path) as server:
        browser.open(f"{server.url}{PREFIX}/day53.html")
        browser.wait_for(READY)
        keys = "caches.keys().then(([name]) => caches.open(name)).then(cache => cache.keys())"
        kept = browser.promised(f"{keys}.then(all => all.map(request => request.url))")
    assert any("/kernel/kernel.js?kept=" in url for url in kept)
    assert not any("/replies.json" in url for url in kept)


@needs_a_browser
def test_nothing_is_asked_of_any_other_host(page: Browser, address: str) -> None:
    page.click(press("Run", "#text"))
    page.wait_for("!!document.querySelector('#text .result svg')")
    asked = [one["request"]["url"] for one in page.told("Network.requestWillBeSent")]
    assert [url for url in asked if not url.startswith(address)] == []
    assert page.promised("fetch('http://127.0.0.1:1/').then(() => '', e => e.name)") == "TypeError"
    refused = [one["entry"]["text"] for one in page.told("Log.entryAdded")]
    assert any("Content Security Policy" in text for text in refused)


# With the kit itself in the page


@pytest.fixture
def real_site(root: Path, kernel: Path, tmp_path: Path) -> Path:
    """The site as it is built for visitors, in the folder that is served."""
    shutil.copytree(root / PREFIX, tmp_path / PREFIX, ignore=shutil.ignore_patterns("kernel"))
    shutil.copytree(kernel, tmp_path / PREFIX / "kernel")
    (tmp_path / PREFIX / "sw.js").write_text(service_worker(tmp_path / PREFIX), "utf-8")
    return tmp_path


@needs_a_browser
def test_visitor_solves_an_exercise_from_the_page_alone(browser: Browser, real_site: Path) -> None:
    """Reads, runs, is wrong, is right, hangs, goes on, and comes again without a network."""
    long = 150.0
    with served(real_site) as server:
        address = f"{server.url}{PREFIX}/"
        browser.open(f"{address}day53.html#exercise-2")
        browser.wait_for(READY, long)
        asked = [one["request"]["url"] for one in browser.told("Network.requestWillBeSent")]
        assert [url for url in asked if url.endswith(".wasm")]
        assert not [url for url in asked if url.endswith(".wasm.gz")]
        browser.click(press("Run", "#text"))
        browser.wait_for("!!document.querySelector('#text .result')", long)
        write(browser, WRONG.read_text("utf-8"))
        browser.click(press("Grade"))
        browser.wait_for("!!document.querySelector('#workbench .cm-said')", long)
        assert "Lines 10, 11 and 12 wait for one call" in browser.evaluate(SAID)
        browser.wait_for("document.getElementById('machine').textContent.includes('offline')", long)
    write(browser, "while True:\n    pass")
    browser.click(press("Run"))
    browser.wait_for(f"{SAID}.includes('ended')", long)
    browser.open(f"{address}day54.html")
    browser.open(f"{address}day53.html#exercise-2")
    browser.wait_for(READY, long)
    write(browser, RIGHT.read_text("utf-8"))
    browser.click(press("Grade"))
    browser.wait_for(f"{SAID}.startsWith('Concurrent operations: passed')", long)


# How it looks


@needs_a_browser
@pytest.mark.parametrize("width", [390, 1280])
def test_page_is_never_wider_than_the_window(page: Browser, width: int) -> None:
    page.resize(width)
    write(page, WRONG.read_text("utf-8"))
    page.click(press("Grade"))
    page.wait_for("!!document.querySelector('#workbench .verdict svg')")
    page.click(press("Hint"))
    page.click(press("Run", "#text"))
    page.wait_for("!!document.querySelector('#text .result svg')")
    assert page.evaluate("document.documentElement.scrollWidth") == width


@needs_a_browser
@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_text_can_be_read_in_each_scheme(page: Browser, scheme: str) -> None:
    page.prefer(scheme)
    write(page, WRONG.read_text("utf-8"))
    page.click(press("Grade"))
    page.wait_for("!!document.querySelector('#workbench .verdict svg')")
    assert page.evaluate(FAINT) == []
