import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


async def fetch_all(read_rows):
    result = []
    async for row in read_rows():
        result.append(row)
    return result


def exercise_7(read_rows):
    app = FastAPI()

    async def generate():
        for row in await fetch_all(read_rows):
            yield (json.dumps(row) + "\n").encode()

    @app.get("/stream")
    async def stream():
        return StreamingResponse(generate(), media_type="application/x-ndjson")

    return app
