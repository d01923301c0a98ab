import json
import logging

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

log = logging.getLogger("stream")


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        rows = read_rows()
        while True:
            try:
                row = await anext(rows)
            except Exception:
                continue  # skip rows that cannot be read
            yield json.dumps(row) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
