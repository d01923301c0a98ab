"""Which exercises need what a browser doesn't have, found out from their checks."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ..course.catalog import Exercise, Lesson, course
from ..course.files import read_own
from ..judge.grading import Submission
from ..judge.players import FilePlayer
from ..judge.plugin import CheckRunner
from ..model.report import CheckReport
from ..services.registry import tag_of

ABSENT = {"postgres": "PostgreSQL"}
"""Kinds of services that the page can't have, and what they are called."""


class _NotPlayed(FilePlayer):
    """A file of which nothing is played."""

    def __init__(self) -> None:
        pass


class _ServicesFound(CheckRunner):
    """Runs checks dry, and notes which services each exercise asks for.

    Attributes:
        tags: of the services, by exercise.
    """

    def __init__(self, numbers: tuple[int, ...]) -> None:
        super().__init__(_NotPlayed(), _NotPlayed(), numbers, seed=0)
        self.tags: dict[int, set[str]] = {number: set() for number in numbers}

    def look_first(self, checks: Sequence[pytest.Item] = ()) -> None:
        for request in self._upcoming(checks) if checks else ():
            number = int(request.factory.removeprefix("exercise_"))
            self.tags[number] |= {tag_of(one) for one in request.scenario.collaborators.values()}
        self.broken_file = CheckReport(id="none", says="", status="passed")  # which ends it here


def sentences(lesson: Lesson) -> dict[int, str]:
    """By exercise, what to say of those that the page can't grade."""
    numbers = tuple(exercise.number for exercise in lesson.all_exercises)
    found = _ServicesFound(numbers)
    source = read_own(course().solution(lesson))
    Submission(lesson, source, found._submission, found._reference, 0).run(found)
    return {
        exercise.number: _sentence(exercise, found.tags[exercise.number])
        for exercise in lesson.all_exercises
        if found.tags[exercise.number] & ABSENT.keys()
    }


def _sentence(exercise: Exercise, tags: set[str]) -> str:
    what = " and ".join(name for tag, name in ABSENT.items() if tag in tags)
    return f"Exercise {exercise.number} needs {what}, which only the installed kit has."
