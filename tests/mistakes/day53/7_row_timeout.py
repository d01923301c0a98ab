import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        rows = read_rows()
        while True:
            try:
                row = await asyncio.wait_for(anext(rows), timeout=5)
            except (StopAsyncIteration, asyncio.TimeoutError):
                break
            yield json.dumps(row) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
