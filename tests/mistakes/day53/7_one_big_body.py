import json

from fastapi import FastAPI, Response


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    async def stream():
        body = ""
        async for row in read_rows():
            body += json.dumps(row) + "\n"
        return Response(body, media_type="application/x-ndjson")

    return app
