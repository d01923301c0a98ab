"""Builds what an app factory is handed from the scenario's descriptions.

Every call of a collaborator is a span with the learner's line that made it. Coroutine
functions are real ones: FastAPI and the learner's own code may ask.
"""

from __future__ import annotations

import asyncio
import builtins
import inspect
import time
from collections.abc import AsyncIterator, Sequence
from functools import cache
from types import CodeType
from typing import Any

from ..model.scenarios import (
    CLOSED,
    CLOSED_MEANWHILE,
    Blocks,
    Collaborator,
    Connects,
    Error,
    InTurn,
    Mongo,
    Named,
    Postgres,
    Rows,
    Takes,
    Upstream,
)
from ..model.trace import Ending
from .context import PlayContext
from .recorder import Open, Recorder, sendable, steady


def build(description: Collaborator, name: str, context: PlayContext) -> Any:
    """What the factory is handed: a callable, a dict of them, or the address of a service."""
    recorder = context.recorder
    match description:
        case Takes():
            return coroutine_function((description,), name, recorder)
        case InTurn(steps):
            return coroutine_function(steps, name, recorder)
        case Blocks():
            return blocking_function(description, name, recorder)
        case Rows():
            return generator_function(description, name, recorder)
        case Connects():
            return connect_function(description, name, recorder)
        case Named(members):
            return {key: build(member, key, context) for key, member in members.items()}
        case Postgres():
            return _database(description, name, context)
        case Mongo():
            return _mongo_url(description, name, context)
        case Upstream():
            return _base_url(description, name, context)


def _database(description: Postgres, name: str, context: PlayContext) -> str:
    from ..services.postgres.relay import PostgresRelay  # only a play that needs it pays for it

    relay = PostgresRelay(description, name, context)
    context.services.append(relay)
    return relay.dsn


def _mongo_url(description: Mongo, name: str, context: PlayContext) -> str:
    from ..services.mongo.relay import MongoRelay

    relay = MongoRelay(description, name, context)
    context.services.append(relay)
    return relay.url


def _base_url(description: Upstream, name: str, context: PlayContext) -> str:
    from ..services.http.server import UpstreamServer

    server = UpstreamServer(description, name, context)
    context.services.append(server)
    return server.url


def coroutine_function(steps: Sequence[Takes], name: str, recorder: Recorder) -> Any:
    left = list(steps)

    async def collaborator(*args: Any, **kwargs: Any) -> Any:
        step = left.pop(0) if len(left) > 1 else left[0]
        with Call(recorder, name, arguments=(*args, *kwargs.values())):
            return await perform(step)

    return with_parameters(renamed(collaborator, name), steps[0].parameters)


def blocking_function(description: Blocks, name: str, recorder: Recorder) -> Any:
    def collaborator(*args: Any, **kwargs: Any) -> Any:
        with Call(recorder, name, arguments=(*args, *kwargs.values())):
            time.sleep(description.seconds)
            return description.returns

    return with_parameters(renamed(collaborator, name), description.parameters)


def with_parameters(function: Any, names: tuple[str, ...] | None) -> Any:
    """A function that takes these and nothing else, and fails as Python would have it.

    Without names it takes whatever it is called with. To those who ask, such as FastAPI, it
    then has no parameters: they would not know what to make of `*args`.
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
    async def collaborator(*args: Any, **kwargs: Any) -> AsyncIterator[Any]:
        given = 0
        with Call(recorder, name, resource=recorder.new_resource()) as call:
            try:
                for row in description.rows:
                    await asyncio.sleep(description.every)
                    given += 1
                    yield row
            finally:
                call.facts["count"] = given

    return with_parameters(renamed(collaborator, name), None)


def connect_function(description: Connects, name: str, recorder: Recorder) -> Any:
    async def collaborator(*args: Any, **kwargs: Any) -> CollaboratorConnection:
        with Call(recorder, name) as call:
            await perform(Takes(description.seconds))
            resource = call.facts["resource"] = recorder.new_resource()
            return CollaboratorConnection(description, name, recorder, resource)

    return with_parameters(renamed(collaborator, name), None)


class CollaboratorConnection:
    """What a `Connects` collaborator returns. Refuses to be used once it is closed."""

    def __init__(self, description: Connects, name: str, recorder: Recorder, resource: int) -> None:
        self._description = description
        self._name = name
        self._recorder = recorder
        self._resource = resource
        self._closed = False

    def __repr__(self) -> str:
        return f"<CollaboratorConnection {self._resource}{' closed' if self._closed else ''}>"

    async def query(self, sql: str, *args: Any) -> Any:
        """Run a query and return its rows."""
        with self._call("query", sql, *args):
            if self._closed:
                raise ConnectionError(CLOSED)
            rows = await perform(self._description.query)
            if self._closed:
                raise ConnectionError(CLOSED_MEANWHILE)
            return rows

    async def close(self) -> None:
        """Close the connection."""
        with self._call("close"):
            self._closed = True
            await asyncio.sleep(self._description.close)

    def _call(self, what: str, *arguments: Any) -> Call:
        name = f"{self._name}.{what}"
        return Call(self._recorder, name, resource=self._resource, arguments=arguments)


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
    """How a call ended that an exception of type `kind` (or none) came out of."""
    if kind is None:
        return "done"
    return "cancelled" if issubclass(kind, asyncio.CancelledError | GeneratorExit) else "failed"


async def perform(step: Takes) -> Any:
    """Take the time that `step` takes, then do what it says."""
    await asyncio.sleep(step.seconds)
    if step.raises is not None:
        raise exception(step.raises)
    return step.returns


def exception(error: Error) -> BaseException:
    """The exception that a scenario names."""
    if error.status is not None:
        from fastapi import HTTPException

        return HTTPException(error.status, error.text)
    kind = getattr(builtins, error.type, RuntimeError)
    raised: BaseException = kind(error.text)
    return raised


def as_data(value: Any) -> Any:
    """A value as JSON can hold it; what JSON has no form for becomes its repr."""
    if isinstance(value, str):
        return sendable(value)
    if isinstance(value, int | float | bool | None):
        return value
    if isinstance(value, list | tuple):
        return [as_data(item) for item in value]
    if isinstance(value, dict):
        return {str(key): as_data(item) for key, item in value.items()}
    model_dump = getattr(value, "model_dump", None)
    return as_data(model_dump()) if callable(model_dump) else steady(repr(value))[:200]


def renamed(function: Any, name: str) -> Any:
    function.__name__ = function.__qualname__ = name
    return function
