"""What a page of the site needs to know of a lesson: its text, exercises and quiz, as data."""

from __future__ import annotations

import re
from pathlib import PurePosixPath

import msgspec

from ..course import answers, catalog
from ..course.answers import Answers
from ..course.catalog import Exercise, Lesson
from ..course.hints import ladders
from ..course.languages import translated
from ..course.quiz import Question, quiz
from ..course.solutions import TRIES, solution
from ..course.statements import definitions
from ..course.syntax import first_line
from ..model.errors import GraderError
from ..render.markdown import to_html


class SiteExercise(msgspec.Struct, frozen=True, kw_only=True):
    """An exercise in the page.

    Attributes:
        stub: the file that the learner begins with: this exercise alone, and what it uses.
        asks: the docstring in it, as it is written, which no solution repeats.
        solution: the same file with the solution in it, without that docstring.
        reason: why the solution is so, as HTML; `hints` are HTML, too.
    """

    number: int
    title: str
    stub: str
    asks: str
    solution: str
    reason: str
    hints: tuple[str, ...]


class SiteOption(msgspec.Struct, frozen=True):
    """What can be chosen, as HTML."""

    letter: str
    text: str


class SiteQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """A question of the quiz; all but the name and the key is HTML."""

    name: str
    kind: str
    text: str
    options: tuple[SiteOption, ...]
    key: str
    explanation: str
    again: tuple[str, str] | None


class SiteLesson(msgspec.Struct, frozen=True, kw_only=True):
    """A lesson in the page; `tries` is how many failures earn a solution."""

    name: str
    title: str
    tries: int
    exercises: tuple[SiteExercise, ...]
    quiz: tuple[SiteQuestion, ...]


def page_of(lesson: Lesson) -> str:
    """The name of a lesson's page."""
    return f"{lesson.name}.html"


def lesson_html(lesson: Lesson) -> str:
    """The text of a lesson."""
    file = translated(catalog.course().lesson_text(lesson))
    return to_html(file.read_text("utf-8"), link)


def site_lesson(lesson: Lesson) -> SiteLesson:
    """A lesson as data for its page."""
    course, steps = catalog.course(), ladders(lesson)
    has_quiz = translated(course.quiz(lesson)).is_file()
    return SiteLesson(
        name=lesson.name,
        title=lesson.title,
        tries=TRIES,
        exercises=tuple(_exercise(lesson, one, steps) for one in lesson.all_exercises),
        quiz=tuple(map(_question, quiz(lesson))) if has_quiz else (),
    )


def link(target: str) -> str | None:
    """Where the target of a link is found in the site; None if it isn't part of it."""
    path, _, anchor = target.partition("#")
    if target.startswith(("https://", "http://")):
        return target
    if not path:
        return target
    name = PurePosixPath(path).name.partition(".")[0]
    lesson = next((one for one in catalog.lessons() if one.name == name), None)
    if lesson is None or not path.endswith(".md"):
        return None
    folder = PurePosixPath(path).parent.name
    is_quiz = folder == PurePosixPath(catalog.course().folders.quizzes).name
    return f"{page_of(lesson)}#{anchor or ('quiz' if is_quiz else '')}".rstrip("#")


def _exercise(
    lesson: Lesson, exercise: Exercise, steps: dict[int, tuple[str, ...]]
) -> SiteExercise:
    stub = answers.stub(lesson)
    found = solution(lesson, exercise, theirs=stub)
    return SiteExercise(
        number=exercise.number,
        title=exercise.title,
        stub=_file(stub.imports(), *stub.helpers(exercise), stub.answer(exercise)),
        asks=_docstring(stub, exercise),
        solution=_alone(lesson, exercise, stub, found.code),
        reason=_html(found.reason),
        hints=tuple(map(_html, steps[exercise.number])),
    )


def _alone(lesson: Lesson, exercise: Exercise, stub: Answers, code: str) -> str:
    """A file for a solution, with no more of the stub's than it uses, such as its defaults."""
    ours = _file(answers.solution(lesson).imports(), code)
    theirs = _file(stub.imports(), *stub.helpers(exercise))
    whole = Answers(_file(_without(theirs, _bound(ours)), ours))
    used = whole.imports(exercise), *whole.helpers(exercise), whole.answer(exercise)
    return _file(*used)


def _without(text: str, names: set[str]) -> str:
    """The statements of a text that define something else than these names."""
    lines = text.split("\n")
    kept = (one.node for one in definitions(text) if not one.binds <= names)
    return "\n".join("\n".join(lines[first_line(n) - 1 : n.end_lineno]) for n in kept)


def _bound(text: str) -> set[str]:
    return {name for one in definitions(text) for name in one.binds}


def _file(*parts: str) -> str:
    return "\n\n\n".join(part.strip("\n") for part in parts if part.strip()) + "\n"


def _docstring(stub: Answers, exercise: Exercise) -> str:
    found = re.search(r'^[ \t]*"""(?:.*?)"""\n', stub.answer(exercise), re.MULTILINE | re.DOTALL)
    if found is None:
        raise GraderError(f"exercise {exercise.number} of the stub doesn't say what it asks for")
    return found[0]


def _question(question: Question) -> SiteQuestion:
    again = question.again
    return SiteQuestion(
        name=question.name,
        kind=question.kind,
        text=_html(question.text),
        options=tuple(SiteOption(o.letter, _inline(o.text)) for o in question.options),
        key=question.key,
        explanation=_html(question.explanation),
        again=(again.title, f"{again.lesson}.html#{again.anchor}") if again else None,
    )


def _html(text: str) -> str:
    return to_html(text, link, prefix="x-")


def _inline(text: str) -> str:
    return _html(text).strip().removeprefix("<p>").removesuffix("</p>")
