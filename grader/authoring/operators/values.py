"""Operators on values and on conditions."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator

from .declaring import block, changed, operator, without

# Values


@operator("status-changed", ast.Constant)
def status_changed(node: ast.Constant) -> Iterator[ast.AST]:
    if type(node.value) is int and 200 <= node.value <= 599:
        usual = node.value // 100 * 100
        yield ast.Constant(usual if node.value != usual else usual + 2)


@operator("constant-changed", ast.Constant)
def constant_changed(node: ast.Constant) -> Iterator[ast.AST]:
    match node.value:
        case bool():
            yield ast.Constant(not node.value)
        case int() if not 200 <= node.value <= 599:
            yield ast.Constant(node.value + 1)
        case float():
            yield ast.Constant(node.value * 1.5)
        case str() if node.value and " " not in node.value.strip():
            yield ast.Constant(node.value + "x")


@operator("clause-dropped", ast.Constant)
def clause_dropped(node: ast.Constant) -> Iterator[ast.AST]:
    """A statement in SQL loses one of its clauses."""
    clauses = (
        r"\border by [\w., ]+?(?= limit\b| for\b| returning\b|\)|\s*$)",
        r"\bfor update\b",
        r"\bskip locked\b",
        r"\blimit \S+",
        r"\bon conflict\b.*?(?= returning\b|\s*$)",
        r"\bdistinct\b",
        r"(?<=\w )and [\w.]+ (?:[<>=!]+|is|in) \S+",
    )
    if isinstance(node.value, str) and " " in node.value.strip():
        for clause in clauses:
            shorter = re.sub(clause, "", node.value, flags=re.IGNORECASE | re.DOTALL)
            if shorter != node.value:
                yield ast.Constant(shorter)
        for name in re.findall(r"coalesce\((\S+), \S+\)", node.value, re.IGNORECASE):
            pattern = rf"coalesce\({re.escape(name)}, \S+\)"
            yield ast.Constant(re.sub(pattern, lambda _: name, node.value, flags=re.I))  # noqa: B023


@operator("return-changed", ast.Return)
def return_changed(node: ast.Return) -> Iterator[ast.AST]:
    if node.value is not None:
        yield ast.Return(ast.Constant(None))


@operator("member-dropped", ast.Dict)
def member_dropped(node: ast.Dict) -> Iterator[ast.AST]:
    for index in range(len(node.keys)):
        yield changed(node, keys=without(node.keys, index), values=without(node.values, index))


@operator("argument-swapped", ast.Call)
def argument_swapped(node: ast.Call) -> Iterator[ast.AST]:
    for index in range(len(node.args) - 1):
        one, other = node.args[index : index + 2]
        if not isinstance(one, ast.Starred) and not isinstance(other, ast.Starred):
            yield changed(node, args=[*node.args[:index], other, one, *node.args[index + 2 :]])


@operator("keyword-dropped", ast.Call)
def keyword_dropped(node: ast.Call) -> Iterator[ast.AST]:
    for index in range(len(node.keywords)):
        yield changed(node, keywords=without(node.keywords, index))


@operator("bound-changed", ast.keyword)
def bound_changed(node: ast.keyword) -> Iterator[ast.AST]:
    """`ge` for `gt`, and so on."""
    other = {"ge": "gt", "gt": "ge", "le": "lt", "lt": "le"}
    if node.arg in other:
        yield changed(node, arg=other[node.arg])


@operator("log-changed", ast.Call)
def log_changed(node: ast.Call) -> Iterator[ast.AST]:
    other = {"exception": "info", "error": "info", "warning": "info", "info": "error"}
    if isinstance(node.func, ast.Attribute) and node.func.attr in other and node.args:
        yield changed(node, func=changed(node.func, attr=other[node.func.attr]))


# Conditions


_OPPOSITE: dict[type[ast.AST], type[ast.AST]] = {
    ast.Lt: ast.LtE,
    ast.LtE: ast.Lt,
    ast.Gt: ast.GtE,
    ast.GtE: ast.Gt,
    ast.Eq: ast.NotEq,
    ast.NotEq: ast.Eq,
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
    ast.And: ast.Or,
    ast.Or: ast.And,
    ast.Add: ast.Sub,
    ast.Sub: ast.Add,
    ast.Mult: ast.Add,
    ast.Div: ast.Mult,
}


@operator("operator-changed", ast.Compare)
def comparison_changed(node: ast.Compare) -> Iterator[ast.AST]:
    yield changed(node, ops=[_OPPOSITE.get(type(one), type(one))() for one in node.ops])


@operator("operator-changed", ast.BoolOp, ast.BinOp, ast.AugAssign)
def operator_changed(node: ast.BoolOp | ast.BinOp | ast.AugAssign) -> Iterator[ast.AST]:
    if type(node.op) in _OPPOSITE:
        yield changed(node, op=_OPPOSITE[type(node.op)]())


@operator("condition-turned", ast.If, ast.IfExp, ast.While)
def condition_turned(node: ast.If | ast.IfExp | ast.While) -> Iterator[ast.AST]:
    if isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not):
        yield changed(node, test=node.test.operand)
    elif not isinstance(node.test, ast.Compare):  # whose operator is changed anyway
        yield changed(node, test=ast.UnaryOp(ast.Not(), node.test))


@operator("condition-gone", ast.If)
def condition_gone(node: ast.If) -> Iterator[ast.AST]:
    """As if it were always so, or never."""
    yield block(*node.body)
    yield block(*node.orelse)


@operator("filter-dropped", ast.comprehension)
def filter_dropped(node: ast.comprehension) -> Iterator[ast.AST]:
    if node.ifs:
        yield changed(node, ifs=[])
