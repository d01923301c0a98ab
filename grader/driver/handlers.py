"""Notes the exception handlers of a Starlette or FastAPI app: which one runs, from when to when.

Starlette awaits a handler's own coroutine, as ever. It is over when that dies.
"""

from __future__ import annotations

import asyncio
import functools
import inspect
import sys
import weakref
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dis import opname
from types import CoroutineType, FrameType
from typing import Any

from ..clock import current_clock
from ..clock.patching import added, replaced
from ..model.trace import Ending
from .dependencies import facts_of
from .recorder import Recorder

HANDLERS = "starlette.exception_handlers"
"""Where Starlette keeps an app's handlers while it serves a request."""

_USERS = ("starlette.middleware.exceptions", "starlette.routing", "fastapi.routing")


@contextmanager
def handlers_noted(recorder: Recorder) -> Iterator[None]:
    """Make spans of the user's own exception handlers, if Starlette is in use."""
    handling = sys.modules.get("starlette._exception_handler")
    errors = sys.modules.get("starlette.middleware.errors")
    if handling is None or errors is None:
        yield
        return
    noted = Handlers(recorder, handling.is_async_callable)
    wrap = functools.partial(noted.wrap, handling.wrap_app_handling_exceptions)
    with ExitStack() as stack:
        for name in _USERS:
            if name in sys.modules:
                module = sys.modules[name]
                stack.enter_context(replaced(module, wrap_app_handling_exceptions=wrap))
        for module in (handling, errors):
            in_thread = functools.partial(noted.in_thread, module.run_in_threadpool)
            stack.enter_context(replaced(module, run_in_threadpool=in_thread))
        middleware = errors.ServerErrorMiddleware
        handler = property(noted.of_middleware, _set_handler)
        stack.enter_context(added(middleware, handler=handler))
        yield


class Handlers:
    """The handlers of one play."""

    def __init__(self, recorder: Recorder, is_async: Callable[[Any], bool]) -> None:
        self._recorder = recorder
        self._is_async = is_async
        self._known: dict[int, tuple[Any, Any]] = {}
        self._running: set[Any] = set()

    def wrap(self, real: Callable[..., Any], app: Any, conn: Any) -> Any:
        """In place of what makes an app handle errors: the app's handlers are looked up by it."""
        handlers = conn.scope.get(HANDLERS)
        if handlers is None or not self._is_mine():
            return real(app, conn)
        conn.scope[HANDLERS] = tuple(
            {error: self._noting(handler) for error, handler in some.items()} for some in handlers
        )
        try:
            return real(app, conn)
        finally:
            conn.scope[HANDLERS] = handlers

    def of_middleware(self, middleware: Any) -> Any:
        """The handler of all other errors."""
        handler = vars(middleware)["handler"]
        return self._noting(handler) if handler is not None and self._is_mine() else handler

    def in_thread(self, real: Callable[..., Any], function: Any, *given: Any) -> Any:
        """In place of `run_in_threadpool`, by which a plain `def` handler is called."""
        coroutine = real(function, *given)
        if self._is_mine() and self._is_own(function):
            self.watch(coroutine, function, given[1])
        return coroutine

    def watch(self, coroutine: Any, handler: Any, error: Exception) -> None:
        """Note when a handler's coroutine is over; nothing else refers to it then."""
        facts = facts_of(handler, self._recorder) | {"arguments": (type(error).__name__,)}
        span, frame = self._recorder.begin("handler", **facts), coroutine.cr_frame

        def end(reference: Any) -> None:
            self._running.discard(reference)
            self._recorder.end(span, _ending_of(frame))

        self._running.add(weakref.ref(coroutine, end))

    def _is_mine(self) -> bool:
        return current_clock() is self._recorder.clock

    def _is_own(self, handler: Any) -> bool:
        return facts_of(handler, self._recorder)["line"] is not None

    def _noting(self, handler: Any) -> Any:
        """A handler that notes when it begins; itself if it is a library's, or no coroutine's."""
        _, noting = self._known.get(id(handler), (None, None))
        if noting is None:
            noting = handler
            if self._is_async(handler) and self._is_own(handler) and _takes_two(handler):
                noting = NotingHandler(handler)
                noting.noted = self
            self._known[id(handler)] = handler, noting
        return noting


class NotingHandler(functools.partial[Any]):
    """A coroutine function that handles errors. A partial one is one for Starlette, too."""

    noted: Handlers

    def __call__(self, *given: Any) -> Any:
        coroutine = self.func(*given)
        if isinstance(coroutine, CoroutineType):
            self.noted.watch(coroutine, self.func, given[1])
        return coroutine


def _set_handler(middleware: Any, handler: Any) -> None:
    vars(middleware)["handler"] = handler


def _takes_two(handler: Any) -> bool:
    """Whether a handler can be called at all. If not, Starlette's own call is to fail."""
    try:
        inspect.signature(handler).bind(None, None)
    except (TypeError, ValueError):
        return False
    return True


def _ending_of(frame: FrameType) -> Ending:
    """How a coroutine came to its end; what tells is its last step."""
    if opname[frame.f_code.co_code[frame.f_lasti]] in ("RETURN_VALUE", "RETURN_CONST"):
        return "done"
    task = asyncio.current_task()
    return "cancelled" if task is not None and task.cancelling() else "failed"
