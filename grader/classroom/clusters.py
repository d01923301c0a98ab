"""Where a class stands: who fails an exercise for the same reason, and at which line."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..course.catalog import Exercise
from ..model.report import CheckReport, ExerciseReport, ExerciseStatus
from ..render.page import source_lines
from .points import Score

UNEXPLAINED = "different"


class FailedExercise(NamedTuple):
    """A student's failed exercise.

    Attributes:
        check: the first that failed.
        line: the text of the line that its first diagnosis names; empty if it names none.
    """

    score: Score
    exercise: ExerciseReport
    check: CheckReport
    line: str

    @property
    def id(self) -> str:
        return self.check.reason or UNEXPLAINED


class Cluster(NamedTuple):
    """Those whose exercise fails first for the same reason.

    Attributes:
        id: of the misconception.
    """

    id: str
    failures: tuple[FailedExercise, ...]

    @property
    def lines(self) -> list[tuple[FailedExercise, int]]:
        """A failure at each line at which it happens, and how many there are, the commonest
        first."""
        first = {one.line: one for one in reversed(self.failures) if one.line}
        counts = Counter(one.line for one in self.failures if one.line)
        return [(first[line], count) for line, count in counts.most_common()]

    @property
    def example(self) -> FailedExercise:
        """The one to look at: a failure at the commonest line."""
        return self.lines[0][0] if self.lines else self.failures[0]


class ExerciseResults:
    """How a class does in an exercise.

    Attributes:
        counts: students by the state of the exercise.
        clusters: of those who fail it, the largest first. Students whose file can't be run at all
            are left out; see `failing_files`.
        tried: how many have begun it, in a file that can be run.
    """

    def __init__(self, exercise: Exercise, scores: Sequence[Score]) -> None:
        found = [(score, _report_on(score, exercise)) for score in scores]
        known = [(score, report) for score, report in found if report is not None]
        running = [(score, report) for score, report in known if not _is_of_file(report)]
        self.exercise = exercise
        self.counts: Counter[ExerciseStatus] = Counter(report.status for _, report in known)
        self.clusters = _clusters(_failures(running))
        self.tried = sum(report.status in ("passed", "failed") for _, report in running)

    @property
    def checks(self) -> list[tuple[CheckReport, int]]:
        """The checks that students fail first, and how many do, the hardest first."""
        first = [one.check for cluster in self.clusters for one in cluster.failures]
        by_id = {check.id: check for check in first}
        counted = Counter(check.id for check in first).most_common()
        return [(by_id[id_], count) for id_, count in counted]


def failing_files(scores: Iterable[Score]) -> list[Cluster]:
    """Those whose file can't be run, so that no exercise in it can pass."""
    found = [
        (score, report)
        for score in scores
        for report in score.attempt.exercises[:1]
        if _is_of_file(report)
    ]
    return _clusters(_failures(found))


def _is_of_file(report: ExerciseReport) -> bool:
    return any(check.is_of_file for check in report.checks)


def _report_on(score: Score, exercise: Exercise) -> ExerciseReport | None:
    found = (one for one in score.attempt.exercises if one.number == exercise.number)
    return next(found, None)


def _failures(known: Iterable[tuple[Score, ExerciseReport]]) -> Iterator[FailedExercise]:
    for score, report in known:
        check = next((one for one in report.checks if one.status == "failed"), None)
        if report.status == "failed" and check is not None:
            line = line_of(score.attempt.source or "", check.line)
            yield FailedExercise(score, report, check, line)


def line_of(source: str, number: int | None) -> str:
    """The text of a line; empty if there is none of that number."""
    lines = source_lines(source)
    return lines[number - 1].strip() if number and number <= len(lines) else ""


def _clusters(failures: Iterable[FailedExercise]) -> list[Cluster]:
    by_id: dict[str, list[FailedExercise]] = {}
    for one in failures:
        by_id.setdefault(one.id, []).append(one)
    found = [Cluster(id_, tuple(same)) for id_, same in by_id.items()]
    return sorted(found, key=lambda cluster: (-len(cluster.failures), cluster.id))
