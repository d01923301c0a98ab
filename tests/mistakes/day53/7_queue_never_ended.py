import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        queue = asyncio.Queue()

        async def read():
            async for row in read_rows():
                await queue.put(row)

        reader = asyncio.create_task(read())
        try:
            while True:
                row = await queue.get()
                yield json.dumps(row) + "\n"
        finally:
            reader.cancel()

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
