import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

slots = asyncio.Semaphore(10)


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def lines():
            async with slots:
                async for row in read_rows():
                    yield json.dumps(row, ensure_ascii=False) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
