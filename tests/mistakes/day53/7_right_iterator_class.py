import json

from fastapi import FastAPI
from fastapi.responses import StreamingResponse


class JsonLines:
    def __init__(self, rows):
        self._rows = rows

    def __aiter__(self):
        return self

    async def __anext__(self):
        row = await self._rows.__anext__()
        return json.dumps(row) + "\n"


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    def stream():
        return StreamingResponse(JsonLines(read_rows()), media_type="application/x-ndjson")

    return app
