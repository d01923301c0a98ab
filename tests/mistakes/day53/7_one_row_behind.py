import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def lines():
            previous = None
            async for row in read_rows():
                if previous is not None:
                    yield previous + "\n"
                previous = json.dumps(row)
            if previous is not None:
                yield previous  # no newline after the last line

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
