"""The program that is graded as the answer in a cell.

A cell does not stand alone: it uses imports and helpers of the cells before it. So what is
graded is the exercise's function with all that it needs, and nothing else: from the cell
itself, and from the cells that ran before it. Only what defines something is taken: imports,
functions, classes, assignments, also within `if` and `try`. What merely does something, such
as `timeline(trace)`, was run in the notebook and is not run again, nor is an assignment that
the function has no use for.

Each line of the cell keeps its number. The first one, where the magic stands, brings in what
comes from other cells.
"""

from __future__ import annotations

import ast
import builtins
from collections.abc import Collection, Iterable, Sequence
from typing import NamedTuple

from ..course.statements import CellStatement, definitions, is_future, parsed
from ..course.syntax import first_line

ELSEWHERE = "<earlier cells>"
"""The file that lines of other cells belong to. A verdict names only lines of the cell."""

RUNS_PYTHON = ("grade", "time", "capture", "prun")
"""Magics whose cell is run, and defines what it defines."""


class Program(NamedTuple):
    """The text to grade, and the names that it needs and that nothing in it defines."""

    text: str
    missing: frozenset[str]


def program(cell: str, earlier: Iterable[str], names: Collection[str]) -> Program:
    """What is graded as `names` of a cell.

    Args:
        cell: its first line is the one with the magic, as a comment.
        earlier: the cells that ran before it, oldest first.
    """
    tree = parsed(cell)
    if tree is None:
        return Program(cell, frozenset())
    cells = [inner(one) for one in earlier]
    needed = Needed(_by_name([cell]), _by_name(cells))
    for name in ("*", *sorted(names)):
        needed.add(name)
    kept = [node for node in tree.body if is_future(node)]
    kept += [statement.node for statement in needed.own]
    beginning = _beginning(_futures(cells), needed.carried)
    text = _with_beginning(_only(cell, kept), tree, beginning)
    return Program(text, frozenset(needed.missing - {"*", *dir(builtins)}))


def inner(cell: str) -> str:
    """The Python in a cell whose magic runs it; else the cell."""
    tree = parsed(cell)
    match tree and tree.body:
        case [
            ast.Expr(
                ast.Call(
                    func=ast.Attribute(attr="run_cell_magic"),
                    args=[ast.Constant(str(magic)), _, ast.Constant(str(body))],
                )
            )
        ] if magic in RUNS_PYTHON:
            return body
    return cell


Found = dict[str, list[CellStatement]]


def _by_name(cells: Iterable[str]) -> Found:
    """What defines each name: the statements for it in the last cell that has any."""
    found: Found = {}
    for cell in cells:
        here: Found = {}
        for statement in definitions(cell):
            for name in statement.binds:
                here.setdefault(name, []).append(statement)
        stars = found.get("*", []) + here.get("*", [])
        found |= here | ({"*": stars} if stars else {})
    return found


class Needed:
    """Collects what names need, each thing behind what it needs itself.

    Attributes:
        own: the statements of the cell; `carried`: those of earlier cells, in order.
        missing: the names that nothing defines.
    """

    def __init__(self, in_cell: Found, in_earlier: Found) -> None:
        self._in_cell = in_cell
        self._in_earlier = in_earlier
        self._asked: set[str] = set()
        self.own: list[CellStatement] = []
        self.carried: list[CellStatement] = []
        self.missing: set[str] = set()

    def add(self, name: str) -> None:
        """Collect what defines a name, unless that has been done."""
        if name in self._asked:
            return
        self._asked.add(name)
        own, carried = self._in_cell.get(name, []), self._in_earlier.get(name, [])
        refers_back = any(name in statement.at_once for statement in own)
        if own and name != "*" and not refers_back:
            carried = []
        elif not own and not carried:
            self.missing.add(name)
        self._keep(carried, self.carried)
        self._keep(own, self.own)

    def _keep(self, statements: Sequence[CellStatement], place: list[CellStatement]) -> None:
        for statement in statements:
            for name in sorted(statement.at_once):
                self.add(name)
        place += [one for one in statements if all(one is not other for other in place)]
        for statement in statements:
            for name in sorted(statement.later):
                self.add(name)


def _futures(cells: Sequence[str]) -> list[str]:
    """What cells imported `from __future__`: in a notebook it holds for all that follow."""
    trees = [tree for cell in cells if (tree := parsed(cell))]
    texts = [ast.unparse(node) for tree in trees for node in tree.body if is_future(node)]
    return list(dict.fromkeys(texts))


def _only(cell: str, kept: Sequence[ast.stmt]) -> list[str]:
    """The lines of the cell, those empty that no kept statement stands on."""
    wanted = {number for node in kept for number in range(first_line(node), _last_line(node) + 1)}
    return [line if n in wanted else "" for n, line in enumerate(cell.split("\n"), start=1)]


def _last_line(node: ast.stmt) -> int:
    return node.end_lineno or node.lineno


def _beginning(futures: Sequence[str], carried: Sequence[CellStatement]) -> tuple[str, str]:
    """What comes first, and what comes as soon as all that must be first has come."""
    if not carried:
        return "; ".join(futures), ""
    text = "\n".join([*futures, *(ast.unparse(statement.node) for statement in carried)])
    return "; ".join(futures), f"exec(compile({text!r}, {ELSEWHERE!r}, 'exec'))"


def _with_beginning(lines: list[str], tree: ast.Module, beginning: tuple[str, str]) -> str:
    first, then = beginning
    futures = [node for node in tree.body if is_future(node)]
    lines[0] = first
    if then and futures:
        place, column = _last_line(futures[-1]) - 1, futures[-1].end_col_offset
        lines[place] = f"{lines[place][:column]}; {then}"
    elif then:
        lines[0] = "; ".join(filter(None, beginning))
    return "\n".join(lines)
