"""Operators on statements: those that go, and those that catch, end and clear up."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy
from typing import Any

from .declaring import block, called, changed, operator, parsed, without

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
