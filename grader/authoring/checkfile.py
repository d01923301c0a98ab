"""What can be seen to be wrong with a file of checks before it is run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ..course.catalog import Lesson, course
from ..course.files import shown
from ..model.problems import Problem

Check = ast.FunctionDef | ast.AsyncFunctionDef

PREFIX = "test_"
"""With which the name of a check begins."""


def problems_of_checks(lesson: Lesson) -> Iterator[Problem]:
    """Functions that look like checks, and that no exercise or not even pytest would run."""
    file = course().checks(lesson)
    seen = dict[str, int]()
    for line, node in _functions(file):
        for what, remedy in _complaints(lesson, node):
            yield Problem(shown(file), line, what, remedy)
        if node.name in seen:
            what = f"line {seen[node.name]} defines a {node.name}, too, which is never run"
            yield Problem(shown(file), line, what, "give each a name of its own")
        seen[node.name] = line


def undocumented_checks(lesson: Lesson) -> Iterator[Problem]:
    """Checks that have no sentence for the learner."""
    file = course().checks(lesson)
    for line, node in _functions(file):
        if node.name.startswith(PREFIX) and not ast.get_docstring(node):
            remedy = "it is the sentence that a learner reads"
            yield Problem(shown(file), line, f"{node.name} has no docstring", remedy)


def lines_of_checks(lesson: Lesson) -> dict[str, int]:
    """Where each check begins, with its decorators, by its name."""
    return {node.name: line for line, node in _functions(course().checks(lesson))}


def _functions(file: Path) -> Iterator[tuple[int, Check]]:
    for node in ast.parse(file.read_bytes()).body:
        if isinstance(node, Check):
            yield min(part.lineno for part in (node, *node.decorator_list)), node


def _complaints(lesson: Lesson, node: Check) -> Iterator[tuple[str, str]]:
    """What is wrong with a function, each with what to do."""
    marks = [one for one in node.decorator_list if _name(one) == "exercise"]
    numbers = [exercise.number for exercise in lesson.all_exercises]
    write = f"put @exercise(n) above it; the exercises are {', '.join(map(str, numbers))}"
    for mark in marks:
        if not isinstance(mark, ast.Call) or len(mark.args) != 1:
            yield f"@exercise above {node.name} has no number", write
        elif isinstance(mark.args[0], ast.Constant) and mark.args[0].value not in numbers:
            yield f"{node.name} is the check of exercise {mark.args[0].value!r}", write
    if not marks and node.name.startswith(PREFIX):
        yield f"{node.name} is the check of no exercise", write
    if marks and not node.name.startswith(PREFIX):
        yield f"{node.name} is never run", f"the name of a check begins with {PREFIX}"
    if marks and isinstance(node, ast.AsyncFunctionDef):
        yield f"{node.name} is an async def, and is never awaited", "a check is a plain def"


def _name(decorator: ast.expr) -> str:
    called = decorator.func if isinstance(decorator, ast.Call) else decorator
    return called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
