"""Grades a file: from the learner's source and the lesson's checks to a report."""

from __future__ import annotations

import ast
import os
import secrets
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

from ..course.catalog import Exercise, Lesson, course, stub_source
from ..course.files import read_own, read_source, utf8
from ..course.hints import section_of
from ..course.statements import definitions
from ..course.syntax import functions, imports
from ..model.errors import GraderError
from ..model.report import CheckReport, ExerciseReport, ExerciseStatus, Report
from ..model.trace import Trace
from ..processes.isolation import isolation
from ..services.registry import loaded_by
from .diagnoses.own import rules_file
from .players import MOST_PROCESSES, FilePlayer
from .workers import Worker

if TYPE_CHECKING:
    from .plugin import CheckRunner

OWN_CHECKS = Path(__file__).resolve().parents[1] / "checks"

NO_EXERCISE = -1
"""Stands for the number of an exercise where the whole file is meant."""

PYTEST_OPTIONS = (
    f"-c{os.devnull}",
    "--noconftest",
    "--strict-markers",
    "--assert=plain",
    "--capture=no",
    "--import-mode=importlib",
    *(
        f"-pno:{plugin}"
        for plugin in (
            "terminal",
            "cacheprovider",
            "doctest",
            "debugging",
            "faulthandler",
            "junitxml",
            "legacypath",
            "logging",
            "pastebin",
            "recwarn",
            "setuponly",
            "setupplan",
            "stepwise",
            "subtests",
            "threadexception",
            "tmpdir",
            "unittest",
            "unraisableexception",
            "warnings",
        )
    ),
)
"""No settings of anyone's, and no plugin that is not needed: each makes a verdict slower."""


class Grading:
    """A warm worker, and the grading of one file after another with it.

    Use as a context manager; nothing that it started outlives it. Its own seed serves all
    its gradings, so that the reference plays each scenario only once.

    Attributes:
        processes: that play a file at the same time.
        is_contained: whether each file is graded in a container of its own. The reference, which
            is nobody's harm, is played outside.
    """

    def __init__(self, is_contained: bool = False) -> None:
        self.worker = Worker()
        self.seed = secrets.randbelow(2**32)
        self.learner: FilePlayer | None = None
        self.references: dict[str, FilePlayer] = {}
        self._last: tuple[str, tuple[Exercise, ...], int] | None = None
        self.processes = MOST_PROCESSES
        self.is_contained = is_contained
        # While the worker imports FastAPI, import here what running the checks needs.
        from . import plugin  # noqa: F401

    def __enter__(self) -> Grading:
        return self

    def __exit__(self, *_: object) -> None:
        for performer in (self.learner, *self.references.values()):
            if performer is not None:
                performer.close()
        self.worker.close()

    def grade(
        self,
        lesson: Lesson,
        file: Path,
        numbers: tuple[int, ...] = (),
        seed: int | None = None,
        shown_as: str | None = None,
        source: str | None = None,
    ) -> Report:
        """Grade `file` as the answer to `lesson`.

        Args:
            numbers: of the exercises to grade; none means all.
            seed: of the values that are drawn; None is this grading's own.
            shown_as: the file's name in the report.
            source: the text to grade, if it is not to be read from the file.

        Raises:
            InputError: the file cannot be read.
            UsageError: the lesson has no exercise of such a number.
        """
        began = time.monotonic()
        seed = self.seed if seed is None else seed
        exercises = tuple(lesson.exercise(n) for n in numbers) or lesson.exercises
        what = lesson.name, exercises, seed
        submission = self.submission(lesson, file, seed, source, ahead=what == self._last)
        self._last = what
        reports = submission.grade(exercises)
        return Report(
            lesson=lesson.name,
            file=shown_as or str(file),
            seed=seed,
            seconds=round(time.monotonic() - began, 3),
            exercises=reports,
            notes=(*_of_isolation(), *(_notes(file, submission.source) if source is None else ())),
        )

    def submission(
        self,
        lesson: Lesson,
        file: Path,
        seed: int,
        source: str | None = None,
        ahead: bool = True,
    ) -> Submission:
        """`file` as the answer to `lesson`, as it is now, or with another text.

        Args:
            ahead: whether what was played of the last file is asked for at once.

        Raises:
            InputError: the file cannot be read.
        """
        source = read_source(file) if source is None else source
        learner = self._performer(source, utf8(os.path.abspath(file)), ahead)
        return Submission(lesson, source, learner, self._reference(lesson), seed)

    def _performer(self, source: str, path: str, ahead: bool) -> FilePlayer:
        if self.learner is None:
            self.learner = self._player_of(source, path)
        else:
            self.learner.load(source, path, self.processes, ahead)
        return self.learner

    def _player_of(self, source: str, path: str, is_ours: bool = False) -> FilePlayer:
        hidden = course().hidden
        return FilePlayer(
            self.worker,
            source,
            path,
            remember=True,
            hidden=hidden,
            is_contained=self.is_contained and not is_ours,
            is_ours=is_ours,
        )

    def _reference(self, lesson: Lesson) -> FilePlayer:
        file = course().solution(lesson)
        source, known = read_own(file), self.references.get(lesson.name)
        if known is None:
            # What answers import, too, mostly: so it is done once, and not in each process.
            self.worker.preload(loaded_by(imports(source)))
            known = self._player_of(source, str(file), is_ours=True)
            self.references[lesson.name] = known
        elif known.source != source:  # its author has changed it meanwhile
            known.load(source, str(file), ahead=False)
        return known


def _of_isolation() -> tuple[str, ...]:
    note = isolation().note
    return (note,) if note else ()


def _notes(file: Path, source: str) -> tuple[str, ...]:
    try:
        same = read_source(file) == source
    except Exception:
        same = False
    changed = "The file changed while it was graded. This is the verdict on how it was before."
    return () if same else (changed,)


class Submission:
    """One file to be graded, as it was when grading began."""

    def __init__(
        self, lesson: Lesson, source: str, learner: FilePlayer, reference: FilePlayer, seed: int
    ) -> None:
        self.lesson = lesson
        self.source = source
        self.learner = learner
        self.reference = reference
        self.seed = seed
        self.factories = functions(source)
        self.stub = functions(stub_source(lesson) or "")

    def grade(self, exercises: tuple[Exercise, ...]) -> tuple[ExerciseReport, ...]:
        """The reports on exercises; on all of them that the file cannot be run, if it cannot."""
        begun = tuple(e.number for e in exercises if not self.untouched(e))
        found = {} if self._is_the_stub() else self.run_checks(begun)
        broken = found.get(NO_EXERCISE)
        return tuple(self.report(e, broken or found.get(e.number)) for e in exercises)

    def _is_the_stub(self) -> bool:
        """Whether nothing in the file has changed; then it need not be tried."""
        stub = stub_source(self.lesson)
        return stub is not None and self.source.splitlines() == stub.splitlines()

    def untouched(self, exercise: Exercise) -> bool:
        """Whether the learner's factory is still the stub's."""
        mine = self.factories.get(exercise.factory)
        stub = self.stub.get(exercise.factory)
        if mine is None or stub is None or ast.dump(mine) != ast.dump(stub):
            return False
        binding = [one for one in definitions(self.source) if exercise.factory in one.binds]
        return len(binding) == 1

    def judge(self, numbers: tuple[int, ...]) -> CheckRunner:
        """Who runs the checks of these exercises on it."""
        from .plugin import CheckRunner

        return CheckRunner(self.learner, self.reference, numbers, self.seed)

    def run_checks(self, numbers: tuple[int, ...]) -> dict[int, tuple[CheckReport, ...]]:
        """Let pytest run the lesson's checks of these exercises. What is wrong with the file as
        a whole comes under `NO_EXERCISE`."""
        judge = self.judge(numbers)
        self.run(judge)
        if judge.broken_file:
            return {NO_EXERCISE: (judge.broken_file,)}
        return {n: _complete(judge.reports[n], judge.collected[n]) for n in numbers}

    def run(self, judge: CheckRunner) -> None:
        """Let pytest run the lesson's checks.

        Raises:
            GraderError: they cannot be run.
        """
        import pytest

        with _untouched_environment(), _importable(course().checks(self.lesson)) as file:
            code = pytest.main(
                [str(file), *_within(file.parent), *PYTEST_OPTIONS],
                plugins=[judge],
            )
        if code == pytest.ExitCode.INTERRUPTED and not judge.problem:
            raise KeyboardInterrupt
        if judge.problem:
            raise GraderError(f"the checks of {self.lesson.name} cannot be run", judge.problem)

    def report(self, exercise: Exercise, checks: tuple[CheckReport, ...] | None) -> ExerciseReport:
        node = self.factories.get(exercise.factory)
        return ExerciseReport(
            number=exercise.number,
            title=exercise.title,
            status="todo" if checks is None else _status(checks),
            line=node.lineno if node else None,
            section=section_of(self.lesson, exercise),
            checks=() if checks is None or _not_begun(checks) else checks,
        )


def _complete(reports: list[CheckReport], collected: list[str]) -> tuple[CheckReport, ...]:
    """The reports, with one for every check that gave none: it has not passed."""
    silent = [id_ for id_ in collected if id_ not in {report.id for report in reports}]
    if not collected:
        silent = ["no-checks"]
    return (
        *reports,
        *(
            CheckReport(id=id_, says=id_, status="broken", problem="it did not report")
            for id_ in silent
        ),
    )


def _status(checks: tuple[CheckReport, ...]) -> ExerciseStatus:
    if _not_begun(checks):
        return "todo"
    found = {check.status for check in checks}
    if "broken" in found:
        return "broken"
    return "failed" if "failed" in found else "passed"


def _not_begun(checks: tuple[CheckReport, ...]) -> bool:
    """Whether the factory still says that it is not implemented."""
    return any(_is_not_implemented(check.got) for check in checks)


def _is_not_implemented(trace: Trace | None) -> bool:
    if trace is None or trace.outcome.kind != "factory-failed" or trace.outcome.failure is None:
        return False
    return trace.outcome.failure.type == "NotImplementedError"


def _within(folder: Path) -> tuple[str, str]:
    """Options that keep pytest in a folder: it would look at all that lies beside each of the
    folders above it, which takes longer than to collect the checks."""
    return f"--rootdir={folder}", f"--confcutdir={folder}"


@contextmanager
def _importable(file: Path) -> Iterator[Path]:
    """The file with the checks, where pytest can import it.

    In a clone of the kit it lies in a package that has the name of the one that runs. pytest
    would import that package, too, so the checks of a clone are read from outside of it.
    """
    if file.parent == OWN_CHECKS or not (file.parent / "__init__.py").exists():
        yield file
        return
    with TemporaryDirectory() as folder:
        if rules_file(file).is_file():
            shutil.copy(rules_file(file), folder)
        yield Path(shutil.copy(file, folder))


@contextmanager
def _untouched_environment() -> Iterator[None]:
    """Keep the user's pytest settings out of the checks, and put them back."""
    before = dict(os.environ)
    os.environ.pop("PYTEST_ADDOPTS", None)
    os.environ.pop("PYTEST_PLUGINS", None)
    os.environ["PYTEST_DISABLE_PLUGIN_AUTOLOAD"] = "1"
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)
