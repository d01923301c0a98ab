import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    async def events():
        queue = asyncio.Queue()

        async def pump():
            async for tick in ticks():
                await queue.put(tick)

        asyncio.ensure_future(pump())
        while True:
            yield f"data: {json.dumps(await queue.get())}\n\n"

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(events(), media_type="text/event-stream")

    return app
