"""Startup and shutdown, as a server drives them."""

from __future__ import annotations

import asyncio
from typing import Any

from .recorder import Recorder, named


class Lifespan:
    """Drives an app's lifespan; an app that has none is served without.

    Attributes:
        state: what the app's startup left for its requests.
        failed: whether startup failed, so that no request can be served.
    """

    def __init__(self, app: Any, recorder: Recorder) -> None:
        self.state: dict[str, Any] = {}
        self.failed = False
        self._app = app
        self._recorder = recorder
        self._to_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._from_app: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self._task: asyncio.Task[None] | None = None

    async def start_up(self) -> None:
        self._task = asyncio.get_running_loop().create_task(self._run())
        answer = await self._ask("lifespan.startup")
        self.failed = answer == "lifespan.startup.failed"
        if self.failed and not self._recorder.incidents:
            self._recorder.incident("lifespan-failed", detail="the app says so itself")

    async def shut_down(self) -> None:
        if self._task is not None and not self._task.done():
            await self._ask("lifespan.shutdown")
            await self._task

    async def _ask(self, question: str) -> str:
        self._to_app.put_nowait({"type": question})
        return str((await self._from_app.get())["type"])

    async def _run(self) -> None:
        scope = {
            "type": "lifespan",
            "asgi": {"version": "3.0", "spec_version": "2.0"},
            "state": self.state,
        }
        try:
            await self._app(scope, self._to_app.get, self._from_app.put)
        except (Exception, asyncio.CancelledError) as error:
            self._note(error)
        self._from_app.put_nowait({"type": "lifespan.over"})

    def _note(self, error: BaseException) -> None:
        """An app may refuse the lifespan scope; one that got further has failed."""
        line = self._recorder.lines.of_error(error)
        if line is not None:
            self._recorder.incident("lifespan-failed", line=line, detail=named(error))
