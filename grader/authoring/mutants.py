"""Wrong answers that are made of the solution, to see whether the checks notice."""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterator
from copy import deepcopy
from difflib import unified_diff
from typing import NamedTuple

from ..course.catalog import Exercise, Lesson, course
from ..course.files import read_own
from ..course.statements import definitions
from ..course.syntax import first_line
from ..model.mutants import Mutant
from .operators import MUTATIONS

_DOCUMENTED = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)


class Change(NamedTuple):
    """A statement with one change: by which operator, in which line, and what came of it."""

    name: str
    line: int
    tree: ast.stmt


def mutants(lesson: Lesson, exercise: Exercise) -> list[Mutant]:
    """All mutants of an exercise's solution, in the order of its lines.

    What is changed: its factory, and what that uses of the same file.

    Raises:
        InputError: the solution cannot be read.
    """
    text = read_own(course().solution(lesson))
    known: dict[str, Mutant] = {}
    for node in used_by(text, exercise):
        original = without_docstrings(node)
        for change in changes(original):
            mutant = _mutant(text, exercise, original, change)
            known.setdefault(mutant.text, mutant)
    return sorted(known.values(), key=lambda mutant: mutant.line)


def used_by(text: str, exercise: Exercise) -> list[ast.stmt]:
    """The factory, and the other definitions at the top level that it needs."""
    names, found = {exercise.factory}, list[ast.stmt]()
    imports = (ast.Import, ast.ImportFrom)
    statements = [one for one in definitions(text) if not isinstance(one.node, imports)]
    while new := [s for s in statements if s.binds & names and s.node not in found]:
        found += [statement.node for statement in new]
        names = names.union(*(statement.at_once | statement.later for statement in new))
    return found


def without_docstrings(node: ast.stmt) -> ast.stmt:
    """A copy without docstrings: changing those would make no difference."""
    tree = deepcopy(node)
    for part in ast.walk(tree):
        if isinstance(part, _DOCUMENTED) and ast.get_docstring(part) is not None:
            part.body = part.body[1:] or [ast.Pass()]
    return tree


def changes(node: ast.stmt) -> Iterator[Change]:
    """All that the operators can change in a statement, one thing each time."""
    for part in _changeable(node):
        line = getattr(part, "lineno", node.lineno)
        for mutation in MUTATIONS:
            for other in mutation.apply(part) if isinstance(part, mutation.kinds) else ():
                # What `deepcopy` believes to have copied already is taken as it is.
                yield Change(mutation.name, line, deepcopy(node, {id(part): other}))


def _changeable(node: ast.AST, is_inside: bool = False) -> Iterator[ast.AST]:
    """A node and those below it, but for a factory's own parameters, and plain annotations."""
    yield node
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.arguments) and not is_inside:
            continue
        if name in ("annotation", "returns") and not _holds_call(value):
            continue
        for child in value if isinstance(value, list) else [value]:
            if isinstance(child, ast.AST):
                yield from _changeable(child, is_inside=True)


def _holds_call(annotation: ast.AST | None) -> bool:
    """As in `Annotated[int, Query(ge=1)]`."""
    return annotation is not None and any(isinstance(n, ast.Call) for n in ast.walk(annotation))


def _mutant(text: str, exercise: Exercise, original: ast.stmt, change: Change) -> Mutant:
    before, after = (ast.unparse(ast.fix_missing_locations(t)) for t in (original, change.tree))
    hunks = unified_diff(before.splitlines(), after.splitlines(), n=2, lineterm="")
    diff = "\n".join(line for line in list(hunks)[2:] if not line.startswith("@@"))
    digest = hashlib.sha256(diff.encode()).hexdigest()[:6]
    return Mutant(
        id=f"{change.name}-{digest}",
        exercise=exercise.number,
        line=change.line,
        text=_replaced(text, original, after),
        diff=diff,
    )


def _replaced(text: str, node: ast.stmt, by: str) -> str:
    """A file with another text in the place of a statement."""
    lines = text.splitlines()
    return "\n".join([*lines[: first_line(node) - 1], by, *lines[node.end_lineno :]]) + "\n"
