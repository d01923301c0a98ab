"""Startup and shutdown, as a server drives them."""

from __future__ import annotations

import asyncio
from typing import Any

from ..model.scenarios import LifespanEnd
from ..model.trace import Failure, Outcome
from .awaited import of_server
from .recorder import Recorder, named

STARTUP_FAILED = "lifespan.startup.failed"


class Lifespan:
    """Drives an app's lifespan; an app without one is served all the same.

    Attributes:
        state: what the app's startup left for its requests.
        failed: whether startup failed, so that no request can be served.
    """

    def __init__(self, app: Any, recorder: Recorder) -> None:
        self.state: dict[str, Any] = {}
        self.failed = False
        self._app = app
        self._recorder = recorder
        self._failure: Failure | None = None
        self._thrown: BaseException | None = None
        self._to_app: asyncio.Queue[dict[str, Any] | Exception] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start_up(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        await self._ask("lifespan.startup")

    async def shut_down(self, how: LifespanEnd = "asked") -> None:
        if self._task is None or self._task.done():
            return
        match how:
            case "asked":
                await self._ask("lifespan.shutdown")
            case "cancelled":
                self._thrown = asyncio.CancelledError()
                self._task.cancel()
            case "broken":
                self._thrown = RuntimeError("the server has failed")
                self._to_app.put_nowait(self._thrown)
        await self._task

    def outcome(self) -> Outcome:
        """The outcome of a play that ran to its end."""
        if not self.failed:
            return Outcome("finished")
        line = self._failure.line if self._failure is not None else None
        return Outcome("startup-failed", failure=self._failure, line=line)

    async def receive(self) -> dict[str, Any]:
        message: dict[str, Any] | Exception = await of_server(self._to_app.get())
        if isinstance(message, Exception):
            raise message
        return message

    async def send(self, message: dict[str, Any]) -> None:
        self.failed = self.failed or message["type"] == STARTUP_FAILED
        self._from_app.put_nowait(message)

    async def _ask(self, question: str) -> None:
        self._to_app.put_nowait({"type": question})
        await self._from_app.get()

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self.receive, self.send)
        except (Exception, asyncio.CancelledError) as error:
            self._note(error)
        else:
            if self.failed:
                self._recorder.incident("lifespan-failed", detail="the app says so itself")
        self._from_app.put_nowait({"type": "lifespan.over"})

    def _note(self, error: BaseException) -> None:
        """An app may refuse the lifespan scope; one that got further has failed."""
        if self._is_thrown(error):
            return
        line = self._recorder.lines.of_error(error)
        if line is not None or self.failed:
            self._failure = self._recorder.failure(error)
            self._recorder.incident("lifespan-failed", line=line, detail=named(error))

    def _is_thrown(self, error: BaseException) -> bool:
        """Whether an error is only the one with which the server itself ended the lifespan."""
        if self._thrown is None:
            return False
        group = BaseExceptionGroup("", [error])
        return group.split(lambda one: _is_same(one, self._thrown))[1] is None


def _is_same(error: BaseException, thrown: BaseException | None) -> bool:
    """Whether an error is the one that was thrown; of a cancellation asyncio makes another."""
    both = (error, thrown)
    return error is thrown or all(isinstance(one, asyncio.CancelledError) for one in both)
