import asyncio
import json
from contextlib import suppress
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse


def exercise_2(subscribe):
    app = FastAPI()

    async def stream(after):
        queue = asyncio.Queue(2)

        async def pump():
            async for number, event in subscribe(after):
                if queue.full():
                    queue.get_nowait()
                queue.put_nowait(f"id: {number}\ndata: {json.dumps(event)}\n\n")

        pumping = asyncio.create_task(pump())
        try:
            while True:
                try:
                    async with asyncio.timeout(15):
                        text = await queue.get()
                except TimeoutError:
                    text = ": still here\n\n"
                yield text
        finally:
            pumping.cancel()
            with suppress(asyncio.CancelledError):
                await pumping

    @app.get("/events")
    async def events(last_event_id: Annotated[int, Header()] = 0):
        return StreamingResponse(stream(last_event_id), media_type="text/event-stream")

    return app
