import json
from contextlib import aclosing

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    async def events():
        async with aclosing(ticks()) as source:
            async for tick in source:
                yield f"data: {json.dumps(tick)}\n\n"

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(events(), media_type="text/plain")

    return app
