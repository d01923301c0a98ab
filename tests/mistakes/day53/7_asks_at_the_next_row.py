import json

from fastapi import FastAPI, Request
from fastapi.responses import Response


class RowsResponse(Response):
    media_type = "application/x-ndjson"

    def __init__(self, rows, request):
        super().__init__()
        self.rows = rows
        self.request = request
        del self.headers["content-length"]

    async def __call__(self, scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for row in self.rows:
            if await self.request.is_disconnected():
                await self.rows.aclose()
                return
            body = (json.dumps(row) + "\n").encode()
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream(request: Request):
        return RowsResponse(read_rows(), request)

    return app
