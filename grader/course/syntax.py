"""Python text as trees, for those who only want to see where something stands."""

from __future__ import annotations

import ast
import warnings


def parsed(text: str, in_cell: bool = False) -> ast.Module | None:
    """The text as a tree; None if it is not valid Python.

    Args:
        in_cell: whether it is a notebook's, which may wait at its top level.
    """
    try:
        with warnings.catch_warnings(action="ignore"):  # of strange escapes, and the like
            if in_cell:
                compile(text, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            return ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None


def first_line(node: ast.stmt) -> int:
    """The line of a statement, from one; of a function or a class, that of its first decorator."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
