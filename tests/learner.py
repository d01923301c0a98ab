"""A learner's folder, and the commands that are called in it."""

from __future__ import annotations

import fcntl
import os
import pty
import select
import struct
import subprocess
import sys
import termios
from collections.abc import Sequence
from pathlib import Path

from click.testing import CliRunner, Result

from grader.commands.group import main
from grader.course.catalog import CARRIED, lesson
from grader.course.progress import ExerciseProgress, Progress, ProgressFile, QuizAnswer

ROOT = Path(__file__).parents[1]
STUB = ROOT / "exercises" / "day53" / "exercise.py"
SOLUTION = ROOT / "solutions" / "day53" / "solution.py"
MISTAKES = ROOT / "tests" / "mistakes" / "day53"
DAY53 = lesson("day53")

ENTERS = """
import fcntl, sys, termios
fcntl.ioctl(0, termios.TIOCSCTTY, 0)  # so that Ctrl-C is heard
from grader.__main__ import main
main()
"""


class Learner:
    """A learner who works in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.file = folder / "exercises" / "day53" / "exercise.py"

    def grade(self, *words: object, typed: str = "", columns: int = 80) -> Result:
        """The command, called with a pipe for a terminal."""
        env = {"COLUMNS": str(columns)}
        return CliRunner().invoke(main, [*map(str, words)], input=typed, env=env, prog_name="grade")

    def answers(self, number: int, file: Path) -> None:
        """Put an answer from another file in the place of the stub's."""
        from grader.course.answers import Answers

        exercise = DAY53.exercise(number)
        answer = Answers(file.read_text("utf-8")).answer(exercise)
        changed = Answers(self.file.read_text("utf-8")).with_answer(exercise, answer)
        self.file.write_text(changed, "utf-8")

    @property
    def progress(self) -> Progress:
        return self._progress_file().read()

    def exercise(self, number: int) -> ExerciseProgress:
        """What is known of an exercise."""
        return self.progress.exercise(DAY53, DAY53.exercise(number))

    @property
    def quiz(self) -> dict[str, QuizAnswer]:
        return self.progress.lesson(DAY53).quiz

    def has_tried(self, number: int, attempts: int, passes: int = 0, hints: int = 0) -> None:
        """Pretend that an exercise has been graded so often."""
        with self._progress_file().changing() as progress:
            known = progress.exercise(DAY53, DAY53.exercise(number))
            known.status = "passed" if passes else "failed"
            known.attempts, known.passes, known.hints = attempts, passes, hints

    def on_terminal(
        self, *words: str, dialogue: Sequence[tuple[str, str]] = (), columns: int = 60, **env: str
    ) -> tuple[int, str]:
        """The exit status and what a terminal shows.

        Args:
            dialogue: what to wait for, and what to type then.
        """
        ours, its = pty.openpty()
        fcntl.ioctl(its, termios.TIOCSWINSZ, struct.pack("HHHH", 50, columns, 0, 0))
        with subprocess.Popen(
            [sys.executable, "-c", ENTERS, *words],
            cwd=self.folder,
            env=self._environment() | env,
            stdin=its,
            stdout=its,
            stderr=its,
            start_new_session=True,
        ) as process:
            os.close(its)
            try:
                shown = _converse(ours, list(dialogue))
            except BaseException:
                process.kill()
                raise
            finally:
                os.close(ours)  # who still reads there is hung up
            return process.wait(), shown

    def _progress_file(self) -> ProgressFile:
        def tell(words: str) -> None:
            raise AssertionError(words)

        return ProgressFile(self.folder, tell)

    def _environment(self) -> dict[str, str]:
        """Of a process that finds this very code, and this content as what was installed."""
        carried = self.folder / "carried"
        carried.mkdir(exist_ok=True)
        if not (carried / CARRIED).exists():
            (carried / CARRIED).symlink_to(ROOT)
        left_out = ("COLUMNS", "NO_COLOR", "PAGER", "LESS")
        env = {name: value for name, value in os.environ.items() if name not in left_out}
        return env | {"PYTHONPATH": f"{ROOT}{os.pathsep}{carried}", "TERM": "xterm"}


INTERRUPT = "\x03"
LOST_AFTER = 5.0
"""Seconds of silence after which a Ctrl-C was lost: it came when Python was just about to read,
had looked for signals already, and now waits for a line. A user presses it once more."""
STUCK_AFTER = 120.0


def _converse(terminal: int, dialogue: list[tuple[str, str]]) -> str:
    """Read to the end, and type what is to be typed when it is time."""
    shown = b""
    begin = 0
    typed = ""
    while True:
        if dialogue and (at := shown.find(dialogue[0][0].encode(), begin)) >= 0:
            awaited, typed = dialogue.pop(0)
            begin = at + len(awaited.encode())
            os.write(terminal, typed.encode())
        elif typed == INTERRUPT and not _says_something(terminal, LOST_AFTER):
            os.write(terminal, typed.encode())
        elif part := _part(terminal):
            shown += part
            typed = typed if part == b"^C" else ""  # an answer: it was heard
        else:
            text = shown.decode().replace("\r\n", "\n")
            assert not dialogue, f"{dialogue[0][0]!r} never came:\n{text}"
            return text


def _says_something(terminal: int, within: float) -> bool:
    return bool(select.select([terminal], [], [], within)[0])


def _part(terminal: int) -> bytes:
    """What is shown next; nothing at the end, or when nothing comes for long."""
    try:
        return os.read(terminal, 65536) if _says_something(terminal, STUCK_AFTER) else b""
    except OSError:  # how Linux says that the other end is closed
        return b""
