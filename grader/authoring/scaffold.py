"""Makes a lesson, or one more exercise of it: files that work, with marks where to write.

Everything that is made comes from `templates/`. A file has a head, and a part for each exercise.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from string import Template

from ..course.catalog import Course, Exercise, Lesson
from ..course.files import write_whole
from .imports import with_import
from .markdown import sections
from .skeletons import notebook, with_last_section

TEMPLATES = Path(__file__).with_name("templates")

BANK = ("not_awaited", "right_in_two_lines")
"""The answers that the bank of an exercise begins with: a wrong one and a right one."""

CHECKS = ("SampleData", "answers", "assert_same", "elapsed", "exercise", "get", "scenario", "takes")

Files = dict[Path, str]
"""Files that are to be written, and their texts."""


def files_of(course: Course, lesson: Lesson) -> Files:
    """The files of a new lesson of a course, all but its entry in `course.toml`."""
    made: Files = {}
    for exercise in lesson.exercises:
        made |= _parts(course, lesson, exercise, made)
    texts = made[course.lesson_text(lesson)], made[course.answers(lesson)]
    return made | {course.notebook(lesson): notebook(lesson, *texts)}


def added(course: Course, lesson: Lesson, exercise: Exercise) -> Files:
    """What changes when a lesson gets one more exercise, all but its title in `course.toml`."""
    made = _parts(course, lesson, exercise, {})
    file = course.notebook(lesson)
    texts = made[course.lesson_text(lesson)], made[course.answers(lesson)]
    if file.is_file():
        known = file.read_text("utf-8")
        return made | {file: with_last_section(known, lesson, *texts)}
    return made | {file: notebook(lesson, *texts)}


def write(files: Files) -> None:
    """Write them all.

    Raises:
        OSError: one of them cannot be written.
    """
    for file, text in files.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)


def _parts(course: Course, lesson: Lesson, exercise: Exercise, known: Files) -> Files:
    """The files that have a part for each exercise, with that of one more.

    Args:
        known: texts that have not been written yet.
    """
    made = {
        file: _grown(name, file, lesson, exercise, known) for name, file in _texts(course, lesson)
    }
    for name in BANK:
        for suffix in (".py", ".toml"):
            file = course.mistakes(lesson) / f"{exercise.number}_{name}{suffix}"
            made[file] = _filled(f"bank/{name}{suffix}", lesson, exercise)
    return made


def _texts(course: Course, lesson: Lesson) -> Iterator[tuple[str, Path]]:
    """The files that have a part for each exercise, each with the name of its template."""
    yield "lesson.md", course.lesson_text(lesson)
    yield "exercise.py", course.answers(lesson)
    if _keeps_stubs(course):
        yield "exercise.py", course.solution(lesson).with_name("stub.py")
    yield "solution.py", course.solution(lesson)
    yield "checks.py", course.checks(lesson)
    yield "hints.md", course.hints(lesson)
    yield "quiz.md", course.quiz(lesson)


def _grown(name: str, file: Path, lesson: Lesson, exercise: Exercise, known: Files) -> str:
    """The text of a file with the part of one more exercise."""
    text = known.get(file) or (file.read_text("utf-8") if file.is_file() else "")
    text = text or _filled(f"head/{name}", lesson, exercise)
    question = str(len(list(sections(text, "##"))) + 1)
    grown = text.rstrip("\n") + "\n" + _filled(f"part/{name}", lesson, exercise, question)
    return _with_imports(name, grown)


def _with_imports(name: str, text: str) -> str:
    match name:
        case "exercise.py":
            return with_import(text, "asyncio")
        case "solution.py":
            return with_import(text, "fastapi", "FastAPI")
        case "checks.py":
            return with_import(text, "grader.checks", *CHECKS)
    return text


def _filled(name: str, lesson: Lesson, exercise: Exercise, question: str = "") -> str:
    template = Template((TEMPLATES / f"{name}.txt").read_text("utf-8"))
    return template.substitute(lesson=lesson.name, number=exercise.number, question=question)


def _keeps_stubs(course: Course) -> bool:
    """Whether the lessons of the course keep their stubs beside the solutions."""
    return any(course.stub(lesson) != course.answers(lesson) for lesson in course.lessons)
