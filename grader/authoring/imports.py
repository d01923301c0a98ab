"""Adds imports to a file, as a formatter would write them."""

from __future__ import annotations

import ast

WIDEST = 100
"""Columns of a line."""

Import = ast.Import | ast.ImportFrom


def with_import(text: str, module: str, *names: str) -> str:
    """A program that also imports these names of a module, or the module itself without any.

    Args:
        text: of the program, which must be valid Python.
    """
    body = ast.parse(text).body
    imports = [node for node in body if isinstance(node, ast.Import | ast.ImportFrom)]
    mine = next((node for node in imports if _is_of(node, module, bool(names))), None)
    if mine is None:
        return _inserted(text, body, imports, _written(module, {*names}))
    known = {alias.name for alias in mine.names}
    if known >= {*names}:
        return text
    lines = text.splitlines(keepends=True)
    lines[mine.lineno - 1 : mine.end_lineno] = [_written(module, known.union(names))]
    return "".join(lines)


def _is_of(node: Import, module: str, from_it: bool) -> bool:
    """Whether a statement imports a module, or names from it as they are."""
    if any(alias.asname for alias in node.names):
        return False
    if isinstance(node, ast.ImportFrom):
        return from_it and node.module == module
    return not from_it and [alias.name for alias in node.names] == [module]


def _written(module: str, names: set[str]) -> str:
    if not names:
        return f"import {module}\n"
    ordered = sorted(names, key=lambda name: (not name.isupper(), not name[0].isupper(), name))
    line = f"from {module} import {', '.join(ordered)}\n"
    if len(line) <= WIDEST + 1:
        return line
    return "\n".join([f"from {module} import (", *(f"    {name}," for name in ordered), ")\n"])


def _inserted(text: str, body: list[ast.stmt], imports: list[Import], line: str) -> str:
    """The text with an import behind those that it has, or else behind its docstring."""
    lines = text.splitlines(keepends=True)
    is_documented = ast.get_docstring(ast.Module(body, [])) is not None
    before = imports[-1] if imports else body[0] if is_documented else None
    end = (before.end_lineno or 0) if before else 0
    is_apart = not imports or _is_future(imports[-1])
    lines[end:end] = ["\n", line] if is_apart else [line]
    return "".join(lines).lstrip("\n")


def _is_future(node: Import) -> bool:
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"
