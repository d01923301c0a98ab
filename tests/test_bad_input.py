"""Bad input: whatever a file does, there is a verdict, it is no pass that was not earned, it
costs the other exercises nothing, and no process is left behind.

Most files here are the solution of day 53 with something added to it: a factory that comes
last takes the place of the one before.

These files do harm, and nothing but the grader holds them back. So each is harmless where
the grader fails, too: what it takes is bounded, what it starts ends by itself, and what it
sends signals to it has first made sure of.
"""

from __future__ import annotations

import json
import os
import re
import select
import signal
import subprocess
import sys
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import nullcontext, suppress
from pathlib import Path
from textwrap import dedent, indent
from typing import IO, NamedTuple

import pytest

from grader import get, scenario, takes
from grader.course.catalog import lesson
from grader.judge.clients import Patience
from grader.judge.grading import Grading
from grader.judge.players import FilePlayer, Subject
from grader.judge.workers import Worker
from grader.model.details import CutShort, Exited, Forged, ForkserverKilled
from grader.model.errors import InputError
from grader.model.report import Diagnosis, ExerciseReport, Report
from grader.model.scenarios import Scenario
from grader.model.trace import Outcome, Trace
from grader.processes.isolation import isolation
from grader.processes.limits import Fence

ROOT = Path(__file__).parents[1]
SOLUTION = (ROOT / "solutions" / "day53" / "solution.py").read_text("utf-8")
MODULES = "import ctypes, gc, os, resource, signal, subprocess, sys, tempfile, threading\n"
DAY = lesson("day53")

STAY = "(signal.alarm(120), signal.pause())"
"""What a process does that is to stay until it is ended."""

PARENT_ONLY = dedent(
    """
    parent = os.getppid()
    with open(f"/proc/{parent}/cmdline") as file:
        assert "grader.worker.forkserver" in file.read()
    """
)
"""Names the forkserver, and nothing else that a process may happen to be a child of."""

KILLS = "ctypes.CDLL(None).kill(parent, 9)"
"""Past Python, which sees to it that a player signals only what is its own."""

HERE = "# here"
"""Marks the line that the grader is to name. Without it, none is to be named."""

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="needs /proc")


@pytest.fixture(autouse=True)
def _hang_guard() -> Iterator[None]:
    """A grader that hangs fails its test; it does not hang the tests."""

    def give_up(*_: object) -> None:
        raise TimeoutError("the grader hangs")

    before = signal.signal(signal.SIGALRM, give_up)
    signal.setitimer(signal.ITIMER_REAL, 300, 1)
    yield
    signal.setitimer(signal.ITIMER_REAL, 0)
    signal.signal(signal.SIGALRM, before)


def grade(grading: Grading, folder: Path, text: str | bytes, *numbers: int) -> Report:
    file = folder / "exercise.py"
    file.write_bytes(text.encode() if isinstance(text, str) else text)
    return grading.grade(DAY, file, numbers, seed=1)


def marked_line(text: str, start: int = 0, end: int | None = None) -> int | None:
    """The number of the marked line between two places of a text, if there is one."""
    at = text.find(HERE, start, end)
    return text.count("\n", 0, at) + 1 if at >= 0 else None


# The file itself


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        ("x = 1\n# é".encode("latin-1"), "is not UTF-8: byte 0xe9 in line 2"),
        (SOLUTION.encode("utf-16"), "is not UTF-8"),
        (b"x = 1\n\ny = '\0'\n", "holds a null byte in line 3"),
    ],
    ids=["empty", "blank", "latin-1", "utf-16", "null byte"],
)
def test_file_that_is_no_text_is_wrong_input(
    grading: Grading, tmp_path: Path, content: bytes, problem: str
) -> None:
    """It is said which file it is, what is wrong with it, and what to do."""
    with pytest.raises(InputError, match=re.escape(problem)) as caught:
        grade(grading, tmp_path, content)
    assert caught.value.exit_code == 2
    assert str(tmp_path / "exercise.py") in caught.value.problem
    assert caught.value.remedy


@pytest.mark.parametrize(
    "change",
    [
        lambda text: text.replace("\n", "\r\n"),
        lambda text: re.sub(
            "^(    )+", lambda found: "\t" * (len(found[0]) // 4), text, flags=re.M
        ),
        lambda text: "\ufeff" + text,
        lambda text: text.rstrip("\n"),
    ],
    ids=["CRLF", "tabs", "byte order mark", "no newline at the end"],
)
def test_right_answer_is_right_however_its_lines_are_written(
    grading: Grading, tmp_path: Path, change: Callable[[str], str]
) -> None:
    text = change(SOLUTION)
    assert text != SOLUTION
    assert grade(grading, tmp_path, text, 2, 6).passed == 2


def test_line_is_named_where_lines_end_otherwise(grading: Grading, tmp_path: Path) -> None:
    text = f"{SOLUTION}\nnothing_like_it  {HERE}\n".replace("\n", "\r\n")
    assert why_not_imported(grade(grading, tmp_path, text, 2)).line == marked_line(text)


@pytest.mark.parametrize(
    "change", [lambda file: file.write_text("x ="), Path.unlink], ids=["written to", "removed"]
)
def test_file_that_changes_is_judged_as_it_was(
    grading: Grading, tmp_path: Path, change: Callable[[Path], object]
) -> None:
    """Every play is of the text that was there first, and the report says so."""
    go = tmp_path / "go"
    os.mkfifo(go)

    def change_when_it_is_played() -> IO[bytes]:
        signals = go.open("wb", buffering=0)  # waits for the play to open it
        change(tmp_path / "exercise.py")
        signals.write(b"a byte for each play" * 100)
        return signals

    wait = f"import os\nos.read(os.open({str(go)!r}, os.O_RDONLY), 1)"
    with ThreadPoolExecutor() as pool:
        signals = pool.submit(change_when_it_is_played)
        report = grade(grading, tmp_path, f"{SOLUTION}\n{wait}\n", 2, 6)
        signals.result().close()
    assert report.passed == 2
    assert "changed while it was graded" in report.notes[0]


def test_module_that_answers_for_every_name_is_not_asked(grading: Grading, tmp_path: Path) -> None:
    text = f"{SOLUTION}\ndef __getattr__(name): raise LookupError(name)\n"
    assert grade(grading, tmp_path, text, 2, 6).passed == 2


# Files that cannot be imported


class Bad(NamedTuple):
    """A piece of a file, the diagnosis that it is to get, and words of its text."""

    text: str
    id: str
    words: str


COMPUTES_FOR_A_WHILE = """
    end = time.process_time() + 0.02
    while time.process_time() < end:
        pass
"""
BAD_IMPORTS = {
    "syntax error": Bad("def f(:  # here", "syntax-error", "\n  def f(:  # here\n        ^"),
    "indented syntax error": Bad(
        "if True:\n\tdef f(:  # here", "syntax-error", "\n  def f(:  # here\n        ^"
    ),
    "open bracket": Bad("x = [  # here\n\ny = 1", "syntax-error", "never closed"),
    "no block": Bad("if True:\nx = 1  # here", "syntax-error", "expected an indented block"),
    "tabs and spaces": Bad(
        "if True:\n        x = 1\n\ty = 1  # here", "syntax-error", "inconsistent use of tabs"
    ),
    "too many brackets": Bad(
        f"x = {'(' * 300}{')' * 300}  # here", "syntax-error", "too many nested"
    ),
    "module that is not there": Bad(
        "import nothing_like_it  # here", "import-failed", "No module named 'nothing_like_it'"
    ),
    "name that is not there": Bad(
        "from asyncio import nothing_like_it  # here", "import-failed", "cannot import name"
    ),
    "raises": Bad("1 / 0  # here", "import-failed", "ZeroDivisionError"),
    "raises NotImplementedError": Bad(
        "raise NotImplementedError  # here", "import-failed", "NotImplementedError"
    ),
    "raises KeyboardInterrupt": Bad(
        "raise KeyboardInterrupt  # here", "import-failed", "KeyboardInterrupt"
    ),
    "sys.exit": Bad("sys.exit(0)  # here", "import-failed", "ends the program (sys.exit)"),
    "os._exit": Bad("os._exit(0)", "process-died", "exit status 0"),
    "kills itself": Bad("os.kill(os.getpid(), 9)", "process-died", "signal SIGKILL"),
    "input": Bad("input('name? ')  # here", "import-failed", "asks for input"),
    "endless loop": Bad("while True:  # here\n    pass", "endless-loop", "doesn't end"),
    "call that never returns": Bad("sum(iter(int, 1))  # here", "endless-loop", "doesn't end"),
    "sleeps in a loop": Bad(
        "while True:  # here\n    time.sleep(1)", "endless-loop", "10 minutes on the clock"
    ),
    "runs a loop in a loop": Bad(
        "while True:  # here\n    asyncio.run(asyncio.sleep(1))", "endless-loop", "on and on"
    ),
    "sleeps for ever": Bad("time.sleep(1e9)  # here", "endless-loop", "on and on"),
    "waits for nothing": Bad(
        "asyncio.run(asyncio.Event().wait())  # here", "stuck", "waits for ever: line"
    ),
    "prints for ever": Bad(
        "while True:\n    print('x' * 1_000_000)  # here", "output-flood", "4,000,000"
    ),
    "prints a gigabyte": Bad(
        "for _ in range(1000):\n    print('x' * 1_000_000)  # here", "output-flood", "4,000,000"
    ),
    "prints for ever, slowly": Bad(
        f"while True:\n    print('x' * 20_000)  # here\n{COMPUTES_FOR_A_WHILE}",
        "output-flood",
        "500,000",
    ),
    "prints much, then loops": Bad(
        "print('x' * 600_000)\nwhile True:  # here\n    pass", "endless-loop", "doesn't end"
    ),
    "forks and forks": Bad(
        "for _ in range(20):\n    os.fork() or os._exit(0)  # here",
        "process-died",
        "one process after another",
    ),
    "endless recursion": Bad("def f(): f()  # here\nf()", "import-failed", "RecursionError"),
    "closes all files": Bad("os.closerange(3, 256)", "process-died", "that it didn't open"),
    "breaks a built-in": Bad("__builtins__['len'] = None", "process-died", "Call such things"),
}
LIMITED = {
    "writes past Python": Bad(
        "for _ in range(100):\n    os.write(1, bytes(1_000_000))", "output-flood", "4,000,000"
    ),
    "prints a gigabyte at once": Bad(
        "print('x' * 1_000_000_000)  # here", "out-of-memory", "512 MB"
    ),
    "eats memory": Bad("x = [[] for _ in range(20_000_000)]  # here", "out-of-memory", "512 MB"),
}
"""What only a platform stops that has limits on memory and on files that have no name."""

if sys.platform == "linux":
    BAD_IMPORTS |= LIMITED


def why_not_imported(report: Report) -> Diagnosis:
    """What is said of a file that no exercise can be graded in."""
    assert {exercise.status for exercise in report.exercises} == {"failed"}
    [check] = report.exercises[0].checks
    assert (check.id, check.status) == ("file-can-be-imported", "failed")
    [diagnosis] = check.diagnoses
    return diagnosis


@pytest.mark.parametrize("bad", BAD_IMPORTS.values(), ids=BAD_IMPORTS)
def test_file_that_cannot_be_imported_is_told_why(
    grading: Grading, tmp_path: Path, bad: Bad
) -> None:
    """Once for the whole file, with the line."""
    text = f"{SOLUTION}\n{MODULES}{bad.text}\n"
    diagnosis = why_not_imported(grade(grading, tmp_path, text, 2))
    assert (diagnosis.id, diagnosis.line) == (bad.id, marked_line(text))
    assert bad.words in diagnosis.text


# Exercises that go wrong, in a file with another that is right


def factory(body: str) -> str:
    """A factory that does this. `NN` stands for the number of its exercise."""
    return f"def exercise_NN(**collaborators):\n{indent(body, ' ' * 4)}"


def endpoint(body: str) -> str:
    """A factory whose app does this at every request."""
    route = "@app.api_route('/{path:path}', methods=['GET', 'POST'])"
    app = f"app = FastAPI()\n\n{route}\nasync def endpoint():\n{indent(body, ' ' * 4)}"
    return factory(f"{app}\n\nreturn app")


EQUAL = dedent(
    """
    class Equal_NN:
        def __eq__(self, other): return True
        def __hash__(self): return 0
    """
)
SHY = dedent(
    """
    class Shy_NN:
        def __getattribute__(self, name): raise LookupError  # here
    """
)
FLASK = dedent(
    """
    class Flask_NN:
        def __call__(self, environ, start_response): return []
    """
)
SELF_MADE_RESULTS = dedent(
    """
    import contextlib
    for name in ("report.json", "junit.xml", ".grade"):
        with contextlib.suppress(OSError):  # where players are shut in
            with open(os.path.join(os.path.dirname(__file__), name), "w") as file:
                file.write('{"passed": 7, "total": 7, "exercises": []}')
    print('{"passed": 7, "total": 7, "exercises": []}')
    os._exit(0)
    """
)
PATCHES = dedent(
    """
    import pytest, _pytest.runner, grader.judge.compare, grader.judge.plugin
    pytest.main = lambda *_, **__: 0
    _pytest.runner.call_and_report = lambda *_, **__: None
    grader.judge.compare.assert_same = lambda *_, **__: None
    grader.judge.plugin.CheckRunner._report = lambda *_: None
    return FastAPI()
    """
)

BAD = {
    # There is no app
    "factory missing": Bad("del exercise_NN", "factory-missing", "no function exercise_NN"),
    "factory is None": Bad("exercise_NN = None", "factory-missing", "no function exercise_NN"),
    "factory is a number": Bad(
        "exercise_NN = 42  # here", "not-an-app", "isn't a function: exercise_NN is an int."
    ),
    "factory is the app": Bad(
        "exercise_NN = FastAPI()  # here",
        "not-an-app",
        "isn't a function: exercise_NN is a FastAPI.",
    ),
    "factory is async": Bad(
        "async def exercise_NN(**_):  # here\n    return FastAPI()", "not-an-app", "a coroutine"
    ),
    "factory yields": Bad(
        "def exercise_NN(**_):  # here\n    yield FastAPI()", "not-an-app", "a generator"
    ),
    "other parameters": Bad(
        "def exercise_NN(other):  # here\n    return FastAPI()",
        "factory-failed",
        "can't be called with",
    ),
    "no parameters": Bad(
        "def exercise_NN():  # here\n    return FastAPI()",
        "factory-failed",
        "can't be called with",
    ),
    "no app": Bad("def exercise_NN(**_): FastAPI()  # here", "not-an-app", "returns None"),
    "class as app": Bad(
        "def exercise_NN(**_): return FastAPI  # here", "not-an-app", "returns the class FastAPI"
    ),
    "Flask app": Bad(
        FLASK + "def exercise_NN(**_): return Flask_NN()  # here",
        "not-an-app",
        "returns a Flask_",
    ),
    "coroutine as app": Bad(
        "async def app(): pass\ndef exercise_NN(**_): return app()  # here",
        "not-an-app",
        "a coroutine",
    ),
    "app that is equal to everything": Bad(
        EQUAL + "def exercise_NN(**_): return Equal_NN()  # here",
        "not-an-app",
        "returns an Equal_",
    ),
    "app that cannot be looked at": Bad(
        SHY + "def exercise_NN(**_): return Shy_NN()", "factory-failed", "LookupError"
    ),
    "factory that cannot be looked at": Bad(
        SHY + "exercise_NN = Shy_NN()", "factory-failed", "LookupError"
    ),
    "factory raises": Bad(factory("1 / 0  # here"), "factory-failed", "ZeroDivisionError"),
    "factory exits": Bad(factory("sys.exit(0)  # here"), "factory-failed", "SystemExit"),
    "factory sleeps for ever": Bad(factory("time.sleep(1e9)  # here"), "endless-loop", "on and on"),
    "factory replaces a class of asyncio": Bad(
        factory("asyncio.Task = None\nreturn FastAPI()"), "process-died", "Call such things"
    ),
    "factory replaces a function of asyncio": Bad(
        factory("asyncio.gather = None\nreturn FastAPI()"), "process-died", "Call such things"
    ),
    # There is an app, and it fails
    "raises": Bad(endpoint("1 / 0  # here"), "raised", "ZeroDivisionError"),
    "exits": Bad(endpoint("sys.exit(0)  # here"), "raised", "SystemExit"),
    "ends its process": Bad(endpoint("os._exit(0)"), "process-died", "exit status 0"),
    "ends its process, and leaves a child": Bad(
        endpoint(f"os.fork() or {STAY}\nos._exit(0)"), "process-died", "exit status 0"
    ),
    "crashes": Bad(endpoint("ctypes.string_at(0)"), "process-died", "signal SIGSEGV"),
    "asks for input": Bad(endpoint("input()  # here"), "raised", "has no keyboard"),
    "endless recursion": Bad(endpoint("def f(): f()  # here\nf()"), "raised", "RecursionError"),
    "stops the loop": Bad(
        endpoint("asyncio.get_running_loop().stop()  # here"), "process-died", "stops the event"
    ),
    "stops the loop later": Bad(
        endpoint("asyncio.get_running_loop()._stopping = True"), "process-died", "stops the event"
    ),
    # It does not end
    "endless loop": Bad(endpoint("while True:  # here\n    pass"), "endless-loop", "doesn't end"),
    "endless loop with await": Bad(
        endpoint("while True:  # here\n    await asyncio.sleep(1)"), "endless-loop", "on and on"
    ),
    "endless polling": Bad(
        endpoint("while True:  # here\n    await asyncio.sleep(0)"), "endless-loop", "on and on"
    ),
    "endless sleep": Bad(endpoint("time.sleep(1e9)  # here"), "endless-loop", "on and on"),
    "deadlock": Bad(
        endpoint("lock = asyncio.Lock()\nawait lock.acquire()\nawait lock.acquire()  # here"),
        "stuck",
        "waits for Lock.acquire",
    ),
    # It takes too much
    "prints for ever": Bad(
        endpoint("while True:\n    print('x' * 1_000_000)  # here"), "output-flood", "4,000,000"
    ),
    "forks and forks": Bad(
        endpoint("for _ in range(20):\n    os.fork() or os._exit(0)  # here"),
        "process-died",
        "one process after another",
    ),
    # It turns on the grader
    "closes all files": Bad(
        endpoint("os.closerange(3, 256)"), "process-died", "closes files or sockets"
    ),
    "writes to all files": Bad(
        endpoint("for n in range(3, 64):\n    try: os.write(n, b'x')\n    except OSError: pass"),
        "process-died",
        "writes to files or pipes that it didn't open",
    ),
    "makes its own results": Bad(endpoint(SELF_MADE_RESULTS), "process-died", "exit status 0"),
    "patches pytest": Bad(factory(PATCHES), "missing-route", "404"),
}

SEEN_THROUGH_PROC = {
    "deadlock of a thread": Bad(
        endpoint("lock = threading.Lock()\nlock.acquire()\nlock.acquire()  # here"),
        "stuck",
        "blocks the whole program for ever",
    ),
    "writes past Python": Bad(
        endpoint("for _ in range(100):\n    os.write(1, bytes(1_000_000))"),
        "output-flood",
        "4,000,000",
    ),
    "lets another program print": Bad(
        endpoint("subprocess.run('yes | head -c 50000000', shell=True)"),
        "output-flood",
        "4,000,000",
    ),
    "takes a gigabyte": Bad(endpoint("bytes(1_000_000_000)  # here"), "out-of-memory", "512 MB"),
    "stops the grader": Bad(
        endpoint(f"{PARENT_ONLY}os.kill(parent, signal.SIGSTOP)  # here"),
        "raised",
        "PermissionError",
    ),
    "kills the grader": Bad(
        endpoint(f"{PARENT_ONLY}os.killpg(parent, signal.SIGKILL)  # here"),
        "raised",
        "PermissionError",
    ),
    "kills the grader past Python": (
        Bad(
            endpoint(f"{PARENT_ONLY}if {KILLS}: raise PermissionError  # here"),
            "raised",
            "PermissionError",
        )
        if isolation().keeps_signals
        else Bad(
            endpoint(f"{PARENT_ONLY}{KILLS}\n{STAY}"),
            "process-died",
            "ends a process of the grader's",
        )
    ),
}
"""What is known of a process only where there is /proc, and stopped only by limits."""

if sys.platform == "linux":
    BAD |= SEEN_THROUGH_PROC

TRIED_IN = (1, 4, 5, 6, 7)
"""The exercises that a file has bad answers to."""
RIGHT = 8
"""The one that comes after them, and that it has right."""

GROUPS = [tuple(BAD)[at : at + len(TRIED_IN)] for at in range(0, len(BAD), len(TRIED_IN))]


class Graded(NamedTuple):
    """A file with several bad answers, and its report."""

    text: str
    report: Report

    def exercise(self, number: int) -> ExerciseReport:
        return next(e for e in self.report.exercises if e.number == number)

    def marked_line(self, number: int) -> int | None:
        start = self.text.index(f"# {number}\n")
        return marked_line(self.text, start, self.text.index("# end\n", start))


GradeGroup = Callable[[int], Graded]


@pytest.fixture(scope="module")
def group(grading: Grading, tmp_path_factory: pytest.TempPathFactory) -> GradeGroup:
    """Grades a group of bad answers, once for all tests."""
    done: dict[int, Graded] = {}

    def graded(at: int) -> Graded:
        if at not in done:
            tried = dict(zip(TRIED_IN, GROUPS[at], strict=False))
            text = SOLUTION + MODULES
            for number, name in tried.items():
                answer = BAD[name].text.replace("NN", str(number))
                text += f"\n# {number}\n{answer}\n# end\n"
            folder = tmp_path_factory.mktemp("group")
            done[at] = Graded(text, grade(grading, folder, text, *tried, RIGHT))
        return done[at]

    return graded


@pytest.mark.parametrize("name", BAD)
def test_bad_answer_is_told_why(group: GradeGroup, name: str) -> None:
    """The first thing that is said is what happened, and where."""
    at, place = divmod(list(BAD).index(name), len(TRIED_IN))
    number, bad, graded = TRIED_IN[place], BAD[name], group(at)
    exercise = graded.exercise(number)
    assert exercise.status == "failed", exercise
    assert exercise.first_failure is not None
    diagnosis = exercise.first_failure.diagnoses[0]
    assert (diagnosis.id, diagnosis.line) == (bad.id, graded.marked_line(number)), diagnosis
    assert bad.words.replace("NN", str(number)) in diagnosis.text


@pytest.mark.parametrize("at", range(len(GROUPS)))
def test_right_answer_after_bad_ones_passes(group: GradeGroup, at: int) -> None:
    right = group(at).exercise(RIGHT)
    assert right.status == "passed", right.first_failure


@pytest.mark.parametrize(
    "answer",
    [
        EQUAL + endpoint("return Equal_NN()"),
        "class Equal_NN(dict):\n    __eq__ = __contains__ = lambda *_: True\n"
        + endpoint("return Equal_NN()"),
        "class Equal_NN(str):\n    __eq__ = lambda *_: True\n    __hash__ = str.__hash__\n"
        + endpoint("return Equal_NN('anything')"),
    ],
    ids=["object", "dict", "str"],
)
def test_answer_that_is_equal_to_everything_is_compared_as_it_was_sent(
    grading: Grading, tmp_path: Path, answer: str
) -> None:
    report = grade(grading, tmp_path, SOLUTION + answer.replace("NN", "2"), 2)
    assert report.exercises[0].status == "failed"


# What an exercise leaves behind is not charged to the next one


LEFT_BEHIND = {
    "limit on files": "resource.setrlimit(resource.RLIMIT_NOFILE, (0, 1024))",
    "module that is gone": "sys.modules['logging'] = None",
    "folder that is gone": "os.chdir(folder := tempfile.mkdtemp())\nos.rmdir(folder)",
    "children": "for _ in range(5): os.fork() or os._exit(0)",
    "child that stays": f"os.fork() or {STAY}",
    "child that goes its own way": f"os.fork() or (os.setsid(), {STAY})",
    "death in the next play": (
        "def later(phase, facts, collections=[]):\n"
        "    collections.append(phase)\n"
        "    if len(collections) > 2: os._exit(0)\n"
        "gc.callbacks.append(later)"
    ),
    "noise in the next play": (
        "def later(phase, facts, collections=[]):\n"
        "    collections.append(phase)\n"
        "    if len(collections) > 2: [os.write(n, b'x') for n in write_to]\n"
        "write_to = [int(n) for n in os.listdir('/proc/self/fd') if 2 < int(n) < 8]\n"
        "gc.callbacks.append(later)"
    ),
}


@linux_only
@pytest.mark.parametrize("left", LEFT_BEHIND.values(), ids=LEFT_BEHIND)
def test_what_a_play_leaves_behind_harms_no_other(
    grading: Grading, tmp_path: Path, left: str
) -> None:
    """Two right answers, the first of which leaves something behind in every play, pass."""
    leaves = factory(f"{left}\nreturn right_2(**collaborators)").replace("NN", "2")
    text = f"{SOLUTION}\n{MODULES}\nright_2 = exercise_2\n{leaves}\n"
    report = grade(grading, tmp_path, text, 2, 6)
    assert [e.status for e in report.exercises] == ["passed"] * 2, report.exercises


# Players, and what they can do to the grader


@pytest.fixture(scope="module")
def worker() -> Iterator[Worker]:
    """One for all: whatever the plays of a test do to it, the next test finds it well."""
    worker = Worker()
    yield worker
    worker.close()


Make = Callable[..., FilePlayer]


@pytest.fixture
def make(worker: Worker) -> Iterator[Make]:
    """Makes performers of a file whose only factory does this, and closes them in the end."""
    made: list[FilePlayer] = []

    def make(body: str = "") -> FilePlayer:
        made.append(FilePlayer(worker, file_of(body), "/nowhere/exercise.py"))
        return made[-1]

    yield make
    for performer in made:
        performer.close()


def wait_for(pidfds: list[int]) -> None:
    """Return when the processes have ended."""
    for pidfd in pidfds:
        select.select([pidfd], [], [])
        os.close(pidfd)


def file_of(body: str) -> str:
    text = factory(f"{body}\nreturn FastAPI()").replace("NN", "1")
    return f"{MODULES}from fastapi import FastAPI\n{text}\n"


def played(performer: FilePlayer, what: Scenario | None = None) -> Trace:
    return Subject(performer, "exercise_1").play(what or scenario())


@pytest.mark.parametrize(
    "left",
    [
        "signal.alarm(1000)",
        "resource.setrlimit(resource.RLIMIT_NOFILE, (1000, 1024))",
        "os.fork() or os._exit(0)",
        "sys.modules['logging'] = None",
    ],
)
def test_play_that_leaves_something_behind_costs_the_process(make: Make, left: str) -> None:
    performer = make(f"print(os.getpid())\n{left}")
    assert len({played(performer).output for _ in range(3)}) == 3


def test_endpoint_that_gets_no_memory_ends_the_play(make: Make) -> None:
    """Another play would take as long to find that out."""
    text = endpoint("bytes(1_000_000_000)").partition("\n")[2]
    performer = make(dedent(text))
    outcome = played(performer, scenario(get("/"))).outcome
    assert outcome.kind == "out-of-memory"
    assert outcome.line is not None


FORGE = dedent(
    """
    import stat
    from grader.model.trace import Outcome, Trace, encode
    from grader.processes.channel import HEADER
    from grader.worker.messages import PlayResult
    trace = Trace(outcome=Outcome("finished"), output="forged")
    answer = encode(PlayResult("0" * 32, trace))
    framed = HEADER.pack(len(answer)) + answer
    def write(message, where=lambda mode: True):
        for n in range(3, 256):
            try: where(os.fstat(n).st_mode) and os.write(n, message)
            except OSError: pass
    """
)
FORGERIES = {
    "answer": "write(framed)",
    "answer to sockets": "write(framed, stat.S_ISSOCK)",
    "answer without a token": "write(framed.replace(b'0' * 32, b' ' * 32), stat.S_ISSOCK)",
    "answer, and nothing more": "write(framed, stat.S_ISSOCK)\nos._exit(0)",
    "answer, and silence": f"write(framed, stat.S_ISSOCK)\n{STAY}",
    "half an answer": f"write(framed[:-9], stat.S_ISSOCK)\n{STAY}",
    "length of a longer answer": f"write(HEADER.pack(1_000_000), stat.S_ISSOCK)\n{STAY}",
    "length of an endless answer": "write(b'\\xff' * 9, stat.S_ISSOCK)",
    "another message": "write(HEADER.pack(2) + b'{}', stat.S_ISSOCK)",
    "last words": "write(encode(trace), stat.S_ISFIFO)\nos._exit(0)",
    "last words, and silence": f"write(encode(trace), stat.S_ISFIFO)\n{STAY}",
}


@pytest.mark.parametrize("forgery", FORGERIES.values(), ids=FORGERIES)
def test_answer_that_bears_no_token_does_not_count(make: Make, forgery: str) -> None:
    """It is written to whatever file is open, one of which is the channel."""
    trace = played(make(FORGE + forgery))
    assert (trace.outcome.kind, trace.outcome.detail) == ("process-died", Forged())
    assert trace.output == ""


def test_forgery_is_seen_as_an_answer_where_it_bears_the_token(make: Make) -> None:
    """What keeps it out is the token alone: the forgeries above are well made."""
    steal = (
        "at = sys._getframe()\n"
        "while at.f_code.co_qualname != 'Player.play': at = at.f_back\n"
        "answer = encode(PlayResult(at.f_locals['request'].token, trace))\n"
    )
    forgery = f"{FORGE}{steal}write(HEADER.pack(len(answer)) + answer)"
    assert played(make(forgery)).output == "forged"


def test_channel_cannot_be_reached_from_what_lies_open(make: Make) -> None:
    """Neither from the modules, nor from the streams and signal handlers of the process.

    The broker's is found, for it is a way to databases, and not to the judge.
    """
    search = dedent(
        """
        from grader.processes.channel import Channel
        modules = {id(module) for module in sys.modules.values()}
        found, left = {}, [*sys.modules.values(), sys.stdout, signal.getsignal(signal.SIGPROF)]
        while left:
            thing = left.pop()
            ours = type(thing).__module__.startswith("grader") or hasattr(thing, "__self__")
            ours = ours and type(thing).__name__ != "Broker"
            if id(thing) not in found and (ours or id(thing) in modules):
                found[id(thing)] = thing
                left += getattr(thing, "__dict__", {}).values()
                left += [getattr(thing, "__self__", None)]
        print(sorted({type(thing).__name__ for thing in found.values()} & {"Channel", "Guard"}))
        """
    )
    assert played(make(search)).output == "['Guard']\n"


OWN, FOREIGN = 50_000_000, 60_000_000
"""Process ids that no process has."""


@pytest.mark.parametrize(
    ("event", "target", "refused"),
    [
        ("os.kill", 0, False),
        ("os.kill", OWN, False),
        ("os.kill", -OWN, False),
        ("os.killpg", OWN, False),
        ("os.kill", -1, True),
        ("os.kill", FOREIGN, True),
        ("os.kill", -FOREIGN, True),
        ("os.killpg", FOREIGN, True),
    ],
)
def test_signal_is_refused_unless_it_goes_to_an_own_process(
    monkeypatch: pytest.MonkeyPatch, event: str, target: int, refused: bool
) -> None:
    """To ask whether a process is there is free. Only the fence is asked; nothing is sent."""
    monkeypatch.setattr(os, "getsid", lambda pid: FOREIGN if pid == FOREIGN else OWN)
    fence = Fence()
    fence(event, (target, 0))
    with pytest.raises(PermissionError) if refused else nullcontext():
        fence(event, (target, signal.SIGTERM))


@linux_only
def test_parent_that_is_stopped_is_woken(make: Make) -> None:
    """Also by a play that goes past Python to do it, and then needs the parent to be ended."""
    trace = played(make(f"{PARENT_ONLY}ctypes.CDLL(None).kill(parent, 19)\nos._exit(3)"))
    assert trace.outcome.detail == Exited(3)
    assert played(make()).outcome.kind == "finished"


@linux_only
def test_parent_that_is_killed_is_replaced(make: Make) -> None:
    """The player at rest that died with it, too; nobody is blamed."""
    innocent = make("print(os.getppid())")
    parent = int(played(innocent).output)
    end_of_parent = os.pidfd_open(parent)
    os.kill(parent, signal.SIGKILL)
    wait_for([end_of_parent])
    again = played(innocent)
    assert again.outcome.kind == "finished"
    assert int(again.output) != parent


@linux_only
def test_play_that_kills_the_parent_is_to_blame_and_no_other(make: Make) -> None:
    """Where the kernel does not refuse it; then it only blocks."""
    guilty = make(f"{PARENT_ONLY}{KILLS}\n{STAY}")
    innocent = make()
    guilty.start("exercise_1", scenario())
    innocent.start("exercise_1", scenario())
    assert innocent.finish().outcome.kind == "finished"
    trace = guilty.finish()
    killed = Outcome("process-died", detail=ForkserverKilled())
    blocked = Outcome("stuck", line=trace.outcome.line, detail=CutShort())
    assert trace.outcome == (blocked if isolation().keeps_signals else killed)
    assert played(innocent).outcome.kind == "finished"


def test_play_that_was_asked_for_ahead_outlives_the_one_before_it(
    make: Make, tmp_path: Path
) -> None:
    """A play that nobody wants any more dies, and takes with it one that is wanted."""
    performer, go = make(), tmp_path / "go"
    os.mkfifo(go)
    dies, *others = scenario(dies=takes(1)), scenario(get("/a")), scenario(get("/b"))
    for what in (dies, *others):
        played(performer, what)
    body = f"if collaborators:\n    open({str(go)!r}).close()\n    os._exit(0)"
    performer.load(file_of(body), str(tmp_path / "exercise.py"))
    assert [len(client.pending) for client in performer._clients] == [2, 1]
    go.open("w").close()
    assert [played(performer, what).outcome.kind for what in reversed(others)] == ["finished"] * 2


def test_play_that_nobody_wants_is_not_waited_for(
    make: Make, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It blocks for ever. The process goes, and the next play has another."""
    monkeypatch.setattr("grader.judge.clients.FULL", Patience(idle=3600, cpu=3600, real=3600))
    performer = make("print(os.getpid())")
    before = played(performer).output
    performer.load(file_of(STAY), "/nowhere/exercise.py")
    performer.load(file_of("print(os.getpid())"), "/nowhere/exercise.py")
    assert played(performer).output not in ("", before)


# The command


def command(*words: str, **options: object) -> subprocess.Popen[str]:
    env = os.environ | {"PYTHONPATH": str(ROOT), "PYTHON_BAD_INPUT": str(options.pop("mark", ""))}
    return subprocess.Popen(
        [sys.executable, *words],
        env=env,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        **options,  # type: ignore[call-overload]
    )


def report_of(process: subprocess.Popen[str], status: int) -> dict[int, str]:
    """The status of each exercise in the report that the command prints."""
    out, errors = process.communicate()
    assert (process.returncode, errors) == (status, "")
    return {exercise["number"]: exercise["status"] for exercise in json.loads(out)["exercises"]}


AS_MODULE = ("-m", "grader")
AS_SCRIPT = ("-P", "-c", "from grader.__main__ import main; main()")

TRAP = "import os\nos.write(2, b'trapped')\nos._exit(0)\n"
TRAPS = {
    **dict.fromkeys(
        (
            *("conftest.py", "pytest.py", "json.py", "asyncio.py", "fastapi.py", "msgspec.py"),
            *("sitecustomize.py", "usercustomize.py", "test_day53.py", "solution.py"),
        ),
        TRAP,
    ),
    "pytest.ini": "[pytest]\naddopts = --collect-only\npython_files = nothing\n",
    "setup.cfg": "[tool:pytest]\naddopts = --collect-only\n",
}


@pytest.mark.parametrize("start", [AS_MODULE, AS_SCRIPT], ids=["module", "script"])
def test_what_lies_beside_the_file_has_no_say(tmp_path: Path, start: tuple[str, ...]) -> None:
    """Neither in the judge nor in the play; a right answer passes, and a wrong one does not."""
    for name, text in TRAPS.items():
        (tmp_path / name).write_text(text)
    wrong = endpoint("return {}").replace("NN", "2")
    (tmp_path / "exercise.py").write_text(f"{SOLUTION}\n{wrong}\n")
    words = ("day53", "2", "6", "--file", "exercise.py", "--format", "json")
    found = report_of(command(*start, *words, cwd=tmp_path), status=1)
    assert found == {2: "failed", 6: "passed"}


def marked(mark: str) -> set[int]:
    """The processes that were started with the mark, and what they have started."""
    found = set()
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            if f"PYTHON_BAD_INPUT={mark}".encode() in (folder / "environ").read_bytes():
                found.add(int(folder.name))
        except OSError:
            pass  # it is gone, or belongs to another user
    return found


@pytest.fixture
def mark() -> Iterator[str]:
    """Marks processes, and ends in the end those that are left."""
    mark = uuid.uuid4().hex
    yield mark
    for pid in marked(mark):
        with suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)


@linux_only
def test_command_leaves_no_process_behind(tmp_path: Path, mark: str) -> None:
    """Neither of those that a file starts, nor of its own; the exit status is the verdict's."""
    answers = (
        factory(f"os.fork() or {STAY}\nos._exit(0)"),
        factory(f"os.fork() or (os.setsid(), {STAY})\nos._exit(0)"),
        factory("subprocess.Popen(['sleep', '120'], start_new_session=True)\nos._exit(0)"),
    )
    text = SOLUTION + MODULES
    for number, answer in zip((2, 4, 5), answers, strict=True):
        text += answer.replace("NN", str(number)) + "\n"
    (tmp_path / "exercise.py").write_text(text)
    words = ("day53", "2", "4", "5", "6", "--file", "exercise.py", "--format", "json")
    found = report_of(command(*AS_SCRIPT, *words, cwd=tmp_path, mark=mark), status=1)
    assert found == {2: "failed", 4: "failed", 5: "failed", 6: "passed"}
    assert marked(mark) == set()


@pytest.fixture
def busy(tmp_path: Path, mark: str) -> Iterator[subprocess.Popen[str]]:
    """A command that plays a file without end, in two processes."""
    ready = tmp_path / "ready"
    os.mkfifo(ready)
    (tmp_path / "exercise.py").write_text(
        f"import os\nif os.fork():\n    open({str(ready)!r}).close()\nwhile True: pass\n"
    )
    words = ("day53", "2", "--file", "exercise.py")
    process = command(*AS_SCRIPT, *words, cwd=tmp_path, mark=mark, start_new_session=True)
    ready.write_bytes(b"")  # returns when the play has forked, and opened it
    yield process
    process.kill()
    process.communicate()


@linux_only
def test_ctrl_c_ends_all(busy: subprocess.Popen[str], mark: str) -> None:
    """At once, without a traceback, and with the exit status that shells know."""
    os.killpg(busy.pid, signal.SIGINT)
    out, errors = busy.communicate()
    assert (busy.returncode, out, errors) == (130, "", "grade: stopped\n")
    assert marked(mark) == set()


@linux_only
def test_grader_that_is_killed_leaves_no_process_behind(
    busy: subprocess.Popen[str], mark: str
) -> None:
    left = [os.pidfd_open(pid) for pid in marked(mark)]
    busy.kill()
    wait_for(left)
    assert marked(mark) == set()
