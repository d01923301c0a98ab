import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def next_row(rows):
        return await anext(rows, None)

    async def lines():
        rows = read_rows()
        while (row := await asyncio.shield(next_row(rows))) is not None:
            yield json.dumps(row) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
