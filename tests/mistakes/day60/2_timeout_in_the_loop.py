import asyncio
import json
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse


def exercise_2(subscribe):
    app = FastAPI()

    async def stream(after):
        source = subscribe(after)
        while True:
            try:
                async with asyncio.timeout(15):
                    number, event = await anext(source)
            except TimeoutError:
                yield ": ping\n\n"
                source = subscribe(after)
                continue
            after = number
            yield f"id: {number}\ndata: {json.dumps(event)}\n\n"

    @app.get("/events")
    async def events(last_event_id: Annotated[int, Header()] = 0):
        return StreamingResponse(stream(last_event_id), media_type="text/event-stream")

    return app
