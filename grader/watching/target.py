"""What is being worked on, and what comes after it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ..course import catalog
from ..course.answers import answers_file
from ..course.catalog import Exercise, Lesson
from ..course.progress import Progress

Place = tuple[Lesson, Exercise]


@dataclass(frozen=True)
class Target:
    """Some exercises of a lesson, and the file with the answers to them.

    Attributes:
        numbers: of the exercises; none means all.
    """

    lesson: Lesson
    numbers: tuple[int, ...]
    file: Path

    @property
    def exercises(self) -> tuple[Exercise, ...]:
        return tuple(map(self.lesson.exercise, self.numbers)) or self.lesson.exercises

    @property
    def exercise(self) -> Exercise | None:
        """The exercise, if it is one."""
        return self.exercises[0] if len(self.exercises) == 1 else None


class ExerciseSequence:
    """The exercises that one can go through.

    Args:
        lesson: None means all lessons.
        file: with the answers to the lesson; None means the workspace's own.
    """

    def __init__(self, lesson: Lesson | None, file: Path | None) -> None:
        self._lessons = (lesson,) if lesson else catalog.lessons()
        self._file = file

    def first(self, numbers: tuple[int, ...], progress: Progress) -> Target:
        """Those that were asked for, or the first unsolved one; all of a lesson if none is."""
        found = progress.first_unsolved(self._lessons)
        if numbers or found is None:
            return self._target(self._lessons[-1], numbers)
        return self._target(found[0], (found[1].number,))

    def after(self, target: Target, progress: Progress) -> Target | None:
        """The next unsolved one in the order of the course; after the last it begins anew.

        None if there is no other.
        """
        own = {(target.lesson.name, exercise.number) for exercise in target.exercises}
        for lesson, exercise in self._from(target):
            is_other = (lesson.name, exercise.number) not in own
            if is_other and not progress.exercise(lesson, exercise).passes:
                return self._target(lesson, (exercise.number,))
        return None

    def _from(self, target: Target) -> list[Place]:
        places = [(lesson, found) for lesson in self._lessons for found in lesson.all_exercises]
        cut = places.index((target.lesson, target.exercises[-1])) + 1
        ring = [*places[cut:], *places[:cut]]
        return [(lesson, found) for lesson, found in ring if found in lesson.exercises]

    def _target(self, lesson: Lesson, numbers: tuple[int, ...]) -> Target:
        return Target(lesson, numbers, self._file or answers_file(lesson))
