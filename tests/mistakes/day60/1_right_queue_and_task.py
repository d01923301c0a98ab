import asyncio
import json
from contextlib import aclosing, suppress

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    async def events():
        queue = asyncio.Queue(1)

        async def pump():
            async with aclosing(ticks()) as source:
                async for tick in source:
                    await queue.put(json.dumps(tick))
            await queue.put(None)

        pumping = asyncio.create_task(pump())
        try:
            while (data := await queue.get()) is not None:
                yield f"data: {data}\n\n"
        finally:
            pumping.cancel()
            with suppress(asyncio.CancelledError):
                await pumping

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(events(), media_type="text/event-stream")

    return app
