"""Notebooks that are made from a lesson, for its author to go on with."""

from __future__ import annotations

import ast
import json
import re
from collections.abc import Iterator
from typing import Any

from ..course.catalog import Exercise, Lesson
from ..course.syntax import first_line
from .markdown import HeadedText, blocks_of, sections
from .mutants import used_by
from .unwritten import without_marks

_INTRODUCTION = """# {title}: predict, run, look, change

This notebook goes with the [lesson](../lessons/{name}.md). Each step is the same: say what will
happen, run the cell, see whether you were right, change something.
"""
_PREDICT = "**Predict:** what will happen, and when?"

Cell = dict[str, Any]


def notebook(lesson: Lesson, text: str, stub: str) -> str:
    """A notebook with the programs of a lesson, and a cell to solve each exercise in.

    Args:
        text: of the lesson.
        stub: of its exercises.
    """
    cells = [
        _words("introduction", _INTRODUCTION.format(title=lesson.title, name=lesson.name)),
        _code("load", "%load_ext grader"),
        _code("imports", "\n".join(_imports(stub))),
    ]
    for number, section in enumerate(sections(text, "##"), start=1):
        cells += _cells_of(section, f"section-{number}", lesson, stub)
    return _written(
        {
            "cells": [cell for cell in cells if cell["source"]],
            "metadata": {
                "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
                "language_info": {"name": "python"},
            },
            "nbformat": 4,
            "nbformat_minor": 5,
        }
    )


def with_last_section(known: str, lesson: Lesson, text: str, stub: str) -> str:
    """A notebook with the cells of the lesson's last section behind its own."""
    content = json.loads(known)
    *_, section = sections(text, "##")
    name = f"section-{len(content['cells']) + 1}"
    content["cells"] += _cells_of(section, name, lesson, stub)
    return _written(content)


def _written(content: Any) -> str:
    return json.dumps(content, indent=1, sort_keys=True, ensure_ascii=False) + "\n"


def _cells_of(section: HeadedText, name: str, lesson: Lesson, stub: str) -> Iterator[Cell]:
    """The programs of a section, and the exercises that it sends the reader to."""
    yield _words(name, f"## {section.title}\n\n{_PREDICT}")
    programs = [block.text for block in blocks_of(section.text) if block.language == "python"]
    for number, program in enumerate(programs, start=1):
        yield _code(f"{name}-{number}", in_notebook(program))
    for exercise in lesson.all_exercises:
        if re.search(rf"`grade {lesson.name} {exercise.number}`", section.text):
            yield _code(f"exercise-{exercise.number}", _exercise(lesson, exercise, stub))


def _exercise(lesson: Lesson, exercise: Exercise, stub: str) -> str:
    """The stub of an exercise and what that uses, to be graded."""
    nodes = sorted(used_by(stub, exercise), key=first_line)
    parts = [stub.splitlines()[first_line(node) - 1 : node.end_lineno] for node in nodes]
    program = without_marks("\n\n\n".join("\n".join(part) for part in parts))
    return f"%%grade {lesson.name} {exercise.number}\n{program}"


def _imports(stub: str) -> Iterator[str]:
    for node in ast.parse(stub).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield ast.unparse(node)


def in_notebook(program: str) -> str:
    """A program as a cell: where a loop is running already, `asyncio.run(f())` is `await f()`."""
    calls = [node for node in _at_top(ast.parse(program)) if isinstance(node, ast.Call)]
    data = program.encode()
    starts = [0, *(match.end() for match in re.finditer(b"\n", data))]
    for call in sorted(filter(_runs, calls), key=_place, reverse=True):
        begin = starts[call.lineno - 1] + call.col_offset
        end = starts[(call.end_lineno or 0) - 1] + (call.end_col_offset or 0)
        inner = ast.get_source_segment(program, call.args[0]) or ""
        data = data[:begin] + f"await {inner}".encode() + data[end:]
    return data.decode().rstrip("\n")


def _at_top(node: ast.AST) -> Iterator[ast.AST]:
    """What is run by the program itself, and by no function in it."""
    yield node
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from _at_top(child)


def _runs(call: ast.Call) -> bool:
    return ast.unparse(call.func) == "asyncio.run"


def _place(call: ast.Call) -> tuple[int, int]:
    return call.lineno, call.col_offset


def _words(name: str, text: str) -> Cell:
    return {"cell_type": "markdown", "id": name, "metadata": {}, "source": _lines(text)}


def _code(name: str, text: str) -> Cell:
    empty: Cell = {"execution_count": None, "metadata": {}, "outputs": []}
    return {"cell_type": "code", "id": name, "source": _lines(text), **empty}


def _lines(text: str) -> list[str]:
    return text.strip("\n").splitlines(keepends=True)
