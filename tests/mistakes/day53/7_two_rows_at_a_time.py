import json
from contextlib import aclosing

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def lines():
        async with aclosing(read_rows()) as rows:
            held = ""
            count = 0
            async for row in rows:
                held += json.dumps(row) + "\n"
                count += 1
                if count % 2 == 0:
                    yield held
                    held = ""
            if held:
                yield held

    @app.get("/stream")
    async def stream():
        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
