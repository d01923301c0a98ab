"""Notes what FastAPI does around an endpoint: dependencies, what follows `yield`, validation.

No function of the user's is wrapped, so overrides, caches and signatures stay what they are. What
FastAPI asks its own functions on the way says how far it has come; see `private.py`.
"""

from __future__ import annotations

import asyncio
import functools
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import AsyncExitStack, ExitStack, contextmanager, suppress
from types import FrameType
from typing import Any, NamedTuple

from ..clock import current_clock
from ..clock.patching import replaced
from ..model.trace import Ending
from .recorder import Open, Recorder


@contextmanager
def dependencies_noted(recorder: Recorder) -> Iterator[None]:
    """Make spans of dependencies and validations, if FastAPI is in use."""
    utils = sys.modules.get("fastapi.dependencies.utils")
    routing = sys.modules.get("fastapi.routing")
    with ExitStack() as stack:
        if utils is not None and routing is not None:
            with suppress(AttributeError):  # a FastAPI that works otherwise is played without
                for module, observers in _observers(recorder, utils, routing):
                    stack.enter_context(replaced(module, **observers))
        yield


def _observers(recorder: Recorder, utils: Any, routing: Any) -> list[tuple[Any, dict[str, Any]]]:
    """What is called in place of which functions of FastAPI's."""
    solving = Solving(recorder, utils)
    operation = functools.partial(Operation, solving, routing._operation)
    failed = functools.partial(solving.validation_failed, routing._validation_failed)
    return [
        (routing, {"_operation": operation, "_validation_failed": failed}),
        (
            utils,
            {
                "_is_coroutine_callable": solving.is_coroutine_callable,
                "_solve_generator": solving.solve_generator,
                "solve_dependencies": solving.solve_dependencies,
                "request_params_to_args": solving.request_params_to_args,
                "request_body_to_args": solving.request_body_to_args,
                "SolvedDependency": solving.solved_dependency,
            },
        ),
    ]


class Step(NamedTuple):
    """What a call of `solve_dependencies` is at.

    Attributes:
        cleanup: what follows the `yield` of the dependency that is solved, if it has one.
        errors: how many there were before the validation, of dependencies.
    """

    span: Open
    cleanup: Cleanup | None = None
    errors: int = 0


class Solving:
    """How far each call of FastAPI's `solve_dependencies` has come, told by its frame.

    Such a call does one thing after the other: it solves the dependencies of one function, for
    each of which it calls itself first, and then validates that function's parameters. In its
    place, the methods that are named as FastAPI's functions are called by its frame.
    """

    def __init__(self, recorder: Recorder, utils: Any) -> None:
        self._recorder = recorder
        self._dependencies: dict[FrameType, Step] = {}
        self._validations: dict[FrameType, Step] = {}
        self._is_coroutine = utils._is_coroutine_callable
        self._generator = utils._solve_generator
        self._solve = utils.solve_dependencies
        self._params = utils.request_params_to_args
        self._body = utils.request_body_to_args
        self._solved = utils.SolvedDependency

    # What is called on the way

    def is_coroutine_callable(self, call: Any) -> bool:
        """Asked of a dependency without `yield` right before it is called."""
        self._begin(sys._getframe(1), call)
        return bool(self._is_coroutine(call))

    def solve_generator(self, **arguments: Any) -> Any:
        """Called for a dependency with `yield`."""
        self._begin(sys._getframe(1), arguments["dependant"].call, arguments["stack"])
        return self._generator(**arguments)

    def solve_dependencies(self, **arguments: Any) -> Any:
        """Called when the next dependency's own dependencies are to be solved."""
        self._go_on(sys._getframe(1))
        return self._solve(**arguments)

    def request_params_to_args(self, fields: Sequence[Any], *received: Any) -> Any:
        """Called four times when all dependencies are solved."""
        self._validate(sys._getframe(1), fields)
        return self._params(fields, *received)

    def request_body_to_args(self, **arguments: Any) -> Any:
        """Called after that if there is a body."""
        self._validate(sys._getframe(1), arguments["body_fields"])
        return self._body(**arguments)

    def solved_dependency(self, *, errors: list[Any], **result: Any) -> Any:
        """Called at the end, with all errors of the function and of its dependencies."""
        validation = self._validations.pop(sys._getframe(1), None)
        if validation is not None:
            self._validated(validation.span, errors[validation.errors :])
        return self._solved(errors=errors, **result)

    def validation_failed(self, real: Callable[[Any], None], error: Any) -> None:
        """Called when a request is refused; one whose body isn't JSON is not solved before."""
        real(error)
        errors = error.errors()
        if self._is_mine() and [one["type"] for one in errors] == ["json_invalid"]:
            span = self._recorder.begin("validation", "", task=self._recorder.task_name())
            self._recorder.end(span, "failed", arguments=tuple(map(_in_words, errors)))

    def fail(self, error: BaseException) -> None:
        """An error has come through calls of `solve_dependencies`, and ends what they were at."""
        how = ending_by(error)
        at = error.__traceback__
        while at is not None:
            for steps in (self._dependencies, self._validations):
                step = steps.pop(at.tb_frame, None)
                if step is not None:
                    self._recorder.end(step.span, how)
            at = at.tb_next

    # What that says

    def _is_mine(self) -> bool:
        """Whether it is said within this play, and not within another one."""
        return current_clock() is self._recorder.clock

    def _begin(self, frame: FrameType, call: Any, stack: AsyncExitStack | None = None) -> None:
        if self._is_mine():
            facts = facts_of(call, self._recorder)
            cleanup = Cleanup(self._recorder, stack, facts) if stack is not None else None
            span = self._recorder.begin("dependency", **facts)
            self._dependencies[frame] = Step(span, cleanup)

    def _go_on(self, frame: FrameType) -> None:
        """The dependency that the frame was at is solved."""
        dependency = self._dependencies.pop(frame, None)
        if dependency is not None:
            self._recorder.end(dependency.span, "done")
            if dependency.cleanup is not None:
                dependency.cleanup.expect()

    def _validate(self, frame: FrameType, fields: Sequence[Any]) -> None:
        self._go_on(frame)
        if fields and frame not in self._validations and self._is_mine():
            known = frame.f_locals
            facts = facts_of(known["dependant"].call, self._recorder)
            span = self._recorder.begin("validation", **facts)
            self._validations[frame] = Step(span, errors=len(known["errors"]))

    def _validated(self, span: Open, errors: list[Any]) -> None:
        """A validation that finds nothing, in no time, is nothing to tell of."""
        if errors:
            self._recorder.end(span, "failed", arguments=tuple(map(_in_words, errors)))
        elif self._recorder.clock.now > span.start.tick:
            self._recorder.end(span, "done")
        else:
            self._recorder.forget(span)


class Cleanup:
    """What follows the `yield` of a dependency: from when to when it runs.

    Two callbacks on the exit stack that ends the dependency, below it and above it, run right after
    that and right before.
    """

    def __init__(self, recorder: Recorder, stack: AsyncExitStack, facts: dict[str, Any]) -> None:
        self._recorder = recorder
        self._stack = stack
        self._facts = facts
        self._span: Open | None = None
        self._error: BaseException | None = None
        stack.push(self._end)

    def expect(self) -> None:
        """The dependency has come to its `yield`."""
        self._stack.push(self._begin)

    def _begin(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        self._error = error
        facts = self._facts | {"task": self._recorder.task_name()}
        self._span = self._recorder.begin("cleanup", **facts)

    def _end(self, kind: Any, error: BaseException | None, traceback: Any) -> None:
        before, self._error = self._error, None
        if self._span is not None:
            is_new = error is not None and error is not before
            self._recorder.end(self._span, ending_by(error) if is_new else "done")


class Operation:
    """Stands for the context manager in which FastAPI solves dependencies, or does other things."""

    def __init__(self, solving: Solving, real: Callable[..., Any], **arguments: Any) -> None:
        self._solving = solving
        self._real = real(**arguments)

    def __enter__(self) -> Any:
        return self._real.__enter__()

    def __exit__(self, kind: Any, error: BaseException | None, traceback: Any) -> Any:
        if error is not None:
            self._solving.fail(error)
            _leave_out_own_lines(error)
        return self._real.__exit__(kind, error, traceback)


def _leave_out_own_lines(error: BaseException) -> None:
    """Take this module's lines out of a traceback; its first line is FastAPI's."""
    at = error.__traceback__
    while at is not None:
        after = at.tb_next
        while after is not None and after.tb_frame.f_code.co_filename == __file__:
            after = after.tb_next
        at.tb_next = after
        at = after


def _in_words(error: Any) -> str:
    """Where a request is wrong, and in what: `query.page: int_parsing`."""
    return f"{'.'.join(map(str, error['loc']))}: {error['type']}"


def ending_by(error: BaseException | None) -> Ending:
    """How what an error has ended did end."""
    return "cancelled" if isinstance(error, asyncio.CancelledError) else "failed"


def facts_of(call: Any, recorder: Recorder) -> dict[str, Any]:
    """Name and line of what FastAPI or Starlette calls, as a span has them, and the task."""
    while isinstance(call, functools.partial):
        call = call.func
    name = getattr(call, "__qualname__", None) or type(call).__qualname__
    code = vars(call).get("__init__", call) if isinstance(call, type) else call
    code = code if hasattr(code, "__code__") else getattr(type(code), "__call__", None)  # noqa: B004
    return {
        "name": str(name).rpartition(".<locals>.")[2],
        "line": recorder.lines.of_function(code),
        "task": recorder.task_name(),
    }
