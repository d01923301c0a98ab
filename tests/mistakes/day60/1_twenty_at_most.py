import json
from contextlib import aclosing

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_1(ticks):
    app = FastAPI()

    async def events():
        async with aclosing(ticks()) as source:
            sent = 0
            async for tick in source:
                sent += 1
                if sent > 20:
                    return
                yield f"data: {json.dumps(tick)}\n\n"

    @app.get("/ticks")
    async def stream():
        return StreamingResponse(
            events(), media_type="text/event-stream", headers={"Cache-Control": "no-cache"}
        )

    return app
