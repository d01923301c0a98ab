import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def lines():
            rows = read_rows()
            yield json.dumps(await anext(rows)) + "\n"
            last = None
            async for row in rows:
                if last is not None:
                    yield json.dumps(last) + "\n"
                last = row
            if last is not None:
                yield json.dumps(last) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
