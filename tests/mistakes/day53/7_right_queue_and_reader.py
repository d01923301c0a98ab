import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        queue = asyncio.Queue(maxsize=1)

        async def read():
            async for row in read_rows():
                await queue.put(row)
            await queue.put(None)

        reader = asyncio.create_task(read())
        try:
            while (row := await queue.get()) is not None:
                yield json.dumps(row) + "\n"
        finally:
            reader.cancel()
            await asyncio.gather(reader, return_exceptions=True)

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
