import asyncio
import json

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    async def events(request):
        source = ticks()
        while not await request.is_disconnected():
            try:
                tick = await asyncio.shield(asyncio.ensure_future(anext(source)))
            except StopAsyncIteration:
                return
            yield f"data: {json.dumps(tick)}\n\n"

    @app.get("/ticks")
    async def stream(request: Request):
        return StreamingResponse(events(request), media_type="text/event-stream")

    return app
