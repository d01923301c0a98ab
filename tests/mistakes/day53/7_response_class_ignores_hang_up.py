import json

from fastapi import FastAPI
from fastapi.responses import Response


class NDJSONResponse(Response):
    media_type = "application/x-ndjson"

    def __init__(self, rows):
        super().__init__()
        self.rows = rows
        del self.headers["content-length"]

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for row in self.rows:
            line = json.dumps(row).encode() + b"\n"
            await send({"type": "http.response.body", "body": line, "more_body": True})
        await send({"type": "http.response.body", "body": b""})


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        return NDJSONResponse(read_rows())

    return app
