"""The board as a process, and what learners send to it. Takes 20 s."""

from __future__ import annotations

import http.server
import json
import re
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import product
from pathlib import Path
from typing import Any, ClassVar

import httpx
import pytest
from board_of import ServedBoard, served_board
from browser import Browser, chromium
from learner import DAY53, MISTAKES, ROOT, SOLUTION, Learner
from test_board import exercise, report

from grader.authoring.markdown import blocks_of
from grader.course.answers import Answers
from grader.model.report import ExerciseReport, Report
from grader.reporting import sending
from grader.reporting.identity import learner_id
from grader.reporting.message import in_a_sentence, message_on
from grader.reporting.sending import Sending
from grader.reporting.settings import BoardAddress, ReportSettings, address_of, report_settings
from grader.services.postgres.daemon.cluster import find_programs

PROGRAM = chromium()
IN_TURN = MISTAKES / "2_awaited_in_turn.py"
PATIENCE = 120.0
"""Real seconds after which a machine, however busy, has had its time."""
CLIENT = httpx.Client(verify=False, timeout=PATIENCE)
NAME = "<b>Ada</b> \u202eevil"


def headers(address: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {address.partition('#')[2]}"}


def send(board: ServedBoard, **changes: Any) -> httpx.Response:
    sent = report(**{"lesson": "day53", **changes})
    return CLIENT.post(f"{board.url}/reports", json=sent, headers=headers(board.join))


def overview(board: ServedBoard, address: str = "") -> Any:
    """What a page that is opened now is told first."""
    asks = headers(address or board.join)
    with CLIENT.stream("GET", f"{board.url}/events", headers=asks) as answer:
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBoard]:
    with served_board(tmp_path_factory.mktemp("board") / "data", "--names") as board:
        yield board


@pytest.fixture(autouse=True)
def patient(monkeypatch: pytest.MonkeyPatch) -> None:
    """A learner who waits for the board, however busy the machine is."""
    monkeypatch.setattr(sending, "WITHIN", PATIENCE)


# The process


def test_restart_loses_no_report_however_it_ended(tmp_path: Path) -> None:
    """Open pages don't hold it up, and its addresses stay the same."""
    addresses: set[tuple[str, str]] = set()
    port = 0
    for number, signal_ in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), 1):
        with served_board(tmp_path / "data", port=port) as board:
            port = board.port
            addresses.add((board.join, board.mine))
            assert overview(board)["learners"] == number - 1
            assert send(board, id=number, learner=number).status_code == 201
            assert send(board, id=1, learner=1).json() == {"new": False}
            with reading(board) as lines:
                code = board.end(signal_)
                if signal_ != signal.SIGKILL:
                    assert all(line.startswith(("data: ", ":")) for line in lines if line)
                    assert code == 128 + signal_
    assert len(addresses) == 1
    assert (tmp_path / "data" / "tokens.json").stat().st_mode & 0o077 == 0


@contextmanager
def reading(board: ServedBoard) -> Iterator[Iterator[str]]:
    """The lines of a page that stays open, after the first event."""
    with CLIENT.stream("GET", f"{board.url}/events", headers=headers(board.join)) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        yield lines


def test_two_boards_do_not_share_a_folder_nor_a_port(board: ServedBoard, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"nothing can be served at 127\.0\.0\.1"):
        ServedBoard(tmp_path / "data", port=board.port)
    with pytest.raises(AssertionError, match="Another process uses"):
        ServedBoard(board.data)


@pytest.mark.parametrize("name", ["postgres-1", "postgres-{version}"])
def test_data_that_cannot_be_used_is_left_alone(tmp_path: Path, name: str) -> None:
    """That of another version, and what was damaged."""
    data = tmp_path / "data" / name.format(version=find_programs()[1])
    data.mkdir(parents=True)
    with pytest.raises(AssertionError, match="holds no data that PostgreSQL"):
        ServedBoard(tmp_path / "data")
    assert data.is_dir()


def test_database_that_is_not_there_is_said(tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match="The PostgreSQL of DATABASE_URL does not answer"):
        ServedBoard(tmp_path / "data", DATABASE_URL="postgresql://ada@127.0.0.1:1/ada")


# What `grade` sends


def grade(learner: Learner, *words: str, file: Path = IN_TURN) -> Any:
    return learner.grade("day53", "2", "--file", file, "--format", "json", *words)


def test_verdict_is_reported_and_the_learner_is_told_what_was_sent(
    learner: Learner, board: ServedBoard
) -> None:
    done = grade(learner, "--report-to", board.join)
    address = board.url.removeprefix("http://")
    said = "day53 2 failed (awaited-in-turn); without your name, without your code."
    assert done.stderr == f"Reported to {address}: {said}\n"
    assert json.loads(done.stdout)["passed"] == 0
    assert overview_until(board, lambda found: "awaited-in-turn" in str(found))


def test_preview_prints_all_of_it_and_sends_nothing(learner: Learner) -> None:
    words = ("--report-to", "http://127.0.0.1:9/#t", "--report-preview", "--report-code")
    done = grade(learner, *words, "--report-as", "Ada")
    assert done.stderr.startswith("This would be sent to http://127.0.0.1:9:\n{")
    sent = json.loads(done.stderr.partition("\n")[2])
    assert set(sent) == {"id", "learner", "name", "lesson", "graded_at", "exercises"}
    [shown] = sent["exercises"]
    text = IN_TURN.read_text("utf-8")
    assert (sent["name"], shown["reason"]) == ("Ada", "awaited-in-turn")
    assert shown["code"]["text"] in text
    assert shown["code"]["first_line"] == text[: text.index("def exercise_2")].count("\n") + 1


def test_config_that_is_broken_costs_no_verdict(learner: Learner) -> None:
    (learner.folder / ".course").mkdir()
    (learner.folder / ".course" / "config.toml").write_text("[report]\nto = 3\n")
    done = grade(learner)
    assert done.stderr.startswith("Not reported: .course/config.toml: Expected `str`, got `int`")
    assert json.loads(done.stdout)["total"] == 1


def test_what_is_asked_for_now_goes_before_the_config(tmp_path: Path) -> None:
    assert report_settings(tmp_path, None, None, False) is None
    (tmp_path / ".course").mkdir()
    text = '[report]\nto = "http://a/#t"\nname = "Bo"\ncode = true\n'
    (tmp_path / ".course" / "config.toml").write_text(text)
    found = report_settings(tmp_path, None, None, False)
    assert found == ReportSettings(BoardAddress("http://a", "t"), "Bo", True)
    found = report_settings(tmp_path, "https://b:1/c/#u", "Ada", False)
    assert found == ReportSettings(BoardAddress("https://b:1/c", "u"), "Ada", True)
    assert report_settings(tmp_path, "none", None, False) is None


@pytest.mark.parametrize("sends_code", [False, True])
def test_only_the_first_answer_that_fails_is_sent_and_only_if_asked_for(sends_code: bool) -> None:
    settings = ReportSettings(BoardAddress("http://a", "t"), sends_code=sends_code)
    exercises = [
        ExerciseReport(number=number, title="?", status=status)
        for number, status in enumerate(("passed", "failed", "failed", "todo"), 1)
    ]
    found = Report(lesson="day53", file="x", seed=1, seconds=1, exercises=tuple(exercises))
    answers = Answers(SOLUTION.read_text("utf-8"))
    sent = message_on(found, DAY53, answers, settings, "l")
    with_code = [one["number"] for one in sent["exercises"] if "code" in one]
    assert with_code == ([2] if sends_code else [])
    said = "day53: 1 passed, 2 failed, 1 to do; without your name, "
    assert in_a_sentence(sent) == said + ("with your code" if sends_code else "without your code")


def test_learner_keeps_a_number(tmp_path: Path) -> None:
    """Another one in each workspace; and a broken one is replaced."""
    first = learner_id(tmp_path)
    assert learner_id(tmp_path) == first
    (tmp_path / ".course" / "learner").write_text("nonsense")
    assert learner_id(tmp_path) != first


def overview_until(board: ServedBoard, is_it: Callable[[Any], bool]) -> Any:
    """The first overview that a page is told of which something is true."""
    asks = headers(board.mine)
    with CLIENT.stream("GET", f"{board.url}/events?names=true", headers=asks) as answer:
        for line in answer.iter_lines():
            if line.startswith("data: ") and is_it(found := json.loads(line[6:])):
                return found
    raise AssertionError


@pytest.mark.parametrize(
    "address",
    ["x", "ftp://a/#t", "http://a", "http://u:p@a/#t", "http://[/#t", "http://a:x/#t", ""],
)
def test_address_that_is_none_is_a_mistake_of_use(learner: Learner, address: str) -> None:
    """It is said before anything is graded."""
    done = learner.grade("day53", "2", "--report-to", address)
    assert (done.exit_code, done.stdout) == (2, "")
    assert "192.168.1.20:8765/#" in done.stderr


def test_address_with_the_wrong_token_is_said(learner: Learner, board: ServedBoard) -> None:
    done = grade(learner, "--report-to", f"{board.url}/#wrong")
    assert done.stderr.startswith("Not reported: the board says: this isn't the board's token")
    assert done.exit_code == 1


class _Strange(http.server.BaseHTTPRequestHandler):
    """A server that is no board, and keeps what it was sent."""

    bodies: ClassVar[list[bytes]] = []

    def do_POST(self) -> None:
        self.bodies.append(self.rfile.read(int(self.headers["Content-Length"])))
        left = self.server.answers  # type: ignore[attr-defined]
        code, headers, body = left.pop(0) if len(left) > 1 else left[0]
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


Reply = tuple[int, dict[str, str], bytes]
BUSY: Reply = (503, {}, b"")


@contextmanager
def answering(*answers: Reply) -> Iterator[str]:
    """The address of a server that gives one answer after the other, and the last one for ever."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Strange) as server:
        server.answers = list(answers)  # type: ignore[attr-defined]
        _Strange.bodies.clear()
        threading.Thread(target=server.serve_forever).start()
        try:
            yield f"http://127.0.0.1:{server.server_port}/#t"
        finally:
            server.shutdown()


@pytest.mark.parametrize(
    ("code", "more", "body", "says"),
    [
        (200, {}, b"<html>", "Not reported: what answers there isn't a board."),
        (404, {}, b"[1]", "Not reported: what answers there isn't a board (404)."),
        (302, {"Location": "http://127.0.0.1:9/"}, b"", "isn't a board (302)."),
        (422, {}, b'{"detail": "\\u001b[2J\\nno"}', "Not reported: the board says: \\x1b[2J\\nno."),
        (200, {"Content-Length": "9"}, b"", "Not reported: what answers there isn't a board."),
    ],
)
def test_whatever_answers_is_said_in_a_sentence(
    code: int, more: dict[str, str], body: bytes, says: str
) -> None:
    with answering((code, more, body)) as address:
        assert Sending(address_of(address), report()).outcome().endswith(says)


def test_report_is_sent_again_while_the_board_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same id, so that it counts once."""
    monkeypatch.setattr(sending, "PAUSE", 0.01)
    with answering(BUSY, BUSY, (201, {}, b'{"new": true}')) as address:
        assert Sending(address_of(address), report(name="")).outcome().startswith("Reported to")
    assert len(_Strange.bodies) == 3
    assert len({json.loads(body)["id"] for body in _Strange.bodies}) == 1


def test_board_that_stays_busy_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sending, "WITHIN", 0.1)
    with answering(BUSY) as address:
        assert Sending(address_of(address), report()).outcome().endswith("doesn't answer.")


def test_board_that_is_silent_costs_no_verdict(
    learner: Learner, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes the connection, and says nothing."""
    monkeypatch.setattr(sending, "WITHIN", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = grade(learner, "--report-to", f"http://127.0.0.1:{silent.getsockname()[1]}/#t")
    assert done.stderr.endswith("doesn't answer.\n")
    assert json.loads(done.stdout)["total"] == 1


def test_watch_mode_goes_on_without_the_board(learner: Learner) -> None:
    learner.answers(2, IN_TURN)
    words = ("day53", "2", "--watch", "--report-to", "http://127.0.0.1:9/#t")
    _, shown = learner.on_terminal(*words, dialogue=[("doesn't answer", "q")], columns=120)
    assert "awaited-in-turn" in shown


# The guide


def test_every_command_of_the_guide_about_the_board(learner: Learner, tmp_path: Path) -> None:
    guide = (ROOT / "docs" / "class.md").read_text("utf-8")
    lines = [line.split() for line in re.findall(r"^\$ grade ((?!class).*)", guide, re.M)]
    plain, once, watching, preview, with_names = lines
    learner.answers(2, IN_TURN)
    assert with_names == [*plain, "--names"]
    with served_board(tmp_path / "data", *with_names[1:]) as board:
        said = learner.grade(*once[:-1], board.join).stderr
        assert "without your name, without your code." in said
        done = learner.grade(*preview[:-1], board.join)
        assert done.stderr.startswith("This would be sent to")
        dialogue = [("eported", "q")]  # or "Not reported", if the machine is very busy
        learner.on_terminal(*watching[:-1], board.join, dialogue=dialogue, columns=120)
        config = next(one.text for one in blocks_of(guide) if "[report]" in one.text)
        written = config.replace("http://192.168.1.20:8765/#k7f3q-9xm2t", board.join)
        (learner.folder / ".course" / "config.toml").write_text(written, "utf-8")
        assert "as 'Anna Ek', with your code." in learner.grade("day53", "2").stderr
        named = overview_until(board, lambda found: "Anna Ek" in str(found))
        assert named["may_name"]


# The page


@pytest.fixture(scope="module")
def browser(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Browser]:
    if PROGRAM is None:
        pytest.skip("there is no Chromium on this machine")
    with Browser(PROGRAM, tmp_path_factory.mktemp("profile")) as browser:
        yield browser


def shows(browser: Browser, condition: str) -> None:
    """Wait until a JavaScript expression holds in the page."""
    browser.send(
        "Runtime.evaluate",
        expression=f"""new Promise(resolve => {{
            const look = () => ({condition}) ? resolve() : setTimeout(look, 20);
            look();
        }})""",
        awaitPromise=True,
    )


TEXT = "document.body.innerText"


def test_page_shows_a_report_as_it_comes(browser: Browser, board: ServedBoard) -> None:
    """In words, whatever they are, and nothing that is sent runs."""
    browser.resize(1200)
    browser.open("about:blank")
    browser.open(board.mine)
    shows(browser, f"{TEXT}.includes('To join: grade --watch --report-to {board.join}')")
    assert browser.evaluate("location.hash") == ""
    code = {"text": "user = await f()\n<img src=x onerror=alert(1)>", "first_line": 9, "line": 10}
    send(board, learner=77, name=NAME, exercises=[exercise(4, "failed", "no-timeout", code=code)])
    shows(browser, f"{TEXT}.includes('A wait has no limit')")
    assert "Ada" not in browser.evaluate(TEXT)
    browser.click("document.querySelector('summary')")
    browser.click("document.getElementById('names')")
    shows(browser, f"{TEXT}.includes('<b>Ada</b> \\\\u202eevil')")
    assert browser.evaluate("document.querySelectorAll('mark').length") >= 1
    shows(
        browser,
        "[...document.querySelectorAll('mark')].some(one => one.textContent.includes('<img'))",
    )
    assert browser.evaluate("document.querySelectorAll('main b, main img').length") == 0
    assert [e for e in browser.told("Log.entryAdded") if e["entry"]["level"] == "error"] == []
    assert browser.told("Runtime.exceptionThrown") == []


def test_learners_page_has_no_names_and_no_code(browser: Browser, board: ServedBoard) -> None:
    send(board, learner=78, name="Zoe", exercises=[exercise(5, "failed", "stuck")])
    browser.open("about:blank")
    browser.open(board.join)
    shows(browser, f"{TEXT}.includes('Most misunderstood right now')")
    assert browser.evaluate("document.getElementById('names').hidden")
    assert "To join" not in browser.evaluate(TEXT)


def test_page_without_a_token_asks_for_it(browser: Browser, board: ServedBoard) -> None:
    browser.open("about:blank")
    browser.open(f"{board.url}/#wrong")
    shows(browser, f"{TEXT}.includes(\"this isn't the board's token\")")
    token = board.join.partition("#")[2]
    browser.evaluate(f"document.querySelector('input').value = '{token}'")
    browser.click("document.querySelector('form button')")
    shows(browser, "!document.getElementById('board').hidden")


def test_page_fits_a_phone_and_the_dark(browser: Browser, board: ServedBoard) -> None:
    for number in range(100, 130):
        send(board, learner=number, name="x" * 60, exercises=[exercise(2, "failed")])
    browser.open("about:blank")
    browser.open(board.mine)
    shows(browser, "document.querySelectorAll('.places li').length >= 30")
    browser.click("document.getElementById('names')")
    shows(browser, f"{TEXT}.includes('xxxx')")
    papers = {"light": "rgb(255, 255, 255)", "dark": "rgb(13, 17, 23)"}
    for (scheme, paper), width in product(papers.items(), (390, 1200)):
        browser.resize(width)
        browser.prefer(scheme)
        assert browser.evaluate("document.documentElement.scrollWidth") <= width
        found = browser.evaluate("getComputedStyle(document.body).backgroundColor")
        assert found == paper


def test_page_comes_back_when_the_board_does(browser: Browser, tmp_path: Path) -> None:
    browser.resize(1200)
    with served_board(tmp_path / "data") as first:
        browser.open("about:blank")
        browser.open(first.join)
        shows(browser, f"{TEXT}.includes('Nobody has reported yet.')")
        first.end()
        shows(browser, f'{TEXT}.includes("The board doesn\'t answer.")')
    with served_board(tmp_path / "data", port=first.port) as second:
        send(second)
        shows(browser, f"{TEXT}.includes('1 learner at work')")
