import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def generate():
        yield "[\n"
        first = True
        async for row in read_rows():
            yield ("" if first else ",") + json.dumps(row) + "\n"
            first = False
        yield "]\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(generate(), media_type="application/x-ndjson")

    return app
