import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def g():
            async with asyncio.timeout(2):
                async for r in read_rows():
                    yield json.dumps(r) + "\n"

        return StreamingResponse(g(), media_type="application/x-ndjson")

    return app
