import json
from contextlib import aclosing

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        async with aclosing(read_rows()) as rows:
            n = 0
            async for row in rows:
                n += 1
                if n > 5:
                    break
                yield json.dumps(row) + "\n"

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
