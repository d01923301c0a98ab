"""A session of watch mode: what a save, a key and a verdict lead to."""

from __future__ import annotations

import asyncio
import signal
import sys
import time
import traceback
from collections.abc import Callable
from contextlib import AsyncExitStack, suppress
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..course import catalog
from ..course.answers import Answers
from ..course.catalog import Lesson
from ..course.files import read_source, shown
from ..judging.grader_process import GraderClient
from ..model.errors import CourseError, GraderError, InputError
from ..model.report import Report
from . import pages
from .keys import END, HANG_UP, keys
from .latest import GradeJob, LatestGrading, Outcome
from .record import Record
from .saves import Saves
from .screen import Page, Screen
from .target import ExerciseSequence, Target

if TYPE_CHECKING:
    from ..reporting.reporter import Reporter

KEYS = "n next   h hint   l list   r run again   q quit"
BACK = "Esc back"

SETTLED_AFTER = 0.15
"""Real seconds for which a file may be gone or empty: so it is while some editors save it."""


class ShownVerdict(NamedTuple):
    """A report, and what it is about."""

    asked: GradeJob
    report: Report
    page: Page
    at: str


class WatchSession:
    """The target, its latest text, and the last verdict.

    The arguments are those of `watch`, and the client of the process that judges.
    """

    def __init__(
        self,
        lesson: Lesson | None,
        numbers: tuple[int, ...],
        file: Path | None,
        seed: int | None,
        judge: GraderClient,
        reporter: Reporter | None,
    ) -> None:
        self._messages: dict[str, None] = {}  # a set that keeps its order
        self._record = Record(self._messages.setdefault, keeps=file is None)
        self._reporter = reporter
        self._course = ExerciseSequence(lesson, file)
        self._target = self._course.first(numbers, self._record.read())
        self._text: str | None = None
        self._problem: InputError | None = None
        self._verdict: ShownVerdict | None = None
        self._code: int | None = None
        self._has_keys = sys.stdin.isatty()
        self._screen = Screen(KEYS if self._has_keys else "")
        # Every event goes through this queue, so that events are handled one at a time,
        # and an error of ours ends the session.
        self._inbox: asyncio.Queue[Callable[[], object]] = asyncio.Queue()
        self._grading = LatestGrading(judge, seed, self._post, self._graded, self._still_grading)
        self._saves = Saves(
            partial(self._post, self._look),
            lambda task: self._post(task.result),
        )

    async def run(self) -> int:
        """Until a key or a signal ends it."""
        async with AsyncExitStack() as stack:
            stack.push_async_callback(self._grading.close)
            _refuse_what_is_not_there(self._target.file)
            stack.push_async_callback(self._saves.close)
            stack.callback(self._screen.close)
            self._heed_signals()
            stack.enter_context(keys(self._press, partial(self._post, self._screen.redraw)))
            self._turn_to(self._target)
            while self._code is None:
                (await self._inbox.get())()
        return self._code

    def _post(self, what: Callable[[], object]) -> None:
        self._inbox.put_nowait(what)

    def _press(self, key: str) -> None:
        self._post(partial(self._heed_key, key))

    def _heed_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGHUP):
            loop.add_signal_handler(number, self._post, partial(self._end, 128 + number))
        loop.add_signal_handler(signal.SIGWINCH, self._post, self._screen.redraw)

    def _heed_key(self, key: str) -> None:
        """Do what a key is for. Escape, like any other key, brings the verdict back."""
        meanings: dict[str, Callable[[], object]] = {
            "n": self._go_on,
            "h": self._show_hint,
            "l": self._show_list,
            "r": self._look_again,
            " ": self._screen.turn,
            "q": self._quit,
            END: self._quit,
            HANG_UP: partial(self._end, 128 + signal.SIGHUP),
        }
        self._messages.clear()  # a pressed key means that they were read
        meanings.get(key, self._show_verdict)()

    # Saves

    def _turn_to(self, target: Target) -> None:
        self._target, self._text, self._problem, self._verdict = target, None, None, None
        self._saves.follow(target.file)
        self._show_verdict()
        self._look(is_settled=True)

    def _look(self, is_settled: bool = False) -> None:
        """See whether there is another text, and have it graded."""
        try:
            text = _read(self._target.file)
        except InputError as error:
            if is_settled:
                self._cannot_read(error)
            else:
                settled = partial(self._look, is_settled=True)
                asyncio.get_running_loop().call_later(SETTLED_AFTER, self._post, settled)
            return
        if text != self._text or self._problem is not None:
            self._text, self._problem = text, None
            self._grade()

    def _cannot_read(self, error: InputError) -> None:
        known, self._problem = self._problem, error
        if known is None or known.problem != error.problem:
            self._show(pages.of_problem(error.problem, error.remedy))

    def _look_again(self) -> None:
        self._verdict = None
        self._problem = None
        self._text = None
        self._look(is_settled=True)

    def _grade(self) -> None:
        assert self._text is not None
        if self._is_judged():
            self._show_verdict()
        else:
            self._grading.ask(GradeJob(self._target, self._text))

    # Verdicts

    def _still_grading(self, seconds: float) -> None:
        if not self._is_judged():  # else it is of what is no longer there
            self._screen.show_status("grading …" if seconds < 1 else f"grading … {seconds:.0f} s")

    def _graded(self, asked: GradeJob, outcome: Outcome) -> None:
        if isinstance(outcome, Report):
            self._record.note(asked.target.lesson, Answers(asked.text), outcome)
            self._tell_board(asked, outcome)
        if asked.target != self._target or not self._is_of_now(asked):
            self._screen.show_status("")
            self._look()
        elif isinstance(outcome, Report):
            self._judged(asked, outcome)
        else:
            self._show_broken(outcome.problem, outcome.remedy)

    def _tell_board(self, asked: GradeJob, report: Report) -> None:
        if self._reporter is None:
            return
        loop = asyncio.get_running_loop()

        def told(words: str) -> None:
            with suppress(RuntimeError):  # the session is over by now
                loop.call_soon_threadsafe(self._post, partial(self._show_told, asked, words))

        message = self._reporter.message(asked.target.lesson, Answers(asked.text), report)
        self._reporter.send(message, told)

    def _show_told(self, asked: GradeJob, words: str) -> None:
        """Below the verdict that it is about, if that is still what is there to see."""
        if self._verdict is not None and self._verdict.asked == asked and self._is_judged():
            self._screen.show_status(words)

    def _is_of_now(self, asked: GradeJob) -> bool:
        """Whether the file still says what was asked about."""
        try:
            return _read(asked.target.file) == asked.text
        except InputError:
            return False

    def _judged(self, asked: GradeJob, report: Report) -> None:
        next_step = ""
        if report.exit_code == 0:
            found = self._course.after(self._target, self._record.read())
            next_step = pages.next_step(self._target, found, self._has_keys)
        page = pages.of_verdict(report, asked.target, asked.text, next_step)
        self._verdict = ShownVerdict(asked, report, page, time.strftime("%H:%M:%S"))
        try:
            self._show_verdict()
        except OSError:  # the terminal's
            raise
        except Exception:
            self._show_broken(traceback.format_exc(), "please report the text above")

    def _show_broken(self, problem: str, remedy: str) -> None:
        self._verdict = None
        words = "The grader broke. It is not your answer's fault."
        self._show(pages.of_problem(f"{words}\n{problem}", remedy))

    def _is_judged(self) -> bool:
        """Whether there is a verdict on the latest text."""
        return self._verdict is not None and self._verdict.asked == (self._target, self._text)

    def _show_verdict(self) -> None:
        if self._problem is not None:
            self._show(pages.of_problem(self._problem.problem, self._problem.remedy))
        elif self._verdict is not None:
            self._show(self._verdict.page, f"graded at {self._verdict.at}")
        else:
            self._show(pages.of_start(shown(self._target.file), self._target))

    def _passes(self) -> bool:
        """Whether the target passes, as it is now."""
        if self._verdict is None or self._verdict.report.exit_code:
            return False
        return self._is_of_now(self._verdict.asked)

    # Keys

    def _go_on(self) -> None:
        found = self._course.after(self._target, self._record.read())
        if found is not None:
            self._turn_to(found)
        else:
            self._show(pages.of_problem("There is no other exercise to solve.", ""))

    def _show_hint(self) -> None:
        exercise = self._target.exercises[0]
        if self._verdict is not None:
            first = next((e for e in self._verdict.report.exercises if e.status != "passed"), None)
            exercise = self._target.lesson.exercise(first.number) if first else exercise
        try:
            hint = self._record.next_hint(self._target.lesson, exercise)
        except GraderError as error:
            self._show(pages.of_problem(error.problem, error.remedy))
        else:
            self._show(pages.of_hint(exercise, *hint), BACK)

    def _show_list(self) -> None:
        try:
            self._show(pages.of_list(catalog.lessons(), self._record.read()), BACK)
        except CourseError as error:
            self._show(pages.of_problem(error.problem, error.remedy))

    def _show(self, page: Page, below: str = "") -> None:
        self._screen.show(pages.with_messages(page, tuple(self._messages)), below)

    def _quit(self) -> None:
        self._end(0 if self._passes() else 1)

    def _end(self, code: int) -> None:
        self._code = code


def _refuse_what_is_not_there(file: Path) -> None:
    """A file that isn't there at first is a mistyped name. One that goes later is waited for."""
    if not file.is_file():
        _read(file)


def _read(file: Path) -> str:
    try:
        return read_source(Path(shown(file)))  # errors name it as the learner would
    except OSError as error:
        raise InputError(f"{file} cannot be read: {error.strerror}", "check the path") from error
