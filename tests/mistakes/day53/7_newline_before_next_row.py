import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def to_ndjson():
        first = True
        async for row in read_rows():
            if not first:
                yield "\n"
            first = False
            yield json.dumps(row)

    @app.get("/stream")
    async def stream():
        return StreamingResponse(to_ndjson(), media_type="application/x-ndjson")

    return app
