"""All that can be wrong with a lesson, looked for in several processes at once."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..course.catalog import Lesson, course
from ..model.problems import Problem
from . import bank, lessons, notebooks, rules, texts
from .pool import apart, in_pool, pool
from .unwritten import unwritten

if TYPE_CHECKING:
    from ..judge.grading import Grading

Tell = Callable[[list[Problem]], object]

CASES_AT_ONCE = 4
"""Answers of the bank that a process takes at a time."""


def problems_of(lesson: Lesson, number: int | None = None) -> list[Problem]:
    """All that is wrong with a lesson, in the order of its files.

    Args:
        number: of the exercise to look at, without the texts; all of it, if None.
    """
    with LessonChecker() as checker:
        return checker.problems_of(lesson, number)


class LessonChecker:
    """Looks for what is wrong with lessons, in processes that stay warm.

    It remembers what the answers of the bank were told, and grades those again whose own files
    have changed, or all of them if the lesson's checks or its solution have.
    """

    def __init__(self) -> None:
        self._graders = pool()
        self._others = apart()
        self._known: dict[str, _Graded] = {}

    def __enter__(self) -> LessonChecker:
        return self

    def __exit__(self, *_: object) -> None:
        for executor in (self._graders, self._others):
            executor.shutdown(cancel_futures=True)

    def problems_of(
        self, lesson: Lesson, number: int | None = None, tell: Tell = lambda found: None
    ) -> list[Problem]:
        """All that is wrong with a lesson, in the order of its files.

        Args:
            number: of the exercise to look at, without the texts; all of it, if None.
            tell: called with what is found before the bank is graded.
        """
        everyone = [exercise.number for exercise in lesson.all_exercises]
        numbers = everyone if number is None else [number]
        found = [
            *texts.titles_without_exercise(lesson),
            *rules.problems_of_rules(lesson),
            *bank.problems_of_files(lesson),
        ]
        if found:  # the rest would only say so again
            return sorted(found)
        looks = [self._graders.submit(in_pool, look, lesson, numbers) for look in _LOOKS]
        if number is None:
            looks += [self._others.submit(look, lesson) for look in (_texts, _notebook)]
            found += unwritten(lesson)
        cases = bank.cases(lesson, numbers)
        grading = self._grade(lesson, cases)
        found += [problem for look in looks for problem in look.result()]
        tell(found)
        for told, _ in (graded := grading()):
            found += told
        if cases:
            found += bank.idle_checks(lesson, [check for _, seen in graded for check in seen])
        return sorted(dict.fromkeys(found))

    def _grade(self, lesson: Lesson, cases: list[Path]) -> Callable[[], list[_Graded]]:
        """Begin to grade answers of the bank; the result gives what they were told."""
        keys = {case: bank.digest(lesson, case) for case in cases}
        new = [case for case in cases if keys[case] not in self._known]
        parts = [new[i : i + CASES_AT_ONCE] for i in range(0, len(new), CASES_AT_ONCE)]
        jobs = [self._graders.submit(in_pool, _grade_cases, lesson, part) for part in parts]

        def results() -> list[_Graded]:
            made = [graded for job in jobs for graded in job.result()]
            known = self._known | {keys[case]: one for case, one in zip(new, made, strict=True)}
            self._known = {key: known[key] for key in keys.values()}
            return [known[keys[case]] for case in cases]

        return results


_LOOKS = (lessons.problems_of_solution, lessons.problems_of_stub)


def _texts(lesson: Lesson) -> list[Problem]:
    return list(texts.problems_of_texts(lesson))


def _notebook(lesson: Lesson) -> list[Problem]:
    return list(notebooks.problems_of_notebook(course().notebook(lesson)))


_Graded = tuple[list[Problem], list[bank.CheckInBank]]


def _grade_cases(grading: Grading, lesson: Lesson, cases: list[Path]) -> list[_Graded]:
    return [bank.grade_case(grading, lesson, case) for case in cases]
