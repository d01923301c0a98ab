"""What the text of the learner's file says about a line."""

from __future__ import annotations

import ast
import re
from functools import cached_property

from ...course.syntax import parsed

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)
WITHS = (ast.With, ast.AsyncWith)


class Source:
    """A file's text. One that isn't Python has nothing to say."""

    def __init__(self, text: str) -> None:
        self._text = text

    @cached_property
    def _nodes(self) -> list[ast.AST]:
        """All of its parts, the outer before the inner."""
        tree = parsed(self._text)
        return list(ast.walk(tree)) if tree else []

    def awaits_at(self, line: int | None) -> int:
        """How many times `await` stands on a line."""
        return sum(isinstance(node, ast.Await) and node.lineno == line for node in self._nodes)

    def is_in_loop(self, line: int | None) -> bool:
        """Whether a line is gone through again and again within its function."""
        inner = self._function_around(line)
        return any(
            isinstance(node, (*LOOPS, *COMPREHENSIONS))
            and _holds(node, line)
            and (inner is None or _holds(inner, node.lineno))
            for node in self._nodes
        )

    def has_dependencies(self, function: int | None) -> bool:
        """Whether the function that begins at a line has parameters that FastAPI solves."""
        return any(
            isinstance(inner, ast.Name) and inner.id == "Depends"
            for node in self._nodes
            if isinstance(node, FUNCTIONS) and _first_line(node) == function
            for inner in ast.walk(node.args)
        )

    def with_holds_handlers(self, line: int | None) -> bool:
        """Whether a `with` at a line has a `try` inside its block."""
        return any(
            isinstance(inner, ast.Try)
            for node in self._nodes
            if isinstance(node, WITHS) and node.lineno == line
            for inner in ast.walk(node)
        )

    def handles_groups(self, line: int | None) -> bool:
        """Whether a `try` with `except*` stands around a line."""
        return any(isinstance(node, ast.TryStar) and _holds(node, line) for node in self._nodes)

    def handlers_around(self, line: int | None) -> int:
        """How many `except` clauses belong to the `try` statements around a line."""
        around = [node for node in self._nodes if isinstance(node, ast.Try) and _holds(node, line)]
        return sum(len(node.handlers) for node in around)

    def uses(self, name: str) -> bool:
        """Whether a name is read anywhere."""
        return any(
            isinstance(node, ast.Name) and node.id == name and isinstance(node.ctx, ast.Load)
            for node in self._nodes
        )

    def writes(self, value: object) -> bool:
        """Whether a value is a text that stands in the file, so that any answer may have it."""
        return isinstance(value, str) and any(
            isinstance(node, ast.Constant) and node.value == value for node in self._nodes
        )

    def lines_of_texts(self, pattern: re.Pattern[str]) -> list[int | None]:
        """The lines on which strings begin in which a pattern is found."""
        return [
            node.lineno
            for node in self._nodes
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
            if pattern.search(node.value)
        ]

    def _function_around(self, line: int | None) -> ast.AST | None:
        around = [n for n in self._nodes if isinstance(n, FUNCTIONS) and _holds(n, line)]
        return around[-1] if around else None


def _holds(node: ast.AST, line: int | None) -> bool:
    return line is not None and _first_line(node) <= line <= (getattr(node, "end_lineno", 0) or 0)


def _first_line(node: ast.AST) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first: int = getattr(node, "lineno", 0)
    return min([first, *(one.lineno for one in decorators)])
