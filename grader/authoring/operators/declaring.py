"""How an operator is declared, and what operators make nodes with."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterator
from copy import copy, deepcopy
from typing import Any, NamedTuple

Operator = Callable[[Any], Iterator[ast.AST]]


class Mutation(NamedTuple):
    """An operator by its name, and the kinds of nodes that it changes."""

    name: str
    kinds: tuple[type[ast.AST], ...]
    apply: Operator


MUTATIONS: list[Mutation] = []
"""All operators, in the order in which they are declared."""


def operator(name: str, *kinds: type[ast.AST]) -> Callable[[Operator], Operator]:
    """Declare an operator: its name, and the nodes that it is given."""

    def declared(apply: Operator) -> Operator:
        MUTATIONS.append(Mutation(name, kinds, apply))
        return apply

    return declared


def block(*statements: ast.stmt) -> ast.stmt:
    """Statements in the place of one; `pass` in that of none."""
    body = list(statements) or [ast.Pass()]
    # A module isn't a statement, but it is written as its statements, wherever it stands.
    return body[0] if len(body) == 1 else ast.Module(body, [])  # type: ignore[return-value]


def changed(node: ast.AST, **fields: Any) -> Any:
    """A copy of a node with other fields. What hangs below it is shared."""
    other = copy(node)
    for name, value in fields.items():
        setattr(other, name, value)
    return other


def as_kind(kind: type[ast.AST], node: ast.AST) -> ast.AST:
    """The same as a node of another kind that has the same fields."""
    return kind(**vars(node))


def parsed(expression: str, **parts: ast.expr) -> ast.expr:
    """An expression, with nodes in the place of some of its names."""
    tree = ast.parse(expression, mode="eval").body
    memo = {id(n): parts[n.id] for n in ast.walk(tree) if isinstance(n, ast.Name) and n.id in parts}
    return deepcopy(tree, memo)


def called(node: ast.AST) -> str:
    """The last name of what a call calls, awaited or not; empty if there is none."""
    call = node.value if isinstance(node, ast.Await) else node
    function = call.func if isinstance(call, ast.Call) else None
    match function:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
    return ""


def without(items: list[Any], index: int) -> list[Any]:
    """The items but for that one."""
    return [*items[:index], *items[index + 1 :]]
