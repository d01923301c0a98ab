"""The programs in a lesson's texts: finding them, and running them on the virtual clock."""

from __future__ import annotations

import io
import linecache
from contextlib import redirect_stdout
from itertools import zip_longest
from pathlib import Path
from typing import Any, NamedTuple

from ..course.files import shown
from ..course.quiz import Question
from ..model.problems import Problem
from .markdown import Block, blocks_of
from .problems import line_in


class ShownProgram(NamedTuple):
    """A program in a text, and what the text says that it prints."""

    path: Path
    line: int
    source: str
    prints: str

    def __str__(self) -> str:
        return f"{self.path.parent.name}/{self.path.name}:{self.line}"


def lesson_programs(path: Path) -> list[ShownProgram]:
    """The python blocks of a lesson, each with the text block that stands right under it."""
    blocks = blocks_of(path.read_text("utf-8"))
    following = dict(zip_longest(blocks, blocks[1:]))
    return [
        ShownProgram(path, block.line, block.text, _transcript(block, following[block]))
        for block in blocks
        if block.language == "python"
    ]


def quiz_programs(path: Path, questions: tuple[Question, ...]) -> list[ShownProgram]:
    """The programs that questions of a quiz ask about, each with what its answer says."""
    return [
        ShownProgram(path, question.line, question.program, question.key)
        for question in questions
        if question.kind == "typed"
    ]


def _transcript(program: Block, after: Block | None) -> str:
    """The text of the block that directly follows a program; empty if there is none."""
    follows = after is not None and after.language == "text" and after.line == program.end + 2
    return after.text if after is not None and follows else ""


def run(source: str, name: str) -> str:
    """What a program prints. It runs on a clock.

    Args:
        name: of the file, in tracebacks.
    """
    from ..clock.standalone import clock_of_program

    printed = io.StringIO()
    # A play counts lines as the user's only if they can be read: those of a file, or of these.
    linecache.cache[name] = len(source), None, source.splitlines(keepends=True), name
    with redirect_stdout(printed), clock_of_program(source):
        namespace: dict[str, Any] = {"__name__": "__main__"}
        # Our own `from __future__` lines are not the program's.
        exec(compile(source, name, "exec", dont_inherit=True), namespace)
    return printed.getvalue()


def failure(program: ShownProgram, error: Exception) -> Problem:
    """That a program raises, and in which line of the text."""
    line = program.line + (line_in(str(program), error) or 1) - 1
    what = f"the program raises {type(error).__name__}: {error}"
    return Problem(shown(program.path), line, what)
