"""Grades mutants, in several processes at once."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from ..course.catalog import Exercise, Lesson
from ..model.mutants import Mutant, Tried
from .pool import in_pool, pool

if TYPE_CHECKING:
    from ..judge.grading import Grading
    from ..model.report import CheckReport

SEED = 1
"""Of the values that checks draw: the same mutants survive each time."""

MOST_AT_ONCE = 8
"""Mutants that a process takes at a time. Few, so that all processes end together."""


def try_all(
    lesson: Lesson, mutants: Iterable[Mutant], processes: int | None = None
) -> Iterator[Tried]:
    """Grade mutants, in their order.

    Args:
        processes: how many at once; as many as the machine has processors, if None.

    Raises:
        GraderError: the lesson's checks cannot be run.
    """
    parts = list(_parts(lesson, mutants))
    with pool(processes) as executor:
        for future in [executor.submit(in_pool, _try, part) for part in parts]:
            yield from future.result()


Part = tuple[Lesson, Exercise, list[Mutant]]


def _parts(lesson: Lesson, mutants: Iterable[Mutant]) -> Iterator[Part]:
    by_exercise: dict[int, list[Mutant]] = {}
    for mutant in mutants:
        by_exercise.setdefault(mutant.exercise, []).append(mutant)
    for number, group in by_exercise.items():
        for begin in range(0, len(group), MOST_AT_ONCE):
            yield lesson, lesson.exercise(number), group[begin : begin + MOST_AT_ONCE]


def _try(grading: Grading, part: Part) -> list[Tried]:
    from .trials import failures_of

    lesson, exercise, mutants = part
    texts = [mutant.text for mutant in mutants]
    failures = failures_of(grading, lesson, exercise, texts, SEED)
    return [_tried(*pair) for pair in zip(mutants, failures, strict=True)]


def _tried(mutant: Mutant, failure: CheckReport | None) -> Tried:
    from ..judge.diagnoses import FALLBACKS

    if failure is None:
        return Tried(mutant)
    if not failure.diagnoses:
        return Tried(mutant, failure.id, "broken", failure.problem, False)
    first = failure.diagnoses[0]
    return Tried(mutant, failure.id, first.id, first.text, first.id not in FALLBACKS)
