"""Grades many answers to one exercise, each until a check fails."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING

import pytest

from ..course.catalog import Exercise, Lesson, course
from ..course.files import read_own
from ..judge.plugin import CheckRunner, number_of
from ..judge.prefetch import run
from ..model.report import CheckReport

if TYPE_CHECKING:
    from ..judge.grading import Grading
    from ..judge.players import FilePlayer


class Trials(CheckRunner):
    """Runs the checks of an exercise in one pytest session, on one text after another.

    Args:
        submission: plays the texts.
        reference: the solution.
        number: of the exercise.
        seed: of the values that checks draw.
        texts: the files to grade.
    """

    def __init__(
        self,
        submission: FilePlayer,
        reference: FilePlayer,
        number: int,
        seed: int,
        texts: Iterable[str],
    ) -> None:
        super().__init__(submission, reference, (number,), seed)
        self._texts = texts
        self.failures: list[CheckReport | None] = []
        """For each text a check that does not pass; None if all of them do."""

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        checks = list(session.items)
        for text in self._texts:
            self._submission.load(text, self._submission.path, ahead=False)
            self._players.clear()
            self.failures.append(self._failure(checks))
        return True

    def _failure(self, checks: list[pytest.Item]) -> CheckReport | None:
        """The check that has failed comes first the next time: neighbours often fail alike."""
        for place, check in enumerate(checks):
            reports = self.reports[number_of(check)] = []
            run(check, None)
            failed = [report for report in reports if report.status != "passed"]
            if failed:
                checks.insert(0, checks.pop(place))
                return failed[0]
        return None


def failures_of(
    grading: Grading, lesson: Lesson, exercise: Exercise, texts: Sequence[str], seed: int
) -> list[CheckReport | None]:
    """Grade many answers to one exercise, each until a check fails.

    Args:
        texts: of the files, each in the place of the solution.
        seed: of the values that checks draw.

    Returns:
        For each text a check that doesn't pass, or None if all of them do.

    Raises:
        GraderError: the checks cannot be run.
    """
    solution = course().solution(lesson)
    submission = grading.submission(lesson, solution, seed, read_own(solution))
    players = submission.learner, submission.reference
    trials = Trials(*players, exercise.number, seed, texts)
    submission.run(trials)
    return trials.failures
