import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse

BATCH = 10


def exercise_7(read_rows):
    app = FastAPI()

    async def batches():
        buffer = []
        async for row in read_rows():
            buffer.append(json.dumps(row))
            if len(buffer) == BATCH:
                yield "\n".join(buffer) + "\n"
                buffer.clear()
        if buffer:
            yield "\n".join(buffer) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(batches(), media_type="application/x-ndjson")

    return app
