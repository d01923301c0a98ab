"""What learners' files can do wrong, or try: a clear message, and no harm to anything else."""

from __future__ import annotations

import ast
import json
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from textwrap import dedent, indent
from typing import NamedTuple

import pytest

from grader.course import lesson
from grader.errors import InputError
from grader.judge.grading import Grading
from grader.report import CheckReport, ExerciseReport, Report

ROOT = Path(__file__).parents[1]
SOLUTION = (ROOT / "solutions" / "day53" / "solution.py").read_text("utf-8")
NUMBERS = (1, 2, 4, 5, 6, 7, 8)
PARAMETERS = "fetch_user, fetch_orders, fetch_stats"


# Files that learners could have written


def answers(*, before: str = "", after: str = "", **factories: str) -> str:
    """The solution with other factories in the place of its own, and text around it."""
    lines = SOLUTION.splitlines(keepends=True)
    tree = ast.parse(SOLUTION)
    for node in reversed(tree.body):
        if isinstance(node, ast.FunctionDef) and node.name in factories:
            lines[node.lineno - 1 : node.end_lineno] = [dedent(factories[node.name]) + "\n"]
    return dedent(before) + "".join(lines) + dedent(after)


def factory(body: str, before: str = "") -> str:
    """The solution, but for an exercise 2 whose factory has this body."""
    text = f"def exercise_2({PARAMETERS}):\n" + indent(dedent(body).strip("\n"), " " * 4)
    return answers(before=before, exercise_2=text)


def endpoint(body: str, before: str = "") -> str:
    """The solution, but for an exercise 2 whose endpoint has this body."""
    route = '@app.get("/dashboard")\nasync def dashboard():\n'
    body = indent(dedent(body).strip("\n"), " " * 4)
    return factory(f"app = FastAPI()\n\n{route}{body}\n\nreturn app", before)


def line_of_mark(text: str) -> int | None:
    """The line that ends in the comment `# here`."""
    lines = text.splitlines()
    return next((n for n, line in enumerate(lines, 1) if line.endswith("# here")), None)


# Processes


@contextmanager
def marking() -> Iterator[str]:
    """A word in the environment of every process that is started meanwhile."""
    word = secrets.token_hex(16)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STARTED_BY_A_TEST", word)
        yield word


@pytest.fixture
def mark() -> Iterator[str]:
    """A word in the environment of every process that this test starts."""
    with marking() as word:
        yield word


def marked(mark: str) -> list[str]:
    """The processes whose environment holds the mark (Linux; elsewhere none is seen)."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            if mark.encode() in (process / "environ").read_bytes():
                command = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode()
                found.append(f"{process.name}: {command}")
        except OSError:
            continue  # it ended, or is somebody else's
    return [process for process in found if int(process.partition(":")[0]) != os.getpid()]


def left_behind(mark: str) -> list[str]:
    """The marked processes that don't go away. One that was killed takes a moment."""
    deadline = time.monotonic() + 5
    while (left := marked(mark)) and time.monotonic() < deadline:
        time.sleep(0.01)
    return left


@pytest.fixture(scope="module")
def warm() -> Iterator[Grading]:
    """One worker for many bad files, and nothing left of them in the end."""
    with marking() as mark:
        grading = Grading()
    with grading:
        yield grading
    assert left_behind(mark) == []


def grade(
    grading: Grading, folder: Path, text: str | bytes, numbers: tuple[int, ...] = ()
) -> Report:
    file = folder / "exercise.py"
    file.write_bytes(text if isinstance(text, bytes) else text.encode())
    return grading.grade(lesson("day53"), file, numbers, seed=1)


def statuses(report: Report) -> dict[int, str]:
    return {exercise.number: exercise.status for exercise in report.exercises}


def failure_of(exercise: ExerciseReport) -> CheckReport:
    assert exercise.first_failure is not None
    return exercise.first_failure


def exercise_2(report: Report) -> ExerciseReport:
    return next(exercise for exercise in report.exercises if exercise.number == 2)


# Files that cannot be read


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\t\n", "is empty"),
        (b"# caf\xe9\n", "is not UTF-8: byte 0xe9 in line 1"),
        ("print(1)\n".encode("utf-16"), "is not UTF-8"),
        (b"x = 1\n\0\n", "holds a null byte in line 2"),
    ],
    ids=["empty", "blank", "latin-1", "utf-16", "null byte"],
)
def test_file_that_is_no_text_is_wrong_input(
    warm: Grading, tmp_path: Path, content: bytes, words: str
) -> None:
    """The message names the file, what is wrong with it, and what to do."""
    with pytest.raises(InputError) as caught:
        grade(warm, tmp_path, content)
    assert str(tmp_path / "exercise.py") in caught.value.problem
    assert words in caught.value.problem
    assert caught.value.remedy
    assert caught.value.exit_code == 2


@pytest.mark.parametrize(
    ("name", "words"),
    [
        (".", "is a folder"),
        ("nowhere.py", "No such file or directory"),
        ("nowhere/exercise.py", "No such file or directory"),
        ("loop.py", "cannot be read"),
    ],
)
def test_path_that_is_no_file_is_wrong_input(
    warm: Grading, tmp_path: Path, name: str, words: str
) -> None:
    """A folder, nothing at all, a link that leads to itself."""
    (tmp_path / "loop.py").symlink_to("loop.py")
    with pytest.raises(InputError, match=words) as caught:
        warm.grade(lesson("day53"), tmp_path / name)
    assert caught.value.remedy


@pytest.mark.parametrize(
    "content",
    [
        SOLUTION.replace("\n", "\r\n").encode(),
        SOLUTION.replace("\n", "\r").encode(),
        SOLUTION.replace("    ", "\t").encode(),
        b"\xef\xbb\xbf" + SOLUTION.encode(),
        SOLUTION.rstrip("\n").encode(),
        b"x = '\\d'\n" + SOLUTION.encode(),
        b"from __future__ import annotations\n" + SOLUTION.encode(),
        SOLUTION.encode() + b"\nif __name__ == '__main__':\n    raise SystemExit\n",
    ],
    ids=["CRLF", "CR", "tabs", "BOM", "no last newline", "bad escape", "future", "main guard"],
)
def test_right_answer_passes_however_it_is_saved(
    warm: Grading, tmp_path: Path, content: bytes
) -> None:
    assert set(statuses(grade(warm, tmp_path, content)).values()) == {"passed"}


def test_file_with_a_syntax_error_is_shown_with_line_and_caret(
    warm: Grading, tmp_path: Path
) -> None:
    report = grade(warm, tmp_path, answers(after="\ndef broken(:  # here\n    pass\n"))
    diagnosis = failure_of(report.exercises[0]).diagnoses[0]
    assert diagnosis.id == "syntax-error"
    assert diagnosis.line == line_of_mark((tmp_path / "exercise.py").read_text())
    says, code, caret = diagnosis.text.splitlines()
    assert f"Line {diagnosis.line} is not valid Python" in says
    assert code[caret.index("^")] == ":"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("def f():\n        x = 1\n\tx = 2  # here\n", "tabs and spaces"),
        ("def f():\nreturn 1  # here\n", "indented block"),
        ("x = (1,  # here\n", "never closed"),
        ("x = 'open  # here\n", "unterminated string"),
        ("return 1  # here\n", "outside function"),
        ("await x  # here\n", "outside function"),
        ("<<<<<<< HEAD  # here\n", "invalid syntax"),
    ],
)
def test_every_kind_of_syntax_error_has_its_line(
    warm: Grading, tmp_path: Path, text: str, words: str
) -> None:
    report = grade(warm, tmp_path, text, (2,))
    diagnosis = failure_of(report.exercises[0]).diagnoses[0]
    assert (diagnosis.id, diagnosis.line) == ("syntax-error", line_of_mark(text))
    assert words in diagnosis.text


# Files that do harm when they are imported


class Bad(NamedTuple):
    """Code that is bad: how it is diagnosed, and words of the explanation."""

    name: str
    code: str
    id: str
    words: str

    def __str__(self) -> str:
        return self.name


OWN_STR = "class E(Exception):\n    __str__ = None\nraise E  # here"
LOCK = "import threading\nlock = threading.Lock()\nlock.acquire()\nlock.acquire()  # here"
EATS = "x = []\nwhile True:\n    x.append(bytearray(2**20))  # here"
RECURSES = "def down():\n    return down()  # here\ndown()"

AT_IMPORT = [
    Bad("no such module", "import fastappi  # here", "import-failed", "No module named 'fastappi'"),
    Bad("no such name", "from fastapi import Fast  # here", "import-failed", "cannot import name"),
    Bad("relative", "from . import helpers  # here", "import-failed", "relative import"),
    Bad("raises", "1 / 0  # here", "import-failed", "ZeroDivisionError: division by zero"),
    Bad("own str fails", OWN_STR, "import-failed", "raises E"),
    Bad("surrogate", r"raise ValueError('\ud800')  # here", "import-failed", "ValueError"),
    Bad("os._exit", "import os\nos._exit(0)", "process-died", "os._exit"),
    Bad("sys.exit", "import sys\nsys.exit()  # here", "import-failed", "ends the program"),
    Bad("sys.exit(0)", "import sys\nsys.exit(0)  # here", "import-failed", "ends the program"),
    Bad("input", "input('Name? ')  # here", "import-failed", "asks for input"),
    Bad("endless loop", "while True:  # here\n    pass", "endless-loop", "does not end"),
    Bad("endless sleep", "while True:  # here\n    time.sleep(1)", "endless-loop", "not end"),
    Bad("deadlock", LOCK, "stuck", "for ever"),
    Bad("1 GB printed", "for _ in range(1000):\n    print('x' * 1_000_000)  # here",
        "output-flood", "prints more than four million"),
    Bad("lines printed", "while True:\n    print('hello')  # here", "output-flood", "prints more"),
    Bad("memory eaten", EATS, "out-of-memory", "more memory"),
    Bad("much memory", "x = bytearray(10**11)  # here", "out-of-memory", "more memory"),
    Bad("recursion", RECURSES, "import-failed", "RecursionError"),
    Bad("crash", "import ctypes\nctypes.string_at(0)", "process-died", "SIGSEGV"),
    Bad("kills itself", "import os\nos.kill(os.getpid(), 9)", "process-died", "SIGKILL"),
    Bad("forks", "import os\nwhile True:\n    os.fork()  # here", "import-failed", "processes"),
]  # fmt: skip


@pytest.mark.parametrize("bad", AT_IMPORT, ids=str)
def test_file_that_fails_at_import_is_explained_once_for_all(
    warm: Grading, tmp_path: Path, bad: Bad
) -> None:
    """Nothing can be said of its exercises, none of them passes, and the line is named."""
    text = answers(after="\n" + bad.code + "\n")
    report = grade(warm, tmp_path, text)
    failures = [failure_of(exercise) for exercise in report.exercises]
    assert statuses(report) == dict.fromkeys(NUMBERS, "failed")
    assert all(failure == failures[0] for failure in failures)
    diagnosis = failures[0].diagnoses[0]
    assert (diagnosis.id, diagnosis.line) == (bad.id, line_of_mark(text)), diagnosis.text
    assert bad.words in diagnosis.text


# Factories that give no app


NO_APP = [
    Bad("missing", "def other(): pass", "factory-missing", "no function exercise_2"),
    Bad("other parameters", "def exercise_2(user, orders): pass", "factory-failed", PARAMETERS),
    Bad("no parameters", "def exercise_2(): pass", "factory-failed", PARAMETERS),
    Bad("None", f"def exercise_2({PARAMETERS}):\n    FastAPI()", "not-an-app", "returns None"),
    Bad("a coroutine", f"async def exercise_2({PARAMETERS}):\n    return FastAPI()",
        "not-an-app", "plain `def`"),
    Bad("a Flask app", f"""\
        class Flask:
            def __call__(self, environ, start_response):
                return []

        def exercise_2({PARAMETERS}):
            return Flask()
        """, "not-an-app", "returns a Flask"),
    Bad("a number", f"def exercise_2({PARAMETERS}):\n    return 7", "not-an-app", "an int"),
    Bad("a class", f"def exercise_2({PARAMETERS}):\n    return FastAPI", "not-an-app", "class"),
    Bad("no function", "exercise_2 = 7", "not-an-app", "exercise_2 is an int, not a function"),
    Bad("an app itself", "exercise_2 = FastAPI()", "not-an-app", "not a function"),
    Bad("raises", f"def exercise_2({PARAMETERS}):\n    raise KeyError('port')  # here",
        "factory-failed", "KeyError: 'port'"),
    Bad("sys.exit", f"def exercise_2({PARAMETERS}):\n    raise SystemExit  # here",
        "factory-failed", "raises SystemExit"),
    Bad("os._exit", f"import os\ndef exercise_2({PARAMETERS}):\n    os._exit(0)",
        "process-died", "os._exit"),
    Bad("endless loop", f"def exercise_2({PARAMETERS}):\n    while True: pass  # here",
        "endless-loop", "does not end"),
]  # fmt: skip


@pytest.mark.parametrize("bad", NO_APP, ids=str)
def test_factory_without_an_app_fails_alone(warm: Grading, tmp_path: Path, bad: Bad) -> None:
    """Its exercise is failed for that reason, and the others keep their verdicts."""
    text = answers(exercise_2=bad.code)
    report = grade(warm, tmp_path, text)
    assert statuses(report) == dict.fromkeys(NUMBERS, "passed") | {2: "failed"}
    diagnosis = failure_of(exercise_2(report)).diagnoses[0]
    assert diagnosis.id == bad.id, diagnosis.text
    assert bad.words in diagnosis.text
    assert line_of_mark(text) in (None, diagnosis.line)


# Endpoints that do harm


IN_ENDPOINT = [
    Bad("raises", "1 / 0  # here", "raised", "ZeroDivisionError: division by zero"),
    Bad("own str fails", OWN_STR, "raised", "raises E"),
    Bad("surrogate", r"raise ValueError('\ud800')  # here", "raised", "ValueError"),
    Bad("prints a surrogate", r"print('\ud800')", "wrong-body", "body"),
    Bad("endless loop", "while True:  # here\n    pass", "endless-loop", "does not end"),
    Bad("endless loop with await", "while True:  # here\n    await asyncio.sleep(0)",
        "endless-loop", "does not end"),
    Bad("endless waits", "while True:  # here\n    await asyncio.sleep(1)",
        "endless-loop", "does not end"),
    Bad("endless loop that catches all",
        "while True:  # here\n    try:\n        1 / 0\n    except BaseException:\n        pass",
        "endless-loop", "does not end"),
    Bad("deadlock", "lock = asyncio.Lock()\nawait lock.acquire()\nawait lock.acquire()  # here",
        "stuck", "waits for ever"),
    Bad("deadlock of threads", LOCK, "stuck", "for ever"),
    Bad("waits for itself", "await asyncio.current_task()  # here", "raised", "RuntimeError"),
    Bad("os._exit", "import os\nos._exit(0)", "process-died", "os._exit"),
    Bad("sys.exit", "raise SystemExit  # here", "raised", "SystemExit"),
    Bad("input", "input()  # here", "loop-blocked", "input"),
    Bad("1 GB printed", "while True:\n    print('x' * 1_000_000)  # here",
        "output-flood", "prints more"),
    Bad("1 GB written", "import os\nfor _ in range(1000):\n    os.write(1, b'x' * 1_000_000)",
        "wrong-body", "body"),
    Bad("memory eaten", EATS, "out-of-memory", "more memory"),
    Bad("recursion", RECURSES, "raised", "RecursionError"),
    Bad("nested data", "x = []\nx.append(x)\nreturn x", "raised", "RecursionError"),
    Bad("stops the loop", "asyncio.get_running_loop().stop()", "raised", "loop"),
    Bad("runs the loop again",
        "asyncio.get_running_loop().run_until_complete(asyncio.sleep(0))  # here",
        "raised", "already running"),
    Bad("crash", "import ctypes\nctypes.string_at(0)", "process-died", "SIGSEGV"),
    Bad("stops its process", "import os, signal\nos.kill(os.getpid(), signal.SIGSTOP)",
        "stuck", "for ever"),
    Bad("closes all files", "import os\nos.closerange(3, 256)", "process-died", "died"),
]  # fmt: skip


@pytest.mark.parametrize("bad", IN_ENDPOINT, ids=str)
def test_harmful_endpoint_fails_alone(warm: Grading, tmp_path: Path, bad: Bad) -> None:
    """Its exercise is failed for that reason, and the others keep their verdicts."""
    text = endpoint(bad.code)
    report = grade(warm, tmp_path, text)
    assert statuses(report) == dict.fromkeys(NUMBERS, "passed") | {2: "failed"}
    diagnosis = failure_of(exercise_2(report)).diagnoses[0]
    assert diagnosis.id == bad.id, diagnosis.text
    assert bad.words in diagnosis.text
    assert line_of_mark(text) in (None, diagnosis.line)


WAITS_AT_IMPORT = {
    "sleep": "time.sleep(3600)  # here",
    "await": "asyncio.run(asyncio.sleep(3600))  # here",
    "serve": "import uvicorn\nuvicorn.run(FastAPI(), port=0, log_level='critical')  # here",
}


@pytest.mark.parametrize("code", WAITS_AT_IMPORT.values(), ids=WAITS_AT_IMPORT)
def test_file_that_waits_at_import_is_told_its_line(
    warm: Grading, tmp_path: Path, code: str
) -> None:
    """Nobody waits for it, and no name of the grader's own is in the explanation."""
    text = answers(after=f"\n{code}\n")
    report = grade(warm, tmp_path, text, (2, 4))
    assert statuses(report) == {2: "failed", 4: "failed"}
    diagnosis = failure_of(report.exercises[0]).diagnoses[0]
    assert diagnosis.line == line_of_mark(text), diagnosis.text
    assert "RanAway" not in diagnosis.text


def test_file_that_is_too_large_is_not_written(warm: Grading, tmp_path: Path) -> None:
    """A disk cannot be filled up."""
    big = tmp_path / "big"
    text = endpoint(
        f"""
        with open({str(big)!r}, "wb") as file:
            while True:
                file.write(b"x" * 1_000_000)
        """
    )
    assert statuses(grade(warm, tmp_path, text, (2, 4))) == {2: "failed", 4: "passed"}
    assert big.stat().st_size < 100_000_000


# Files that start processes


linux_only = pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")

STARTS = {
    "fork": "if os.fork() == 0:\n    while True:\n        pass",
    "fork that comes back": "os.fork()",
    "fork bomb": "while True:\n    os.fork()",
    "daemon": (
        "if os.fork() == 0:\n    os.setsid()\n    if os.fork() == 0:\n        signal.pause()\n"
        "    os._exit(0)"
    ),
    "Popen": "subprocess.Popen(['sleep', '1000'])",
    "Popen in a session of its own": "subprocess.Popen(['sleep', '1000'], start_new_session=True)",
    "many": "for _ in range(100):\n    subprocess.Popen(['sleep', '1000'])",
    "a shell that starts many": (
        "subprocess.Popen(['sh', '-c', 'for n in 1 2 3 4 5 6 7; do setsid sleep 1000 & done'])"
    ),
    "system": "os.system('sleep 1000 & sleep 1000 &')",
    "waits for it": "subprocess.run(['sleep', '1000'])",
    "awaits it": "await (await asyncio.create_subprocess_exec('sleep', '1000')).wait()",
    "stops its parent": "os.kill(os.getppid(), signal.SIGSTOP)",
}


@linux_only
@pytest.mark.parametrize("code", STARTS.values(), ids=STARTS)
def test_process_that_an_endpoint_starts_is_ended(mark: str, tmp_path: Path, code: str) -> None:
    """It harms no other exercise, and when grading is over it is gone."""
    text = endpoint(code, before="import os, signal, subprocess\n")
    with Grading() as grading:
        report = grade(grading, tmp_path, text, (2, 4))
    assert statuses(report) == {2: "failed", 4: "passed"}
    assert left_behind(mark) == []


@linux_only
@pytest.mark.parametrize("name", ["daemon", "Popen", "system"])
def test_process_that_a_file_starts_is_ended(mark: str, tmp_path: Path, name: str) -> None:
    """Whatever the verdict on such a file is, it is the same for every exercise."""
    text = answers(after=f"\nimport os, signal, subprocess\n{STARTS[name]}\n")
    with Grading() as grading:
        report = grade(grading, tmp_path, text)
    assert left_behind(mark) == []
    assert len(set(statuses(report).values())) == 1, statuses(report)


@linux_only
def test_file_that_kills_the_worker_passes_nothing(mark: str, tmp_path: Path) -> None:
    """Nor is another exercise said to be wrong."""
    text = factory("import os\nos.kill(os.getppid(), 9)")
    with Grading() as grading:
        report = grade(grading, tmp_path, text, (2, 4))
    assert statuses(report)[2] != "passed"
    assert statuses(report)[4] != "failed"
    assert left_behind(mark) == []


STUCK_EVERYWHERE = "".join(
    f"def exercise_{n}(*args, **options):\n    lock()\n    lock()\n\n" for n in NUMBERS
)


@linux_only
@pytest.mark.parametrize(
    ("how", "status"),
    [(signal.SIGINT, 130), (signal.SIGTERM, -15), (signal.SIGHUP, -1), (signal.SIGKILL, -9)],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP", "SIGKILL"],
)
def test_nothing_is_left_of_a_grading_that_is_stopped(
    mark: str, tmp_path: Path, how: signal.Signals, status: int
) -> None:
    """Ctrl-C goes to the whole group of processes, a kill only to the one that is named."""
    file = tmp_path / "exercise.py"
    file.write_text(f"import threading\nlock = threading.Lock().acquire\n\n{STUCK_EVERYWHERE}")
    with subprocess.Popen(
        [sys.executable, "-m", "grader", "day53", "--file", str(file)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        start_new_session=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as command:
        wait_for_players(mark)
        if how == signal.SIGINT:
            os.killpg(command.pid, how)
        else:
            command.send_signal(how)
        out, err = command.communicate(timeout=60)
    assert (command.returncode, out) == (status, "")
    assert err == ("grade: stopped\n" if how == signal.SIGINT else "")
    assert left_behind(mark) == []


def wait_for_players(mark: str) -> None:
    """Wait until the command, its worker and two players are there."""
    deadline = time.monotonic() + 60
    while len(marked(mark)) < 4:
        assert time.monotonic() < deadline, marked(mark)
        time.sleep(0.01)


# Files that change, and files beside them


@pytest.mark.parametrize("change", ["write_text('x = 1')", "unlink()", "write_bytes(b'\\xff')"])
def test_file_that_changes_is_graded_as_it_was(warm: Grading, tmp_path: Path, change: str) -> None:
    """The verdict is on what was read at the beginning, and the report says so."""
    text = answers(after=f"\nfrom pathlib import Path\nif Path(__file__).exists():\n"
                         f"    Path(__file__).{change}\n")  # fmt: skip
    report = grade(warm, tmp_path, text)
    assert set(statuses(report).values()) == {"passed"}
    assert "changed while it was graded" in " ".join(report.notes)


def test_file_that_stays_needs_no_note(warm: Grading, tmp_path: Path) -> None:
    assert grade(warm, tmp_path, SOLUTION, (2,)).notes == ()


NEIGHBOURS = (
    "asyncio", "click", "conftest", "fastapi", "json", "logging", "msgspec", "pytest", "random",
    "re", "rich", "select", "signal", "sitecustomize", "socket", "typing", "usercustomize",
)  # fmt: skip


def with_neighbours(folder: Path) -> set[str]:
    """Fill a folder with modules that must not be imported, and settings that must not hold."""
    for name in NEIGHBOURS:
        (folder / f"{name}.py").write_text(
            "open(__file__ + '.ran', 'w').close()\nraise SystemExit('the wrong module')\n"
        )
    (folder / "pytest.ini").write_text("[pytest]\naddopts = --collect-only --no-such-option\n")
    (folder / "pyproject.toml").write_text("[tool.pytest.ini_options]\naddopts = '--bogus'\n")
    (folder / "exercise.py").write_text(SOLUTION)
    return {path.name for path in folder.iterdir()}


def test_files_beside_the_exercise_have_no_say(
    warm: Grading, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nor do those in the current folder; and nothing is added to it."""
    files = with_neighbours(tmp_path)
    monkeypatch.chdir(tmp_path)
    report = warm.grade(lesson("day53"), tmp_path / "exercise.py")
    assert set(statuses(report).values()) == {"passed"}
    assert {path.name for path in tmp_path.iterdir()} == files


def test_files_in_the_current_folder_have_no_say_in_the_command(tmp_path: Path) -> None:
    """Neither modules, nor settings of pytest in files or in the environment."""
    files = with_neighbours(tmp_path)
    done = subprocess.run(
        [sys.executable, "-m", "grader", "day53", "--file", "exercise.py"],
        env=os.environ
        | {"PYTHONPATH": str(ROOT), "PYTEST_ADDOPTS": "--collect-only", "PYTEST_PLUGINS": "nope"},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "7 of 7 exercises pass" in done.stdout
    assert {path.name for path in tmp_path.iterdir()} == files


def test_helper_beside_the_exercise_can_be_imported(warm: Grading, tmp_path: Path) -> None:
    """A learner may split an answer into files; each grading reads them afresh."""
    helper = tmp_path / "helper.py"
    text = endpoint("return helper.answer()", before="import helper\n")
    for word in ("first", "second"):
        helper.write_text(f"def answer():\n    raise ValueError({word!r})\n")
        exercise = grade(warm, tmp_path, text, (2,)).exercises[0]
        assert f"ValueError: {word}" in failure_of(exercise).diagnoses[0].text


# Cheats


EQUAL = """
class Equal(dict):
    def __eq__(self, other):
        return True

    def __ne__(self, other):
        return False

    def __contains__(self, item):
        return True

    __hash__ = object.__hash__


class EqualText(str):
    __eq__ = Equal.__eq__
    __ne__ = Equal.__ne__
    __hash__ = str.__hash__
"""

CHEATS = {
    "equal to everything": "return Equal(user=Equal(), orders=EqualText('x'), stats=Equal())",
    "equal in the body": (
        "from fastapi import Response\n"
        "return Response(EqualText('{}'), media_type=EqualText('application/json'))"
    ),
    "patches pytest": (
        "import pytest, _pytest.runner, _pytest.python\n"
        "pytest.main = lambda *args, **options: 0\n"
        "_pytest.python.Function.runtest = lambda self: None\n"
        "_pytest.runner.pytest_runtest_makereport = lambda item, call: None\n"
        "import grader.judge.compare, grader.judge.plugin, grader.report\n"
        "grader.judge.compare.assert_same = lambda *args, **options: None\n"
        "grader.judge.plugin.Judge._report = None\n"
        "grader.report.Report.exit_code = 0"
    ),
    "skips": "import pytest\npytest.skip('nothing to see')",
    "exits": "import pytest\npytest.exit('all is well', 0)",
    "prints results": (
        "import os, sys\nfor out in (1, 2):\n    os.write(out, b'7 of 7 exercises pass')\n"
        "print('7 of 7 exercises pass', file=sys.__stdout__)"
    ),
    "says what was asked": "return {'user': 'user', 'orders': 'orders', 'stats': 'stats'}",
}


@pytest.mark.parametrize("code", CHEATS.values(), ids=CHEATS)
def test_cheat_does_not_pass(warm: Grading, tmp_path: Path, code: str) -> None:
    report = grade(warm, tmp_path, endpoint(code, before=EQUAL), (2, 4))
    assert statuses(report) == {2: "failed", 4: "passed"}


def test_result_that_the_file_writes_is_not_the_result(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Neither beside the file nor in the current folder is a result looked for."""
    names = ("report.json", "result.json", "results.json", "junit.xml", "report.xml")
    text = endpoint(
        f"""
        for folder in (Path(), Path(__file__).parent):
            for name in {names}:
                (folder / name).write_text('{{"passed": 7, "total": 7, "status": "passed"}}')
        """,
        before="from pathlib import Path\n",
    )
    (tmp_path / "there").mkdir()
    monkeypatch.chdir(tmp_path)
    with Grading() as grading:
        report = grade(grading, tmp_path / "there", text, (2, 4))
    assert statuses(report) == {2: "failed", 4: "passed"}
    assert (tmp_path / "junit.xml").exists()


def test_argument_that_is_equal_to_everything_is_not_the_data(
    warm: Grading, tmp_path: Path
) -> None:
    text = answers(
        before=EQUAL,
        exercise_5=SOLUTION[SOLUTION.index("def exercise_5") : SOLUTION.index("def exercise_6")]
        .replace("process(data)", "process(Equal())")
        .rstrip("\n"),
    )
    report = grade(warm, tmp_path, text, (5, 6))
    assert statuses(report) == {5: "failed", 6: "passed"}
    assert failure_of(report.exercises[0]).id == "work-gets-the-data"


FORGERY = """
import json, os, stat, struct

WHOLE = json.dumps({"trace": {"outcome": {"kind": "finished"}}, "spoiled": False}).encode()


def send(message):
    for descriptor in range(3, 256):
        try:
            if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                os.write(descriptor, message)
        except OSError:
            pass
"""

FORGED = {
    "whole": "send(struct.pack('!I', len(WHOLE)) + WHOLE)",
    "three": "send((struct.pack('!I', len(WHOLE)) + WHOLE) * 3)",
    "other": "send(struct.pack('!I', 2) + b'{}')",
    "garbage": "send(b'garbage garbage')",
    "huge": "send(struct.pack('!I', 2**32 - 1))",
    "half": "send(struct.pack('!I', len(WHOLE) * 100) + WHOLE)",
    "header": "send(b'\\0')",
}


@pytest.mark.parametrize("where", ["factory", "endpoint"])
@pytest.mark.parametrize("code", FORGED.values(), ids=FORGED)
def test_forged_message_passes_nothing_and_harms_nothing(
    tmp_path: Path, where: str, code: str
) -> None:
    """What a file writes to the sockets that it finds does not become a verdict.

    The command is run apart, so that one that waits for ever can be ended.
    """
    write = factory if where == "factory" else endpoint
    file = tmp_path / "exercise.py"
    file.write_text(write(code, before=FORGERY))
    done = subprocess.run(
        [sys.executable, "-m", "grader", "day53", "--format", "json", "--file", str(file)],
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        timeout=60,
        check=False,
    )
    report = json.loads(done.stdout)
    found = {exercise["number"]: exercise["status"] for exercise in report["exercises"]}
    assert found == dict.fromkeys(NUMBERS, "passed") | {2: "failed"}


# What one exercise changes for all


CHANGES = {
    "time.sleep": "time.sleep = lambda seconds: None",
    "asyncio.sleep": "asyncio.sleep = None",
    "asyncio.gather": "asyncio.gather = None",
    "asyncio.timeout": "asyncio.timeout = None",
    "json.dumps": "json.dumps = lambda *args, **options: '{}'",
    "json.loads": "json.loads = lambda *args, **options: {}",
    "logging.getLogger": "logging.getLogger = logging.Logger",
    "logging.disable": "logging.disable(logging.CRITICAL)",
    "asynccontextmanager": "import contextlib\ncontextlib.asynccontextmanager = None",
    "builtins": "import builtins\nbuiltins.isinstance = lambda thing, kind: True",
    "warnings": "import warnings\nwarnings.simplefilter('error')",
    "environ": "import os\nos.environ.clear()",
    "current folder": "import os\nos.chdir('/')",
    "path": "import sys\nsys.path.clear()",
    "recursion limit": "import sys\nsys.setrecursionlimit(200)",
    "standard output": "import sys\nsys.stdout = sys.stderr = None",
    "garbage collector": "import gc\ngc.disable()",
    "policy of loops": "asyncio.set_event_loop_policy(None)",
    "signals": "import signal\nsignal.signal(signal.SIGPROF, signal.SIG_IGN)",
    "timer": "import signal\nsignal.setitimer(signal.ITIMER_REAL, 0.2)",
    "thread": "import threading\nthreading.Thread(target=threading.Event().wait).start()",
    "logger": "logging.getLogger('day53').setLevel(logging.CRITICAL)",
    "class of asyncio": "asyncio.TaskGroup.create_task = None",
    "class of json": "json.JSONEncoder.encode = lambda *args: '{}'",
    "class of fastapi": "FastAPI.post = None",
    "module": "import sys\nsys.modules['json'] = None",
}


@pytest.mark.parametrize("code", CHANGES.values(), ids=CHANGES)
def test_what_one_exercise_replaces_harms_no_other(
    warm: Grading, tmp_path: Path, code: str
) -> None:
    """Only the exercise that did it has to live with it."""
    start = SOLUTION.index("def exercise_1")
    text = SOLUTION[start : SOLUTION.index("def exercise_2")].rstrip("\n")
    head, _, body = text.partition("\n")
    changed = f"{head}\n{indent(code, ' ' * 4)}\n{body}"
    found = statuses(grade(warm, tmp_path, answers(exercise_1=changed)))
    del found[1]
    assert set(found.values()) == {"passed"}, found
