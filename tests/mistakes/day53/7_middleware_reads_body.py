import json
import logging

from fastapi import FastAPI, Request
from fastapi.responses import Response, StreamingResponse

log = logging.getLogger("access")


def exercise_7(read_rows):
    app = FastAPI()

    @app.middleware("http")
    async def log_size(request: Request, call_next):
        response = await call_next(request)
        body = b"".join([chunk async for chunk in response.body_iterator])
        log.info("%s: %d bytes", request.url.path, len(body))
        return Response(body, response.status_code, dict(response.headers))

    @app.get("/stream")
    async def stream():
        async def lines():
            async for row in read_rows():
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
