import json

import anyio.from_thread
from fastapi import FastAPI
from fastapi.responses import StreamingResponse


def exercise_7(read_rows):
    app = FastAPI()

    @app.get("/stream")
    def stream():
        rows = read_rows()

        def lines():
            while True:
                try:
                    row = anyio.from_thread.run(rows.__anext__)
                except StopAsyncIteration:
                    return
                yield json.dumps(row) + "\n"

        return StreamingResponse(lines(), media_type="application/x-ndjson")

    return app
