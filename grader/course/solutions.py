"""The solution of an exercise, beside what the learner wrote, and the reason for it."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

import msgspec

from ..model.errors import GraderError, InputError
from . import answers
from .answers import Answers
from .catalog import Exercise, Lesson
from .hints import first_section
from .syntax import first_line, parsed

TRIES = 3
"""Failing attempts after which a solution may be seen."""

_Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Assign | ast.AnnAssign


class Solution(msgspec.Struct, frozen=True):
    """A solution, to be compared.

    Attributes:
        code: what solves the exercise, without its docstring.
        yours: what the learner wrote for it; empty if that is nothing yet.
        reason: why the solution is so, as markdown.
    """

    code: str
    yours: str
    reason: str

    @property
    def section(self) -> str:
        """The first section that the reason names, as words of `grade lesson`; or none."""
        return first_section(self.reason)


def solution(lesson: Lesson, exercise: Exercise, theirs: Answers | None = None) -> Solution:
    """The solution of an exercise.

    Args:
        theirs: the answers to compare it with, if not those in the workspace.

    Raises:
        GraderError: it is not there, or says no reason.
    """
    ours = _File(answers.solution(lesson).text)
    factory = ours.definitions.get(exercise.factory)
    reason = ast.get_docstring(factory) if isinstance(factory, ast.FunctionDef) else None
    if not reason:
        raise GraderError(
            f"{lesson.name} has no solution of exercise {exercise.number} with a reason",
            "it is the docstring of the factory in solution.py",
        )
    stub = answers.stub_or_none(lesson)
    known = _File(stub.text if stub else "")
    its = _File(theirs.text) if theirs else _learners(lesson)
    yours = "" if known.has_same(its, exercise) else its.code(exercise, known)
    return Solution(ours.code(exercise, known, like=its), yours, reason)


def _learners(lesson: Lesson) -> _File:
    try:
        return _File(answers.learners(lesson).text)
    except InputError:
        return _File("")


class _File:
    """A file of answers, by its definitions; there are none if it is not valid Python."""

    def __init__(self, text: str) -> None:
        self.text = text.replace("\r\n", "\n").replace("\r", "\n")
        self.lines = self.text.split("\n")
        self.definitions = dict(_definitions(self.text))

    def has_same(self, other: _File, exercise: Exercise) -> bool:
        """Whether the other file's factory is still this one's. Layout does not count."""
        mine, its = (file.definitions.get(exercise.factory) for file in (self, other))
        if mine is None or its is None:
            return self._whole(exercise) == other._whole(exercise)
        return ast.dump(mine) == ast.dump(its)

    def code(self, exercise: Exercise, known: _File, like: _File | None = None) -> str:
        """The factory without its docstring, below what it uses that is not `known`.

        Args:
            like: the file whose signature is kept, if it has the same parameters. The stub's
                has defaults, and leaving them out isn't part of the solution.
        """
        factory = self.definitions.get(exercise.factory)
        if not isinstance(factory, ast.FunctionDef):
            return self._whole(exercise)
        parts = [self._lines_of(node) for node in self._used_by(factory, known)]
        head, body = self._head(factory), self._body(factory)
        its = like.definitions.get(exercise.factory) if like else None
        if like and isinstance(its, ast.FunctionDef) and _parameters(its) == _parameters(factory):
            head = like._head(its)
        return "\n\n\n".join("\n".join(part) for part in [*parts, [*head, *body]])

    def _whole(self, exercise: Exercise) -> str:
        return Answers(self.text).answer(exercise).rstrip()

    def _used_by(self, factory: ast.FunctionDef, known: _File) -> list[_Definition]:
        """The file's own definitions that a factory needs, in their order."""
        needed: dict[str, _Definition] = {}
        waiting: list[_Definition] = [factory]
        while waiting:
            for name in _names_in(waiting.pop()) - needed.keys():
                node = self.definitions.get(name)
                if node is not None and node is not factory and not known._defines(name, node):
                    needed[name] = node
                    waiting.append(node)
        return sorted(needed.values(), key=lambda node: node.lineno)

    def _defines(self, name: str, node: _Definition) -> bool:
        own = self.definitions.get(name)
        return own is not None and ast.dump(own) == ast.dump(node)

    def _lines_of(self, node: _Definition) -> list[str]:
        return self.lines[first_line(node) - 1 : node.end_lineno]

    def _head(self, factory: ast.FunctionDef) -> list[str]:
        """Decorators and signature; nothing if the body begins on their last line."""
        arguments = factory.args
        last = max(
            factory.lineno,
            *(part.end_lineno or 0 for part in ast.walk(arguments) if hasattr(part, "end_lineno")),
            (factory.returns.end_lineno or 0) if factory.returns else 0,
        )
        while last < factory.body[0].lineno and not re.search(r":\s*(#.*)?$", self.lines[last - 1]):
            last += 1
        return self.lines[first_line(factory) - 1 : min(last, factory.body[0].lineno - 1)]

    def _body(self, factory: ast.FunctionDef) -> list[str]:
        """The rest, without the docstring, unless it is all that there is."""
        begin = first_line(factory) - 1 + len(self._head(factory))
        if ast.get_docstring(factory) is not None and len(factory.body) > 1:
            begin = factory.body[0].end_lineno or begin
            while not self.lines[begin].strip():
                begin += 1
        return self.lines[begin : factory.end_lineno]


def _definitions(text: str) -> Iterator[tuple[str, _Definition]]:
    """What a file defines at its top level; nothing if it is not valid Python."""
    tree = parsed(text)
    for node in tree.body if tree else ():
        match node:
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
                yield node.name, node
            case ast.Assign():
                yield from ((name, node) for target in node.targets for name in _stored(target))
            case ast.AnnAssign(target=ast.Name(id=name)):
                yield name, node


def _names_in(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name)}


def _stored(target: ast.expr) -> Iterator[str]:
    """The names that an assignment to this gives; `x["a"]` gives none."""
    for part in ast.walk(target):
        if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store):
            yield part.id


def _parameters(factory: ast.FunctionDef) -> list[str]:
    return [part.arg for part in ast.walk(factory.args) if isinstance(part, ast.arg)]
