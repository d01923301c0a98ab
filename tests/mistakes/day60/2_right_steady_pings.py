import asyncio
import json
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse


def exercise_2(subscribe):
    app = FastAPI()

    async def stream(after):
        queue = asyncio.Queue()

        async def pump():
            async for number, event in subscribe(after):
                await queue.put(f"id: {number}\ndata: {json.dumps(event)}\n\n")

        async def ping():
            while True:
                await asyncio.sleep(15)
                await queue.put(": ping\n\n")

        async with asyncio.TaskGroup() as group:
            tasks = [group.create_task(pump()), group.create_task(ping())]
            try:
                while True:
                    yield await queue.get()
            finally:
                for task in tasks:
                    task.cancel()

    @app.get("/events")
    async def events(last_event_id: Annotated[int | None, Header()] = None):
        return StreamingResponse(stream(last_event_id or 0), media_type="text/event-stream")

    return app
