import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    async def events():
        for tick in [tick async for tick in ticks()]:
            yield f"data: {json.dumps(tick)}\n\n"

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(events(), media_type="text/event-stream")

    return app
