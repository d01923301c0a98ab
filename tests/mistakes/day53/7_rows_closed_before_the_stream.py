import json
from contextlib import aclosing

from fastapi import Depends, FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    async def all_rows():
        async with aclosing(read_rows()) as rows:
            yield rows

    @app.get("/stream")
    async def stream(rows=Depends(all_rows, scope="function")):
        async def lines():
            async for row in rows:
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
