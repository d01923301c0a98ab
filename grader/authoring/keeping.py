"""Puts mutants into the bank: for each check one that it is the first to notice."""

from __future__ import annotations

import ast
from collections.abc import Iterable
from pathlib import Path

from ..course.catalog import Lesson, course
from ..course.files import write_whole
from ..course.statements import needed_by
from ..model.mutants import Mutant, Tried
from .mutants import without_docstrings

_EXPECTATION = """exercise = {exercise}
status = "failed"
diagnoses = ["{diagnosis}"]
why = "{id}"  # TO WRITE: what is wrong, in words.
"""


def keep(lesson: Lesson, tried: Iterable[Tried]) -> list[Path]:
    """Write into the bank, for each check, the first mutant that fails it before all others.

    Returns:
        The answers that were written. What the bank has under their names stays as it is.
    """
    kept: dict[tuple[int, str], Tried] = {}
    for one in tried:
        if one.diagnosis:
            kept.setdefault((one.mutant.exercise, one.check), one)
    folder = course().mistakes(lesson)
    files = {_name(folder, one): one for one in kept.values()}
    new = {file: one for file, one in files.items() if not file.exists()}
    for file, one in new.items():
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, answer(lesson, one.mutant))
        write_whole(file.with_suffix(".toml"), _expectation(one))
    return list(new)


def _name(folder: Path, one: Tried) -> Path:
    return folder / f"{one.mutant.exercise}_{one.check.replace('-', '_')}.py"


def _expectation(one: Tried) -> str:
    mutant = one.mutant
    return _EXPECTATION.format(exercise=mutant.exercise, diagnosis=one.diagnosis, id=mutant.id)


def answer(lesson: Lesson, mutant: Mutant) -> str:
    """A mutant as a file of its own: its factory, and what that needs."""
    factory = lesson.exercise(mutant.exercise).factory
    nodes = [statement.node for statement in needed_by(mutant.text, factory)]
    imports = [node for node in nodes if isinstance(node, ast.Import | ast.ImportFrom)]
    others = [without_docstrings(node) for node in nodes if node not in imports]
    head = "\n".join(map(ast.unparse, imports))
    return "\n\n\n".join([head, *map(ast.unparse, others)]) + "\n"
