import asyncio
import json

from fastapi import FastAPI
from fastapi.responses import Response


class RowStream(Response):
    media_type = "application/x-ndjson"

    def __init__(self, rows):
        self.rows = rows
        self.status_code = 200
        self.background = None
        self.init_headers({"cache-control": "no-store"})

    async def send_rows(self, send):
        async for row in self.rows:
            body = json.dumps(row).encode() + b"\n"
            await send({"type": "http.response.body", "body": body, "more_body": True})
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def __call__(self, scope, receive, send):
        headers = [(k, v) for k, v in self.raw_headers if k != b"content-length"]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        sending = asyncio.create_task(self.send_rows(send))
        leaving = asyncio.create_task(self.wait_for_disconnect(receive))
        try:
            await asyncio.wait({sending, leaving}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            leaving.cancel()
            sending.cancel()
            await asyncio.gather(sending, leaving, return_exceptions=True)

    async def wait_for_disconnect(self, receive):
        while (await receive())["type"] != "http.disconnect":
            pass


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        return RowStream(read_rows())

    return app
