"""Python text as trees, for those who only want to see where something stands."""

from __future__ import annotations

import ast
import warnings

MOST_TEXT = 200_000
"""Characters of a text that is looked into. Parsing takes a second for half a megabyte."""
MOST_BRACES = 5_000
"""Braces in it. For a long f-string Python 3.11 takes time that grows with their square."""
DEEPEST = 100
"""Levels of a tree: of a sum of a thousand terms, or of as many `elif`, each is one more."""


def parsed(text: str, in_cell: bool = False) -> ast.Module | None:
    """The text as a tree; None if it is not valid Python, or is too large or nested too deeply
    to be looked into.

    Args:
        in_cell: whether it is a notebook's, which may wait at its top level.
    """
    if len(text) > MOST_TEXT or text.count("{") > MOST_BRACES:
        return None
    try:
        with warnings.catch_warnings(action="ignore"):  # of strange escapes, and the like
            if in_cell:
                compile(text, "cell", "exec", ast.PyCF_ALLOW_TOP_LEVEL_AWAIT, dont_inherit=True)
            tree = ast.parse(text)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
    return tree if _is_shallow(tree) else None


def imports(source: str) -> list[str]:
    """The modules that a file imports by name at its top level; none if it isn't valid Python."""
    tree = parsed(source)
    found: list[str] = []
    for node in tree.body if tree else ():
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            found.append(node.module)
    return found


def functions(source: str) -> dict[str, ast.FunctionDef | ast.AsyncFunctionDef]:
    """The functions at the top level of a file, by name; none if it is not valid Python."""
    tree = parsed(source)
    return {
        node.name: node
        for node in (tree.body if tree else ())
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    }


def _is_shallow(tree: ast.AST) -> bool:
    """Whether it can be gone through by functions that call themselves. Looks level by level."""
    level = [tree]
    for _ in range(DEEPEST):
        level = [inner for outer in level for inner in ast.iter_child_nodes(outer)]
        if not level:
            return True
    return False


def first_line(node: ast.stmt) -> int:
    """The line of a statement, from one; of a function or a class, that of its first decorator."""
    decorators: list[ast.expr] = getattr(node, "decorator_list", [])
    return min([node.lineno, *(decorator.lineno for decorator in decorators)])
