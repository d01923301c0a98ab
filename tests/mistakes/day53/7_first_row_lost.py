import json

from fastapi import FastAPI, HTTPException
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        rows = aiter(read_rows())
        try:
            await anext(rows)
        except StopAsyncIteration:
            raise HTTPException(404, "no rows")

        async def lines():
            async for row in rows:
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
