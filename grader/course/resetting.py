"""Putting the stub back into a learner's file, and keeping what was there."""

from __future__ import annotations

import ast
import codecs
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from ..model.errors import InputError
from .answers import Answers
from .catalog import Exercise
from .files import read_source, shown, write_whole
from .syntax import parsed

BACKUPS = Path(".course", "backups")


def is_there(file: Path) -> bool:
    """Whether there is anything in the file that could be lost."""
    try:
        return file.is_dir() or (file.is_file() and bool(file.read_bytes().strip()))
    except OSError:
        return True


def put_back(file: Path, stub: Answers, exercise: Exercise) -> Answers:
    """Replace one answer of a file by the stub's. All else stays, byte for byte.

    Raises:
        InputError: the file cannot be read, or not be written.
    """
    text = Answers(read_source(file)).with_answer(exercise, stub.answer(exercise))
    mark = "\ufeff" if file.read_bytes().startswith(codecs.BOM_UTF8) else ""
    write(file, mark + text)
    return Answers(text)


def write(file: Path, text: str) -> None:
    """Replace a learner's file.

    Raises:
        InputError: it cannot be written; it is as it was.
    """
    try:
        file.parent.mkdir(parents=True, exist_ok=True)
        write_whole(file, text)
    except OSError as error:
        raise _unwritable(file, error) from error


def back_up(file: Path, workspace: Path, name: str) -> Path:
    """Keep a copy of a file under a name that no earlier copy has.

    Raises:
        InputError: it cannot be kept.
    """
    folder = workspace / BACKUPS
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        return _kept(file.read_bytes(), folder, f"{name}-{stamp}")
    except OSError as error:
        raise _unwritable(folder, error) from error


def _kept(raw: bytes, folder: Path, name: str) -> Path:
    number = 1
    while True:
        copy = folder / (f"{name}-{number}.py" if number > 1 else f"{name}.py")
        try:
            with copy.open("xb") as file:
                file.write(raw)
        except FileExistsError:
            number += 1
        else:
            return copy


def _unwritable(place: Path, error: OSError) -> InputError:
    reason = error.strerror or str(error)
    return InputError(f"{shown(place)} cannot be written: {reason}", "nothing was changed")


def missing(answers: Answers, stub: Answers, exercise: Exercise) -> list[str]:
    """What the stub's answer uses of its own file, and this one does not have any more."""
    has = set(_bound(answers.text))
    factory = ast.parse(stub.answer(exercise))
    used = {node.id for node in ast.walk(factory) if isinstance(node, ast.Name)}
    return [name for name in _bound(stub.text) if has and name in used - has]


def _bound(text: str) -> Iterator[str]:
    """The names that a file gives to something at its top level; none if it is broken."""
    tree = parsed(text)
    for node in tree.body if tree else ():
        match node:
            case ast.Import() | ast.ImportFrom():
                yield from ((a.asname or a.name).partition(".")[0] for a in node.names)
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name
            case ast.Assign():
                yield from (t.id for t in node.targets if isinstance(t, ast.Name))
