import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()
    pumps = set()

    async def events():
        queue = asyncio.Queue()

        async def pump():
            async for tick in ticks():
                await queue.put(json.dumps(tick))
            await queue.put(None)

        pumping = asyncio.create_task(pump())
        pumps.add(pumping)
        pumping.add_done_callback(pumps.discard)
        while (data := await queue.get()) is not None:
            yield f"data: {data}\n\n"

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(events(), media_type="text/event-stream")

    return app
