import asyncio
import json

from fastapi import FastAPI, Request
from fastapi.responses import StreamingResponse


def exercise_2(subscribe):
    app = FastAPI()

    async def stream(after):
        source = subscribe(after)
        coming = asyncio.ensure_future(anext(source))
        try:
            while True:
                done, _ = await asyncio.wait([coming], timeout=15)
                if not done:
                    yield ":\n\n"
                    continue
                number, event = coming.result()
                yield f"data: {json.dumps(event)}\nid: {number}\n\n"
                coming = asyncio.ensure_future(anext(source))
        finally:
            coming.cancel()
            await asyncio.gather(coming, return_exceptions=True)
            await source.aclose()

    @app.get("/events")
    async def events(request: Request):
        after = int(request.headers.get("last-event-id") or 0)
        return StreamingResponse(stream(after), media_type="text/event-stream")

    return app
