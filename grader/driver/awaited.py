"""Looks into what is suspended: the frames that wait, and a name for what they wait for."""

from __future__ import annotations

import asyncio
import gc
from collections.abc import Awaitable, Iterator
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType
from typing import Any

_WRAPPERS = frozenset({"async_generator_asend", "async_generator_athrow", "coroutine_wrapper"})
_ATTRIBUTES = (("cr_frame", "cr_await"), ("gi_frame", "gi_yieldfrom"), ("ag_frame", "ag_await"))

SHUTDOWN = "the shutdown"
_ASKED_BY = {
    "Request.stream": "a request body",
    "StreamingResponse.listen_for_disconnect": "a hang-up",
    "Conversation.send": "the client to read on",
    "WebSocketConversation.send": "the client to read on",
    "Lifespan.receive": SHUTDOWN,
}
"""What a function that waits for the server (Starlette's, or the driver's) waits for."""


async def of_server(message: Awaitable[Any]) -> Any:
    """Await what only the server can bring about: a client's message, or the shutdown."""
    return await message


OF_SERVER = of_server.__code__


def step(at: Any) -> tuple[FrameType | None, Any]:
    """The frame of a suspended object, and what it awaits in turn."""
    if isinstance(at, CoroutineType):
        return at.cr_frame, at.cr_await
    if isinstance(at, GeneratorType):
        return at.gi_frame, at.gi_yieldfrom
    if isinstance(at, AsyncGeneratorType):
        return at.ag_frame, at.ag_await
    # The objects behind `async for` and `__await__` do not show what they wrap, but the
    # garbage collector knows what they refer to.
    if type(at).__name__ in _WRAPPERS:
        inner = (
            o for o in gc.get_referents(at) if isinstance(o, CoroutineType | AsyncGeneratorType)
        )
        return None, next(inner, None)
    return _compiled_step(at)


LEAVES: set[type] = set()
"""Types of awaited objects that have no frame and await nothing, such as asyncio's futures."""


def _compiled_step(at: Any) -> tuple[FrameType | None, Any]:
    """Cython's coroutines are of types of its own, with the attributes of Python's."""
    for frame, awaited in _ATTRIBUTES:
        if hasattr(type(at), awaited):
            return getattr(at, frame, None), getattr(at, awaited)
    LEAVES.add(type(at))
    return None, None


def frames_of(awaited: Any) -> Iterator[FrameType]:
    """The suspended frames from an awaited object down to the innermost."""
    while awaited is not None:
        frame, awaited = step(awaited)
        if frame is not None:
            yield frame


def coroutines_in(awaited: Any) -> list[Any]:
    """The suspended coroutines from the innermost out to an awaited object itself."""
    found: list[Any] = []
    while awaited is not None:
        if isinstance(awaited, CoroutineType):
            found.insert(0, awaited)
        awaited = step(awaited)[1]
    return found


def name_of(awaited: Any) -> str:
    """What a reader would call an awaited object: `sleep`, `gather`, `Event.wait`."""
    if awaited is None:
        return ""
    if type(awaited).__name__ == "FutureIter":
        awaited = next(filter(asyncio.isfuture, gc.get_referents(awaited)), None)
    if type(awaited).__name__ == "_GatheringFuture":
        return "gather"
    if isinstance(awaited, asyncio.Task):
        awaited = awaited.get_coro()
    name = getattr(awaited, "__qualname__", None)
    if name is None or name.startswith("_ContextManagerMixin"):  # `async with lock`
        inner = step(awaited)[1]
        return name_of(inner) if inner is not None else type(awaited).__name__
    return _short(str(name))


def _short(qualname: str) -> str:
    """A local function's own name, or if that is private the name of the one around it."""
    outer, _, name = qualname.rpartition(".<locals>.")
    return name if not outer or not name.startswith("_") else _short(outer)


def asked_of_server(awaited: Any) -> str:
    """What is waited for, of an awaited object that has come to wait for the server."""
    names = [_short(frame.f_code.co_qualname) for frame in frames_of(awaited)]
    return next((_ASKED_BY[name] for name in names if name in _ASKED_BY), "a client's message")
