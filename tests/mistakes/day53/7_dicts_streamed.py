from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        return StreamingResponse(read_rows(), media_type="application/x-ndjson")

    return app
