"""All that can be wrong with a lesson, looked for in several processes at once."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ..course.catalog import Lesson, course
from ..model.problems import Problem
from . import bank, lessons, notebooks, rules, texts
from .pool import apart, in_pool, pool
from .unwritten import unwritten

if TYPE_CHECKING:
    from ..judge.grading import Grading

CASES_AT_ONCE = 4
"""Answers of the bank that a process takes at a time."""


def problems_of(lesson: Lesson, number: int | None = None) -> list[Problem]:
    """All that is wrong with a lesson, in the order of its files.

    Args:
        number: of the exercise to look at, without the texts; all of it, if None.
    """
    numbers = (
        [number] if number is not None else [exercise.number for exercise in lesson.all_exercises]
    )
    found = [
        *texts.titles_without_exercise(lesson),
        *rules.problems_of_rules(lesson),
        *bank.problems_of_files(lesson),
    ]
    if found:  # the rest would only say so again
        return sorted(found)
    cases = bank.cases(lesson, numbers)
    parts = [cases[i : i + CASES_AT_ONCE] for i in range(0, len(cases), CASES_AT_ONCE)]
    with pool() as graders, apart() as others:
        jobs = [graders.submit(in_pool, look, lesson, numbers) for look in _LOOKS]
        if number is None:
            jobs += [others.submit(look, lesson) for look in (_texts, _notebook)]
        graded = [graders.submit(in_pool, _grade_cases, lesson, part) for part in parts]
        found = [problem for job in jobs for problem in job.result()]
        seen = [check for job in graded for check in job.result()[1]]
        found += [problem for job in graded for problem in job.result()[0]]
    found += unwritten(lesson) if number is None else ()
    if cases:
        found += bank.idle_checks(lesson, seen)
    return sorted(dict.fromkeys(found))


_LOOKS = (lessons.problems_of_solution, lessons.problems_of_stub)


def _texts(lesson: Lesson) -> list[Problem]:
    return list(texts.problems_of_texts(lesson))


def _notebook(lesson: Lesson) -> list[Problem]:
    return list(notebooks.problems_of_notebook(course().notebook(lesson)))


_Graded = tuple[list[Problem], list[bank.CheckInBank]]


def _grade_cases(grading: Grading, lesson: Lesson, cases: list[Path]) -> _Graded:
    problems, seen = list[Problem](), list[bank.CheckInBank]()
    for case in cases:
        told, checks = bank.grade_case(grading, lesson, case)
        problems += told
        seen += checks
    return problems, seen
