import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def events():
        async for row in read_rows():
            yield f"data: {json.dumps(row)}\n\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(events(), media_type="text/event-stream")

    return app
