"""The board as a process, and what learners send to it. Takes 15 s."""

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
from learner import MISTAKES, ROOT, SOLUTION, Learner
from test_board import exercise, report

from grader.authoring.markdown import blocks_of
from grader.reporting import sending
from grader.reporting.sending import Sending
from grader.reporting.settings import address_of

PROGRAM = chromium()
IN_TURN = MISTAKES / "2_awaited_in_turn.py"
CLIENT = httpx.Client(verify=False, timeout=30)
NAME = "<b>Ada</b> \u202eevil"


def headers(address: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {address.partition('#')[2]}"}


def send(board: ServedBoard, **changes: Any) -> httpx.Response:
    sent = report(**{"lesson": "day53", **changes})
    return CLIENT.post(f"{board.url}/reports", json=sent, headers=headers(board.join))


def overview(board: ServedBoard, address: str = "") -> Any:
    """What a page that is opened now is told first."""
    asks = headers(address or board.join)
    with CLIENT.stream("GET", f"{board.url}/events", headers=asks, timeout=30) as answer:
        data = next(line for line in answer.iter_lines() if line.startswith("data: "))
    return json.loads(data.removeprefix("data: "))


@pytest.fixture(scope="module")
def board(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServedBoard]:
    with served_board(tmp_path_factory.mktemp("board") / "data", "--names") as board:
        yield board


# The process


def test_restart_loses_no_report_however_it_ended(tmp_path: Path) -> None:
    """Open pages don't hold it up, and its addresses stay the same."""
    with served_board(tmp_path / "data") as board:
        first = board
    for number, signal_ in enumerate((signal.SIGKILL, signal.SIGTERM, signal.SIGINT), 1):
        with served_board(tmp_path / "data", port=first.port) as board:
            assert (board.join, board.mine) == (first.join, first.mine)
            assert overview(board)["learners"] == number - 1
            assert send(board, id=number, learner=number).status_code == 201
            assert send(board, id=1, learner=1).json() == {"new": False}
            with reading(board) as lines:
                code, said = board.end(signal_)
                if signal_ != signal.SIGKILL:
                    assert all(line.startswith(("data: ", ":")) for line in lines if line)
                    assert (code, said) == (
                        128 + signal_,
                        "grade: stopped\n" if signal_ == signal.SIGINT else "",
                    )
    assert (tmp_path / "data" / "tokens.json").stat().st_mode & 0o077 == 0


@contextmanager
def reading(board: ServedBoard) -> Iterator[Iterator[str]]:
    """The lines of a page that stays open, after the first event."""
    with CLIENT.stream(
        "GET", f"{board.url}/events", headers=headers(board.join), timeout=30
    ) as answer:
        lines = answer.iter_lines()
        assert next(lines).startswith("data: ")
        yield lines


def test_two_boards_do_not_share_a_folder_nor_a_port(board: ServedBoard, tmp_path: Path) -> None:
    with pytest.raises(AssertionError, match=r"nothing can be served at 127\.0\.0\.1"):
        ServedBoard(tmp_path / "data", port=board.port)
    with pytest.raises(AssertionError, match="Another process uses"):
        ServedBoard(board.data)


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
    """To the last character; and code and a name only if they were asked for."""
    shy = preview_of(grade(learner, "--report-to", "http://127.0.0.1:9/#t", "--report-preview"))
    assert set(shy) == {"id", "learner", "name", "lesson", "graded_at", "exercises"}
    assert (shy["name"], shy["exercises"]) == (None, [exercise(2, "failed", "awaited-in-turn")])
    asked = ("--report-as", "Ada", "--report-code")
    bold = preview_of(
        grade(learner, "--report-to", "http://127.0.0.1:9/#t", "--report-preview", *asked)
    )
    assert (bold["name"], bold["learner"]) == ("Ada", shy["learner"])
    [shown] = bold["exercises"]
    text = IN_TURN.read_text("utf-8")
    begin = text[: text.index("def exercise_2")].count("\n")
    assert shown["code"]["text"] in text
    assert shown["code"]["first_line"] == begin + 1


def preview_of(done: Any) -> Any:
    assert done.stderr.startswith("This would be sent to http://127.0.0.1:9:\n{")
    return json.loads(done.stderr.partition("\n")[2])


def test_config_of_the_workspace_is_enough(learner: Learner, board: ServedBoard) -> None:
    """And can be switched off for once."""
    (learner.folder / ".course").mkdir()
    config = learner.folder / ".course" / "config.toml"
    config.write_text(f'[report]\nto = "{board.join}"\nname = "Bo"\ncode = true\n', "utf-8")
    assert "as 'Bo', with your code." in grade(learner).stderr
    assert grade(learner, "--report-to", "none").stderr == ""
    config.write_text("[report]\nto = 3\n")
    done = grade(learner)
    assert done.stderr.startswith("Not reported: .course/config.toml: Expected `str`, got `int`")
    assert json.loads(done.stdout)["total"] == 1


def test_answer_that_passes_is_not_sent(learner: Learner, board: ServedBoard) -> None:
    done = grade(learner, "--report-to", board.join, "--report-code", file=SOLUTION)
    assert "day53 2 passed; without your name, without your code." in done.stderr


def test_learner_is_one_however_often_they_report(learner: Learner) -> None:
    """By the number that is kept in the workspace."""
    shown = [
        preview_of(grade(learner, "--report-to", "http://127.0.0.1:9/#t", "--report-preview"))
        for _ in range(2)
    ]
    assert shown[0]["learner"] == shown[1]["learner"]
    assert shown[0]["id"] != shown[1]["id"]


def overview_until(board: ServedBoard, is_it: Callable[[Any], bool]) -> Any:
    """The first overview that a page is told of which something is true."""
    asks = headers(board.mine)
    with CLIENT.stream("GET", f"{board.url}/events?names=true", headers=asks, timeout=30) as answer:
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
        code, headers, body = self.server.answer  # type: ignore[attr-defined]
        self.send_response(code)
        for name, value in headers.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def answering(code: int, headers: dict[str, str], body: bytes) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Strange) as server:
        server.answer = code, headers, body  # type: ignore[attr-defined]
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
    with answering(code, more, body) as address:
        assert Sending(address_of(address), report()).outcome().endswith(says)


def test_report_is_sent_again_while_the_board_is_busy(monkeypatch: pytest.MonkeyPatch) -> None:
    """With the same id, so that it counts once; and given up in the end."""
    monkeypatch.setattr(sending, "PAUSE", 0.01)
    monkeypatch.setattr(sending, "WITHIN", 1.0)
    with answering(503, {}, b"") as address:
        outcome = Sending(address_of(address), report()).outcome()
    assert outcome.endswith("doesn't answer.")
    assert len(_Strange.bodies) > 1
    assert len({json.loads(body)["id"] for body in _Strange.bodies}) == 1


def test_board_that_is_silent_costs_no_verdict(learner: Learner) -> None:
    """It takes the connection, and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as silent:
        done = grade(learner, "--report-to", f"http://127.0.0.1:{silent.getsockname()[1]}/#t")
    assert done.stderr.endswith("doesn't answer.\n")
    assert json.loads(done.stdout)["total"] == 1


def test_watch_mode_reports_each_verdict(learner: Learner, board: ServedBoard) -> None:
    learner.answers(2, IN_TURN)
    dialogue = [("Reported to", "q")]
    words = ("day53", "2", "--watch", "--report-to", board.join)
    _, shown = learner.on_terminal(*words, dialogue=dialogue, columns=120)
    assert "day53 2 failed (awaited-in-turn); without your name, without your code." in shown


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
    with served_board(tmp_path / "data", *plain[1:]) as board:
        said = learner.grade(*once[:-1], board.join).stderr
        assert "without your name, without your code." in said
        done = learner.grade(*preview[:-1], board.join)
        assert done.stderr.startswith("This would be sent to")
        dialogue = [("Reported to", "q")]
        learner.on_terminal(*watching[:-1], board.join, dialogue=dialogue, columns=120)
    with served_board(tmp_path / "data", *with_names[1:]) as board:
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
