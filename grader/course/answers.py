"""A learner's file, as text: where the answer to an exercise stands in it."""

from __future__ import annotations

import ast
import hashlib
import io
import re
from pathlib import Path

from ..model.errors import InputError
from . import catalog
from .catalog import Exercise, Lesson
from .files import read_own, read_source, shown
from .statements import definitions, needed_by
from .syntax import first_line, functions


class Answers:
    """The answers to a lesson's exercises, in one file.

    It need not be valid Python: where an answer begins and ends can be seen without that.

    Args:
        text: of the file.
    """

    def __init__(self, text: str) -> None:
        self.text = text
        self.lines = _lines(text)
        self._factories = functions(text)

    def answer(self, exercise: Exercise) -> str:
        """The text of an exercise's factory, its decorators included; empty if there is none."""
        begin, end = self.span(exercise) or (0, 0)
        return "".join(self.lines[begin:end])

    def has_same(self, other: Answers | None, exercise: Exercise) -> bool:
        """Whether another file, if there is one, has the same answer; line ends don't count."""
        if other is None:
            return False
        return self.answer(exercise).splitlines() == other.answer(exercise).splitlines()

    def digest(self, exercise: Exercise) -> str:
        """What identifies this answer: its factory, where layout and comments count,
        and what that uses of the same file."""
        parts = [self.answer(exercise), *self._used_by(exercise)]
        return hashlib.sha256("\0".join(parts).encode()).hexdigest()[:16]

    def _used_by(self, exercise: Exercise) -> list[str]:
        """The other statements at the top level that a factory depends on, in their order."""
        nodes = (statement.node for statement in needed_by(self.text, exercise.factory))
        return [ast.unparse(node) for node in nodes if not _is_named(node, exercise.factory)]

    def imports(self, exercise: Exercise | None = None) -> str:
        """The imports at the top level: all of them, or those that an answer needs."""
        found = needed_by(self.text, exercise.factory) if exercise else definitions(self.text)
        return "\n".join(self._source(one.node) for one in found if _is_import(one.node))

    def helpers(self, exercise: Exercise) -> list[str]:
        """What else of this file an answer needs, in order, each as it is written."""
        nodes = (one.node for one in needed_by(self.text, exercise.factory))
        return [
            self._source(node)
            for node in nodes
            if not _is_import(node) and not _is_named(node, exercise.factory)
        ]

    def _source(self, node: ast.stmt) -> str:
        return "".join(self.lines[first_line(node) - 1 : node.end_lineno]).rstrip()

    def span(self, exercise: Exercise) -> tuple[int, int] | None:
        """The lines of an exercise's factory, from zero, as a slice; None if there is none."""
        if self._factories:
            node = self._factories.get(exercise.factory)
            if node is None:
                return None
            return first_line(node) - 1, node.end_lineno or node.lineno
        return self._span_of_broken(exercise)

    def line(self, exercise: Exercise) -> int | None:
        """The line of the factory's `def`, from one."""
        node = self._factories.get(exercise.factory)
        span = self.span(exercise)
        return node.lineno if node else span[0] + 1 if span else None

    def describes(self, exercise: Exercise) -> str:
        """The factory's docstring: what the exercise asks for."""
        node = self._factories.get(exercise.factory)
        return (ast.get_docstring(node) if node else None) or ""

    def with_answer(self, exercise: Exercise, answer: str) -> str:
        """The file's text, with another answer to one exercise; at its end, if there was none.

        The answer gets the line ends of the file, whose other lines stay as they are.
        """
        end_of_line = "\r\n" if self.text.count("\r\n") * 2 > self.text.count("\n") else "\n"
        answer = "".join(line.rstrip("\r\n") + end_of_line for line in _lines(answer))
        span = self.span(exercise)
        if span is None:
            ends = end_of_line * (2 if self.text.endswith(("\n", "\r")) else 3)
            return f"{self.text}{ends}{answer}"
        begin, end = span
        return "".join([*self.lines[:begin], answer, *self.lines[end:]])

    def _span_of_broken(self, exercise: Exercise) -> tuple[int, int] | None:
        """By indentation: up to the next line of code that begins at the margin."""
        begins = re.compile(rf"(async\s+)?def\s+{exercise.factory}\b")
        for begin, line in enumerate(self.lines):
            if begins.match(line):
                end = begin + 1
                while end < len(self.lines) and not _is_at_margin(self.lines[end]):
                    end += 1
                while not self.lines[end - 1].strip():
                    end -= 1
                return begin, end
        return None


def _lines(text: str) -> list[str]:
    """With their ends, where Python has them: str.splitlines would also break at form feeds."""
    return io.StringIO(text, newline="").readlines()


def _is_at_margin(line: str) -> bool:
    """Whether something new begins here; a signature's closing bracket does not count."""
    return bool(line.strip()) and line[0] not in " \t)]}"


def answers_file(lesson: Lesson, workspace: Path | None = None) -> Path:
    """Where the learner's answers to a lesson are, in the workspace or another folder.

    Raises:
        UsageError: there is no workspace here.
    """
    return catalog.learners_file(lesson, workspace or catalog.workspace())


def learners(lesson: Lesson) -> Answers:
    """The learner's answers to a lesson.

    Raises:
        InputError: the file cannot be read.
    """
    return Answers(read_source(answers_file(lesson)))


def learners_or_stub(lesson: Lesson) -> Answers:
    """The learner's answers; what there would be to fill in, if they cannot be read."""
    try:
        return learners(lesson)
    except InputError:
        return stub(lesson)


def stub(lesson: Lesson) -> Answers:
    """The lesson's file as it was before anyone had begun.

    Raises:
        InputError: there is none. The course is worked on where it lies, and keeps no stub.
    """
    found = stub_or_none(lesson)
    if found is None:
        kept = catalog.course().solution(lesson).with_name("stub.py")
        raise InputError(
            f"this course keeps no stub of {lesson.name}: it would be {shown(kept)}",
            "take an earlier version of your file, with Git or from .course/backups",
        )
    return found


def stub_or_none(lesson: Lesson) -> Answers | None:
    """The lesson's file as it was before anyone had begun, if the kit has it."""
    text = catalog.stub_source(lesson)
    return Answers(text) if text is not None else None


def solution(lesson: Lesson) -> Answers:
    """The answers that the kit carries."""
    return Answers(read_own(catalog.course().solution(lesson)))


def _is_import(node: ast.stmt) -> bool:
    return isinstance(node, ast.Import | ast.ImportFrom)


def _is_named(node: ast.stmt, name: str) -> bool:
    return isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name
