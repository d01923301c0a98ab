"""Writes what can be made of a lesson's other files: transcripts, stub copies, notebooks."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..course.languages import translations
from ..course.quiz import Question
from ..course.syntax import functions
from ..model.problems import Problem
from .markdown import Block, blocks_of
from .programs import ShownProgram, failure, lesson_programs, run
from .skeletons import notebook
from .texts import questions_of
from .translations import noted

Files = dict[Path, str]

DETAILS = "<details>"


class Filled(NamedTuple):
    """Files that are to be written, with their texts, and why others can't be."""

    files: Files
    problems: list[Problem]


def filled(lesson: Lesson) -> Filled:
    """What is to be written in the files of a lesson; nothing where all is there already.

    Its programs run in this process, each on a clock of its own.
    """
    found = course()
    text, quiz = found.lesson_text(lesson), found.quiz(lesson)
    made, problems = dict[Path, str](), list[Problem]()
    for file in filter(Path.is_file, (text, *translations(text))):
        made[file] = with_transcripts(file, problems)
    for file in filter(Path.is_file, (quiz, *translations(quiz))):
        made[file] = with_keys(file, problems)
    for file in (text, quiz, found.hints(lesson)):
        for other in translations(file):
            made[other] = noted(file, made.get(other) or other.read_text("utf-8"))
    made |= _copied_stub(lesson, problems)
    made |= _missing_notebook(lesson, made.get(text, ""))
    return Filled({file: new for file, new in made.items() if not _is_there(file, new)}, problems)


def _is_there(file: Path, text: str) -> bool:
    return file.is_file() and file.read_text("utf-8") == text


class Edit(NamedTuple):
    """Lines that take the place of others: from `begin`, from zero, up to but without `end`."""

    begin: int
    end: int
    lines: list[str]


def with_transcripts(file: Path, problems: list[Problem]) -> str:
    """The text of a lesson in which below each program stands what it prints.

    Args:
        problems: gets the programs that fail.
    """
    text = file.read_text("utf-8")
    blocks = blocks_of(text)
    edits = []
    for program in lesson_programs(file):
        [block] = [one for one in blocks if one.line == program.line]
        below = [one for one in blocks if one.line == block.end + 2 and one.language == "text"]
        printed = _printed(program, problems)
        if printed is not None:
            edits.append(_transcript(block.end, below, printed))
    return _edited(text, edits)


def with_keys(file: Path, problems: list[Problem]) -> str:
    """The text of a quiz in which each answer shows what the question's program prints.

    Args:
        problems: gets the programs that fail, and why a quiz can't be read.
    """
    text = file.read_text("utf-8")
    questions = questions_of(file, problems)
    ends = [*(question.line for question in questions), text.count("\n") + 2][1:]
    edits = []
    for question, end in zip(questions, ends, strict=False):
        if question.program and not question.options:
            program = ShownProgram(file, question.line, question.program, question.key)
            printed = _printed(program, problems)
            if printed is not None:
                edits.append(_key(text, question, end, printed))
    return _edited(text, edits)


def _printed(program: ShownProgram, problems: list[Problem]) -> str | None:
    """What a program prints; None if it fails, or prints what no block can show."""
    try:
        printed = run(program.source, str(program))
    except Exception as error:
        problems.append(failure(program, error))
        return None
    if printed and not printed.endswith("\n"):
        what = "what the program prints doesn't end with a newline, so no block can show it"
        problems.append(
            Problem(shown(program.path), program.line, what, "print a newline at the end")
        )
        return None
    return printed


def _transcript(end: int, below: list[Block], printed: str) -> Edit:
    """What takes the place of the block below a program, whose last line is `end`."""
    last = below[0].end if below else end
    return Edit(end, last, _block(printed) if printed else [])


def _key(text: str, question: Question, end: int, printed: str) -> Edit:
    """What takes the place of the block in a question's answer, or stands first in it."""
    lines = text.splitlines()
    details = next(n for n in range(question.line, end) if lines[n].startswith(DETAILS))
    for block in blocks_of(text):
        if block.language == "text" and details < block.line < end:
            return Edit(block.line - 2, block.end, _block(printed))
    return Edit(details + 1, details + 1, ["", *_block(printed)])


def _block(printed: str) -> list[str]:
    return ["```text", *printed.removesuffix("\n").split("\n"), "```"]


def _edited(text: str, edits: list[Edit]) -> str:
    lines = text.split("\n")
    for edit in reversed(edits):
        lines[edit.begin : edit.end] = edit.lines
    return "\n".join(lines)


def _copied_stub(lesson: Lesson, problems: list[Problem]) -> Files:
    """The copy of the stub beside the solution, if the lesson has one.

    It isn't copied if an exercise has been solved in the learner's file.
    """
    file, kept = course().answers(lesson), course().solution(lesson).with_name("stub.py")
    if not (file.is_file() and kept.is_file()):
        return {}
    text = file.read_text("utf-8")
    solved = list(_solved(lesson, text, kept.read_text("utf-8")))
    for factory, line in solved:
        what = f"{factory} is solved here, so this file isn't copied to {shown(kept)}"
        problems.append(Problem(shown(file), line, what, "put the stub back: grade reset"))
    return {} if solved else {kept: text}


def _solved(lesson: Lesson, text: str, kept: str) -> Iterator[tuple[str, int]]:
    """The factories that only say that they are to be written in a kept stub, and are written
    in a text, each with its line."""
    mine, stubs = functions(text), functions(kept)
    for exercise in lesson.all_exercises:
        name = exercise.factory
        if name in mine and name in stubs and _is_open(stubs[name]) and not _is_open(mine[name]):
            yield name, mine[name].lineno


def _is_open(factory: ast.AST) -> bool:
    raised = [node.exc for node in ast.walk(factory) if isinstance(node, ast.Raise) and node.exc]
    return any("NotImplementedError" in ast.unparse(one) for one in raised)


def _missing_notebook(lesson: Lesson, text: str) -> Files:
    file, stub = course().notebook(lesson), course().stub(lesson)
    if file.exists() or not text or not stub.is_file():
        return {}
    return {file: notebook(lesson, text, stub.read_text("utf-8"))}
