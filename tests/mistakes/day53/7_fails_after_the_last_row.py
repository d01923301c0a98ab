import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def lines():
            rows = read_rows()
            async for row in rows:
                yield json.dumps(row) + "\n"
            rows.close()

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
