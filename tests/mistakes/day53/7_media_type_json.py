import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        async def generate():
            async for row in read_rows():
                yield json.dumps(row) + "\n"

        return StreamingResponse(generate(), media_type="application/json")

    return app
