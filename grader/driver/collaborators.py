"""Builds what an app factory is handed from the scenario's descriptions.

Every call of a collaborator is a span with the learner's line that made it. Coroutine
functions are real ones: FastAPI and the learner's own code may ask.
"""

from __future__ import annotations

import asyncio
import hashlib
import inspect
from collections.abc import AsyncIterator, Mapping
from functools import cache
from types import CodeType
from typing import Any

from ..model.scenarios import (
    CLOSED,
    CLOSED_MEANWHILE,
    Behaviour,
    Blocks,
    ByArgument,
    Collaborator,
    InTurn,
    Named,
    Opens,
    Rows,
    Takes,
    Value,
)
from ..model.trace import Ending
from ..model.values import unpacked
from .behaviours import block, chooser, exception, parameters_of, perform
from .context import NewService, PlayContext
from .recorder import Open, Recorder, sendable, steady


def build_all(
    descriptions: Mapping[str, Collaborator], context: PlayContext, new_service: NewService
) -> dict[str, Any]:
    """What the factory is handed, by the name of each parameter.

    In one play it is the same each time: what is outside of an app outlives it.

    Args:
        new_service: makes the services; the driver knows none.
    """
    if context.handed is None:
        context.handed = _all(descriptions, context, new_service)
    return context.handed


def _all(
    descriptions: Mapping[str, Collaborator], context: PlayContext, new_service: NewService
) -> dict[str, Any]:
    return {
        name: build(description, name, context, new_service)
        for name, description in descriptions.items()
    }


def build(
    description: Collaborator, name: str, context: PlayContext, new_service: NewService
) -> Any:
    """What the factory is handed: a callable, a dict of them, or the address of a service."""
    recorder = context.recorder
    match description:
        case Takes() | InTurn() | ByArgument():
            return coroutine_function(description, name, recorder)
        case Blocks():
            return blocking_function(description, name, recorder)
        case Rows():
            return generator_function(description, name, recorder)
        case Opens():
            return opening_function(description, name, recorder)
        case Named(members):
            return _all(members, context, new_service)
        case Value(value):
            return unpacked(value)
        case _:
            return context.add(new_service(description, name, context))


def coroutine_function(behaviour: Behaviour, name: str, recorder: Recorder) -> Any:
    """A coroutine function of this name that behaves so, and whose calls are recorded."""
    choose = chooser(behaviour)

    async def collaborator(*args: Any, **kwargs: Any) -> Any:
        arguments = (*args, *kwargs.values())
        with Call(recorder, name, arguments=arguments):
            return await perform(choose(arguments))

    return with_parameters(renamed(collaborator, name), parameters_of(behaviour))


def blocking_function(description: Blocks, name: str, recorder: Recorder) -> Any:
    """The same as a plain function, which blocks the thread that calls it."""

    def collaborator(*args: Any, **kwargs: Any) -> Any:
        with Call(recorder, name, arguments=(*args, *kwargs.values())):
            return block(description)

    return with_parameters(renamed(collaborator, name), description.parameters)


def with_parameters(function: Any, names: tuple[str, ...] | None) -> Any:
    """A function that takes these and nothing else, and fails as Python would have it.

    Without names it takes whatever it is called with. To code that
    inspects it, such as FastAPI, it then has no parameters: `*args` would mean nothing there.
    """
    if names is None:
        function.__signature__ = inspect.Signature()
        return function
    # The call itself must fail, not the first step of a coroutine; and it must be a coroutine
    # function all the same. Only a function with just these parameters is both.
    is_async = inspect.iscoroutinefunction(function)
    header = f"{'async def' if is_async else 'def'} strict({', '.join(names)}):"
    result = f"{'await ' if is_async else ''}function({', '.join(names)})"
    made: dict[str, Any] = {"function": function}
    exec(_compiled(f"{header}\n    return {result}"), made)
    return renamed(made["strict"], function.__name__)


@cache
def _compiled(source: str) -> CodeType:
    return compile(source, __file__, "exec")


def generator_function(description: Rows, name: str, recorder: Recorder) -> Any:
    """The same as an async generator function."""

    async def collaborator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        arguments = (*args, *kwargs.values())
        with Call(recorder, name, resource=recorder.new_resource(), arguments=arguments) as call:
            call.facts["count"] = 0
            for row in _rows_for(description, arguments):
                await asyncio.sleep(description.every)
                call.facts["count"] += 1
                yield row
            await _end_rows(description)

    return with_parameters(renamed(collaborator, name), description.parameters)


def _rows_for(description: Rows, arguments: tuple[Any, ...]) -> list[Any]:
    rows = list(map(unpacked, description.rows))
    if not description.after_argument:
        return rows
    after = arguments[0] if arguments else 0
    return [tuple(row) for row in rows if row[0] > after]


async def _end_rows(description: Rows) -> None:
    if not description.ends:
        await asyncio.Event().wait()
    if description.raises is not None:
        raise exception(description.raises)


def opening_function(description: Opens, name: str, recorder: Recorder) -> Any:
    """A coroutine function of this name that opens a `Resource`."""
    choose = chooser(description.opening)

    async def collaborator(*args: Any, **kwargs: Any) -> Resource:
        arguments = (*args, *kwargs.values())
        with Call(recorder, name, arguments=arguments) as call:
            await perform(choose(arguments))
            number = call.facts["resource"] = recorder.new_resource()
            return Resource(description, name, recorder, number)

    return with_parameters(renamed(collaborator, name), parameters_of(description.opening))


class Resource:
    """What an `Opens` collaborator returns. Refuses to be used once it is closed."""

    def __init__(self, description: Opens, name: str, recorder: Recorder, number: int) -> None:
        self._name = name
        self._recorder = recorder
        self._number = number
        self._closed = False
        for method, behaviour in description.methods.items():
            setattr(self, method, self._method(method, behaviour))

    def __repr__(self) -> str:
        return f"<{self._name} {self._number}{' closed' if self._closed else ''}>"

    def _method(self, method: str, behaviour: Behaviour) -> Any:
        choose = chooser(behaviour)
        name = f"{self._name}.{method}"

        async def call(*args: Any, **kwargs: Any) -> Any:
            arguments = (*args, *kwargs.values())
            with Call(self._recorder, name, resource=self._number, arguments=arguments):
                if method == "close":
                    self._closed = True
                    return await perform(choose(arguments))
                return await self._use(choose(arguments))

        return with_parameters(renamed(call, method), parameters_of(behaviour))

    async def _use(self, step: Takes) -> Any:
        if self._closed:
            raise ConnectionError(CLOSED)
        result = await perform(step)
        if self._closed:
            raise ConnectionError(CLOSED_MEANWHILE)
        return result


class Call:
    """The span of one call, and the truth of how it ended."""

    def __init__(self, recorder: Recorder, name: str, **facts: Any) -> None:
        self._recorder = recorder
        self._arguments = facts.pop("arguments", ())
        self._facts = facts
        self._name = name

    def __enter__(self) -> Open:
        self._span = self._recorder.begin(
            "call",
            self._name,
            line=self._recorder.line_of_call(),
            task=self._recorder.task_name(),
            arguments=tuple(as_data(argument) for argument in self._arguments),
            **self._facts,
        )
        return self._span

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        self._recorder.end(self._span, ending(kind))


def ending(kind: type[BaseException] | None) -> Ending:
    """How a call ended, by the type of the exception that it raised, if it raised one."""
    if kind is None:
        return "done"
    return "cancelled" if issubclass(kind, asyncio.CancelledError | GeneratorExit) else "failed"


def as_data(value: Any) -> Any:
    """A value as JSON can hold it; what JSON has no form for becomes its repr."""
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, bytes):
        return as_text(value)
    if isinstance(value, int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [as_data(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_data(item) for key, item in value.items()}
    model_dump = getattr(value, "model_dump", None)
    return as_data(model_dump()) if callable(model_dump) else steady(repr(value))[:200]


def as_text(value: bytes) -> str:
    """Bytes as text; of many only how many, and a hash."""
    if len(value) > MOST_BYTES:
        return f"{len(value)} bytes, SHA-256 {hashlib.sha256(value).hexdigest()[:16]}"
    return value.decode("utf-8", "replace")


MOST_BYTES = 2_000
"""Bytes of an argument that are kept as they are."""


def renamed(function: Any, name: str) -> Any:
    """The function itself, called by another name from now on."""
    function.__name__ = function.__qualname__ = name
    return function
