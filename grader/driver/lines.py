"""Which line of the learner's file a piece of running code belongs to."""

from __future__ import annotations

import asyncio
import gc
import inspect
import sys
import sysconfig
from collections.abc import Callable
from pathlib import Path
from types import AsyncGeneratorType, CoroutineType, FrameType, GeneratorType, TracebackType
from typing import Any, NamedTuple

_NOT_OWN = tuple(
    str(Path(p).resolve())
    for p in {*sysconfig.get_paths().values(), str(Path(__file__).parents[1])}
    if p
)


def written_by_the_user(filename: str) -> bool:
    """Whether a file is neither the standard library's, nor a package's, nor the kit's."""
    return not filename.startswith(("<frozen", *_NOT_OWN))


class Place(NamedTuple):
    """An `await` in own code: its line, and what is awaited there, by name and itself."""

    line: int
    name: str
    awaited: Any


class Lines:
    """Finds lines of the files that `is_own` accepts (a predicate on file names)."""

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own
        self._known: dict[str, bool] = {}

    def own(self, filename: str) -> bool:
        known = self._known.get(filename)
        if known is None:
            known = self._known[filename] = self._is_own(filename)
        return known

    def of_stack(self, frame: FrameType | None = None) -> int | None:
        """The innermost own line on the stack of the calling thread (or of `frame`)."""
        at = frame or sys._getframe(1)
        while at is not None:
            if self.own(at.f_code.co_filename):
                return at.f_lineno
            at = at.f_back  # type: ignore[assignment]
        return None

    def of_traceback(self, traceback: TracebackType | None) -> int | None:
        """The innermost own line that an exception came through."""
        line = None
        while traceback is not None:
            if self.own(traceback.tb_frame.f_code.co_filename):
                line = traceback.tb_lineno
            traceback = traceback.tb_next
        return line

    def of_error(self, error: BaseException) -> int | None:
        """Like `of_traceback`; looks into groups, causes and contexts if there is no own line."""
        known = [error]
        for one in known:  # which grows; errors may be in each other's contexts
            line = self.of_traceback(one.__traceback__)
            if line is not None:
                return line
            inner = (*getattr(one, "exceptions", ()), one.__cause__, one.__context__)
            known += [new for new in inner if new and all(new is not old for old in known)]
        return None

    def of_function(self, function: Any) -> int | None:
        """Where a function begins, with its decorators; None if it isn't the user's."""
        code = getattr(inspect.unwrap(function), "__code__", None) if function else None
        return code.co_firstlineno if code is not None and self.own(code.co_filename) else None

    def of_wait(self, coroutine: Any) -> Place | None:
        """Where a suspended coroutine waits in own code; None if it waits elsewhere."""
        # Without a function for each step: this is done each time that any task suspends.
        found, at, known = None, coroutine, self._known
        while at is not None:
            if type(at) is CoroutineType:
                frame, inner = at.cr_frame, at.cr_await
            else:
                frame, inner = _step(at)
            if frame is not None:
                name = frame.f_code.co_filename
                if known[name] if name in known else self.own(name):
                    found = frame.f_lineno, inner
            at = inner
        return Place(found[0], _name_of(found[1]), found[1]) if found is not None else None


def _step(at: Any) -> tuple[FrameType | None, Any]:
    """The frame of a suspended object, and what it awaits in turn."""
    if isinstance(at, CoroutineType):
        return at.cr_frame, at.cr_await
    if isinstance(at, GeneratorType):
        return at.gi_frame, at.gi_yieldfrom
    if isinstance(at, AsyncGeneratorType):
        return at.ag_frame, at.ag_await
    # The objects behind `async for` and `__await__` do not tell what they wrap, but the
    # garbage collector knows what they refer to.
    if type(at).__name__ in _WRAPPERS:
        inner = (
            o for o in gc.get_referents(at) if isinstance(o, CoroutineType | AsyncGeneratorType)
        )
        return None, next(inner, None)
    return None, None


_WRAPPERS = frozenset({"async_generator_asend", "async_generator_athrow", "coroutine_wrapper"})


def _name_of(awaited: Any) -> str:
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
        inner = _step(awaited)[1]
        return _name_of(inner) if inner is not None else type(awaited).__name__
    return str(name).rpartition(".<locals>.")[2]
