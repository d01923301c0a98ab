import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


async def count_rows():
    for number in range(10):
        await asyncio.sleep(1)
        yield {"number": number}


def exercise_7(read_rows=count_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        rows = [row async for row in read_rows()]

        async def lines():
            for row in rows:
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
