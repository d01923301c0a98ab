"""What can be wrong with a lesson's texts: the lesson itself, its hints, its quiz."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from ..course import catalog
from ..course.catalog import Lesson, course
from ..course.files import shown
from ..course.languages import translations
from ..course.quiz import Question, parse
from ..course.syntax import functions
from ..model.errors import GraderError
from ..model.problems import Problem
from .markdown import LANGUAGES, blocks_of, links_of, resolves, sections
from .problems import missing_file
from .programs import ShownProgram, failure, lesson_programs, quiz_programs, run
from .translations import problems_of_translation

MOST_STEPS = 3
"""Of the hints of an exercise."""


def texts_of(lesson: Lesson) -> list[Path]:
    """The lesson, its hints and its quiz, whether they are there or not."""
    found = course()
    return [found.lesson_text(lesson), found.hints(lesson), found.quiz(lesson)]


def problems_of_texts(lesson: Lesson) -> Iterator[Problem]:
    """All that is wrong with them, but for what their programs print."""
    text, hints, quiz = texts_of(lesson)
    for file in (text, hints, quiz):
        yield from problems_of_page(file)
        for other in translations(file):
            yield from problems_of_page(other)
            yield from problems_of_translation(file, other)
    for file in _there(text):
        yield from stray_transcripts(file)
    for file in _there(hints):
        yield from problems_of_hints(lesson, file)
    for file in _there(quiz):
        yield from problems_of_quiz(file)


def programs_of_texts(lesson: Lesson) -> list[ShownProgram]:
    """The programs in the lesson and in its quiz; none of a quiz that can't be read."""
    text, _, quiz = texts_of(lesson)
    told = [program for file in _there(text) for program in lesson_programs(file)]
    asked = [one for file in _there(quiz) for one in quiz_programs(file, questions_of(file, []))]
    return told + asked


def _there(file: Path) -> list[Path]:
    """A text and its translations, as far as they are there."""
    return [one for one in (file, *translations(file)) if one.is_file()]


def problems_of_page(file: Path) -> Iterator[Problem]:
    """A file that isn't there, a block of an unknown kind, a link that leads nowhere."""
    if not file.is_file():
        yield missing_file(file)
        return
    text = file.read_text("utf-8")
    for block in blocks_of(text):
        if block.language not in LANGUAGES:
            kind = block.language or "nothing"
            remedy = f"a block holds one of {', '.join(LANGUAGES)}"
            yield Problem(shown(file), block.line - 1, f"this block is of {kind!r}", remedy)
    if text.count("```") != 2 * len(blocks_of(text)):
        yield Problem(shown(file), _unclosed(text), "this block isn't closed, or not opened alone")
    for link in links_of(text):
        if not resolves(file, link.target):
            yield Problem(
                shown(file),
                link.line,
                f"the link {link.target} leads nowhere",
                "the file or the heading has another name",
            )


def _unclosed(text: str) -> int:
    """The line of the first fence that no block begins or ends with."""
    known = {line for block in blocks_of(text) for line in (block.line - 1, block.end)}
    lines = enumerate(text.split("\n"), start=1)
    return next((number for number, line in lines if "```" in line and number not in known), 1)


def stray_transcripts(file: Path) -> Iterator[Problem]:
    """Text blocks that don't stand right under a program."""
    printed = [program.prints for program in lesson_programs(file)]
    for block in blocks_of(file.read_text("utf-8")):
        if block.language == "text" and block.text not in printed:
            yield Problem(
                shown(file),
                block.line - 1,
                "there is no program right above this text block",
                "a text block is what the python block above it prints",
            )


def wrong_transcript(program: ShownProgram) -> Iterator[Problem]:
    """That a program prints something else than stands in the text, or that it fails."""
    try:
        printed = run(program.source, str(program))
    except Exception as error:
        yield failure(program, error)
        return
    if printed != program.prints:
        yield Problem(
            shown(program.path),
            program.line,
            f"the program prints {_first_other_line(printed, program.prints)!r}, "
            f"and the text says {_first_other_line(program.prints, printed)!r}",
            "if the program is right, write what it prints",
        )


def _first_other_line(text: str, other: str) -> str:
    """The first line of a text that another one doesn't have in its place."""
    theirs = other.splitlines()
    for index, line in enumerate(text.splitlines()):
        if theirs[index : index + 1] != [line]:
            return line
    return ""


def problems_of_hints(lesson: Lesson, file: Path) -> Iterator[Problem]:
    """Exercises without hints, hints without an exercise, steps that aren't 1, 2, 3."""
    found = {section.title: section for section in sections(file.read_text("utf-8"), "##")}
    wanted = [f"Exercise {exercise.number}" for exercise in lesson.all_exercises]
    for title in wanted:
        if title not in found:
            yield Problem(shown(file), 1, f"there are no hints below `## {title}`")
    for title, section in found.items():
        if title not in wanted:
            remedy = f"the exercises are {', '.join(wanted)}"
            yield Problem(shown(file), section.line, f"there is no {title!r}", remedy)
        steps = list(sections(section.text, "###"))
        numbered = [f"Step {number}" for number in range(1, len(steps) + 1)]
        if not 1 <= len(steps) <= MOST_STEPS or [step.title for step in steps] != numbered:
            what = f"the steps of {title} aren't `### Step 1` to {MOST_STEPS} in order"
            yield Problem(shown(file), section.line, what)
        for step in steps:
            if not step.text.strip():
                line = section.line + step.line - 1
                yield Problem(shown(file), line, f"{step.title} of {title} is empty")


def problems_of_quiz(file: Path) -> Iterator[Problem]:
    """A quiz that can't be read, questions without a key, numbers out of order."""
    unreadable: list[Problem] = []
    questions = questions_of(file, unreadable)
    if unreadable:
        yield from unreadable
        return
    titles = [section.title for section in sections(file.read_text("utf-8"), "##")]
    for number, (title, question) in enumerate(zip(titles, questions, strict=True), start=1):
        if not title.startswith(f"{number}. "):
            yield Problem(shown(file), question.line, f"question {number} is called {title!r}")
        if question.again is None:
            remedy = "Read again: [Title](../lessons/dayNN.md#section)"
            what = "the answer doesn't say where to read again"
            yield Problem(shown(file), question.line, what, remedy)
        if question.kind == "open":
            what = "the question has neither options nor a text block with what is printed"
            yield Problem(shown(file), question.line, what)
    yield from _guessable(file, questions)


def questions_of(file: Path, problems: list[Problem]) -> tuple[Question, ...]:
    """The questions of a quiz; none if it can't be read.

    Args:
        problems: gets why it can't.
    """
    try:
        return parse(file.read_text("utf-8"), str(file))
    except GraderError as error:
        found = re.search(r":(\d+): (.*)", error.problem)
        line, what = (int(found[1]), found[2]) if found else (1, error.problem)
        problems.append(Problem(shown(file), line, what, error.remedy))
        return ()


def _guessable(file: Path, questions: tuple[Question, ...]) -> Iterator[Problem]:
    """Whether the same letter is right most of the time."""
    keys = Counter(question.key for question in questions if question.kind == "choice")
    for key, count in keys.most_common(1):
        if count > 2 and count > keys.total() / 2:
            what = f"**{key}** is the right letter of {count} in {keys.total()} questions"
            yield Problem(shown(file), 1, what, "put the options in another order")


def titles_without_exercise(lesson: Lesson) -> Iterator[Problem]:
    """Exercises that `course.toml` names and the stub doesn't have, or the other way round."""
    stub = course().answers(lesson)
    if not stub.is_file():
        yield missing_file(stub)
        return
    written = functions(stub.read_text("utf-8"))
    table = shown(course().root / catalog.TABLE)
    named = {exercise.factory: exercise for exercise in lesson.all_exercises}
    for factory in named.keys() - written.keys():
        what = f"there is no function {factory}, which {table} gives a title"
        yield Problem(shown(stub), 1, what)
    for factory, node in written.items():
        if factory not in named and re.fullmatch(r"exercise_\d+", factory):
            what = f"{factory} has no title in {table}"
            remedy = f"below [lessons.{lesson.name}.exercises]"
            yield Problem(shown(stub), node.lineno, what, remedy)
