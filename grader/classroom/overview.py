"""A class's results on a lesson, put together: what a report on it shows."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import suppress
from itertools import groupby
from statistics import mean

from ..course.catalog import Exercise, Lesson, course, stub_source
from ..course.files import read_source
from ..model.details import ChannelLost, Forged, ForkserverKilled, LoopStopped, Patched, Reached
from ..model.errors import InputError
from ..model.report import Report
from ..model.trace import Outcome, OutcomeKind
from .behaviour import alike_in_behaviour
from .clusters import ExerciseResults, failing_files
from .likeness import Likeness, likenesses
from .points import ClassRules, Score, score
from .store import Attempt

MEDDLING = (ChannelLost, Forged, ForkserverKilled, LoopStopped, Patched, Reached)
"""What happens to a process only if a program reaches for what isn't its own."""
COSTLY: tuple[OutcomeKind, ...] = ("process-died", "endless-loop", "out-of-memory", "output-flood")


class ClassOverview:
    """What is known of a class and a lesson.

    Args:
        attempts: all of the class, by student, from the first to the last.

    Attributes:
        scores: each student's, the attempt that counts.
        exercises: how the class does in each.
        failing_files: of those whose file can't be run.
    """

    def __init__(self, lesson: Lesson, attempts: Sequence[Attempt], rules: ClassRules) -> None:
        self.lesson = lesson
        by_student = groupby(attempts, lambda attempt: attempt.student.key)
        self._attempts = {key: list(each) for key, each in by_student}
        self.scores = [score(each, lesson, rules) for each in self._attempts.values()]
        self.exercises = [ExerciseResults(exercise, self.scores) for exercise in lesson.exercises]
        self.failing_files = failing_files(self.scores)

    @property
    def graded(self) -> list[Score]:
        return [one for one in self.scores if one.attempt.report is not None]

    @property
    def ungraded(self) -> list[Score]:
        """Those of whom nothing could be graded."""
        return [one for one in self.scores if one.attempt.report is None]

    @property
    def has_further_tries(self) -> bool:
        """Whether anyone has handed in more than one work."""
        return any(one.attempts > 1 for one in self.scores)

    def tries(self, exercise: Exercise) -> float | None:
        """Works that a student handed in until the exercise passed: the mean, of those in whose
        works it did."""
        found = [self._tries(each, exercise) for each in self._attempts.values()]
        known = [one for one in found if one is not None]
        return mean(known) if known else None

    def _tries(self, attempts: Sequence[Attempt], exercise: Exercise) -> int | None:
        reports = [one.report for one in attempts if one.report is not None]
        for number, report in enumerate(reports, 1):
            if _status(report, exercise) == "passed":
                return number
        return None

    @property
    def same(self) -> list[tuple[str, ...]]:
        """The keys of students who have handed in the same, group by group. Those who have
        written nothing yet are left out."""
        groups: dict[str, list[str]] = {}
        for one in self.graded:
            if any(each.status != "todo" for each in one.attempt.exercises):
                groups.setdefault(one.attempt.digest, []).append(one.attempt.student.key)
        return [tuple(keys) for keys in groups.values() if len(keys) > 1]

    @property
    def alike(self) -> list[Likeness]:
        """Works that are not the same, and alike beyond what the exercises make alike."""
        texts = {one.attempt.digest: one for one in self.graded}.values()
        sources = {one.attempt.student.key: one.attempt.source or "" for one in texts}
        return likenesses(sources, self.lesson, _known(self.lesson))

    @property
    def alike_in_behaviour(self) -> list[Likeness]:
        """Works that did the same where hardly anyone else did, and aren't the same."""
        texts = {one.attempt.digest: one.attempt for one in self.graded}.values()
        reports = {one.student.key: one.report for one in texts if one.report is not None}
        return alike_in_behaviour(reports, self.lesson)

    @property
    def meddling(self) -> list[Score]:
        """Those whose programs reached for what isn't theirs."""
        return [one for one in self.graded if any(map(_meddles, _outcomes(one)))]

    @property
    def costly(self) -> list[Score]:
        """Those whose programs died, or had to be ended, and did nothing else of the kind."""
        return [
            one
            for one in self.graded
            if any(found.kind in COSTLY for found in _outcomes(one))
            and not any(map(_meddles, _outcomes(one)))
        ]

    @property
    def broken(self) -> list[Score]:
        """Those for whom the grader broke."""
        return [one for one in self.graded if not one.is_final]


def _known(lesson: Lesson) -> Iterator[str]:
    """What the course itself has written: nobody has that from a fellow student."""
    yield stub_source(lesson) or ""
    found = course()
    for file in (found.solution(lesson), *sorted(found.mistakes(lesson).glob("*.py"))):
        with suppress(InputError):
            yield read_source(file)


def _status(report: Report, exercise: Exercise) -> str:
    found = [one.status for one in report.exercises if one.number == exercise.number]
    return found[0] if found else ""


def _outcomes(score: Score) -> Iterator[Outcome]:
    checks = (check for exercise in score.attempt.exercises for check in exercise.checks)
    return (check.got.outcome for check in checks if check.got is not None)


def _meddles(outcome: Outcome) -> bool:
    return isinstance(outcome.detail, MEDDLING)
