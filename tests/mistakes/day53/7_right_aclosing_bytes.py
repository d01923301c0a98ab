import json
from contextlib import aclosing

from fastapi import APIRouter, FastAPI
from fastapi.responses import StreamingResponse


def encode(row) -> bytes:
    return json.dumps(row, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def exercise_7(read_rows):
    router = APIRouter()

    async def lines():
        async with aclosing(read_rows()) as rows:
            async for row in rows:
                yield encode(row)

    @router.get("/stream")
    async def stream():
        return StreamingResponse(lines(), headers={"content-type": "application/x-ndjson"})

    app = FastAPI()
    app.include_router(router)
    return app
