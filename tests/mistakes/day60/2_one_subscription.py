import asyncio
import json
from contextlib import asynccontextmanager
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.sse import EventSourceResponse, ServerSentEvent


def exercise_2(subscribe):
    clients = set()

    async def pump():
        async for pair in subscribe(0):
            for queue in clients:
                queue.put_nowait(pair)

    @asynccontextmanager
    async def lifespan(app):
        pumping = asyncio.create_task(pump())
        yield
        pumping.cancel()

    app = FastAPI(lifespan=lifespan)

    @app.get("/events", response_class=EventSourceResponse)
    async def events(last_event_id: Annotated[int, Header()] = 0):
        queue = asyncio.Queue()
        clients.add(queue)
        try:
            while True:
                number, event = await queue.get()
                if number > last_event_id:
                    yield ServerSentEvent(id=str(number), raw_data=json.dumps(event))
        finally:
            clients.discard(queue)

    return app
