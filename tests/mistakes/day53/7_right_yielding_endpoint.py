import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


class NDJSON(StreamingResponse):
    media_type = "application/x-ndjson"


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream", response_class=NDJSON)
    async def stream():
        async for row in read_rows():
            yield json.dumps(row).encode() + b"\n"

    return app
