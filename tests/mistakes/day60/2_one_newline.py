import json
from contextlib import aclosing
from typing import Annotated

from fastapi import FastAPI, Header
from fastapi.responses import StreamingResponse


def exercise_2(subscribe):
    app = FastAPI()

    async def stream(after):
        async with aclosing(subscribe(after)) as source:
            async for number, event in source:
                yield f"id: {number}\ndata: {json.dumps(event)}\n"

    @app.get("/events")
    async def events(last_event_id: Annotated[int, Header()] = 0):
        return StreamingResponse(stream(last_event_id), media_type="text/event-stream")

    return app
