"""What the results of a class come to for each student."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from itertools import chain, count, groupby

from ..course.catalog import Lesson
from .points import ClassRules, Score, score
from .store import Store

Graded = Sequence[tuple[Lesson, Sequence[Score]]]
"""The scores of each lesson."""


def graded(store: Store, lessons: Iterable[Lesson], rules: ClassRules) -> Graded:
    """Each lesson with every student's score for it."""
    return [(lesson, scores(store, lesson, rules)) for lesson in lessons]


def scores(store: Store, lesson: Lesson, rules: ClassRules) -> list[Score]:
    """Each student's score for a lesson, by the students' names."""
    attempts = groupby(store.attempts(lesson.name), lambda attempt: attempt.student.key)
    found = [score(list(each), lesson, rules) for _, each in attempts]
    return sorted(found, key=_by_name)


def file_names(keys: Iterable[str]) -> dict[str, str]:
    """A name for a file or folder of each student's, different ones for different keys."""
    names: dict[str, str] = {}
    taken: set[str] = set()
    for key in keys:
        plain = re.sub(r"[^\w@.-]+", "-", key).strip(".-")[:80] or "student"
        numbered = (f"{plain}-{number}" for number in count(2))
        names[key] = next(n for n in chain([plain], numbered) if n.casefold() not in taken)
        taken.add(names[key].casefold())
    return names


def _by_name(score: Score) -> tuple[str, str]:
    student = score.attempt.student
    return student.name.casefold(), student.key
