"""What identifies all that a result comes of: when none of it has changed, nor has the result."""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

from ..course.catalog import Lesson, course
from ..judge.diagnoses.own import rules_file

_SETTING = re.compile(r"GRADER_(?!STATE$)|\w+_URL$")
KIT = Path(__file__).resolve().parents[1]


def digest(*parts: str | bytes) -> str:
    """One text for several; other parts, or other limits between them, give another."""
    whole = hashlib.sha256()
    for part in parts:
        raw = part.encode() if isinstance(part, str) else part
        whole.update(f"{len(raw)} ".encode() + raw)
    return whole.hexdigest()


@cache
def of_kit() -> str:
    """The kit, Python, what is installed, and the settings of the kit in the environment."""
    files = sorted(KIT.rglob("*.py"))
    code = (f"{file} {file.stat().st_size} {file.stat().st_mtime_ns}" for file in _of_kit(files))
    names = (name for folder in sys.path if os.path.isdir(folder) for name in os.listdir(folder))
    packages = sorted(name for name in names if name.endswith((".dist-info", ".pth")))
    settings = sorted(f"{k}={v}" for k, v in os.environ.items() if _SETTING.match(k))
    return digest(sys.version, *code, *packages, *settings)


def _of_kit(files: Iterable[Path]) -> Iterable[Path]:
    """All but the lessons of the kit's own course, which are looked at one by one."""
    return (file for file in files if not file.name.startswith(("test_", "rules_")))


def of_exercise(lesson: Lesson, number: int) -> str:
    """What the grading of an exercise comes of, but for the answer: its checks, its solution, and
    what stands beside them. What belongs to other exercises alone doesn't count."""
    found, factory = course(), lesson.exercise(number).factory
    checks = found.checks(lesson)
    beside = [file for file in sorted(checks.parent.glob("*.py")) if _is_for_all(file)]
    data = sorted(found.exercises(lesson).glob("exercise_*"))
    return digest(
        of_kit(),
        lesson.name,
        str(number),
        _part(checks, lambda node: _exercise_of(node) in (None, number)),
        *(
            _part(file, lambda node: _factory_of(node) in (None, factory))
            for file in (found.solution(lesson), found.stub(lesson))
        ),
        *(_raw(file) for file in (rules_file(checks), *beside, *data)),
    )


def _is_for_all(file: Path) -> bool:
    return not file.name.startswith(("test_", "rules_")) and KIT not in file.parents


def _raw(file: Path) -> bytes:
    return file.read_bytes() if file.is_file() else b""


def _part(file: Path, belongs: Callable[[ast.stmt], bool]) -> str:
    """The program in a file without the statements that don't belong; layout doesn't count."""
    tree = ast.parse(_raw(file))
    return ast.dump(ast.Module([node for node in tree.body if belongs(node)], []))


def _factory_of(node: ast.stmt) -> str | None:
    is_factory = isinstance(node, ast.FunctionDef) and re.fullmatch(r"exercise_\d+", node.name)
    return node.name if isinstance(node, ast.FunctionDef) and is_factory else None


def _exercise_of(node: ast.stmt) -> object:
    """The number of the exercise that a function is the check of; None if it is of none."""
    for mark in node.decorator_list if isinstance(node, ast.FunctionDef) else ():
        if isinstance(mark, ast.Call) and ast.unparse(mark.func) == "exercise" and mark.args:
            return mark.args[0].value if isinstance(mark.args[0], ast.Constant) else None
    return None
