"""All that can be wrong with a lesson, looked for in several processes at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..course.catalog import Lesson, course
from ..model.problems import Problem
from . import bank, checkfile, factories, lessons, notebooks, rules, texts
from .cache import Found, ResultCache
from .digests import digest, of_exercise, of_kit
from .looking import Look
from .pool import apart, in_pool, pool
from .problems import missing_file
from .unreadable import unreadable
from .unwritten import unwritten

if TYPE_CHECKING:
    from ..judge.grading import Grading
    from .programs import ShownProgram

Tell = Callable[[list[Problem]], object]
Digests = dict[int, str]
"""What the grading of exercises comes of, by their numbers; see `of_exercise`."""

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

    What was right is looked at again only if something that it depends on has changed.
    """

    def __init__(self) -> None:
        self._graders = pool()
        self._others = apart()
        self._caches: dict[str, ResultCache] = {}

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
        for look in _FIRST_LOOKS:
            if found := list(look(lesson)):  # the rest would only say so again
                return sorted(found)
        if lesson.name not in self._caches:
            self._caches[lesson.name] = ResultCache(lesson)
        try:
            return sorted(dict.fromkeys(self._look(lesson, number, tell)))
        finally:
            self._caches[lesson.name].save(all_asked=number is None)

    def _look(self, lesson: Lesson, number: int | None, tell: Tell) -> list[Problem]:
        """What is found by running something, and what can be found beside it.

        Of an exercise whose solution is wrong nothing else is run: it would only say so again.
        """
        everyone = [exercise.number for exercise in lesson.all_exercises]
        numbers = everyone if number is None else [number]
        looks: list[Look[Any]] = self._programs(lesson) if number is None else []
        written = factories.solved(lesson)
        solved = {
            n: of_exercise(lesson, n) for n in numbers if lesson.exercise(n).factory in written
        }
        solutions = self._by_exercise(lessons.problems_of_solution, lesson, solved).found()
        pairs = zip(solved.items(), solutions, strict=True)
        right = dict(exercise for exercise, solution in pairs if not solution.problems)
        looks.append(self._by_exercise(lessons.problems_of_stub, lesson, right))
        cases = self._cases(lesson, right)
        found = [*_of(solutions), *_problems_beside(lesson, numbers)]
        if number is None:
            found += [*_problems_of_texts(lesson), *unwritten(lesson)]
        found += [problem for look in looks for problem in _of(look.found())]
        tell(found)
        graded = cases.found()
        idle = bank.idle_checks(lesson, [one.seen for one in graded])
        return [*found, *_of(graded), *idle]

    def _by_exercise(self, look: LookAtExercise, lesson: Lesson, exercises: Digests) -> Look[int]:
        stub = course().answers(lesson).read_bytes()
        things = [(digest(look.__name__, stub, own), n) for n, own in exercises.items()]
        what = partial(_each, look, lesson)
        return Look(self._graders, what, things, self._caches[lesson.name])

    def _cases(self, lesson: Lesson, exercises: Digests) -> Look[Path]:
        things = []
        for number, others in exercises.items():
            for case in bank.cases(lesson, number):
                own = _read(case, case.with_suffix(".toml"))
                things.append((digest(str(case), others, *own), case))
        look, cache = partial(_grade, lesson), self._caches[lesson.name]
        return Look(self._graders, look, things, cache, at_once=CASES_AT_ONCE, also_wrong=True)

    def _programs(self, lesson: Lesson) -> list[Look[Any]]:
        """Those of the texts and of the notebook."""
        cache, notebook = self._caches[lesson.name], course().notebook(lesson)
        shown = [
            (digest(of_kit(), program.source, program.prints), program)
            for program in texts.programs_of_texts(lesson)
        ]
        is_runnable = notebooks.is_notebook(notebook)
        cells = [(digest(of_kit(), *_read(notebook)), notebook)] if is_runnable else []
        return [
            Look(self._others, _run_programs, shown, cache, at_once=max(1, len(shown))),
            Look(self._others, _run_notebooks, cells, cache),
        ]


LookAtExercise = Callable[["Grading", Lesson, int], list[Problem]]
"""Looks at one exercise of a lesson."""


def _missing_checks(lesson: Lesson) -> list[Problem]:
    file = course().checks(lesson)
    return [] if file.is_file() else [missing_file(file)]


_FIRST_LOOKS = (
    unreadable,
    texts.titles_without_exercise,
    _missing_checks,
    rules.broken_rules,
    bank.problems_of_files,
)
"""What is looked at before anything is run. Each needs what those before it look at."""


def _problems_beside(lesson: Lesson, numbers: list[int]) -> Iterator[Problem]:
    yield from checkfile.problems_of_checks(lesson)
    yield from checkfile.undocumented_checks(lesson)
    yield from rules.problems_of_rules(lesson)
    for number in numbers:
        yield from factories.problems_of_factories(lesson, number)


def _of(found: Iterable[Found]) -> list[Problem]:
    return [problem for one in found for problem in one.problems]


def _problems_of_texts(lesson: Lesson) -> Iterator[Problem]:
    yield from texts.problems_of_texts(lesson)
    yield from notebooks.problems_of_notebook(course().notebook(lesson))


def _read(*files: Path) -> list[bytes]:
    return [file.read_bytes() for file in files]


# In other processes


def _each(look: LookAtExercise, lesson: Lesson, numbers: list[int]) -> list[Found]:
    return [Found(in_pool(look, lesson, number)) for number in numbers]


def _grade(lesson: Lesson, cases: list[Path]) -> list[Found]:
    return [in_pool(bank.grade_case, lesson, case) for case in cases]


def _run_programs(programs: list[ShownProgram]) -> list[Found]:
    return [Found(list(texts.wrong_transcript(program))) for program in programs]


def _run_notebooks(files: list[Path]) -> list[Found]:
    return [Found(list(notebooks.failing_cell(file))) for file in files]
