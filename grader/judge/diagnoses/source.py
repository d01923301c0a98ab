"""What the text of the learner's file says about a line."""

from __future__ import annotations

import ast
import re
from functools import cached_property

from ...course.syntax import parsed

FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
LOOPS = (ast.For, ast.AsyncFor, ast.While)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp)
CLOCKS = ("time", "monotonic", "perf_counter")
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

    def with_holds_groups(self, line: int | None) -> bool:
        """Whether a `with` at a line has a `try` with `except*` inside its block."""
        return any(
            isinstance(inner, ast.TryStar)
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

    def raises_at(self, line: int | None) -> bool:
        """Whether an error is raised on a line by the code itself."""
        return any(isinstance(node, ast.Raise) and _holds(node, line) for node in self._nodes)

    def calls_what_a_loop_names(self, line: int | None) -> bool:
        """Whether a line calls something by a name that a loop around its function changes."""
        inner = self._function_around(line)
        own = _names_bound(inner) if inner else set()
        called = {
            node.func.id
            for node in self._nodes
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
            if _holds(node, line)
        }
        loops = (node for node in self._nodes if isinstance(node, ast.For | ast.AsyncFor))
        named = {name for loop in loops for name in _names_bound(loop.target)}
        return inner is not None and bool((called - own) & named)

    def asks_for_the_time_at(self, line: int | None) -> bool:
        """Whether a line is in a `while` that reads a clock."""
        return any(
            isinstance(inner, ast.Call)
            and isinstance(inner.func, ast.Attribute)
            and inner.func.attr in CLOCKS
            for node in self._nodes
            if isinstance(node, ast.While) and _holds(node, line)
            for inner in ast.walk(node)
        )

    def must_be_there(self, name: str) -> bool:
        """Whether a field of that name may be null, and has no default."""
        return any(
            isinstance(node, ast.AnnAssign)
            and isinstance(node.target, ast.Name)
            and (node.target.id, node.value) == (name, None)
            and re.search(r"\bNone\b|\bOptional\b", ast.unparse(node.annotation))
            for node in self._nodes
        )

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


def _names_bound(node: ast.AST) -> set[str]:
    """The parameters within a part of a file, and the names that something is put into."""
    inside = list(ast.walk(node))
    stored = (n.id for n in inside if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store))
    return {*stored, *(n.arg for n in inside if isinstance(n, ast.arg))}


def _holds(node: ast.AST, line: int | None) -> bool:
    return line is not None and _first_line(node) <= line <= (getattr(node, "end_lineno", 0) or 0)


def _first_line(node: ast.AST) -> int:
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    first: int = getattr(node, "lineno", 0)
    return min([first, *(one.lineno for one in decorators)])
