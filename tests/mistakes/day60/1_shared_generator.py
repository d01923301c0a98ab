import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    items = ticks()

    async def events():
        async for tick in items:
            yield f"data: {json.dumps(tick)}\n\n"

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(events(), media_type="text/event-stream")

    return app
