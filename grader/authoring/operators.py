"""The ways to make a wrong answer of a right one, each a function on a part of its tree.

An operator gets a node and gives what could stand in its place: another node, or a `Block` of
statements, which may be empty. It changes nothing of the node that it gets.
"""

from __future__ import annotations

import ast
import re
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
"""All operators, in the order of this module and of those that add to it."""


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
    return [*items[:index], *items[index + 1 :]]


# Statements that go


@operator("call-dropped", ast.Expr)
def call_dropped(node: ast.Expr) -> Iterator[ast.AST]:
    if called(node.value):
        yield block()


@operator("raise-dropped", ast.Raise)
def raise_dropped(node: ast.Raise) -> Iterator[ast.AST]:
    yield block()


@operator("assignment-dropped", ast.Assign, ast.AugAssign)
def assignment_dropped(node: ast.Assign | ast.AugAssign) -> Iterator[ast.AST]:
    targets = node.targets if isinstance(node, ast.Assign) else [node.target]
    is_kept = any(isinstance(target, ast.Attribute | ast.Subscript) for target in targets)
    if is_kept or isinstance(node, ast.AugAssign):
        yield block()


@operator("yield-dropped", ast.Expr)
def yield_dropped(node: ast.Expr) -> Iterator[ast.AST]:
    if isinstance(node.value, ast.Yield) and node.value.value is not None:
        yield block()


@operator("jump-changed", ast.Break, ast.Continue)
def jump_changed(node: ast.Break | ast.Continue) -> Iterator[ast.AST]:
    yield block()
    yield ast.Continue() if isinstance(node, ast.Break) else ast.Break()


# Errors


@operator("finally-gone", ast.Try, ast.TryStar)
def finally_gone(node: ast.Try) -> Iterator[ast.AST]:
    """What stood in `finally` comes last, and only if nothing was raised."""
    if node.finalbody:
        rest = [changed(node, finalbody=[])] if node.handlers else node.body
        yield block(*rest, *node.finalbody)


@operator("except-dropped", ast.Try, ast.TryStar)
def except_dropped(node: ast.Try) -> Iterator[ast.AST]:
    for index in range(len(node.handlers)):
        handlers = without(node.handlers, index)
        if handlers or node.finalbody:
            yield changed(node, handlers=handlers, orelse=node.orelse if handlers else [])
        else:
            yield block(*node.body, *node.orelse)


@operator("except-widened", ast.ExceptHandler)
def except_widened(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    wider = {"Exception": "BaseException", "BaseException": None}
    name = wider.get(node.type.id, "Exception") if isinstance(node.type, ast.Name) else "Exception"
    if name and node.type is not None:
        yield changed(node, type=ast.Name(name))


@operator("except-narrowed", ast.ExceptHandler)
def except_narrowed(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    for name in ("RuntimeError", "OSError"):
        if isinstance(node.type, ast.Name) and node.type.id in ("Exception", "BaseException"):
            yield changed(node, type=ast.Name(name))
    if isinstance(node.type, ast.Tuple):
        for index in range(len(node.type.elts)):
            yield changed(node, type=changed(node.type, elts=without(node.type.elts, index)))


@operator("except-silent", ast.ExceptHandler)
def except_silent(node: ast.ExceptHandler) -> Iterator[ast.AST]:
    if not isinstance(node.body[0], ast.Pass):
        yield changed(node, body=[ast.Pass()])


@operator("error-told", ast.Try, ast.TryStar)
def error_told(node: ast.Try | ast.TryStar) -> Iterator[ast.AST]:
    """The detail of an answer is the text of the error that is handled."""
    told = "error.exceptions" if isinstance(node, ast.TryStar) else "error"
    for index, handler in enumerate(node.handlers):
        is_any = isinstance(handler.type, ast.Name) and handler.type.id == "Exception"
        for call in (one for part in handler.body for one in ast.walk(part) if is_any):
            if called(call) == "HTTPException" and isinstance(call, ast.Call) and call.args[1:]:
                detail = changed(call, args=[call.args[0], parsed(f"str({told})")])
                body = deepcopy(handler.body, {id(call): detail})
                other = changed(handler, name="error", body=body)
                yield changed(
                    node, handlers=[*node.handlers[:index], other, *node.handlers[index + 1 :]]
                )


# `with`


@operator("with-gone", ast.With, ast.AsyncWith)
def with_gone(node: ast.With | ast.AsyncWith) -> Iterator[ast.AST]:
    """A lock, a semaphore or a time limit is gone."""
    for index, item in enumerate(node.items):
        if item.optional_vars is None:
            items = without(node.items, index)
            yield changed(node, items=items) if items else block(*node.body)


@operator("with-unrolled", ast.With, ast.AsyncWith)
def with_unrolled(node: ast.With | ast.AsyncWith) -> Iterator[ast.AST]:
    """What is entered is left only if all goes well, or never."""
    if len(node.items) > 1 or called(node.items[0].context_expr) in ("timeout", "TaskGroup"):
        return
    waits, a = ("await ", "a") if isinstance(node, ast.AsyncWith) else ("", "")
    [item] = node.items
    manager = ast.Name("manager")
    enter = parsed(f"{waits}manager.__{a}enter__()")
    into = item.optional_vars
    first = _statement("manager = None", value=item.context_expr)
    second = ast.Assign([into], enter, lineno=0) if into else ast.Expr(enter)
    leave = ast.Expr(parsed(f"{waits}manager.__{a}exit__(None, None, None)", manager=manager))
    yield block(first, second, *node.body, leave)
    yield block(first, second, *node.body)


def _statement(text: str, **fields: Any) -> Any:
    return changed(ast.parse(text).body[0], **fields)


@operator("timeout-doubled", ast.Call)
def timeout_doubled(node: ast.Call) -> Iterator[ast.AST]:
    place = {"timeout": 0, "timeout_at": 0, "wait_for": 1, "move_on_after": 0, "fail_after": 0}
    index = place.get(called(node), len(node.args))
    if index < len(node.args):
        args = list(node.args)
        args[index] = parsed("2 * limit", limit=args[index])
        yield changed(node, args=args)


@operator("timeout-gone", ast.Call)
def timeout_gone(node: ast.Call) -> Iterator[ast.AST]:
    if called(node) == "wait_for":
        yield node.args[0]


# Waiting


@operator("await-dropped", ast.Await)
def await_dropped(node: ast.Await) -> Iterator[ast.AST]:
    yield node.value


@operator("blocks", ast.Await)
def blocks(node: ast.Await) -> Iterator[ast.AST]:
    """`time.sleep` in the place of `asyncio.sleep`."""
    if called(node) == "sleep" and isinstance(node.value, ast.Call) and len(node.value.args) == 1:
        yield parsed("__import__('time').sleep(delay)", delay=node.value.args[0])


@operator("in-turn", ast.Await)
def gathered_in_turn(node: ast.Await) -> Iterator[ast.AST]:
    """`gather` becomes awaits, one after the other."""
    if called(node) != "gather" or not isinstance(node.value, ast.Call):
        return
    match node.value.args:
        case [ast.Starred(value=ast.GeneratorExp() | ast.ListComp() as each)]:
            yield ast.ListComp(ast.Await(each.elt), each.generators)
        case [ast.Starred(value=many)]:
            yield parsed("[await one for one in many]", many=many)
        case several if not any(isinstance(one, ast.Starred) for one in several):
            yield ast.Tuple([ast.Await(one) for one in several], ast.Load())


@operator("in-turn", ast.AsyncWith, ast.AsyncFunctionDef)
def task_awaited_at_once(node: ast.AsyncWith | ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """A task is awaited before the next one is made."""
    places = [index for index, one in enumerate(node.body) if _makes_task(one)]
    for index in places[:-1]:
        begin, one, end = node.body[:index], node.body[index], node.body[index + 1 :]
        match one:
            case ast.Expr(value=task):
                yield changed(node, body=[*begin, ast.Expr(ast.Await(task)), *end])
            case ast.Assign(targets=[ast.Name(id=name)]):
                wait = ast.Expr(ast.Await(ast.Name(name)))
                yield changed(node, body=[*begin, one, wait, *end])


def _makes_task(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr | ast.Assign) and called(node.value) == "create_task"


@operator("in-turn", ast.ListComp, ast.DictComp, ast.For)
def tasks_of_loop_awaited_at_once(node: ast.AST) -> Iterator[ast.AST]:
    """A loop goes on when the task that it made has ended."""
    for call in ast.walk(node):
        if isinstance(call, ast.Call) and called(call) == "create_task":
            waits = parsed("[task := made, await task][0]", made=call)
            yield deepcopy(node, {id(call): waits})


@operator("background-awaited", ast.Expr)
def background_awaited(node: ast.Expr) -> Iterator[ast.AST]:
    """The work of `add_task` is done before the answer, or in a task that nobody holds."""
    if called(node.value) == "add_task" and isinstance(node.value, ast.Call):
        function, *args = node.value.args
        work = ast.Call(function, args, node.value.keywords)
        yield ast.Expr(ast.Await(work))
        yield ast.Expr(parsed("asyncio.create_task(work)", work=work))


@operator("collected-first", ast.AsyncFor)
def collected_first(node: ast.AsyncFor) -> Iterator[ast.AST]:
    """All is read before the first of it is used."""
    every = parsed("[one async for one in many]", many=node.iter)
    yield ast.For(node.target, every, node.body, node.orelse, lineno=0)


@operator("on-the-loop", ast.FunctionDef)
def on_the_loop(node: ast.FunctionDef) -> Iterator[ast.AST]:
    """An endpoint in `def`, which has a thread, becomes `async def`, which has none."""
    if any(called(one) in HTTP_METHODS for one in node.decorator_list):
        yield as_kind(ast.AsyncFunctionDef, node)


@operator("in-a-thread", ast.AsyncFunctionDef)
def in_a_thread(node: ast.AsyncFunctionDef) -> Iterator[ast.AST]:
    """An endpoint that awaits nothing becomes `def`, which runs in a thread beside the others."""
    waits = (ast.Await, ast.AsyncFor, ast.AsyncWith, ast.Yield)
    is_endpoint = any(called(one) in HTTP_METHODS for one in node.decorator_list)
    if is_endpoint and not any(isinstance(one, waits) for one in ast.walk(node)):
        yield as_kind(ast.FunctionDef, node)


HTTP_METHODS = ("get", "post", "put", "patch", "delete")


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
