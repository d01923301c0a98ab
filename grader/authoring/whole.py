"""What can be wrong with a course as a whole, and with no lesson of it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ..course.catalog import TABLE, Tour, course
from ..course.files import shown
from ..course.languages import is_language
from ..model.errors import UsageError
from ..model.problems import Problem


def problems_of_course() -> list[Problem]:
    """A tour that leads nowhere, and translations of lessons that are not there."""
    return sorted([*_problems_of_tour(course().tour), *_stray_translations()])


def _problems_of_tour(tour: Tour | None) -> Iterator[Problem]:
    if tour is None:
        return
    file = course().root / TABLE
    lines = file.read_text("utf-8").splitlines()
    line = next((n for n, text in enumerate(lines, 1) if text.startswith("[tour]")), 1)
    try:
        lesson = course().lesson(tour.lesson)
        lesson.exercise(tour.exercise)
    except UsageError as error:
        yield Problem(shown(file), line, f"in [tour], {error.problem}", error.remedy)
        return
    for name in (tour.wrong, tour.right):
        answer = course().mistakes(lesson) / f"{name}.py"
        if not answer.is_file():
            yield Problem(shown(file), line, f"[tour] names {shown(answer)}, which isn't there")


def _stray_translations() -> Iterator[Problem]:
    """Texts in another language than that of a lesson that is not there, or not any more."""
    names = {lesson.name for lesson in course().lessons}
    for folder in (course().folders.lessons, course().folders.quizzes):
        for file in sorted((course().root / folder).glob("*.*.md")):
            name = _translates(file)
            if name not in (*names, ""):
                remedy = f"the lessons are: {', '.join(sorted(names))}"
                yield Problem(shown(file), 1, f"there is no lesson {name!r}", remedy)


def _translates(file: Path) -> str:
    """The lesson of which a file is a translation, by its name; empty if it is none."""
    name, _, code = file.stem.rpartition(".")
    return name if is_language(code) else ""
