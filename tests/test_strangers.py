"""Files that want to harm the grader, or cost it too much: about 15 s.

Each stands in the solution, so that all the other exercises must pass.
"""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Iterator
from itertools import repeat
from pathlib import Path
from textwrap import dedent

import pytest
from learner import DAY53, SOLUTION

from grader import scenario
from grader.judge.budget import OverBudget, limited
from grader.judge.clients import Patience
from grader.judge.grading import Grading
from grader.judge.players import FilePlayer, Subject
from grader.model.report import ExerciseReport, Report
from grader.model.trace import Trace

Graded = Callable[[str], Report]


@pytest.fixture
def graded(grading: Grading, tmp_path: Path) -> Graded:
    """Grades exercises 2 and 6 of the solution, with something put at its end."""

    def grade(code: str) -> Report:
        file = tmp_path / "exercise.py"
        file.write_text(f"{SOLUTION.read_text('utf-8')}\n{dedent(code)}", "utf-8")
        return grading.grade(DAY53, file, (2, 6))

    return grade


def told(exercise: ExerciseReport) -> set[str]:
    """The ids of what is said first of each check that failed."""
    return {check.diagnoses[0].id for check in exercise.checks if check.status == "failed"}


def dashboard(body: str) -> str:
    """An exercise 2 whose endpoint does this."""
    return f"""
from starlette.responses import Response

def exercise_2(fetch_user, fetch_orders, fetch_stats):
    app = FastAPI()

    @app.get("/dashboard")
    async def dashboard():
        {body}

    return app
"""


# What the judge spends


TOO_MUCH = {
    "JSON 100,000 deep": "return Response(b'[' * 100_000 + b']' * 100_000)",
    "JSON 900 deep": "return Response(b'[' * 900 + b']' * 900)",
    "objects 300 deep": "return Response(b'{\"a\":' * 300 + b'1' + b'}' * 300)",
    "45 MB": "return Response(bytes(45_000_000))",
    "a deep argument": (
        "deep = []\n"
        "        for _ in range(700): deep = [deep]\n"
        "        try: await fetch_user(deep)\n"
        "        except Exception: pass\n"
        "        return await fetch_user(deep)"
    ),
}


@pytest.mark.parametrize("body", TOO_MUCH.values(), ids=TOO_MUCH)
def test_too_much_fails_its_exercise_and_no_other(graded: Graded, body: str) -> None:
    second, sixth = graded(dashboard(body)).exercises
    assert (second.status, sixth.status) == ("failed", "passed")
    assert told(second)


def test_response_of_megabytes_is_said_to_be_too_much(graded: Graded) -> None:
    second, _ = graded(dashboard(TOO_MUCH["45 MB"])).exercises
    assert told(second) == {"too-much"}


def test_block_that_computes_without_end_is_ended() -> None:
    with pytest.raises(OverBudget), limited(0.05):
        any(number for number in repeat(0))


def test_what_is_cheap_is_left_alone() -> None:
    with limited(0.05):
        pass
    sum(range(2_000_000))  # the time of the block, not of what comes after it


# What the judge waits for


WAITS = {
    "calls itself one that waits for a service": (
        "open('/proc/self/comm', 'w').write('awaits service'); ctypes.CDLL(None).usleep(60_000_000)"
    ),
    "calls itself one that imports": (
        "open('/proc/self/comm', 'w').write('imports package'); any(n for n in itertools.repeat(0))"
    ),
    "computes a little now and then": (
        "[(ctypes.CDLL(None).usleep(150_000), sum(range(400_000))) for _ in range(300)]"
    ),
}


@pytest.fixture
def played(
    grading: Grading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[[str], Trace]]:
    """Plays a file that does something when it is imported, with a judge in a hurry."""
    hurried = Patience(idle=0.5, cpu=0.5, real=1.5)
    monkeypatch.setattr("grader.judge.players.FULL", hurried)
    players: list[FilePlayer] = []

    def play(code: str) -> Trace:
        text = f"import ctypes, itertools\n{code}\n"
        players.append(FilePlayer(grading.worker, text, str(tmp_path / "exercise.py")))
        return Subject(players[-1], "exercise_1").play(scenario())

    yield play
    for player in players:
        player.close()


@pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")
@pytest.mark.parametrize("code", WAITS.values(), ids=WAITS)
def test_what_a_player_says_of_itself_buys_no_time(
    played: Callable[[str], Trace], code: str
) -> None:
    outcome = played(code).outcome
    assert (outcome.kind in ("stuck", "endless-loop"), outcome.line) == (True, 2)


def test_file_that_takes_too_long_in_all_is_not_played_any_more(
    graded: Graded, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("grader.judge.players.LONGEST_FILE", 0.0)
    report = graded("")
    assert [exercise.status for exercise in report.exercises] == ["failed", "failed"]
    words = report.exercises[0].checks[-1].diagnoses[0].text
    assert words.startswith("Playing this file has taken more than 0 real seconds so far")


# What a play must not replace


REPLACED = {
    "a function of asyncio": ("asyncio.sleep = asyncio.wait_for", "asyncio.sleep"),
    "a method of the driver": (
        "import grader.driver.exchange as e; e.Conversation.send = e.Conversation.receive",
        "grader.driver.exchange.Conversation.send",
    ),
    "the code of a function": (
        "put = asyncio.Queue.put; put.__code__ = put.__code__.replace(co_name='x')",
        "asyncio.queues.Queue.put",
    ),
    "the code of a function, for a moment": (
        "code = asyncio.sleep.__code__; asyncio.sleep.__code__ = code.replace(co_name='x'); "
        "asyncio.sleep.__code__ = code",
        "asyncio.tasks.sleep",
    ),
    "a default": ("asyncio.Queue.__init__.__defaults__ = (7,)", "asyncio.queues.Queue.__init__"),
    "a default by name": ("asyncio.wait.__kwdefaults__['timeout'] = 1", "asyncio.tasks.wait"),
    "a clock": ("import time; time.monotonic = time.time", "time.monotonic"),
    "what reads messages": ("import msgspec; msgspec.json.decode = len", "msgspec.json.decode"),
}


@pytest.mark.parametrize(("code", "name"), REPLACED.values(), ids=REPLACED)
def test_play_that_replaces_what_it_depends_on_does_not_pass(
    graded: Graded, code: str, name: str
) -> None:
    """Though all that it does is right; and no other exercise is the worse for it."""
    text = f"right = exercise_2\ndef exercise_2(**given):\n    {code}\n    return right(**given)\n"
    second, sixth = graded(text).exercises
    assert (second.status, sixth.status) == ("failed", "passed")
    assert told(second) == {"process-died"}
    assert f"replaces {name}," in second.checks[0].diagnoses[0].text


BREAKS_THE_DRIVER = {
    "what is ready to run": "asyncio.get_running_loop()._ready.append(None)",
    "every part of the loop": (
        "loop = asyncio.get_running_loop(); [setattr(loop, name, None) for name in vars(loop)]"
    ),
    "a signal": (
        "import signal; signal.signal(signal.SIGALRM, lambda *_: 1 / 0); "
        "signal.setitimer(signal.ITIMER_REAL, 1e-4, 1e-4)"
    ),
    "a method of the standard library": (
        "import contextlib; contextlib._GeneratorContextManager.__exit__ = lambda *_: 1 / 0"
    ),
}


@pytest.mark.parametrize("body", BREAKS_THE_DRIVER.values(), ids=BREAKS_THE_DRIVER)
def test_play_that_breaks_the_driver_is_the_learners_doing(graded: Graded, body: str) -> None:
    """And no fault of the grader's, which plays the same for others."""
    second, sixth = graded(dashboard(body)).exercises
    assert (second.status, sixth.status) == ("failed", "passed")
    assert told(second) == {"process-died"}


# What is imported when


LATE = """
import os, sys
from grader.judge import players

before = set()
start = players.FilePlayer.start

def start_and_note(self, *given):
    before.update(() if before else sys.modules)
    return start(self, *given)

def end(status):
    print(*sorted(set(sys.modules) - before), file=sys.stderr)
    leave(status)

players.FilePlayer.start = start_and_note
leave, os._exit = os._exit, end
from grader.__main__ import main
main()
"""


@pytest.mark.parametrize("style", ["rich", "plain", "json", "junit", "github"])
def test_judge_imports_nothing_once_a_play_has_begun(tmp_path: Path, style: str) -> None:
    """A play could have written it, where nothing shuts it in."""
    text = f"from fastapi import FastAPI\n{dashboard('return {}')}"
    (tmp_path / "exercise.py").write_text(text, "utf-8")
    words = ("day53", "2", "--file", "exercise.py", "--format", style)
    command = [sys.executable, "-P", "-c", LATE, *words]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "\n")
