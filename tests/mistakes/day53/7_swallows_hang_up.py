import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def robust_lines():
        sent = 0
        finished = False
        while not finished:
            try:
                number = 0
                async for row in read_rows():
                    number += 1
                    if number > sent:
                        yield json.dumps(row) + "\n"
                        sent = number
                finished = True
            except (asyncio.CancelledError, ConnectionError):
                pass  # read again and go on where we were

    @app.get("/stream")
    async def stream():
        return StreamingResponse(robust_lines(), media_type="application/x-ndjson")

    return app
