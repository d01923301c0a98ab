"""Watch mode: what is saved is graded, the keys answer, and nothing is left behind."""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import re
import select
import shutil
import signal
import struct
import subprocess
import sys
import termios
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any, cast

import pytest

from grader.course import catalog
from grader.judging.grader_process import GraderClient
from grader.judging.messages import GradeRequest
from grader.model.report import Report
from grader.watching import saves
from grader.watching.latest import GradeJob, LatestGrading
from grader.watching.screen import CLEAR
from grader.watching.target import Target

ROOT = Path(__file__).parents[1]
MISTAKES = ROOT / "tests" / "mistakes" / "day53"
WRONG = (MISTAKES / "2_awaited_in_turn.py").read_text("utf-8")
RIGHT = (MISTAKES / "2_right_task_group.py").read_text("utf-8")
ENDLESS = RIGHT + "\nwhile True:\n    pass\n"

PATIENCE = 120.0
"""Real seconds after which something will not be seen. Nothing takes so long."""

needs_proc = pytest.mark.skipif(not Path("/proc/self/stat").exists(), reason="no /proc")
needs_tmux = pytest.mark.skipif(shutil.which("tmux") is None, reason="no tmux")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """The answers in a workspace of its own; exercise 2 is wrong."""
    shutil.copy(ROOT / "course.toml", tmp_path)
    file = tmp_path / "exercises" / "day53" / "exercise.py"
    file.parent.mkdir(parents=True)
    file.write_text(WRONG, "utf-8")
    return file


class Window:
    """A terminal in which `grade` runs, as one sees it."""

    def __init__(self, folder: Path, words: tuple[str, ...], columns: int = 80, **env: str) -> None:
        self._ours, self.terminal = os.openpty()
        self.resize(columns)
        self._new = b""
        self.before = termios.tcgetattr(self.terminal)
        self.process = subprocess.Popen(
            command(*words),
            cwd=folder,
            env=environment(**env),
            stdin=self.terminal,
            stdout=self.terminal,
            stderr=self.terminal,
            start_new_session=True,
            preexec_fn=partial(fcntl.ioctl, self.terminal, termios.TIOCSCTTY, 0),
        )

    def resize(self, columns: int, rows: int = 50) -> None:
        size = struct.pack("HHHH", rows, columns, 0, 0)
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, size)

    def see(self, *words: str) -> str:
        """Wait until the screen says all that; what it says then."""
        deadline = time.monotonic() + PATIENCE
        while not all(word in self.screen for word in words):
            if not self._read(deadline):
                raise AssertionError(f"{words} not seen:\n{self.screen}\n{self._new[-1000:]!r}")
        return self.screen

    @property
    def screen(self) -> str:
        """What has come since the screen was cleared, or something was pressed or saved."""
        text = self._new.decode("utf-8", "replace").replace("\r\n", "\n").split(CLEAR)[-1]
        return re.sub(r"\x1b\[[?\d;]*[a-zA-Z]", "", text)

    @property
    def raw(self) -> str:
        """The same, all of it, with what moves the cursor and colours."""
        return self._new.decode("utf-8", "replace")

    def press(self, key: str) -> None:
        self._new = b""
        os.write(self._ours, key.encode())

    def save(self, file: Path, text: str | bytes) -> None:
        self._new = b""
        file.write_bytes(text.encode() if isinstance(text, str) else text)

    def replace(self, file: Path, text: str) -> None:
        """As most editors save."""
        self._new = b""
        draft = file.with_name("draft~")
        draft.write_text(text, "utf-8")
        draft.replace(file)

    def forget(self) -> None:
        """What is seen from now on is new."""
        self._new = b""

    def ends(self) -> int:
        """Wait for the end; what it exited with."""
        deadline = time.monotonic() + PATIENCE
        while self.process.poll() is None:
            self._read(min(deadline, time.monotonic() + 0.05))
            assert time.monotonic() < deadline, f"it has not ended:\n{self.screen}"
        while self._read(time.monotonic()):
            pass
        return self.process.returncode

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.terminate()
            self.process.wait(PATIENCE)
        os.close(self._ours)
        os.close(self.terminal)

    def _read(self, deadline: float) -> bool:
        if not select.select([self._ours], [], [], max(0, deadline - time.monotonic()))[0]:
            return False
        self._new += os.read(self._ours, 65536)
        return True


Open = Callable[..., Window]


@pytest.fixture
def grade(file: Path) -> Iterator[Open]:
    """`grade`, in a window."""
    with ExitStack() as stack:

        def grade(*words: str, **options: Any) -> Window:
            window = Window(file.parents[2], words, **options)
            stack.callback(window.close)
            return window

        yield grade


def command(*words: str) -> list[str]:
    return [sys.executable, "-m", "grader", *words]


def environment(**env: str) -> dict[str, str]:
    ours = {
        name: value for name, value in os.environ.items() if name not in ("COLUMNS", "NO_COLOR")
    }
    return ours | {"PYTHONPATH": str(ROOT), "TERM": "xterm"} | env


def progress(file: Path) -> dict[str, Any]:
    """What is kept of exercise 2."""
    kept = json.loads((file.parents[2] / ".course" / "progress.json").read_text("utf-8"))
    found: dict[str, Any] = kept["lessons"]["day53"]["exercises"]["2"]
    return found


def descendants(pid: int) -> set[int]:
    """The processes that a process has started, and those that they have."""
    children: dict[int, set[int]] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        try:
            _, _, rest = stat.read_text("utf-8", "replace").rpartition(")")
        except OSError:
            continue
        children.setdefault(int(rest.split()[1]), set()).add(int(stat.parent.name))
    found: set[int] = set()
    new = {pid}
    while new:
        new = set().union(*(children.get(one, set()) for one in new)) - found
        found |= new
    return found


def alive(pids: set[int]) -> set[int]:
    return {pid for pid in pids if Path(f"/proc/{pid}").exists()}


# Saves


def test_a_save_brings_a_new_verdict(grade: Open, file: Path) -> None:
    """In the place of the last one. Each grading is kept; one of the same text is none."""
    window = grade("day53", "2", "--watch")
    window.see("Lines 10, 11 and 12", "0 of 1 exercises pass", "q quit")
    window.save(file, RIGHT)
    screen = window.see("1 of 1 exercises pass", "Next: day53 3, A database (press n)")
    assert "Lines 10" not in screen
    window.save(file, RIGHT)
    window.save(file, WRONG)
    window.see("0 of 1 exercises pass")
    assert (progress(file)["attempts"], progress(file)["passes"]) == (3, 1)


@needs_proc
def test_quitting_leaves_nothing_behind(grade: Open, file: Path) -> None:
    """The exit status says that what was at hand passes."""
    file.write_text(RIGHT, "utf-8")
    window = grade("day53", "2", "--watch")
    window.see("of 1 exercises pass")
    started = descendants(window.process.pid)
    assert len(started) >= 4  # judge, forkserver, players
    assert termios.tcgetattr(window.terminal) != window.before
    window.press("q")
    assert window.ends() == 0
    assert alive(started) == set()
    assert termios.tcgetattr(window.terminal) == window.before


def test_what_editors_do_to_a_file_is_survived(grade: Open, file: Path) -> None:
    """A new file in its place, none for a while, an empty one, bytes, half a line."""
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    window.replace(file, RIGHT)
    window.see("1 of 1 exercises pass")
    window.forget()
    file.rename(file.with_suffix(".old"))
    window.see("cannot be read: No such file")
    window.forget()
    file.with_suffix(".old").rename(file)
    window.see("1 of 1 exercises pass")
    assert progress(file)["attempts"] == 2  # what comes back as it was has its verdict
    window.save(file, "")
    window.see("is empty")
    window.save(file, b"\xff\n")
    window.see("is not UTF-8")
    window.save(file, RIGHT + "\ndef broken(:\n")
    window.see("The file can be imported.", "0 of 1 exercises pass")
    window.save(file, RIGHT)
    window.see("1 of 1 exercises pass")


def test_a_folder_that_is_another_one_is_watched(grade: Open, file: Path) -> None:
    """As when another branch is checked out."""
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    window.forget()
    file.parent.rename(file.parent.with_name("away"))
    window.see("cannot be read")
    window.forget()
    file.parent.mkdir()
    window.save(file, RIGHT)
    window.see("1 of 1 exercises pass")
    window.save(file, WRONG)
    window.see("0 of 1 exercises pass")


def test_where_the_kernel_tells_of_nothing_the_folder_is_looked_at(grade: Open, file: Path) -> None:
    window = grade("day53", "2", "--watch", WATCHFILES_FORCE_POLLING="1")
    window.see("0 of 1 exercises pass")
    window.replace(file, RIGHT)
    window.see("1 of 1 exercises pass")


def test_a_link_is_followed_to_where_the_file_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At once, and not only when the time comes to look."""
    monkeypatch.setattr(saves, "HEARTBEAT", 60_000)
    places = [tmp_path / name / "mine.py" for name in ("first", "second", "third")]
    for place in places:
        place.parent.mkdir()
    places[0].symlink_to(places[1])
    places[1].symlink_to("../third/mine.py")

    async def look() -> None:
        async with watching_file(places[0]) as changed:
            for place in (places[2], tmp_path / "third" / "other.py"):
                await saved(place, changed)

    asyncio.run(asyncio.wait_for(look(), PATIENCE))


def test_a_folder_in_the_place_of_another_is_watched_at_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(saves, "HEARTBEAT", 60_000)
    folder = tmp_path / "folder"
    folder.mkdir()

    async def look() -> None:
        async with watching_file(folder / "mine.py") as changed:
            await saved(folder / "mine.py", changed)
            folder.rename(tmp_path / "away")
            folder.mkdir()
            await saved(tmp_path / "away" / "mine.py", changed)  # that is how it comes to know
            changed.clear()
            await saved(folder / "mine.py", changed)
            changed.clear()
            await saved(folder / "mine.py", changed)

    asyncio.run(asyncio.wait_for(look(), PATIENCE))


@asynccontextmanager
async def watching_file(file: Path) -> AsyncIterator[asyncio.Event]:
    """An event that is set when the file may have been saved."""
    changed, stop = asyncio.Event(), asyncio.Event()
    task = asyncio.create_task(saves.watch_file(file, changed.set, stop))
    try:
        yield changed
    finally:
        stop.set()
        await task


async def saved(file: Path, changed: asyncio.Event) -> None:
    """Save a file again until the change is noticed."""
    changed.clear()
    while not changed.is_set():
        file.with_name("draft").write_text("", "utf-8")
        file.with_name("draft").replace(file)
        with suppress(TimeoutError):
            await asyncio.wait_for(changed.wait(), 0.1)


def test_of_a_burst_of_saves_the_last_one_counts(grade: Open, file: Path) -> None:
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    for nth in range(30):
        file.write_text(f"{WRONG}\n# {nth}\n", "utf-8")
    window.save(file, f"{RIGHT}\n# the last\n")
    window.see("1 of 1 exercises pass")
    window.press("q")
    assert window.ends() == 0


def test_another_file_is_graded_and_nothing_is_kept(grade: Open, file: Path) -> None:
    mine = file.parents[2] / "mine.py"
    mine.write_text(RIGHT, "utf-8")
    window = grade("day53", "2", "--watch", "--file", "mine.py", "--seed", "7")
    assert "seed 7" in window.see("1 of 1 exercises pass")
    window.save(mine, WRONG)
    window.see("0 of 1 exercises pass", "mine.py:10")
    assert not (file.parents[2] / ".course").exists()


def test_the_first_unsolved_exercise_is_at_hand(grade: Open, file: Path) -> None:
    solve(file, 1)
    grade("--watch").see("2 · Concurrent operations", "0 of 1 exercises pass")


def solve(file: Path, *numbers: int) -> None:
    """Write into the progress that those are solved."""
    exercises = {str(n): {"status": "passed", "attempts": 1, "passes": 1} for n in numbers}
    kept = {"version": 1, "lessons": {"day53": {"exercises": exercises}}}
    folder = file.parents[2] / ".course"
    folder.mkdir()
    (folder / "progress.json").write_text(json.dumps(kept), "utf-8")


def test_when_all_is_solved_the_quiz_is_next(grade: Open, file: Path) -> None:
    solve(file, 1, 2, 3, 4, 5, 6, 7, 8)
    file.write_text(RIGHT, "utf-8")
    window = grade("day53", "2", "--watch")
    window.see("1 of 1 exercises pass", "No exercise is left to solve", "grade quiz day53")
    window.press("n")
    window.see("There is no other exercise to solve.")


def test_a_file_that_never_was_is_a_wrong_command(grade: Open) -> None:
    window = grade("day53", "--watch", "--file", "nowhere.py")
    assert window.ends() == 2
    assert "nowhere.py cannot be read" in window.screen


# Keys


def test_keys(grade: Open, file: Path) -> None:
    """A hint goes further each time, the list is that of `grade list`, any key goes back."""
    window = grade("day53", "1", "--watch")
    window.see("1 · Basic async", "0 of 1 exercises pass")
    window.press("n")
    window.see("2 · Concurrent operations", "Lines 10, 11 and 12")
    window.press("h")
    window.see("Exercise 2, hint 1 of 3", "more: press h")
    window.press("H")
    window.see("Exercise 2, hint 2 of 3")
    window.press("l")
    window.see("2 · Concurrent operations", "not yet, 1 attempt, 2 hints")
    window.press("\x1b[A")  # an arrow is no key of ours
    window.press("x")
    window.see("Lines 10, 11 and 12")
    assert progress(file)["hints"] == 2
    window.press("\x04")
    assert window.ends() == 1


def test_a_window_of_another_size_is_drawn_anew(grade: Open) -> None:
    """What does not fit into it is a key away."""
    window = grade("day53", "2", "--watch", columns=100)
    wide = window.see("0 of 1 exercises pass", "q quit")
    assert max(map(len, wide.splitlines())) == 100
    window.forget()
    window.resize(60)
    narrow = window.see("0 of 1 exercises pass", "q quit")
    assert max(map(len, narrow.splitlines())) == 60
    window.forget()
    window.resize(60, 16)
    assert len(window.see("space: more (1 of ", "q quit").split("\n")) <= 16
    window.press(" ")
    window.see("space: more (2 of ", "q quit")


@needs_proc
def test_an_endless_loop_does_not_deafen_the_keys(grade: Open, file: Path) -> None:
    """What is saved meanwhile is graded; `q` ends it all at once."""
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    window.save(file, ENDLESS)
    window.see("in a loop", "0 of 1 exercises pass")
    window.save(file, f"{ENDLESS}# again\n")
    window.see("grading …")
    window.press("h")
    window.see("Exercise 2, hint 1")
    window.save(file, RIGHT)
    window.see("1 of 1 exercises pass")
    window.save(file, f"{ENDLESS}# and again\n")
    window.see("grading …")
    started = descendants(window.process.pid)
    window.press("q")
    assert window.ends() == 1
    assert alive(started) == set()


def test_what_was_graded_before_is_not_graded_again(grade: Open, file: Path) -> None:
    """Also when something else is under way meanwhile, which is not to be seen."""
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    window.save(file, ENDLESS)
    window.see("grading …")
    window.save(file, WRONG)
    window.see("Lines 10, 11 and 12", "graded at", "q quit")
    assert "grading" not in window.screen
    window.save(file, RIGHT)
    window.see("1 of 1 exercises pass")


class EndlessJudge:
    """Grades nothing."""

    is_warm = True

    def __init__(self) -> None:
        self.began: asyncio.Queue[str] = asyncio.Queue()
        self.cancelled: list[str] = []

    async def grade(self, request: GradeRequest) -> Report:
        self.began.put_nowait(request.source)
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            self.cancelled.append(request.source)
            raise
        raise AssertionError

    async def close(self) -> None:
        pass


def test_what_is_newer_waits_for_nothing_that_does_not_end() -> None:
    """Only the newest is graded then."""
    judge = EndlessJudge()
    target = Target(catalog.lesson("day53"), (2,), Path("exercise.py"))

    async def look() -> None:
        grading = LatestGrading(
            cast(GraderClient, judge), None, lambda call: call(), lambda *_: None, lambda _: None
        )
        for text in ("first", "second", "third"):
            grading.ask(GradeJob(target, text))
        assert [await judge.began.get(), await judge.began.get()] == ["first", "third"]
        assert judge.cancelled == ["first"]
        await grading.close()

    asyncio.run(asyncio.wait_for(look(), PATIENCE))
    assert judge.cancelled == ["first", "third"]


@pytest.mark.parametrize(
    ("end", "code"),
    [
        (lambda window: window.press("\x03"), 130),
        (lambda window: window.process.send_signal(signal.SIGTERM), 143),
        (lambda window: window.process.send_signal(signal.SIGHUP), 129),
    ],
    ids=["Ctrl-C", "SIGTERM", "SIGHUP"],
)
@needs_proc
def test_a_signal_leaves_the_terminal_as_it_was(
    grade: Open, end: Callable[[Window], None], code: int
) -> None:
    window = grade("day53", "2", "--watch")
    window.see("graded whenever")
    started = descendants(window.process.pid)
    end(window)
    assert window.ends() == code
    assert alive(started) == set()
    assert termios.tcgetattr(window.terminal) == window.before
    assert "Traceback" not in window.raw


def test_while_stopped_the_terminal_is_the_shells(grade: Open, file: Path) -> None:
    """Ctrl-Z, and `fg`."""
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    window.process.send_signal(signal.SIGTSTP)
    os.waitid(os.P_PID, window.process.pid, os.WSTOPPED)
    assert termios.tcgetattr(window.terminal) == window.before
    window.forget()
    window.process.send_signal(signal.SIGCONT)
    window.see("0 of 1 exercises pass")
    assert termios.tcgetattr(window.terminal) != window.before


# Other terminals, and none


@pytest.mark.parametrize("env", [{"NO_COLOR": "1"}, {"TERM": "dumb"}], ids=str)
def test_without_colour_verdicts_stand_below_each_other(
    grade: Open, file: Path, env: dict[str, str]
) -> None:
    window = grade("day53", "2", "--watch", columns=60, **env)
    window.see("0 of 1 exercises pass", "q quit")
    window.save(file, RIGHT)
    window.see("─" * 60, "1 of 1 exercises pass", "q quit")
    window.press("r")
    window.see("1 of 1 exercises pass")
    assert CLEAR not in window.raw
    assert not re.search(r"\x1b\[[\d;]*3\dm", window.raw)
    window.press("q")
    assert window.ends() == 0
    assert progress(file)["attempts"] == 2


def test_without_a_terminal_verdicts_are_printed_until_interrupted(file: Path) -> None:
    with piped("day53", "2", "--watch", folder=file.parents[2]) as process:
        first = read_until(process, "0 of 1 exercises pass")
        file.write_text(RIGHT, "utf-8")
        second = read_until(process, "Next: day53 3, A database\n")
        process.send_signal(signal.SIGINT)
        assert process.wait(PATIENCE) == 130
    assert "\x1b" not in first + second
    assert "q quit" not in first + second
    assert "─" * 80 in second


@contextmanager
def piped(*words: str, folder: Path) -> Iterator[subprocess.Popen[str]]:
    process = subprocess.Popen(
        command(*words),
        cwd=folder,
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
    )
    with process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], words: str) -> str:
    assert process.stdout is not None
    read = ""
    while words not in read:
        line = process.stdout.readline()
        assert line, f"it has ended:\n{read}"
        read += line
    return read


@needs_tmux
def test_in_tmux_one_verdict_is_on_the_screen(file: Path, tmp_path: Path) -> None:
    """A real terminal of sixty columns, read as one sees it."""
    with tmux(file.parents[2], tmp_path / "socket", "day53", "2", "--watch") as run:
        capture = partial(run, "capture-pane", "-p")
        screen = seen_in(capture, "wait for one call to end before the", "q quit")
        assert screen.index("wait for one call") < screen.index("the reference")
        file.write_text(RIGHT, "utf-8")
        screen = seen_in(capture, "1 of 1 exercises pass", "q quit")
        assert "wait for one call" not in screen
        assert screen.startswith("✔ 2 · Concurrent operations")
        run("send-keys", "h")
        screen = seen_in(capture, "hint 1 of 3", "q quit")
        assert "1 of 1" not in screen
        run("send-keys", "q")
        seen_in(capture, "ended with 0")


@contextmanager
def tmux(folder: Path, socket: Path, *words: str) -> Iterator[Callable[..., str]]:
    """A window of tmux in which `grade` runs; to be given tmux's commands."""
    env = environment()

    def run(*arguments: str) -> str:
        call = ["tmux", "-S", str(socket), "-f", os.devnull, *arguments]
        done = subprocess.run(call, env=env, capture_output=True, encoding="utf-8", check=True)
        return done.stdout

    shell = f"{' '.join(command(*words))}; echo ended with $?; cat"
    run("-u", "new-session", "-d", "-x", "60", "-y", "40", "-c", str(folder), shell)
    try:
        yield run
    finally:
        run("kill-server")


def seen_in(capture: Callable[[], str], *words: str) -> str:
    deadline = time.monotonic() + PATIENCE
    while not all(word in (screen := capture()) for word in words):
        assert time.monotonic() < deadline, f"{words} not seen:\n{screen}"
    return screen


# What breaks


@needs_proc
def test_processes_that_die_are_replaced(grade: Open, file: Path) -> None:
    """The one that judges, and those that play, one after the other."""
    window = grade("day53", "2", "--watch")
    window.see("0 of 1 exercises pass")
    [judge] = [pid for pid in descendants(window.process.pid) if parent(pid) == window.process.pid]
    for pid in descendants(judge):
        os.kill(pid, signal.SIGKILL)
    window.save(file, RIGHT)
    window.see("1 of 1 exercises pass")
    os.kill(judge, signal.SIGKILL)
    window.save(file, WRONG)
    window.see("0 of 1 exercises pass")


def parent(pid: int) -> int:
    _, _, rest = Path(f"/proc/{pid}/stat").read_text("utf-8", "replace").rpartition(")")
    return int(rest.split()[1])


BREAKS = """
import os, sys
if os.path.exists("break") and "grader" in " ".join(sys.orig_argv):
    from grader.judge.grading import Grading
    def grade(*_, **__):
        if os.path.exists("break"):
            raise RuntimeError("boom")
        return right(*_, **__)
    right, Grading.grade = Grading.grade, grade
"""


def test_a_grader_that_breaks_says_so_and_goes_on(
    grade: Open, file: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """It is not the learner's fault, and no attempt."""
    place = tmp_path_factory.mktemp("place")
    (place / "sitecustomize.py").write_text(BREAKS, "utf-8")
    broken = file.parents[2] / "break"
    broken.touch()
    window = grade("day53", "2", "--watch", PYTHONPATH=f"{place}:{ROOT}")
    window.see("The grader broke. It is not your answer's fault.", "RuntimeError: boom", "q quit")
    broken.unlink()
    window.press("r")
    window.see("0 of 1 exercises pass")
    assert progress(file)["attempts"] == 1


def test_what_is_wrong_with_the_progress_is_told_on_the_screen(grade: Open, file: Path) -> None:
    """Until a key is pressed."""
    solve(file)
    (file.parents[2] / ".course" / "progress.json").write_text("{", "utf-8")
    window = grade("day53", "--watch")
    window.see("0 of 1 exercises pass", "is broken. It is kept as progress.broken-1.json", "q quit")
    window.press("x")
    assert "is broken" not in window.see("0 of 1 exercises pass", "q quit")
