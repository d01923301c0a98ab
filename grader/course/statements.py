"""The statements of a file or a cell: what each defines, and what it needs for that."""

from __future__ import annotations

import ast
import symtable
import warnings
from collections.abc import Iterator
from functools import lru_cache
from typing import NamedTuple

from . import syntax

CARRIED = (
    ast.Import,
    ast.ImportFrom,
    ast.FunctionDef,
    ast.AsyncFunctionDef,
    ast.ClassDef,
    ast.Assign,
    ast.AnnAssign,
    ast.AugAssign,
    ast.If,
    ast.Try,
    getattr(ast, "TypeAlias", ast.Import),
)
"""Statements that define something. The others only do something, and once is enough."""

COMPREHENSIONS = ("listcomp", "setcomp", "dictcomp", "genexpr")
"""Functions to Python, but run where they stand."""


class CellStatement(NamedTuple):
    """A statement at the top level of a cell.

    Attributes:
        binds: the names that it defines; `*` stands for those of a star import.
        at_once: the names that it needs when it is run.
        later: the names that its functions need when they are called.
    """

    node: ast.stmt
    binds: frozenset[str]
    at_once: frozenset[str]
    later: frozenset[str]


def parsed(cell: str) -> ast.Module | None:
    """The cell as a tree; None if it is not valid Python, as a notebook takes it."""
    return syntax.parsed(cell, in_cell=True)


@lru_cache(1000)
def definitions(cell: str) -> tuple[CellStatement, ...]:
    """The statements of a cell that define something; none if it is not valid Python.

    They are remembered, for each grading asks for those of all cells that have run.
    """
    tree = parsed(cell)
    return tuple(found for node in tree.body if (found := _statement(node))) if tree else ()


def needed_by(text: str, name: str) -> list[CellStatement]:
    """The statements that define a name, and all that they need of the same text, in order."""
    statements = definitions(text)
    used = {statement for statement in statements if name in statement.binds}
    while True:
        names = {needed for one in used for needed in one.at_once | one.later} | {"*"}
        found = used | {one for one in statements if one.binds & names}
        if found == used:
            return [statement for statement in statements if statement in used]
        used = found


def is_future(node: ast.stmt) -> bool:
    """Whether it is a `from __future__ import`, which has to stand first."""
    return isinstance(node, ast.ImportFrom) and node.module == "__future__"


def awaits(node: ast.AST) -> Iterator[int]:
    """The lines that wait at the top level of a cell, where only a notebook can."""
    if isinstance(node, ast.Await | ast.AsyncFor | ast.AsyncWith):
        yield node.lineno
    if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
        for child in ast.iter_child_nodes(node):
            yield from awaits(child)


def _statement(node: ast.stmt) -> CellStatement | None:
    if not isinstance(node, CARRIED) or is_future(node) or any(awaits(node)):
        return None
    with warnings.catch_warnings(action="ignore"):
        table = symtable.symtable(ast.unparse(node), "cell", "exec")
    binds = {s.get_name() for s in table.get_symbols() if _is_bound(s)}
    if isinstance(node, ast.ImportFrom) and node.names[0].name == "*":
        binds.add("*")
    at_once, later = set[str](), set[str]()
    _collect(table, at_once, later)
    return CellStatement(node, frozenset(binds), frozenset(at_once), frozenset(later))


def _is_bound(symbol: symtable.Symbol) -> bool:
    return symbol.is_assigned() or symbol.is_imported() or symbol.is_namespace()


def _collect(table: symtable.SymbolTable, at_once: set[str], later: set[str]) -> None:
    """Add the global names that a scope and those within it refer to."""
    is_module = table.get_type() == "module"
    for symbol in table.get_symbols():
        if symbol.is_referenced() and (is_module or symbol.is_global()):
            at_once.add(symbol.get_name())
    for inner in table.get_children():
        is_called = inner.get_type() == "function" and _is_no_comprehension(inner)
        _collect(inner, later if is_called else at_once, later)


def _is_no_comprehension(table: symtable.SymbolTable) -> bool:
    return table.get_name().strip("<>") not in COMPREHENSIONS
