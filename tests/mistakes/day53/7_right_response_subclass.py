import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


class NDJSONResponse(StreamingResponse):
    media_type = "application/x-ndjson"

    def __init__(self, rows, **kwargs):
        super().__init__(self.encode(rows), **kwargs)

    @staticmethod
    async def encode(rows):
        async for row in rows:
            yield json.dumps(row).encode("utf-8")
            yield b"\n"


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream", response_class=NDJSONResponse)
    async def stream():
        return NDJSONResponse(read_rows())

    return app
