import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        for row in read_rows():
            yield json.dumps(row) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
