import json

from fastapi import FastAPI
from fastapi.encoders import jsonable_encoder
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def as_json(rows):
        async for row in rows:
            yield json.dumps(jsonable_encoder(row))

    async def as_lines(items):
        async for item in items:
            yield json.dumps(item) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(as_lines(as_json(read_rows())), media_type="application/x-ndjson")

    return app
