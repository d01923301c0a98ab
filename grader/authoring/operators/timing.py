"""Operators on waits: what is awaited when, in which order, and for how long."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from copy import deepcopy

from .declaring import as_kind, called, changed, operator, parsed


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
