"""What can be seen to be wrong with a solution and a stub before they are run."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

from ..course.catalog import Exercise, Lesson, course
from ..course.files import shown
from ..course.syntax import functions
from ..model.problems import Problem
from .problems import missing_file

Factory = ast.FunctionDef | ast.AsyncFunctionDef


def problems_of_factories(lesson: Lesson, number: int) -> Iterator[Problem]:
    """What the solution or the stub of an exercise lacks, or where they don't fit together."""
    yield from _problems_of_solved(lesson, number)
    stub, kept = course().answers(lesson), course().stub(lesson)
    if stub.is_file():
        yield from _changed_signature(lesson, lesson.exercise(number))
    if kept != stub and kept.is_file() and stub.is_file() and _differ(kept, stub):
        what = f"this isn't the same text as {shown(kept)}"
        yield Problem(shown(stub), 1, what, "change both together")


def _differ(one: Path, other: Path) -> bool:
    return one.read_bytes() != other.read_bytes()


def _problems_of_solved(lesson: Lesson, number: int) -> Iterator[Problem]:
    """That the solution lacks a factory, or that this doesn't say why it is as it is."""
    file, factory = course().solution(lesson), lesson.exercise(number).factory
    node = solved(lesson).get(factory)
    if not file.is_file():
        yield missing_file(file)
    elif node is None:
        yield Problem(shown(file), 1, f"there is no function {factory}")
    elif not ast.get_docstring(node):
        remedy = "it says why the solution is written that way: grade solution shows it"
        yield Problem(shown(file), node.lineno, f"{factory} has no docstring", remedy)


def _changed_signature(lesson: Lesson, exercise: Exercise) -> Iterator[Problem]:
    stub, solution = course().answers(lesson), course().solution(lesson)
    mine, theirs = functions(stub.read_text("utf-8")), solved(lesson)
    if exercise.factory in mine and exercise.factory in theirs:
        ours, its = (parameters(file[exercise.factory]) for file in (mine, theirs))
        if ours != its:
            line = mine[exercise.factory].lineno
            what = f"{exercise.factory} takes {', '.join(ours) or 'nothing'}"
            remedy = f"in {shown(solution)} it takes {', '.join(its) or 'nothing'}"
            yield Problem(shown(stub), line, what, remedy)


def solved(lesson: Lesson) -> dict[str, Factory]:
    """The factories of the solution, by name; none if there is no such file."""
    file = course().solution(lesson)
    return functions(file.read_text("utf-8")) if file.is_file() else {}


def parameters(node: Factory) -> list[str]:
    """The names of the parameters of a factory."""
    return [argument.arg for argument in (*node.args.args, *node.args.kwonlyargs)]


def needed(node: Factory) -> list[str]:
    """The parameters that have no default."""
    plain, named = node.args.args, zip(node.args.kwonlyargs, node.args.kw_defaults, strict=True)
    first = plain[: len(plain) - len(node.args.defaults)]
    return [one.arg for one in (*first, *(arg for arg, default in named if default is None))]
