"""A client of an app inside a test: it asks, looks, and asks again, within one lifespan.

async with session(app) as client:
    created = await client.post("/items", json={"name": "lamp"})
    assert (await client.get(f"/items/{created.json()['id']}")).status == 200
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from ..clock import VirtualLoop
from ..driver.callbacks import exception_handler
from ..driver.exchange import Conversation
from ..driver.lifespan import Lifespan
from ..driver.lines import Lines
from ..driver.observing import watching
from ..driver.ownership import written_by_the_user
from ..driver.recorder import Recorder
from ..driver.tasks import Tasks
from ..model.errors import UsageError
from ..model.failures import PlayFailed
from ..model.requests import request
from ..model.scenarios import DRAIN, Request
from ..model.trace import Exchange, Moment, Outcome, Trace


class Session:
    """What a test asks an app that has started up."""

    def __init__(self, app: Any, recorder: Recorder, state: dict[str, Any]) -> None:
        self._app = app
        self._recorder = recorder
        self._state = state
        self._loop = asyncio.get_running_loop()
        self._conversations: list[Conversation] = []
        self._calls: set[asyncio.Task[None]] = set()

    async def send(self, request: Request) -> Exchange:
        """Send a request, and wait for its answer; `at` counts from now."""
        if request.at:
            await asyncio.sleep(request.at)
        sent = Moment(self._recorder.clock.now, self._recorder.moment().order)
        conversation = Conversation(
            len(self._conversations),
            request,
            sent,
            self._recorder,
            self._loop.at_rest.append,  # type: ignore[attr-defined]
        )
        self._conversations.append(conversation)
        call = self._loop.create_task(self._converse(conversation))
        self._calls.add(call)
        call.add_done_callback(self._calls.discard)
        await asyncio.wait([conversation.answered])
        return conversation.exchange()

    async def _converse(self, conversation: Conversation) -> None:
        conversation.begin()
        await conversation.run(self._app, self._state)

    async def request(self, method: str, path: str, **options: Any) -> Exchange:
        """Send a request; the options are those of `grader.request`."""
        return await self.send(request(method, path, **options))

    async def get(self, path: str, **options: Any) -> Exchange:
        return await self.request("GET", path, **options)

    async def post(self, path: str, **options: Any) -> Exchange:
        return await self.request("POST", path, **options)

    async def put(self, path: str, **options: Any) -> Exchange:
        return await self.request("PUT", path, **options)

    async def patch(self, path: str, **options: Any) -> Exchange:
        return await self.request("PATCH", path, **options)

    async def delete(self, path: str, **options: Any) -> Exchange:
        return await self.request("DELETE", path, **options)

    @property
    def trace(self) -> Trace:
        """All that has happened so far."""
        return Trace(
            outcome=Outcome("finished"),
            exchanges=tuple(conversation.exchange() for conversation in self._conversations),
            spans=tuple(sorted(self._recorder.spans, key=lambda span: span.start)),
            incidents=tuple(self._recorder.incidents),
            logs=tuple(self._recorder.logs),
            ended=self._recorder.clock.now,
        )

    async def finish(self) -> None:
        """Let what is still going on come to its end; cancel what doesn't."""
        if self._calls:
            await asyncio.wait(self._calls, timeout=DRAIN)
        for call in self._calls:
            call.cancel()
        if self._calls:
            await asyncio.wait(self._calls)


@asynccontextmanager
async def session(app: Any) -> AsyncIterator[Session]:
    """Start an app up, and shut it down in the end.

    Args:
        app: an ASGI app.

    Raises:
        UsageError: the running loop isn't on a virtual clock.
        PlayFailed: the app does not start up.
    """
    loop = asyncio.get_running_loop()
    if not isinstance(loop, VirtualLoop):
        raise UsageError(
            "session() needs the virtual clock",
            "mark the test with @pytest.mark.virtual_time, or run it with grader.run()",
        )
    recorder = Recorder(loop.clock, Lines(written_by_the_user))
    factory = loop.get_task_factory()
    tasks = Tasks(recorder)
    with watching(loop, recorder):
        loop.set_task_factory(tasks)
        loop.set_exception_handler(exception_handler(recorder, tasks))
        try:
            lifespan = Lifespan(app, recorder)
            await lifespan.start_up()
            if lifespan.failed:
                raise PlayFailed(lifespan.outcome())
            opened = Session(app, recorder, lifespan.state)
            yield opened
            await opened.finish()
            await lifespan.shut_down()
        finally:
            loop.set_task_factory(factory)
            loop.set_exception_handler(None)
