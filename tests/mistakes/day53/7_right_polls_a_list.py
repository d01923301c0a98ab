import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        rows, finished = [], False

        async def read():
            nonlocal finished
            async for row in read_rows():
                rows.append(row)
            finished = True

        reader = asyncio.create_task(read())
        try:
            while rows or not finished:
                if rows:
                    yield json.dumps(rows.pop(0)) + "\n"
                await asyncio.sleep(0)
        finally:
            reader.cancel()

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
