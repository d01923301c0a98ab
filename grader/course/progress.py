"""What a learner has done so far, kept in the workspace. This file never leaves the machine."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from ..model.errors import UsageError
from ..model.report import ExerciseStatus, Report
from . import catalog
from .answers import Answers, stub_or_none
from .catalog import Exercise, Lesson
from .files import NotRegular, read_regular, write_whole

VERSION = 1
FILE = Path(".course", "progress.json")
MOST_BYTES = 10_000_000
PATIENCE = 3.0
"""Real seconds to wait for another command that changes the file."""


class ExerciseProgress(msgspec.Struct, omit_defaults=True):
    """How far an exercise is.

    Attributes:
        status: of the last grading.
        graded: a digest of the answer that was graded last; see `Answers.digest`.
        attempts: gradings of an answer, the passing ones too.
        passes: gradings that passed.
        first_pass: when it passed first, as an ISO date and time in UTC.
        hints: how many steps of the ladder were shown.
    """

    status: ExerciseStatus = "todo"
    graded: str = ""
    attempts: int = 0
    passes: int = 0
    first_pass: str | None = None
    hints: int = 0

    @property
    def failures(self) -> int:
        """Gradings that did not pass."""
        return self.attempts - self.passes

    def take_hint(self, steps: int, wanted: int | None = None) -> int:
        """Which of so many steps to show: the one that is wanted, or the next one."""
        step = min(wanted or self.hints + 1, steps)
        self.hints = max(self.hints, step)
        return step

    def note(self, status: ExerciseStatus, digest: str, asked: bool = True) -> None:
        """Keep what a grading found.

        What the grader broke isn't an attempt. Nor is passing once more with the same answer,
        or failing where no verdict was asked for.
        """
        is_same = (status, digest) == (self.status, self.graded)
        if status == "broken":
            return
        self.status, self.graded = status, digest
        if status == "passed" and not is_same:
            self.attempts += 1
            self.passes += 1
            self.first_pass = self.first_pass or _now()
        elif status == "failed" and asked:
            self.attempts += 1


class QuizAnswer(msgspec.Struct):
    """A learner's last answer to a question, and whether it was right."""

    given: str
    right: bool


class LessonProgress(msgspec.Struct, omit_defaults=True):
    """How far a lesson is: its exercises by number, its quiz by the question's name."""

    exercises: dict[int, ExerciseProgress] = {}
    quiz: dict[str, QuizAnswer] = {}

    def exercise(self, number: int) -> ExerciseProgress:
        """The exercise of that number; what is written into it is kept."""
        return self.exercises.setdefault(number, ExerciseProgress())

    def note(self, lesson: Lesson, answers: Answers, report: Report, asked: bool = True) -> None:
        """Keep what was found of the lesson's answers.

        A file that cannot be loaded fails in all its exercises, also in those not begun.
        """
        stub = stub_or_none(lesson)
        for found in report.exercises:
            exercise = lesson.exercise(found.number)
            status = "todo" if answers.has_same(stub, exercise) else found.status
            self.exercise(found.number).note(status, answers.digest(exercise), asked)


class Progress(msgspec.Struct):
    """The whole file."""

    version: int = VERSION
    lessons: dict[str, LessonProgress] = {}

    def lesson(self, lesson: Lesson) -> LessonProgress:
        """The lesson of that name; what is written into it is kept."""
        return self.lessons.setdefault(lesson.name, LessonProgress())

    def exercise(self, lesson: Lesson, exercise: Exercise) -> ExerciseProgress:
        return self.lesson(lesson).exercise(exercise.number)

    def first_unsolved(
        self, lessons: Iterable[Lesson], but: Collection[int] = ()
    ) -> tuple[Lesson, Exercise] | None:
        """The exercise to do next: the first one that has not passed; None if all have.

        Args:
            but: numbers of exercises that pass in a file whose verdicts aren't kept.
        """
        for lesson in lessons:
            for exercise in lesson.exercises:
                if exercise.number not in but and not self.exercise(lesson, exercise).passes:
                    return lesson, exercise
        return None


class ProgressFile:
    """The file of a workspace. A broken one never stops a command, which only warns of it.

    Args:
        workspace: the folder that holds `exercises/`; None if there is none.
        warn: called with a sentence when progress cannot be kept, or the file is broken.
    """

    def __init__(self, workspace: Path | None, warn: Callable[[str], object]) -> None:
        self._workspace = workspace
        self.path = (workspace or Path()) / FILE
        self._warn = warn

    @classmethod
    def here(cls, warn: Callable[[str], object]) -> ProgressFile:
        """That of the workspace in which the process runs."""
        try:
            return cls(catalog.workspace(), warn)
        except UsageError:
            return cls(None, warn)

    def read(self) -> Progress:
        """What is known; nothing, if there is no file or a broken one."""
        if self._workspace is None:
            return Progress()
        try:
            raw = read_regular(self.path, MOST_BYTES)
        except NotRegular as error:
            self._set_aside(str(error))
            return Progress()
        except OSError:
            return Progress()
        try:
            progress = msgspec.json.decode(raw, type=Progress)
        except (msgspec.DecodeError, UnicodeDecodeError):
            self._set_aside("is broken")
            return Progress()
        if progress.version != VERSION:
            self._set_aside(f"has the version {progress.version}, and this kit writes {VERSION}")
            return Progress()
        return progress

    @contextmanager
    def changing(self) -> Iterator[Progress]:
        """What is known, to be changed in this block, and kept at its end.

        Two commands at once don't lose each other's changes.
        """
        if self._workspace is None:
            yield Progress()
            self._warn("Progress is not kept: there is no course in this folder.")
            return
        try:
            lock = self._lock()
        except OSError as error:
            yield self.read()
            self._warn_unwritable(error)
            return
        try:
            progress = self.read()
            yield progress
            write_whole(self.path, msgspec.json.format(msgspec.json.encode(progress)).decode())
        except OSError as error:
            self._warn_unwritable(error)
        finally:
            os.close(lock)

    def note(self, gradings: Iterable[tuple[Lesson, Answers, Report]], asked: bool = True) -> None:
        """Keep what was found of each lesson's answers.

        Args:
            asked: whether the learner wanted a verdict on them, and not only to look.
        """
        with self.changing() as progress:
            for lesson, answers, report in gradings:
                progress.lesson(lesson).note(lesson, answers, report, asked)

    def _lock(self) -> int:
        self.path.parent.mkdir(exist_ok=True)
        lock = os.open(self.path.with_suffix(".lock"), os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666)
        try:
            self._wait_for(lock)
        except BaseException:
            os.close(lock)
            raise
        return lock

    def _wait_for(self, lock: int) -> None:
        """Take the lock. A process may hold it that doesn't end, and nobody knows of it."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                return fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError as error:
                if time.monotonic() > deadline:
                    raise OSError(error.errno, "another process keeps it locked") from error
            time.sleep(0.02)

    def _set_aside(self, why: str) -> None:
        number = 1
        while (aside := self.path.with_name(f"progress.broken-{number}.json")).exists():
            number += 1
        try:
            self.path.rename(aside)
        except OSError as error:
            self._warn_unwritable(error)
        else:
            self._warn(f"{FILE} {why}. It is kept as {aside.name}, and progress starts over.")

    def _warn_unwritable(self, error: OSError) -> None:
        self._warn(f"Progress cannot be kept in {FILE}: {error.strerror or error}.")


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds")
