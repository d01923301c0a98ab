"""Which line of the learner's file a piece of running code belongs to."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from types import CoroutineType, FrameType, TracebackType
from typing import Any, NamedTuple

from ..clock.current import outside_of_loop
from .awaited import LEAVES, OF_SERVER, asked_of_server, name_of, step
from .ownership import is_machinery


class Place(NamedTuple):
    """An `await` in own code: its line, and what is awaited there, by name and itself.

    `coroutine` is the one with that line. `is_for_server` is set if nothing but a message from
    the server can end the wait.
    """

    line: int
    name: str
    awaited: Any
    coroutine: Any
    is_for_server: bool = False


class Lines:
    """Finds lines of the files that `is_own` accepts (a predicate on file names)."""

    def __init__(self, is_own: Callable[[str], bool]) -> None:
        self._is_own = is_own
        self._known: dict[str, bool] = {}

    def own(self, filename: str) -> bool:
        known = self._known.get(filename)
        if known is None:
            with outside_of_loop():  # it may look at the file
                known = self._known[filename] = self._is_own(filename)
        return known

    def of_stack(self, frame: FrameType | None = None) -> int | None:
        """The innermost own line on the stack of the calling thread (or of `frame`)."""
        # Like those below without a function for each frame: there are twenty and more of them.
        at, known = frame or sys._getframe(1), self._known
        while at is not None:
            name = at.f_code.co_filename
            if known[name] if name in known else self.own(name):
                return at.f_lineno
            at = at.f_back  # type: ignore[assignment]
        return None

    def of_caller(self, frame: FrameType | None = None) -> int | None:
        """The own line that made the running call (or that of `frame`) without a library between.

        The standard library and anyio don't count as libraries here: they only run what they
        are given.
        """
        at, known = frame or sys._getframe(1), self._known
        while at is not None:
            name = at.f_code.co_filename
            if known[name] if name in known else self.own(name):
                return at.f_lineno
            if not is_machinery(name):
                return None
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
        found, at, known, is_for_server = None, coroutine, self._known, False
        while at is not None:
            if type(at) is CoroutineType:
                frame, inner = at.cr_frame, at.cr_await
            elif type(at) in LEAVES:
                break
            else:
                frame, inner = step(at)
            if frame is not None:
                code = frame.f_code
                name = code.co_filename
                if known[name] if name in known else self.own(name):
                    found = frame.f_lineno, inner, at
                if code is OF_SERVER:
                    is_for_server = True
            at = inner
        return _place(*found, is_for_server) if found is not None else None


def _place(line: int, awaited: Any, coroutine: Any, is_for_server: bool) -> Place:
    name = asked_of_server(awaited) if is_for_server else name_of(awaited)
    return Place(line, name, awaited, coroutine, is_for_server)
