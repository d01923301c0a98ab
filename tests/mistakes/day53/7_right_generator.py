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

    async def ndjson():
        async for row in read_rows():
            yield f"{json.dumps(row)}\n"

    @app.get("/stream", response_class=StreamingResponse)
    async def stream():
        return StreamingResponse(ndjson(), media_type="application/x-ndjson")

    return app
