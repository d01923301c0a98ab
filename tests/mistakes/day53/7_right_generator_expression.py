import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        lines = (json.dumps(row) + "\n" async for row in read_rows())
        return StreamingResponse(lines, media_type="application/x-ndjson")

    return app
